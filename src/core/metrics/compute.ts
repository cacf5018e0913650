import { InputError } from "../errors.ts";
import { WAD } from "../fixed.ts";
import { known, type Metric, type Unit, unknown } from "../result.ts";
import { METRICS, type MetricId } from "./catalogue.ts";
import { convert, isConverted, splitRate } from "./convert.ts";
import { type Inputs, METRIC_DECIMALS, type Variant } from "./metric.ts";

/** Where an input came from: a row of `event`, `price` or `reading`, by id. */
export type Source = { kind: "event" | "price" | "reading"; id: string };

/** A number that explains itself: the formula used, its named inputs, the result, and the rows they came from. */
export type Explanation = {
  metric: MetricId;
  formula: string;
  inputs: Inputs;
  result: Metric;
  sources: readonly Source[];
};

/** A figure as a fraction of integers, before its last rounding. */
export type Terms = { numerator: bigint; denominator: bigint };

/**
 * Evaluates a metric. Inputs named `fx.*` convert money into another currency (`withRate`).
 * @param unit what the result is counted in where that is money, a price or base units: the settlement asset's or
 *   currency's symbol, the underlier's for base units.
 * @returns an integer with 18 decimals, or null with the reason.
 * @throws InputError when `inputs` are not the ones the metric takes.
 */
export function compute(metric: MetricId, inputs: Inputs, unit: Unit): Metric {
  return evaluate(metric, { variant: variantFor(metric, inputs), inputs, unit });
}

/** Evaluates a metric exactly as `compute` does, and says how. @throws InputError as `compute` does. */
export function explain(
  metric: MetricId,
  { inputs, unit, sources }: { inputs: Inputs; unit: Unit; sources: readonly Source[] },
): Explanation {
  const variant = variantFor(metric, inputs);
  const result = evaluate(metric, { variant, inputs, unit });
  const formula = isConverted(inputs) ? `(${variant.formula}) · fx.numerator / fx.denominator` : variant.formula;
  return { metric, formula, inputs, result, sources };
}

/**
 * The fraction a condition is decided on, so that rounding never decides one; with its currency rate where the inputs
 * have one, in which case the value of a metric without a fraction of its own is the numerator.
 * @returns null where there is no fraction: the value itself is exact then, or unknown.
 * @throws InputError as `compute` does.
 */
export function fractionOf({ metric, inputs }: { metric: MetricId; inputs: Inputs }): Terms | null {
  const { fraction } = METRICS[metric];
  if (!isConverted(inputs)) return fraction === null ? null : fraction.of(inputs);
  const { own, numerator, denominator } = splitRate(inputs);
  const terms = fraction === null ? valueAsTerms(metric, own) : fraction.of(own);
  return terms && { numerator: terms.numerator * numerator, denominator: terms.denominator * denominator };
}

/** The unit of a metric's result: its own kind, or the unit it is counted in. */
export function unitOf(metric: MetricId, unit: Unit): Unit {
  const kind = METRICS[metric].unit;
  return kind === "money" || kind === "price" || kind === "base" ? unit : kind;
}

/** A variant's value as a metric, converted where the inputs say so. */
function evaluate(
  metric: MetricId,
  { variant, inputs, unit }: { variant: Variant; inputs: Inputs; unit: Unit },
): Metric {
  const resultUnit = unitOf(metric, unit);
  const rate = isConverted(inputs) ? splitRate(inputs) : null;
  const value = variant.evaluate(rate?.own ?? inputs);
  if (typeof value !== "bigint") return unknown(value, METRIC_DECIMALS, resultUnit);
  const converted = rate === null ? value : convert(value, { ...rate, definition: METRICS[metric] });
  return known(converted, METRIC_DECIMALS, resultUnit);
}

function valueAsTerms(metric: MetricId, inputs: Inputs): Terms | null {
  const value = variantFor(metric, inputs).evaluate(inputs);
  return typeof value === "bigint" ? { numerator: value, denominator: WAD } : null;
}

/** The variant that takes the inputs, a currency rate among them set aside. */
function variantFor(metric: MetricId, given: Inputs): Variant {
  const inputs = isConverted(given) ? splitRate(given).own : given;
  const { variants } = METRICS[metric];
  for (const variant of variants) if (takes(variant, inputs)) return variant;
  const names = Object.keys(inputs).join(", ");
  const wanted = variants.map((v) => v.inputs.join(", ")).join("; or ");
  throw new InputError(`${metric} cannot be evaluated from [${names}]; it takes ${wanted}.`);
}

/** Whether `inputs` are exactly what the variant takes: every plain name once, and the same members in every family. */
function takes(variant: Variant, inputs: Inputs): boolean {
  let left = 0;
  for (const _ in inputs) left++;
  let first: string | null = null;
  let size = 0;
  for (const name of variant.inputs) {
    if (!name.endsWith(".*")) {
      if (inputs[name] === undefined) return false;
      left--;
      continue;
    }
    const prefix = name.slice(0, -1);
    let count = 0;
    for (const given in inputs) {
      if (!given.startsWith(prefix)) continue;
      if (first !== null && inputs[`${first}${given.slice(prefix.length)}`] === undefined) return false;
      count++;
    }
    if (first !== null && count !== size) return false;
    first ??= prefix;
    size = count;
    left -= count;
  }
  return left === 0;
}
