/**
 * From an assessment, which is the same for everybody, to a verdict, which depends on whom it is about.
 */
import type { Assessment } from "../assessment.ts";
import { dayOf } from "./day.ts";
import { type Facts, factsAbout } from "./facts.ts";
import type { Rule } from "./rule.ts";
import { ENTITY_CLASSES } from "./words.ts";

/** The four values of a verdict. Nothing defaults to `compliant`. */
export type Outcome = "compliant" | "breach" | "not_applicable" | "indeterminate";

/**
 * A verdict. `missing` names what would decide an `indeterminate` one: `registry.clientClass`, `registry.jurisdiction`,
 * `figure.NO_RATE`, the reason the figure is unknown, or `rule.exemption`, which the rule has and nobody tests. `profile` is the set of rules judged together: `EU_RETAIL`.
 */
export type Judgement = { outcome: Outcome; missing: readonly string[]; profile: string };

/** Rules of these kinds only say when a duty or class begins, or state a number to reckon with: they cannot be broken. */
const CANNOT_BE_BROKEN: ReadonlySet<string> = new Set([
  "scoping",
  "duty_trigger",
  "classification",
  "parameter",
  "formula",
  "reporting",
  "qualitative",
]);

/** A country, a union or a part of one: `DE`, `EU`, `AE-DU`. What is none of them, like `eu`, is not understood. */
const PLACE_CODE = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/;

/** Whether a rule of its kind can be broken at all. */
export function canBeBroken({ kind }: Pick<Rule, "kind">): boolean {
  return !CANNOT_BE_BROKEN.has(kind);
}

/**
 * Applies facts to an assessment of `rule`: those about the account or, where the assessment is about a market, a
 * protocol or an asset, about the protocol, and for a chain about the chain. A known fact that does not match makes the rule not applicable, whatever
 * else is missing; a missing or not understood one makes the verdict indeterminate, whatever the condition.
 * @param facts null where the operator holds none.
 */
export function judge(rule: Rule, assessment: Assessment, facts: Facts | null): Judgement {
  const about =
    facts === null || rule.requiresFacts.length === 0
      ? new Map<string, string>()
      : factsAbout(facts, assessment.account ?? assessment.protocol, dayOf(BigInt(assessment.blockTimestamp)));
  return judgeBy(rule, assessment, about);
}

/**
 * `judge` by facts that are already those of the subject on the day: predicate → object. With made-up facts the answer
 * is hypothetical ("if this account were retail in Japan").
 */
export function judgeBy(
  rule: Rule,
  found: Pick<Assessment, "condition" | "reason">,
  about: ReadonlyMap<string, string>,
): Judgement {
  const { profile } = rule;
  if (!canBeBroken(rule)) return { outcome: "not_applicable", missing: [], profile };
  const missing: string[] = [];
  for (const predicate of rule.requiresFacts) {
    const match = matches(rule, predicate, about.get(predicate));
    if (match === false) return { outcome: "not_applicable", missing: [], profile };
    if (match === null) missing.push(`registry.${predicate}`);
  }
  if (found.condition === "unknown") missing.push(`figure.${found.reason ?? "UNKNOWN"}`);
  if (found.condition === "not_met" && rule.exemption !== undefined) missing.push("rule.exemption");
  if (missing.length > 0) return { outcome: "indeterminate", missing, profile };
  return { outcome: found.condition === "met" ? "compliant" : "breach", missing, profile };
}

/** Whether the fact brings the account under the rule; null when that cannot be told. */
function matches(rule: Rule, predicate: Rule["requiresFacts"][number], value: string | undefined): boolean | null {
  if (value === undefined) return null;
  if (predicate === "jurisdiction") {
    if (!PLACE_CODE.test(value)) return null;
    if (rule.covers.some((place) => value === place || value.startsWith(`${place}-`))) return true;
    // "AE" may be Dubai or not: a wider place than the rule's decides nothing.
    return rule.covers.some((place) => place.startsWith(`${value}-`)) ? null : false;
  }
  if (predicate === "entityClass") {
    const known = ENTITY_CLASSES.find((entityClass) => entityClass === value);
    return known === undefined ? null : (rule.entityClasses ?? []).includes(known);
  }
  if (!rule.knownClientClasses.includes(value)) return null;
  return (rule.clientClasses ?? []).includes(value);
}
