/**
 * The confidential half of a sealed verdict: what its leaf commits to, and what opens it.
 */
import type { Assessment } from "../assessment.ts";
import { blind, saltOf, verdictId } from "./ids.ts";
import { type VerdictBody, verdictBody } from "./leaf.ts";

/** What a verdict says once it is opened. The names are those of `judge`. */
export type OpenVerdict = {
  outcome: "compliant" | "breach" | "not_applicable" | "indeterminate";
  profile: string;
  missing: readonly string[];
};

/** What opens a commitment: the salt, 64 hex digits, and what was committed to. */
export type Opening = OpenVerdict & { salt: string };

/** The commitment that an opening opens, 64 hex digits. */
export function commitmentTo({ salt, outcome, profile, missing }: Opening): string {
  return blind(salt, { missing, outcome, profile });
}

/**
 * Blinds a verdict under the operator's secret: the body for its leaf, and what opens it. The salt follows from the
 * assessment, so no two verdicts share one, and a log that is written again after a crash has the same leaves.
 */
export function blindVerdict(
  assessment: Assessment,
  { verdict, secret }: { verdict: OpenVerdict; secret: Uint8Array },
): { body: VerdictBody; opening: Opening } {
  const id = verdictId(assessment.id);
  const { outcome, profile, missing } = verdict;
  const opening = { salt: saltOf(secret, id), outcome, profile, missing };
  return { body: verdictBody(assessment, { id, commitment: commitmentTo(opening) }), opening };
}
