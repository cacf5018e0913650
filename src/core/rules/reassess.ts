/**
 * The rule applied again to recorded inputs, by whoever checks an assessment.
 */
import type { Assessment, Condition } from "../assessment.ts";
import { COLLATERAL_CLASSES } from "../collateral-class.ts";
import { InputError } from "../errors.ts";
import { WAD } from "../fixed.ts";
import type { MetricId } from "../metrics/catalogue.ts";
import { compute, unitOf } from "../metrics/compute.ts";
import { isConverted } from "../metrics/convert.ts";
import { type Inputs, METRIC_DECIMALS, members } from "../metrics/metric.ts";
import { compareKeys } from "../order.ts";
import { type Metric, REASONS, type Reason, unknown } from "../result.ts";
import { conditionOf, isFigureReason, isTestedAt, momentOf, testedMetric } from "./assess.ts";
import { dayOf } from "./day.ts";
import { type Parameters, parametersOf } from "./parameters.ts";
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
 *   metric the rule does not have, inputs the metric does not take, or rates, haircuts, scenarios, classes or a currency
 *   that are not the rulebook's; and when a day or `now` is not its block's.
 */
export function reassess(rulebook: Rulebook, assessment: Assessment): Reassessment {
  if (assessment.rulebookHash !== rulebook.hash) {
    throw new InputError(`The assessment is under rulebook ${assessment.rulebookHash}, not ${rulebook.hash}.`);
  }
  const day = dayOf(integer("blockTimestamp", assessment.blockTimestamp));
  const rule = ruleAt(rulebook, assessment.ruleId, day);
  if (rule.evaluation === "not-yet") throw new InputError(`Rule ${rule.id} waits for its metric and is not assessed.`);
  const moment = momentOf(assessment.testPoint, rule);
  if (!isTestedAt(rule, moment)) {
    throw new InputError(`Rule ${rule.id} is tested ${rule.testPoint}, not at ${assessment.testPoint}.`);
  }
  if (moment === "daily" && assessment.testPoint !== `day:${day}`) {
    throw new InputError(`The test point is ${assessment.testPoint}; the block is of ${day}.`);
  }
  const metric = testedMetric(rule, moment);
  const inputs = readInputs(assessment.inputs);
  checkParameters(parametersOf(rule, metric), { rule, assessment, inputs });
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
  if (reason === null || !isEmpty(inputs)) return compute(metric, inputs, unit);
  if (!KNOWN_REASONS.has(reason) || !isFigureReason(reason)) {
    throw new InputError(`The reason ${reason} of assessment ${assessment.id} follows from no inputs.`);
  }
  return unknown(reason, METRIC_DECIMALS, unitOf(metric, unit));
}

/** Recorded inputs as integers. @throws InputError for text that is none, or longer than 256 bits ever are. */
export function readInputs(recorded: Readonly<Record<string, string>>): Inputs {
  return Object.fromEntries(Object.entries(recorded).map(([name, text]) => [name, integer(name, text)]));
}

function integer(name: string, text: string): bigint {
  if (!INTEGER.test(text)) throw new InputError(`${name} is "${text}"; expected an integer in decimal digits.`);
  return BigInt(text);
}

type Recorded = { rule: Rule; assessment: Assessment; inputs: Inputs };

/** What of the inputs is the rulebook's and not the chain's must be what the rulebook says. */
function checkParameters(parameters: Parameters, recorded: Recorded): void {
  checkCurrency(parameters, recorded);
  checkScenarios(parameters, recorded);
  checkHaircuts(parameters, recorded);
  const { rule, assessment, inputs } = recorded;
  if (inputs.now !== undefined && inputs.now !== integer("blockTimestamp", assessment.blockTimestamp)) {
    throw new InputError(`now is ${inputs.now}; the block's time is ${assessment.blockTimestamp}.`);
  }
  const rates = new Map<string, bigint>(parameters.rates ?? []);
  for (const [name, value] of Object.entries(inputs)) {
    if (parameters.rates !== null && name.startsWith("rate.") && rates.get(name.slice("rate.".length)) !== value) {
      throw new InputError(`${name} is ${value}, which is not the rate of rule ${rule.id}.`);
    }
  }
  const { collateral } = parameters;
  const assetClass = inputs.class === undefined ? undefined : COLLATERAL_CLASSES[Number(inputs.class)];
  if (inputs.class !== undefined && collateral !== null && (assetClass === undefined || !collateral.has(assetClass))) {
    throw new InputError(`class is ${inputs.class}, which rule ${rule.id} does not look at.`);
  }
}

/** What is worth something has a haircut of the rule's table, and a debt none. No rule states one for the currency. */
function checkHaircuts(parameters: Parameters, { rule, inputs }: Recorded): void {
  const haircuts = new Set(parameters.haircuts?.values());
  for (const asset of members(inputs, "haircut")) {
    const [haircut, currency] = [inputs[`haircut.${asset}`] ?? 0n, inputs[`currencyHaircut.${asset}`] ?? 0n];
    const isDebt = (inputs[`value.${asset}`] ?? 0n) < 0n;
    if (isDebt ? haircut !== 0n : !haircuts.has(haircut)) {
      throw new InputError(`haircut.${asset} is ${haircut}, which is no haircut of rule ${rule.id}.`);
    }
    if (currency !== 0n) {
      throw new InputError(`currencyHaircut.${asset} is ${currency}; rule ${rule.id} states none.`);
    }
  }
}

/** Losses must be those of the rule's own scenarios, all of them. */
function checkScenarios({ shocks }: Parameters, { rule, inputs }: Recorded): void {
  if (shocks === null || isEmpty(inputs)) return;
  const given = members(inputs, "loss1").sort(compareKeys).join(", ");
  const wanted = [...shocks.keys()].sort(compareKeys).join(", ");
  if (given !== wanted) throw new InputError(`The scenarios are [${given}]; rule ${rule.id} has [${wanted}].`);
}

/** Money must be in the rule's currency, converted by prices that are no younger than the block. */
function checkCurrency({ currency }: Parameters, { rule, assessment, inputs }: Recorded): void {
  if (currency === null) {
    if (isConverted(inputs)) throw new InputError(`The inputs convert a figure that rule ${rule.id} takes as it is.`);
    return;
  }
  const { unit } = assessment;
  const isAsked = currency === "USD_or_EUR" ? unit === "USD" || unit === "EUR" : unit === currency;
  if (!isAsked) throw new InputError(`The unit is ${unit}; rule ${rule.id} is in ${currency}.`);
  if (isEmpty(inputs)) return;
  if (!isConverted(inputs)) throw new InputError(`The inputs have no rate to convert to ${unit} by.`);
  if (unit === "USD" && inputs["fx.denominator"] !== WAD) {
    throw new InputError(`fx.denominator is ${inputs["fx.denominator"]}; the price of a dollar in dollars is ${WAD}.`);
  }
  for (const name of ["fx.numeratorBlock", "fx.denominatorBlock"]) {
    if ((inputs[name] ?? 0n) > integer("blockNumber", assessment.blockNumber)) {
      throw new InputError(`${name} is ${inputs[name]}, after block ${assessment.blockNumber}.`);
    }
  }
}

function isEmpty(inputs: Inputs): boolean {
  return Object.keys(inputs).length === 0;
}
