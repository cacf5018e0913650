/**
 * The rule applied again to recorded inputs, by whoever checks an assessment.
 */
import type { Assessment, Condition } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { MetricId } from "../metrics/catalogue.ts";
import { compute, unitOf } from "../metrics/compute.ts";
import type { Inputs } from "../metrics/metric.ts";
import { METRIC_DECIMALS } from "../metrics/metric.ts";
import { type Metric, REASONS, type Reason, unknown } from "../result.ts";
import { conditionOf, isFigureReason, isTestedAt, momentOf, testedMetric } from "./assess.ts";
import { dayOf } from "./day.ts";
import { type Rule, type Rulebook, ruleAt } from "./rule.ts";

/** What an assessment must say, in its own JSON form. */
export type Reassessment = {
  metric: MetricId;
  measured: string | null;
  decimals: string;
  unit: string;
  reason: Reason | null;
  condition: Condition;
  operator: string;
  threshold: string;
};

/** At most as many digits as 256 bits have: no input is longer, and reading longer ones costs time. */
const INTEGER = /^(0|-?[1-9]\d{0,77})$/;
const KNOWN_REASONS: ReadonlySet<string> = new Set(REASONS);

/**
 * Applies the rule an assessment names to the inputs it records. Where an input was unknown there is nothing to apply it
 * to: the recorded reason is taken as it stands, and only its consequence is checked.
 * @throws InputError when the assessment does not fit the rulebook: other hash, no such rule on its day, a test point or
 *   metric the rule does not have, inputs the metric does not take, or rates that are not the rulebook's.
 */
export function reassess(rulebook: Rulebook, assessment: Assessment): Reassessment {
  if (assessment.rulebookHash !== rulebook.hash) {
    throw new InputError(`The assessment is under rulebook ${assessment.rulebookHash}, not ${rulebook.hash}.`);
  }
  const rule = ruleAt(rulebook, assessment.ruleId, dayOf(integer("blockTimestamp", assessment.blockTimestamp)));
  const moment = momentOf(assessment.testPoint, rule);
  if (!isTestedAt(rule, moment)) {
    throw new InputError(`Rule ${rule.id} is tested ${rule.testPoint}, not at ${assessment.testPoint}.`);
  }
  const metric = testedMetric(rule, moment);
  const inputs = readInputs(assessment.inputs);
  checkRates(rule, inputs);
  const result = measureAgain(assessment, { metric, inputs });
  return {
    metric,
    measured: result.value === null ? null : result.value.toString(),
    decimals: result.decimals.toString(),
    unit: result.unit,
    reason: result.reason,
    condition: conditionOf(rule, { metric, inputs, result }),
    operator: rule.operator,
    threshold: rule.threshold,
  };
}

function measureAgain(assessment: Assessment, { metric, inputs }: { metric: MetricId; inputs: Inputs }): Metric {
  const { reason, unit } = assessment;
  if (reason === null || Object.keys(inputs).length > 0) return compute(metric, inputs, unit);
  if (!KNOWN_REASONS.has(reason) || !isFigureReason(reason)) {
    throw new InputError(`The reason ${reason} of assessment ${assessment.id} follows from no inputs.`);
  }
  return unknown(reason, METRIC_DECIMALS, unitOf(metric, unit));
}

function readInputs(recorded: Readonly<Record<string, string>>): Inputs {
  return Object.fromEntries(Object.entries(recorded).map(([name, text]) => [name, integer(name, text)]));
}

function integer(name: string, text: string): bigint {
  if (!INTEGER.test(text)) throw new InputError(`${name} is "${text}"; expected an integer in decimal digits.`);
  return BigInt(text);
}

function checkRates(rule: Rule, inputs: Inputs): void {
  if (rule.rates === null) return;
  const rates = new Map<string, bigint>(rule.rates);
  for (const [name, value] of Object.entries(inputs)) {
    if (name.startsWith("rate.") && rates.get(name.slice("rate.".length)) !== value) {
      throw new InputError(`${name} is ${value}, which is not the rate of rule ${rule.id}.`);
    }
  }
}
