import { readFileSync } from "node:fs";
import { encodeFunctionData } from "viem";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deployGate } from "../../devnet/anchor.ts";
import type { Contract } from "../../devnet/kit.ts";
import type { Hex } from "../../src/core/ids.ts";
import { compareKeys } from "../../src/core/order.ts";
import { leafArguments, publishArguments, type TreePath } from "../../src/core/proof/anchor.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { summaryOf } from "../../src/core/proof/epoch-proof.ts";
import { gateProof } from "../../src/core/proof/gate.ts";
import { encodeLeaf, epochLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import { epochOf } from "../support/assessed-epoch.ts";
import { type AnchorWorld, deployAnchor, gasOf, startAnchorWorld } from "./anchor-world.ts";
import { TERMS } from "./gate-world.ts";

/** Leaves of the log, place of the epoch's among them, subjects of the epoch, rules about the account. */
const LOG_SIZE = 100_000;
const EPOCH_INDEX = 60_123;
const SUBJECTS = 10_000;
const SUBJECT_INDEX = 4321;
const RULES = 60;
/** How far the docs may be from what is measured. */
const TOLERANCE = 0.02;

let world: AnchorWorld;
const rows: { what: string; hashes: number; bytes: number; gas: number }[] = [];

beforeAll(async () => {
  world = await startAnchorWorld();
});

afterAll(() => world?.anvil.stop());

/** The table of the docs, by its first column. */
function documented(): ReadonlyMap<string, { hashes: number; gas: number }> {
  const numberOf = (text: string | undefined) => Number((text ?? "").replaceAll(",", ""));
  const lines = readFileSync("docs/anchoring.md", "utf8").split("\n");
  const cells = lines.filter((line) => /^\| [a-z ]+( \| [\d,]+){3} \|$/.test(line)).map((line) => line.split(" | "));
  return new Map(
    cells.map(([what, hashes, , gas]) => [
      `${what}`.slice(2),
      { hashes: numberOf(hashes), gas: numberOf(gas?.slice(0, -2)) },
    ]),
  );
}

async function measure(
  what: string,
  contract: Contract,
  call: { functionName: string; args: readonly unknown[]; from: Hex; hashes: number },
): Promise<void> {
  const { functionName, args, hashes } = call;
  const bytes = encodeFunctionData({ abi: contract.abi, functionName, args }).length / 2 - 1;
  rows.push({ what, bytes, hashes, gas: Number(await gasOf(world.kit, contract, call)) });
}

async function deployed(what: string, deploy: () => Promise<Contract>): Promise<Contract> {
  const contract = await deploy();
  const receipts = (await world.kit.rpc("eth_getBlockReceipts", ["latest"])) as { gasUsed: Hex }[];
  const code = (await world.kit.rpc("eth_getCode", [contract.address, "latest"])) as Hex;
  const gas = Number((receipts[0] as { gasUsed: Hex }).gasUsed);
  rows.push({ what, bytes: code.length / 2 - 1, hashes: 0, gas });
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
  const others = Array.from({ length: RULES - 1 }, (_, i) => `${i % 2 === 0 ? "EU" : "UK"}-${i}`);
  const assessments = [TERMS.ruleId, ...others].sort(compareKeys).map((rule) => {
    const key = `${subject}|${rule}`;
    return { key, state: { condition: "met", id: sha256Hex(key), measured: "1250000000000000000", reason: null } };
  });
  const leaf = leafHash(canonicalBytes([subject, summaryOf(assessments)]));
  const all = treeWith(SUBJECTS, { index: SUBJECT_INDEX, leaf });
  const proof = all.inclusionProof(SUBJECT_INDEX).map(toHex);
  const given = { toBlock: toBlock.toString(), blockHash: toHex(leafHash(Uint8Array.of(4))) };
  const epoch = epochOf(new Map(), { ...given, assessmentRoot: toHex(all.root()), assessmentCount: "250000" });
  const of = { size: SUBJECTS.toString(), subject, assessments, index: SUBJECT_INDEX.toString(), proof };
  return { epoch, assessments: of, ruleId: TERMS.ruleId };
}

it("costs the gas that the docs name", async () => {
  const { kit, owner } = world;
  const account = kit.accounts[2] as Hex;
  const anchor = await deployed("deployment of the anchor", () => deployAnchor(kit, owner));
  const gate = await deployed("deployment of the gate", () =>
    deployGate(kit, { anchor: anchor.address, terms: TERMS }),
  );
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
  const argument = gateProof({ ...about, inLog });
  const all = hashes + argument.inAccount.proof.length + argument.inEpoch.proof.length;
  await measure("an act let through", gate, { functionName: "act", args: [argument], from: account, hashes: all });

  const grouped = (value: number) => value.toLocaleString("en-US");
  const lines = rows.map(({ what, hashes: count, bytes, gas }) =>
    [what, count, grouped(bytes), grouped(gas)].join(" | "),
  );
  console.log(["| | hashes | bytes | gas |", "|---|---|---|---|", ...lines.map((line) => `| ${line} |`)].join("\n"));
  const table = documented();
  expect([...table.keys()]).toEqual(rows.map(({ what }) => what));
  for (const { what, hashes: count, gas } of rows) {
    expect(table.get(what)?.hashes, what).toBe(count);
    // How many bytes of a hash are zero, which cost less, is chance; and an epoch's body may have a few bytes more.
    expect(Math.abs((table.get(what)?.gas ?? 0) - gas) / gas, what).toBeLessThan(TOLERANCE);
  }
});
