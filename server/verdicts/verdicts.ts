import type { Assessment } from "../../src/core/assessment.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { dayOf } from "../../src/core/rules/day.ts";
import type { Facts } from "../../src/core/rules/facts.ts";
import { type Judgement, judge } from "../../src/core/rules/judge.ts";
import { ruleAt } from "../../src/core/rules/rule.ts";
import { newest, rulebookWith, type Schedule } from "../../src/core/rules/schedule.ts";
import type { Effect } from "./breaches.ts";

/** A judgement with what decides who may see it. */
export type Verdict = Judgement & { needsFacts: boolean; jurisdiction: string; effect: Effect };

/** Turns an assessment into a verdict. */
export type Judge = (assessment: Assessment) => Verdict;

/** Reasons of an unknown figure that mean there is nothing left the rule could be broken with. */
const NOTHING_HELD = new Set(["NO_POSITION", "UNDEFINED_AT_ZERO"]);

/**
 * A judge by the versions of a rulebook and the facts the operator holds, if any. Each assessment is judged by the version
 * it was made under.
 * @throws ProviderError (from the judge) when the indexer assessed under a rulebook that is none of them.
 */
export function createJudge(schedule: Schedule, facts: Facts | null): Judge {
  return (assessment) => {
    const rulebook = rulebookWith(schedule, assessment.rulebookHash);
    if (rulebook === undefined) {
      throw new ProviderError(
        `The indexer assessed ${assessment.ruleId} under rulebook ${assessment.rulebookHash}; this server judges under ${newest(schedule).hash}.`,
      );
    }
    const rule = ruleAt(rulebook, assessment.ruleId, dayOf(BigInt(assessment.blockTimestamp)));
    const judgement = judge(rule, assessment, facts);
    return {
      ...judgement,
      needsFacts: rule.requiresFacts.length > 0,
      jurisdiction: rule.jurisdiction,
      effect: effectOf(judgement, assessment),
    };
  };
}

/**
 * A breach verdict opens. A compliant or inapplicable one cures, and so does an unknown figure of a subject that holds
 * nothing any more. Every other unknown leaves an open breach open: it is never taken for a cure.
 */
function effectOf(judgement: Judgement, assessment: Assessment): Effect {
  if (judgement.outcome === "breach") return "opens";
  if (judgement.outcome !== "indeterminate") return "cures";
  return assessment.reason !== null && NOTHING_HELD.has(assessment.reason) ? "cures" : "holds";
}
