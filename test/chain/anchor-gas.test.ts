import { readFileSync } from "node:fs";
import { encodeFunctionData } from "viem";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Contract } from "../../devnet/kit.ts";
import type { Hex } from "../../src/core/ids.ts";
import { leafArguments, publishArguments, type TreePath } from "../../src/core/proof/anchor.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { gateProof } from "../../src/core/proof/gate.ts";
import { encodeLeaf, epochLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import { type AnchorWorld, deployAnchor, deployGate, gasOf, startAnchorWorld } from "./anchor-world.ts";
import { epochOf } from "./assessed-epoch.ts";
import { TERMS } from "./gate-world.ts";

/** Leaves of the log, place of the epoch's among them, subjects of the epoch, rules about the account. */
const LOG_SIZE = 100_000;
const EPOCH_INDEX = 60_123;
const SUBJECTS = 10_000;
const RULES = 60;

let world: AnchorWorld;
const rows: string[] = [];

beforeAll(async () => {
  world = await startAnchorWorld();
});

afterAll(() => world?.anvil.stop());

function row(what: string, { bytes, hashes, gas }: { bytes: number; hashes: number; gas: bigint }): void {
  const grouped = (value: number | bigint) => value.toLocaleString("en-US");
  rows.push(`| ${what} | ${hashes} | ${grouped(bytes)} | ${grouped(gas)} |`);
}

async function measure(
  what: string,
  contract: Contract,
  call: { functionName: string; args: readonly unknown[]; from: Hex; hashes: number },
): Promise<void> {
  const { functionName, args, hashes } = call;
  const bytes = encodeFunctionData({ abi: contract.abi, functionName, args }).length / 2 - 1;
  row(what, { bytes, hashes, gas: await gasOf(world.kit, contract, call) });
}

async function deployed(what: string, deploy: () => Promise<Contract>): Promise<Contract> {
  const contract = await deploy();
  const receipts = (await world.kit.rpc("eth_getBlockReceipts", ["latest"])) as { gasUsed: Hex }[];
  const code = (await world.kit.rpc("eth_getCode", [contract.address, "latest"])) as Hex;
  row(what, { bytes: code.length / 2 - 1, hashes: 0, gas: BigInt((receipts[0] as { gasUsed: Hex }).gasUsed) });
  return contract;
}

function treeWith(size: number, { index, leaf }: { index: number; leaf: Uint8Array }): MerkleTree {
  const other = (i: number) => leafHash(Uint8Array.of(i >> 16, (i >> 8) & 0xff, i & 0xff));
  return MerkleTree.from(Array.from({ length: size }, (_, i) => (i === index ? leaf : other(i))));
}

const pathIn = (tree: MerkleTree, index: number): TreePath => ({
  ...{ index, size: tree.size },
  proof: tree.inclusionProof(index),
});

/** An epoch in which the account's rule is one of many and the account one of many subjects. */
function assessed(account: Hex, toBlock: bigint) {
  const subject = `${TERMS.protocol}|eip155:901:${account.toLowerCase()}`;
  const key = `${subject}|${TERMS.ruleId}`;
  const state = { condition: "met", id: sha256Hex(key), measured: "1250000000000000000", reason: null } as const;
  const own = treeWith(RULES, { index: 33, leaf: leafHash(canonicalBytes([key, state])) });
  const summary = [subject, { count: RULES.toString(), root: toHex(own.root()) }];
  const all = treeWith(SUBJECTS, { index: 4321, leaf: leafHash(canonicalBytes(summary)) });
  const given = { toBlock: toBlock.toString(), blockHash: toHex(leafHash(Uint8Array.of(4))) };
  const epoch = epochOf(new Map(), { ...given, assessmentRoot: toHex(all.root()), assessmentCount: "250000" });
  const about = { protocol: TERMS.protocol, account, ruleId: TERMS.ruleId, state };
  return { epoch, ...about, inAccount: pathIn(own, 33), inEpoch: pathIn(all, 4321) };
}

it("costs the gas that the docs name", async () => {
  const { kit, owner } = world;
  const account = kit.accounts[2] as Hex;
  const anchor = await deployed("deployment of the anchor", () => deployAnchor(kit, owner));
  const gate = await deployed("deployment of the gate", () => deployGate(kit, anchor, TERMS));
  const about = assessed(account, await kit.blockNumber());
  const leaf = encodeLeaf(epochLeaf(about.epoch));
  const log = treeWith(LOG_SIZE, { index: EPOCH_INDEX, leaf: leafHash(leaf) });
  const head = (size: number) => ({ size, root: log.root(size) });

  const first = publishArguments(head(98_765), { last: null, proof: [] });
  await measure("first head", anchor, { functionName: "publish", args: first, from: owner, hashes: 0 });
  const proof = log.consistencyProof(98_765, LOG_SIZE);
  const next = publishArguments(head(LOG_SIZE), { last: head(98_765), proof });
  await measure("next head", anchor, { functionName: "publish", args: next, from: owner, hashes: proof.length });
  const again = publishArguments(head(LOG_SIZE), { last: head(LOG_SIZE), proof: [] });
  await measure("the last head again", anchor, { functionName: "publish", args: again, from: owner, hashes: 0 });

  const inLog = pathIn(log, EPOCH_INDEX);
  const reading = leafArguments(leaf, { ...inLog, root: log.root() });
  const hashes = inLog.proof.length;
  await measure("a leaf read", anchor, { functionName: "readLeaf", args: reading, from: account, hashes });
  const all = hashes + about.inAccount.proof.length + about.inEpoch.proof.length;
  const argument = gateProof({ ...about, inLog });
  await measure("an act let through", gate, { functionName: "act", args: [argument], from: account, hashes: all });

  const table = ["| | hashes | bytes | gas |", "|---|---|---|---|", ...rows].join("\n");
  console.log(table);
  expect(readFileSync("docs/anchoring.md", "utf8")).toContain(table);
});
