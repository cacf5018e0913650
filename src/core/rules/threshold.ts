/**
 * Comparing with a rule's threshold. Everything has 18 decimals; "true" and "in the set" are 1.
 */
import type { Condition } from "../assessment.ts";
import { InvariantError } from "../errors.ts";
import { WAD } from "../fixed.ts";
import type { Rule } from "./rule.ts";

/** The part of a rule that a comparison takes. */
export type Threshold = Pick<Rule, "id" | "operator" | "thresholdWad">;

/**
 * Whether a value meets the threshold.
 * @param value 18 decimals, in the rule's unit.
 * @throws InvariantError when the rule has no numeric threshold, or an operator that compares nothing.
 */
export function compareTo(rule: Threshold, value: bigint): Condition {
  return decide(rule, value - thresholdOf(rule));
}

/**
 * Whether an exact fraction meets the threshold, without rounding.
 * @param fraction numerator and denominator in one unit; the denominator counts as positive, and at zero the sign of
 *   the numerator decides.
 * @throws InvariantError as `compareTo`.
 */
export function compareFraction(rule: Threshold, fraction: { numerator: bigint; denominator: bigint }): Condition {
  return decide(rule, fraction.numerator * WAD - thresholdOf(rule) * fraction.denominator);
}

/** Whether the rule bounds its metric from above. */
export function isUpperBound(rule: Pick<Rule, "operator">): boolean {
  return rule.operator === "<=" || rule.operator === "<";
}

function thresholdOf(rule: Threshold): bigint {
  if (rule.thresholdWad === null) throw new InvariantError(`Rule ${rule.id} has no threshold to compare with.`);
  return rule.thresholdWad;
}

function decide({ id, operator }: Threshold, difference: bigint): Condition {
  switch (operator) {
    case "<=":
      return difference <= 0n ? "met" : "not_met";
    case "<":
      return difference < 0n ? "met" : "not_met";
    case ">=":
      return difference >= 0n ? "met" : "not_met";
    case ">":
      return difference > 0n ? "met" : "not_met";
    case "==":
    case "in":
      return difference === 0n ? "met" : "not_met";
    default:
      throw new InvariantError(`Rule ${id} has the operator ${operator}, which compares nothing.`);
  }
}
