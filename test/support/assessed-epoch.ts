/** Epochs made from what is assessed in them, with the proof of each assessment. */
import { type Assessment, type Epoch, KERNEL_VERSION } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { compareKeys } from "../../src/core/order.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { proveAssessments, type SubjectProof, summaryOf } from "../../src/core/proof/epoch-proof.ts";
import { EpochTrees, holderKeyOf } from "../../src/core/proof/epoch-trees.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import { SortedTree } from "../../src/core/proof/sorted-tree.ts";

/** What an epoch commits to for one current assessment. */
export type AssessmentState = Pick<Assessment, "condition" | "id" | "measured" | "reason">;

export type States = ReadonlyMap<string, AssessmentState>;

/** The root over assessments, struck by the indexer's own code. */
export function assessmentRoot(states: States): { root: Hex; count: number } {
  const trees = new EpochTrees();
  for (const [key, state] of states) trees.put({ tree: "assessment", key, state });
  const { assessmentRoot: root, assessmentCount } = trees.roots();
  return { root, count: Number(assessmentCount) };
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
    collateralRoot: toHex(leafHash(Uint8Array.of(8))),
    collateralCount: "4",
    rulebookHash: toHex(leafHash(Uint8Array.of(1))),
    deploymentHash: toHex(leafHash(Uint8Array.of(2))),
    kernel: KERNEL_VERSION,
    ...given,
  };
}

/** All that these assessments say of a holder: `<protocol>|<account>`. */
export function subjectProof(states: States, subject: string): SubjectProof {
  const bySubject = new Map<string, SubjectProof["assessments"][number][]>();
  for (const key of [...states.keys()].sort(compareKeys)) {
    const own = bySubject.get(holderKeyOf(key)) ?? [];
    bySubject.set(holderKeyOf(key), [...own, { key, state: states.get(key) as StateJson }]);
  }
  const assessmentsOf = (of: string) => bySubject.get(of) ?? [];
  const tree = new SortedTree();
  for (const of of bySubject.keys()) tree.set(of, leafHash(canonicalBytes([of, summaryOf(assessmentsOf(of))])));
  const proof = proveAssessments(tree, { subject, assessmentsOf });
  if (!("subject" in proof)) throw new InvariantError(`Nothing is assessed of ${subject}.`);
  return proof;
}
