/**
 * Links of what is in the log: the record is what its leaf says, the leaf is in the tree, the verdict is what was sealed.
 */
import type { Bundle, Sealed } from "../bundle.ts";
import { fromHex } from "../bytes.ts";
import { assessmentId, verdictId } from "../ids.ts";
import { assessmentLeaf, bodyHash, encodeLeaf, type Leaf, verdictBody, verdictLeaf } from "../leaf.ts";
import { leafHash, verifyInclusion } from "../merkle.ts";
import { commitmentTo } from "../verdict.ts";
import { type Finding, holds, refuted } from "../verification.ts";
import type { Context } from "./context.ts";
import { UNSEALED } from "./head.ts";

/** Whether ids are the hashes of what they stand for. @throws InputError for what has no leaf. */
export function checkLeaf({ sealed }: Context): Finding {
  if (sealed === null) return UNSEALED;
  const { assessment, verdict } = sealed.bundle;
  const id = assessmentId(assessment.body);
  if (id !== assessment.body.id) return refuted(`The assessment calls itself ${assessment.body.id}, but is ${id}.`);
  for (const leaf of leavesOf(sealed.bundle)) encodeLeaf(leaf.leaf);
  if (verdict !== null) {
    const expected = verdictBody(assessment.body, { id: verdictId(id), commitment: verdict.body.commitment });
    if (bodyHash(expected) !== bodyHash(verdict.body)) return refuted("The verdict is not on this assessment.");
  }
  return holds("The ids are the hashes of what they stand for.");
}

/** Whether every leaf is in the tree that the checkpoint names. */
export function checkInclusion({ sealed: read }: Context): Finding {
  if (read === null) return UNSEALED;
  const { size, root } = read.checkpoint;
  for (const { leaf, sealed, what } of leavesOf(read.bundle)) {
    const claim = { index: Number(sealed.index), size, root, proof: sealed.proof.map(fromHex) };
    if (!verifyInclusion({ ...claim, leafHash: leafHash(encodeLeaf(leaf)) })) {
      return refuted(
        `The ${what} is not leaf ${sealed.index} of the tree of ${size} leaves that the checkpoint names.`,
      );
    }
  }
  return holds(`Leaf ${read.bundle.assessment.index} is in the tree of ${size} leaves that the checkpoint names.`);
}

/** A verdict rests on the log at every level: state proves what was measured, and not who it applies to. */
export function checkBlinding({ sealed, verifiers }: Context): Finding {
  if (sealed === null) return UNSEALED;
  const { verdict, assessment } = sealed.bundle;
  if (verdict === null) return holds("Nothing is blinded: an assessment is public.");
  const { opening } = verdict;
  const giver = verifiers.length === 0 ? " That it is the log's is not checked: no log key was given." : "";
  if (opening === null) {
    return holds(`The verdict stays blinded; the bundle proves that it was made, not what it says.${giver}`);
  }
  if (commitmentTo(opening) !== verdict.body.commitment) {
    return refuted("The opened verdict is not the one that was committed to.");
  }
  const { condition } = assessment.body;
  const needed = opening.outcome === "compliant" ? "met" : opening.outcome === "breach" ? "not_met" : condition;
  if (condition !== needed)
    return refuted(`The verdict ${opening.outcome} cannot follow from the condition ${condition}.`);
  return holds(`The verdict that was committed to is ${opening.outcome}, in profile ${opening.profile}.${giver}`);
}

function leavesOf({ assessment, verdict }: Bundle): { what: string; sealed: Sealed<unknown>; leaf: Leaf }[] {
  const leaves: ReturnType<typeof leavesOf> = [
    { what: "assessment", sealed: assessment, leaf: assessmentLeaf(assessment.body) },
  ];
  if (verdict !== null) leaves.push({ what: "verdict", sealed: verdict, leaf: verdictLeaf(verdict.body) });
  return leaves;
}
