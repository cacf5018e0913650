import { describe, expect, it } from "vitest";
import { deploymentHash, deploymentJson, parseDeployment } from "../../../src/core/deployment.ts";
import { InputError } from "../../../src/core/errors.ts";

const address = (digit: string) => `0x${digit.repeat(40)}`;

const chain = {
  chainId: 901,
  name: "perp",
  startBlock: 0,
  tickBlocks: 10,
  epochBlocks: 32,
  gridSeconds: 300,
  feeds: [{ pair: "USDC/USD", aggregator: address("A"), decimals: 8, heartbeatSeconds: 3600 }],
  protocols: [
    {
      protocol: "perp-v2",
      startBlock: 3,
      contracts: { ClearingHouse: address("c") },
      settlement: { symbol: "USDC", address: address("d"), decimals: 6, feed: "USDC/USD" },
    },
  ],
};
const deployment = { version: 1, name: "test", chains: [chain] };

/** Struck by the release before anchors. */
const HASH_WITHOUT_ANCHOR = "0x9c0c7ac1a7dea2b7f88525a516e142f64411155b243160c1ee7e3eaa507a3228";

const parse = (value: unknown) => parseDeployment(JSON.stringify(value), "test.json");
const withChain = (change: Record<string, unknown>) => ({ ...deployment, chains: [{ ...chain, ...change }] });
const withProtocol = (change: Record<string, unknown>) =>
  withChain({ protocols: [{ ...chain.protocols[0], ...change }] });
const withSettlement = (change: Record<string, unknown>) =>
  withProtocol({ settlement: { ...chain.protocols[0]?.settlement, ...change } });

describe("parseDeployment", () => {
  it("reads a well-formed file, addresses in lower case", () => {
    const parsed = parse(deployment);
    expect(parsed.chains[0]?.feeds[0]?.aggregator).toBe(address("a"));
    expect(parsed.chains[0]?.protocols[0]?.startBlock).toBe(3);
  });

  it("takes what an asset is, and when a block counts as final, as optional", () => {
    const asset = {
      ...chain.protocols[0]?.settlement,
      class: "FIAT_STABLE_REGULATED",
      issuer: "Circle",
      currency: "USD",
    };
    const native = {
      ...asset,
      symbol: "WETH",
      address: address("e"),
      class: "NATIVE_MAJOR",
      issuer: null,
      currency: null,
    };
    const [protocol] = [{ ...chain.protocols[0], settlement: asset, collateral: [native] }];
    const parsed = parse(withChain({ finalityBlocks: 32, protocols: [protocol] })).chains[0];
    expect(parsed?.finalityBlocks).toBe(32);
    expect(parsed?.protocols[0]?.settlement).toMatchObject({ class: "FIAT_STABLE_REGULATED", issuer: "Circle" });
    expect(parsed?.protocols[0]?.collateral?.[0]).toMatchObject({ issuer: null, currency: null });
    const silent = parse(deployment).chains[0];
    expect(silent?.finalityBlocks).toBeUndefined();
    expect(silent?.protocols[0]?.settlement.class).toBeUndefined();
  });

  it("takes code hashes as optional, addresses and hashes in lower case", () => {
    const codeHashes = { [address("C")]: `0x${"AB".repeat(32)}` };
    const parsed = parse(withProtocol({ codeHashes })).chains[0]?.protocols[0];
    expect(parsed?.codeHashes).toEqual({ [address("c")]: `0x${"ab".repeat(32)}` });
    expect(parse(deployment).chains[0]?.protocols[0]?.codeHashes).toBeUndefined();
  });

  it("takes an anchor as optional, its address in lower case; without one the hash is what it was before there were any", () => {
    const anchor = { address: address("E"), startBlock: 5 };
    const [with_, without] = [parse(withChain({ anchor })), parse(deployment)];
    expect(with_.chains[0]?.anchor).toEqual({ address: address("e"), startBlock: 5 });
    expect(without.chains[0]).not.toHaveProperty("anchor");
    expect(deploymentHash(without)).toBe(HASH_WITHOUT_ANCHOR);
    expect(deploymentHash(with_)).not.toBe(HASH_WITHOUT_ANCHOR);
  });

  it.each([
    [
      "an anchor that starts before its chain",
      JSON.stringify(withChain({ startBlock: 3, anchor: { address: address("e"), startBlock: 2 } })),
    ],
    ["an anchor without an address", JSON.stringify(withChain({ anchor: { startBlock: 5 } }))],
    ["no JSON", "{"],
    ["another version", JSON.stringify({ ...deployment, version: 2 })],
    ["no chain", JSON.stringify({ ...deployment, chains: [] })],
    ["an unknown key", JSON.stringify({ ...deployment, extra: true })],
    ["one chain id twice", JSON.stringify({ ...deployment, chains: [chain, { ...chain, name: "other" }] })],
    ["one chain name twice", JSON.stringify({ ...deployment, chains: [chain, { ...chain, chainId: 902 }] })],
    ["a fractional block", JSON.stringify(withChain({ startBlock: 1.5 }))],
    ["a negative block", JSON.stringify(withChain({ startBlock: -1 }))],
    ["no ticks", JSON.stringify(withChain({ tickBlocks: 0 }))],
    ["a short address", JSON.stringify(withProtocol({ contracts: { ClearingHouse: "0x12" } }))],
    ["a protocol that starts before its chain", JSON.stringify(withChain({ startBlock: 4 }))],
    ["a settlement asset without a feed", JSON.stringify(withChain({ feeds: [] }))],
    ["one protocol twice", JSON.stringify(withChain({ protocols: [chain.protocols[0], chain.protocols[0]] }))],
    ["one asset of a protocol twice", JSON.stringify(withProtocol({ collateral: [chain.protocols[0]?.settlement] }))],
    [
      "one asset of a protocol under two symbols",
      JSON.stringify(withProtocol({ collateral: [{ ...chain.protocols[0]?.settlement, symbol: "OTHER" }] })),
    ],
    ["a class of collateral nobody knows", JSON.stringify(withSettlement({ class: "GOLD_BAR" }))],
    ["an issuer without a name", JSON.stringify(withSettlement({ issuer: " " }))],
    ["a currency that is no code", JSON.stringify(withSettlement({ currency: "dollar" }))],
    ["a token of more decimals than a figure has", JSON.stringify(withSettlement({ decimals: 19 }))],
    [
      "a feed of more decimals than a figure has",
      JSON.stringify(withChain({ feeds: [{ ...chain.feeds[0], decimals: 19 }] })),
    ],
    ["finality of no block", JSON.stringify(withChain({ finalityBlocks: 0 }))],
    ["code of no address", JSON.stringify(withProtocol({ codeHashes: { Vault: `0x${"ab".repeat(32)}` } }))],
    ["a hash of another length", JSON.stringify(withProtocol({ codeHashes: { [address("c")]: "0xab" } }))],
    ["one feed twice", JSON.stringify(withChain({ feeds: [chain.feeds[0], chain.feeds[0]] }))],
  ])("refuses %s", (_, text) => {
    expect(() => parseDeployment(text, "test.json")).toThrow(InputError);
  });

  it("names the file and the place", () => {
    expect(() => parse(withProtocol({ startBlock: "3" }))).toThrow(/test\.json.*chains\.0\.protocols\.0\.startBlock/);
  });
});

describe("deploymentHash", () => {
  it("does not depend on the order of keys or the case of addresses", () => {
    const reordered = Object.fromEntries(Object.entries(deployment).reverse());
    const upper = JSON.stringify(reordered).replaceAll(/0x[a-f]{40}/g, (text) => `0x${text.slice(2).toUpperCase()}`);
    expect(deploymentHash(parseDeployment(upper, "other.json"))).toBe(deploymentHash(parse(deployment)));
  });

  it("changes with any figure", () => {
    const hashes = [
      deployment,
      withChain({ tickBlocks: 11 }),
      withChain({ epochBlocks: 33 }),
      withProtocol({ startBlock: 4 }),
      withProtocol({ codeHashes: { [address("c")]: `0x${"ab".repeat(32)}` } }),
    ];
    expect(new Set(hashes.map((value) => deploymentHash(parse(value)))).size).toBe(hashes.length);
  });

  it("is made from integers as decimal strings", () => {
    expect(deploymentJson(parse(deployment))).toMatchObject({ version: "1", chains: [{ chainId: "901" }] });
  });
});
