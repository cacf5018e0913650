/** Epochs made from what is assessed in them, with the proof of each assessment. */
import { type Epoch, KERNEL_VERSION } from "../../src/core/assessment.ts";
import { subjectOfKey } from "../../src/core/book/conditions.ts";
import { GroupedLeaves } from "../../src/core/book/roots.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { compareKeys } from "../../src/core/order.ts";
import type { TreePath } from "../../src/core/proof/anchor.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import type { AssessedInEpoch, AssessmentState } from "../../src/core/proof/gate.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";

export type States = ReadonlyMap<string, AssessmentState>;

/** The root over assessments, struck by the indexer's own code. */
export function assessmentRoot(states: States): { root: Hex; count: number } {
  const leaves = new GroupedLeaves(subjectOfKey);
  for (const key of states.keys()) leaves.touch(key);
  const { root, count } = leaves.strike((key) => states.get(key) as StateJson | undefined);
  return { root: toHex(root), count };
}

/** An epoch that commits to these assessments. What is not given is like the devnet's. */
export function epochOf(states: States, given: Partial<Epoch> & { toBlock: string; blockHash: Hex }): Epoch {
  const { root, count } = assessmentRoot(states);
  const toBlock = Number(given.toBlock);
  return {
    chain: "eip155:901",
    number: Math.floor(toBlock / 32).toString(),
    fromBlock: Math.max(0, toBlock - 31).toString(),
    stateRoot: toHex(leafHash(Uint8Array.of(9))),
    stateCount: "12",
    assessmentRoot: root,
    assessmentCount: count.toString(),
    rulebookHash: toHex(leafHash(Uint8Array.of(1))),
    deploymentHash: toHex(leafHash(Uint8Array.of(2))),
    kernel: KERNEL_VERSION,
    ...given,
  };
}

export type AssessmentPlace = Pick<AssessedInEpoch, "state" | "inAccount" | "inEpoch">;

/** Where an assessment stands in its epoch, worked out from all of them. */
export function placeOf(states: States, key: string): AssessmentPlace {
  const state = states.get(key);
  if (state === undefined) throw new InvariantError(`There is no assessment ${key}.`);
  const groups = [...new Set([...states.keys()].map(subjectOfKey))].sort(compareKeys);
  const inAccount = pathOf(ownKeys(states, subjectOfKey(key)), { key, hashOf: (own) => stateHash(states, own) });
  const inEpoch = pathOf(groups, { key: subjectOfKey(key), hashOf: (group) => groupHash(states, group) });
  return { state, inAccount, inEpoch };
}

function ownKeys(states: States, group: string): string[] {
  return [...states.keys()].filter((key) => subjectOfKey(key) === group).sort(compareKeys);
}

function stateHash(states: States, key: string): Uint8Array {
  return leafHash(canonicalBytes([key, states.get(key) as StateJson]));
}

function groupHash(states: States, group: string): Uint8Array {
  const own = MerkleTree.from(ownKeys(states, group).map((key) => stateHash(states, key)));
  return leafHash(canonicalBytes([group, { count: own.size.toString(), root: toHex(own.root()) }]));
}

function pathOf(
  keys: readonly string[],
  { key, hashOf }: { key: string; hashOf: (key: string) => Uint8Array },
): TreePath {
  const tree = MerkleTree.from(keys.map(hashOf));
  const index = keys.indexOf(key);
  return { index, size: tree.size, proof: tree.inclusionProof(index) };
}
