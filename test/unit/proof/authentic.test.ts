import { type Abi, encodeAbiParameters, encodeEventTopics } from "viem";
import { describe, expect, it } from "vitest";
import { clearingHouseAbi } from "../../../abis/perp-v2-clearing-house.ts";
import type { Assessment } from "../../../src/core/assessment.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { fromHex, toBase64, toHex } from "../../../src/core/proof/bytes.ts";
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { orderedTrie } from "../../../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt, type Log, type Receipt } from "../../../src/core/proof/chain/receipt.ts";
import type { LogEvidence } from "../../../src/core/proof/log-evidence.ts";
import { type LinkName, type Trust, type Verification, verifyBundle } from "../../../src/core/proof/verify.ts";
import { disclose } from "../../../src/core/rules/disclosure.ts";
import { headerWith, receiptWith } from "./block.ts";
import { DEPLOYMENT, DEPLOYMENT_HASH } from "./proven-sample.ts";
import { RULEBOOK, sampleAssessment, sampleBundle, TRUST } from "./sample.ts";

const ACCOUNT: Hex = `0x${"5a".repeat(20)}`;
const BASE: Hex = `0x${"ba".repeat(20)}`;
// biome-ignore lint/suspicious/noExplicitAny: a test reads and changes what is opaque elsewhere.
type Loose = any;

const exchange = (DEPLOYMENT as Loose).chains[0].protocols[0].contracts.ClearingHouse as Hex;

/** What the clearing house says of a trade. */
function trade(trader: Hex, address = exchange): Log {
  const abi = clearingHouseAbi as Abi;
  const item = abi.find((i) => i.type === "event" && i.name === "PositionChanged");
  const rest = item?.type === "event" ? item.inputs.filter(({ indexed }) => !indexed) : [];
  const topics = encodeEventTopics({ abi, eventName: "PositionChanged", args: { trader, baseToken: BASE } }) as Hex[];
  const data = encodeAbiParameters(
    rest,
    rest.map(() => 1n),
  );
  return { address: fromHex(address), topics: topics.map(fromHex), data: fromHex(data) };
}

function evidenceOf(receipts: readonly Receipt[], index: number): LogEvidence {
  const trie = orderedTrie(receipts.map(encodeReceipt));
  const nodes = trie.prove(index).map(toBase64).sort();
  return { kind: "logs", header: toHex(headerWith(receipts)), transactions: [String(index)], nodes };
}

const RECEIPTS = [receiptWith([trade(`0x${"5b".repeat(20)}`)], 0), receiptWith([trade(ACCOUNT)], 1)];
const EVIDENCE = evidenceOf(RECEIPTS, 1);
const HASH = toHex(keccak256(headerWith(RECEIPTS)));
const BLOCK = { chain: "eip155:901", number: "4711", hash: HASH } as const;

/** A position opened at a leverage of three, where two are allowed. */
function opening(changes: Partial<Assessment> = {}): Assessment {
  return sampleAssessment({
    ...{ ruleId: "EU-CFD-LEV-CRYPTO", metric: "POS.LEVERAGE_OPEN", testPoint: "log:1", operator: "<=", threshold: "2" },
    subject: `eip155:901/perp-v2/${BASE}/${ACCOUNT}/1`,
    inputs: { notional: "300", collateral: "100" },
    measured: "3000000000000000000",
    deploymentHash: DEPLOYMENT_HASH,
    blockHash: HASH,
    ...changes,
  });
}

function bundleOf(assessment = opening(), evidence: LogEvidence = EVIDENCE): Uint8Array {
  const rulebook = disclose(RULEBOOK.source, assessment);
  return sampleBundle({ assessment, evidence, deployment: DEPLOYMENT, rulebook });
}

const BUNDLE = bundleOf();
const FULL: Trust = { ...TRUST, blocks: [BLOCK] };
const check = async (bytes: Uint8Array, trust = FULL): Promise<Verification> => await verifyBundle(bytes, trust);
const named = ({ links }: Verification, ok: boolean | null): LinkName[] =>
  links.filter((link) => link.ok === ok).map(({ link }) => link);
const failedOf = async (bytes: Uint8Array, trust?: Trust) => named(await check(bytes, trust), false);

describe("an authentic bundle", () => {
  it("is verified with the log's key and the hash of its block", async () => {
    const result = await check(BUNDLE);
    expect(result).toMatchObject({ status: "verified", assurance: "authentic" });
    expect(result.inputs).toEqual({ proven: [], taken: ["collateral", "notional"] });
    expect(named(result, null)).toEqual(["witnesses", "anchor", "state", "call"]);
    expect(result.links.find(({ link }) => link === "receipts")?.sentence).toMatch(/the trade of 0x5a/);
  });

  it("names the inputs that its log states", async () => {
    const stating: Trust["adapterOf"] = (protocol) => ({
      ...TRUST.adapterOf(protocol),
      statedInputs: () => ({ collateral: 100n }),
    });
    const result = await check(BUNDLE, { ...FULL, adapterOf: stating });
    expect(result).toMatchObject({ status: "verified", inputs: { proven: ["collateral"], taken: ["notional"] } });
    const other: Trust["adapterOf"] = (protocol) => ({
      ...TRUST.adapterOf(protocol),
      statedInputs: () => ({ collateral: 99n }),
    });
    expect(await failedOf(BUNDLE, { ...FULL, adapterOf: other })).toEqual(["receipts"]);
  });

  it("rests on the signature too: without a log key it reaches nothing", async () => {
    const result = await check(BUNDLE, { ...FULL, logKeys: [] });
    expect(result).toMatchObject({ status: "unchecked", assurance: null });
  });

  it("without a hash of its block is attested, and unchecked", async () => {
    const { blocks: _, ...blockless } = FULL;
    expect(await check(BUNDLE, blockless)).toMatchObject({ status: "unchecked", assurance: "attested" });
    expect(await failedOf(BUNDLE, { ...FULL, blocks: [{ ...BLOCK, hash: `0x${"b2".repeat(32)}` }] })).toEqual([
      "block",
    ]);
  });

  it("fails by the header when it is another block's", async () => {
    const other = { ...EVIDENCE, header: toHex(headerWith(RECEIPTS.slice(1))) };
    expect(await failedOf(bundleOf(opening(), other))).toEqual(["header", "receipts"]);
  });

  it.each<[string, () => Uint8Array]>([
    ["another transaction's receipt", () => bundleOf(opening(), evidenceOf(RECEIPTS, 0))],
    ["a trade of another account", () => madeOf([receiptWith([trade(`0x${"5b".repeat(20)}`)], 0)])],
    ["a trade at another contract", () => madeOf([receiptWith([trade(ACCOUNT, `0x${"66".repeat(20)}`)], 0)])],
    ["no log at all", () => madeOf([receiptWith([], 0)])],
    ["another index", () => madeOf([receiptWith([trade(ACCOUNT)], 0)], { testPoint: "log:3" })],
    ["another market", () => bundleOf(opening({ subject: `eip155:901/perp-v2/${ACCOUNT}/${ACCOUNT}/1` }))],
    ["a node too few", () => changed(({ nodes }) => nodes.splice(0, 1))],
    ["a node too many", () => changed(({ nodes }) => nodes.push("wYA=") && nodes.sort())],
  ])("fails by its receipts: %s", async (_, make) => {
    const bytes = make();
    const hash = JSON.parse(new TextDecoder().decode(bytes)).assessment.body.blockHash;
    expect(await failedOf(bytes, { ...FULL, blocks: [{ ...BLOCK, hash }] })).toEqual(["receipts"]);
  });

  it("proves nothing that is not tested at a log", async () => {
    const { id: _, ...daily } = sampleAssessment({ deploymentHash: DEPLOYMENT_HASH, blockHash: HASH });
    expect(await failedOf(bundleOf(sampleAssessment(daily)))).toEqual(["receipts"]);
  });
});

/** The bundle of a block with these receipts, whose last one is brought as evidence. */
function madeOf(receipts: readonly Receipt[], changes: Partial<Assessment> = {}): Uint8Array {
  const blockHash = toHex(keccak256(headerWith(receipts)));
  const about = { blockHash, testPoint: "log:0" as const, ...changes };
  return bundleOf(opening(about), evidenceOf(receipts, receipts.length - 1));
}

function changed(change: (evidence: Loose) => void): Uint8Array {
  const json = JSON.parse(new TextDecoder().decode(BUNDLE));
  change(json.evidence);
  return canonicalBytes(json as Json);
}
