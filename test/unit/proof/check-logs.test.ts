import { type Abi, encodeAbiParameters, encodeEventTopics, erc20Abi } from "viem";
import { describe, expect, it } from "vitest";
import { clearingHouseAbi } from "../../../abis/perp-v2-clearing-house.ts";
import { vaultAbi } from "../../../abis/perp-v2-vault.ts";
import { synthetixPerpsV2MarketAbi } from "../../../abis/synthetix-perps-v2-market.ts";
import { perpV2 } from "../../../src/adapters/perp-v2/index.ts";
import { synthetixPerpsV2 } from "../../../src/adapters/synthetix-perps-v2/index.ts";
import { InputError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../../../src/core/margin-model.ts";
import { checkLogs, type LogClaim, type LogGround } from "../../../src/core/proof/check-logs.ts";
import type { ProvenLog, ProvenLogs } from "../../../src/core/proof/log-evidence.ts";
import { CONFIG, FIXTURE } from "../adapters/perp-v2/fixture.ts";
import { ALICE, BOB, MARKET, CHAIN as SYNTHETIX_CHAIN, WAD } from "../adapters/synthetix-perps-v2/world.ts";

const ELSEWHERE: Hex = `0x${"66".repeat(20)}`;
const HASH: Hex = `0x${"b1".repeat(32)}`;
const NOBODY: Hex = `0x${"00".repeat(20)}`;

type Said = { address: Hex; abi: Abi; name: string; args: Record<string, unknown> };

/** The logs of one transaction, `first` being the block's index of the first one where it is known. */
function logsOf(said: readonly Said[], { transactionIndex = 0, first = 0 as number | null } = {}): ProvenLog[] {
  return said.map(({ address, abi, name, args }, place) => {
    const item = abi.find((i) => i.type === "event" && i.name === name);
    const inputs = item?.type === "event" ? item.inputs : [];
    const values = inputs.filter(({ indexed }) => !indexed).map((input) => args[input.name ?? ""] ?? 0n);
    const topics = encodeEventTopics({ abi, eventName: name, args }) as Hex[];
    const data = encodeAbiParameters(
      inputs.filter(({ indexed }) => !indexed),
      values,
    );
    return { transactionIndex, place, logIndex: first === null ? null : first + place, address, topics, data };
  });
}

const proven = (logs: readonly ProvenLog[], chainId: number): ProvenLogs => ({
  chainId,
  block: { number: 10n, hash: HASH, parentHash: HASH, timestamp: 1_775_088_000n },
  transactionIndex: logs.at(-1)?.transactionIndex ?? 0,
  logs,
});

const perpGround: LogGround = { chain: FIXTURE.chain, protocol: CONFIG, adapter: perpV2 };
const synthetixGround: LogGround = {
  ...{ chain: SYNTHETIX_CHAIN, adapter: synthetixPerpsV2 },
  protocol: SYNTHETIX_CHAIN.protocols[0] as ProtocolDeployment,
};

const contract = (name: string) => CONFIG.contracts[name]?.toLowerCase() as Hex;
const BASE: Hex = `0x${"ba".repeat(20)}`;

const trade = (changes: Partial<Said> & { by?: Hex; market?: Hex } = {}): Said => ({
  ...{ address: contract("ClearingHouse"), abi: clearingHouseAbi as Abi, name: "PositionChanged" },
  args: { trader: changes.by ?? ALICE, baseToken: changes.market ?? BASE, exchangedPositionSize: WAD },
  ...changes,
});
const provided = (by: Hex): Said => ({
  ...{ address: contract("ClearingHouse"), abi: clearingHouseAbi as Abi, name: "LiquidityChanged" },
  args: { maker: by, baseToken: BASE, quoteToken: BASE, lowerTick: 0, upperTick: 200 },
});
const deposited = (token: Hex, amount: bigint, address = contract("Vault")): Said => ({
  ...{ address, abi: vaultAbi as Abi, name: "Deposited" },
  args: { collateralToken: token, trader: ALICE, amount },
});

const modified = (of: { size: bigint; tradeSize: bigint; margin?: bigint; by?: Hex; address?: Hex }): Said => ({
  ...{ address: of.address ?? MARKET, abi: synthetixPerpsV2MarketAbi as Abi, name: "PositionModified" },
  args: { id: 1n, account: of.by ?? ALICE, margin: of.margin ?? WAD, size: of.size, tradeSize: of.tradeSize },
});
const moved = (marginDelta: bigint, address: Hex = MARKET): Said => ({
  ...{ address, abi: synthetixPerpsV2MarketAbi as Abi, name: "MarginTransferred" },
  args: { account: ALICE, marginDelta },
});
const paid = (from: Hex, to: Hex, value: bigint, token = synthetixGround.protocol.settlement.address): Said => ({
  ...{ address: token, abi: erc20Abi as Abi, name: "Transfer" },
  args: { from, to, value },
});

function claimOf({ chain, protocol }: { chain: ChainDeployment; protocol: ProtocolDeployment }) {
  const id = `eip155:${chain.chainId}`;
  const account = `${id}:${ALICE}`;
  const base = { chain: id, protocol: `${id}/${protocol.protocol}`, account, testPoint: "log:0" } as const;
  const market = protocol === CONFIG ? BASE : MARKET;
  const opening: LogClaim = {
    ...{ ...base, subject: `${base.protocol}/${market}/${ALICE}/1`, metric: "POS.LEVERAGE_OPEN" },
    inputs: { notional: "7", collateral: WAD.toString() },
  };
  const transfer: LogClaim = {
    ...{ ...base, subject: account, metric: "AML.TRANSFER_AMOUNT" },
    inputs: { units: (5n * WAD).toString(), price: WAD.toString(), "fx.numerator": "1" },
  };
  return { opening, transfer };
}

/** What the logs show of the protocol's opening or transfer. */
function show(
  ground: LogGround,
  said: readonly Said[],
  of: { kind: "opening" | "transfer"; first?: number | null; transactionIndex?: number } & Partial<LogClaim>,
) {
  const { kind, first = 0, transactionIndex = 0, ...changes } = of;
  const claim = { ...claimOf(ground)[kind], ...changes };
  const logs = logsOf(said, { first, transactionIndex });
  return checkLogs(claim, { proven: proven(logs, ground.chain.chainId), ground });
}

const onPerp = (said: readonly Said[], of: Omit<Parameters<typeof show>[2], "kind"> = {}) =>
  show(perpGround, said, { kind: "opening", ...of });
const onSynthetix = (said: readonly Said[], of: Omit<Parameters<typeof show>[2], "kind"> = {}) =>
  show(synthetixGround, said, { kind: "opening", ...of });

describe("an opening on Perp v2", () => {
  it("is shown by the trade, which states none of its inputs", () => {
    const { proven: names, sentence } = onPerp([trade()]);
    expect(names).toEqual([]);
    expect(sentence).toContain("Log 0 of the block is the trade");
    expect(sentence).toContain("states none");
  });

  it("is the account's last trade of the transaction in the market", () => {
    const both = [trade(), trade({ by: BOB }), trade()];
    expect(onPerp(both, { testPoint: "log:2" }).sentence).toContain("Log 2");
    expect(() => onPerp(both, { testPoint: "log:0" })).toThrow(InputError);
    expect(onPerp([trade(), trade({ by: BOB })]).sentence).toContain("Log 0");
  });

  it.each([
    ["nothing is there", []],
    ["the trade is another account's", [trade({ by: BOB })]],
    ["the trade is in another market", [trade({ market: ELSEWHERE })]],
    ["the log is another contract's, of the same topic", [trade({ address: ELSEWHERE })]],
    ["the contract is the protocol's, and not the one that trades", [trade({ address: contract("Vault") })]],
    ["the account changes liquidity in the same transaction", [trade(), provided(ALICE)]],
    ["the event is another", [deposited(contract("Vault"), 5n)]],
  ])("is not shown when %s", (_, said) => {
    expect(() => onPerp(said)).toThrow(InputError);
  });

  it("stands when another account changes liquidity", () => {
    expect(onPerp([trade(), provided(BOB)]).sentence).toContain("Log 0");
  });

  it("is not shown by a log whose topic is the event's and whose data are not", () => {
    const [log] = logsOf([trade()]) as [ProvenLog];
    const claim = claimOf(perpGround).opening;
    const cut = [{ ...log, data: "0x01" as Hex }];
    expect(() => checkLogs(claim, { proven: proven(cut, FIXTURE.chain.chainId), ground: perpGround })).toThrow(
      InputError,
    );
    const anonymous = [{ ...log, topics: [] }];
    expect(() => checkLogs(claim, { proven: proven(anonymous, FIXTURE.chain.chainId), ground: perpGround })).toThrow(
      InputError,
    );
  });

  it("is shown by its own transaction only, the last one proven", () => {
    const logs = [...logsOf([trade()]), ...logsOf([trade({ by: BOB })], { transactionIndex: 1, first: 1 })];
    const ground = perpGround;
    const given = { proven: proven(logs, FIXTURE.chain.chainId), ground };
    expect(() => checkLogs(claimOf(ground).opening, given)).toThrow(InputError);
    const empty = { ...proven(logsOf([trade()]), FIXTURE.chain.chainId), transactionIndex: 1 };
    expect(() => checkLogs(claimOf(ground).opening, { proven: empty, ground })).toThrow(InputError);
  });
});

describe("a log's index in its block", () => {
  const two = [trade({ by: BOB }), trade()];

  it("is taken from the record when only its own receipt is there, and then said so", () => {
    const { sentence } = onPerp(two, { first: null, transactionIndex: 3, testPoint: "log:9" });
    expect(sentence).toContain("Transaction 3 of the block holds, at place 1,");
    expect(sentence).toContain("that this is log 9 of the block is taken from the record");
  });

  it("cannot be less than its place in the receipt, and is exactly what is proven of it", () => {
    expect(() => onPerp(two, { first: null, transactionIndex: 3, testPoint: "log:0" })).toThrow(InputError);
    expect(onPerp(two, { first: null, transactionIndex: 3, testPoint: "log:1" }).proven).toEqual([]);
    expect(() => onPerp(two, { first: 4, transactionIndex: 3, testPoint: "log:6" })).toThrow(InputError);
    expect(onPerp(two, { first: 4, transactionIndex: 3, testPoint: "log:5" }).sentence).toContain("Log 5");
  });
});

describe("an opening on Synthetix v2", () => {
  const opened = modified({ size: 3n * WAD, tradeSize: 2n * WAD });

  it("is shown with the margin it leaves", () => {
    const { proven: names, sentence } = onSynthetix([opened]);
    expect(names).toEqual(["collateral"]);
    expect(sentence).toContain("states collateral");
    expect(sentence).toContain("market of the protocol is taken from the record");
    const other = { metric: "POS.LEVERAGE_OPEN", inputs: { collateral: "1", notional: "7" } };
    expect(() => onSynthetix([opened], other)).toThrow(InputError);
  });

  it("states nothing of metrics that do not rest on margin, and of inputs that were unknown", () => {
    expect(onSynthetix([opened], { metric: "POS.EQUITY", inputs: { collateral: "1" } }).proven).toEqual([]);
    expect(onSynthetix([opened], { inputs: {} }).proven).toEqual([]);
  });

  it("leaves the margin of the account's last event in the transaction", () => {
    const after = modified({ size: 3n * WAD, tradeSize: 0n, margin: 9n * WAD });
    expect(() => onSynthetix([opened, after])).toThrow(InputError);
    const inputs = { collateral: (9n * WAD).toString() };
    expect(onSynthetix([opened, after], { inputs }).proven).toEqual(["collateral"]);
  });

  it("is one from flat, of more, and to the other side; not of less, nor a close", () => {
    const from = (before: bigint, after: bigint) => [
      modified({ size: after * WAD, tradeSize: (after - before) * WAD }),
    ];
    for (const [before, after] of [
      [0n, 1n],
      [0n, -1n],
      [1n, 2n],
      [-1n, -2n],
      [2n, -1n],
      [-2n, 1n],
    ] as const) {
      expect(onSynthetix(from(before, after)).proven).toEqual(["collateral"]);
    }
    for (const [before, after] of [
      [2n, 1n],
      [-2n, -1n],
      [2n, 0n],
    ] as const) {
      expect(() => onSynthetix(from(before, after))).toThrow(InputError);
    }
    const twice = [...from(0n, 5n), ...from(5n, 1n)];
    expect(onSynthetix(twice, { testPoint: "log:1" }).proven).toEqual(["collateral"]);
    const back = [...from(5n, 9n), ...from(9n, 4n)];
    expect(() => onSynthetix(back, { testPoint: "log:1" })).toThrow(InputError);
  });

  it("is not shown by another contract's event, nor by a change of margin", () => {
    expect(() => onSynthetix([{ ...opened, address: ELSEWHERE }])).toThrow(InputError);
    expect(() => onSynthetix([modified({ size: WAD, tradeSize: 0n })])).toThrow(InputError);
    expect(() => onSynthetix([modified({ size: WAD, tradeSize: WAD, by: BOB })])).toThrow(InputError);
  });
});

describe("a transfer", () => {
  const { settlement, collateral } = CONFIG;
  const usdc = settlement.address.toLowerCase() as Hex;
  const weth = collateral?.[0]?.address.toLowerCase() as Hex;
  const onVault = (said: readonly Said[], of: Omit<Parameters<typeof show>[2], "kind"> = {}) =>
    show(perpGround, said, { kind: "transfer", ...of });
  const onMarket = (said: readonly Said[], of: Omit<Parameters<typeof show>[2], "kind"> = {}) =>
    show(synthetixGround, said, { kind: "transfer", ...of });

  it("states units and, of what everything settles in, the price", () => {
    expect(onVault([deposited(usdc, 5_000_000n)]).proven).toEqual(["units", "price"]);
    const inputs = { units: (5n * WAD).toString(), price: "1" };
    expect(onVault([deposited(weth, 5n * WAD)], { inputs }).proven).toEqual(["units"]);
  });

  it("is refused with other units, another price, of another contract, or when there is none", () => {
    expect(() => onVault([deposited(usdc, 5_000_001n)])).toThrow(InputError);
    const inputs = { units: (5n * WAD).toString(), price: (2n * WAD).toString() };
    expect(() => onVault([deposited(usdc, 5_000_000n)], { inputs })).toThrow(InputError);
    expect(() => onVault([deposited(usdc, 5_000_000n, ELSEWHERE)])).toThrow(InputError);
    expect(() => onVault([])).toThrow(InputError);
    expect(() => onVault([trade()])).toThrow(InputError);
  });

  it("does not stand behind what is said of an opening, nor an opening behind a transfer", () => {
    const opening = { metric: "POS.LEVERAGE_OPEN", inputs: {} };
    expect(() => onVault([deposited(usdc, 5_000_000n)], opening)).toThrow(/is no position in/);
    expect(() => onPerp([trade()], { metric: "AML.TRANSFER_AMOUNT", inputs: {} })).toThrow(/is not one of the account/);
  });

  it("is the one at its index, among several of a transaction", () => {
    const both = [deposited(usdc, 1_000_000n), deposited(usdc, 5_000_000n)];
    expect(onVault(both, { testPoint: "log:1" }).proven).toEqual(["units", "price"]);
    expect(() => onVault(both, { testPoint: "log:0" })).toThrow(InputError);
    expect(onVault(both, { first: null, transactionIndex: 2, testPoint: "log:8" }).sentence).toContain("at place 1");
  });

  it("on a market that only a factory knows needs the word of the token", () => {
    const inward = [paid(ALICE, NOBODY, 5n * WAD), moved(5n * WAD)];
    expect(onMarket(inward, { testPoint: "log:1" }).proven).toEqual(["units", "price"]);
    const outward = [paid(NOBODY, ALICE, 5n * WAD), moved(-5n * WAD)];
    expect(onMarket(outward, { testPoint: "log:1" }).proven).toEqual(["units", "price"]);
    for (const token of [
      ...[paid(NOBODY, ALICE, 5n * WAD), paid(BOB, NOBODY, 5n * WAD), paid(ALICE, NOBODY, 4n * WAD)],
      paid(ALICE, NOBODY, 5n * WAD, ELSEWHERE),
    ]) {
      expect(() => onMarket([token, moved(5n * WAD, ELSEWHERE)], { testPoint: "log:1" })).toThrow(InputError);
    }
  });
});
