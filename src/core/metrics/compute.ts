import { InputError } from "../errors.ts";
import { known, type Metric, type Unit, unknown } from "../result.ts";
import { METRICS, type MetricId } from "./catalogue.ts";
import { type Inputs, METRIC_DECIMALS, type MetricDefinition, type Variant } from "./metric.ts";

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

/**
 * Evaluates a metric.
 * @param unit what the result is counted in unless it is a ratio: the settlement asset's or reporting currency's symbol
 *   for money and prices, the underlier's for base units.
 * @returns an integer with 18 decimals, or null with the reason.
 * @throws InputError when `inputs` are not the ones the metric takes.
 */
export function compute(metric: MetricId, inputs: Inputs, unit: Unit): Metric {
  const definition = METRICS[metric];
  return evaluate(definition, { variant: variantFor(metric, inputs), inputs, unit });
}

/** Evaluates a metric exactly as `compute` does, and says how. @throws InputError as `compute` does. */
export function explain(
  metric: MetricId,
  { inputs, unit, sources }: { inputs: Inputs; unit: Unit; sources: readonly Source[] },
): Explanation {
  const variant = variantFor(metric, inputs);
  const result = evaluate(METRICS[metric], { variant, inputs, unit });
  return { metric, formula: variant.formula, inputs, result, sources };
}

/** The unit of a metric's result: `ratio`, or the unit it is counted in. */
export function unitOf(metric: MetricId, unit: Unit): Unit {
  return METRICS[metric].unit === "ratio" ? "ratio" : unit;
}

function evaluate(
  definition: MetricDefinition,
  { variant, inputs, unit }: { variant: Variant; inputs: Inputs; unit: Unit },
): Metric {
  const value = variant.evaluate(inputs);
  const resultUnit = definition.unit === "ratio" ? "ratio" : unit;
  return typeof value === "bigint"
    ? known(value, METRIC_DECIMALS, resultUnit)
    : unknown(value, METRIC_DECIMALS, resultUnit);
}

function variantFor(metric: MetricId, inputs: Inputs): Variant {
  const { variants } = METRICS[metric];
  for (const variant of variants) if (takes(variant, inputs)) return variant;
  const given = Object.keys(inputs).join(", ");
  const wanted = variants.map((v) => v.inputs.join(", ")).join("; or ");
  throw new InputError(`${metric} cannot be evaluated from [${given}]; it takes ${wanted}.`);
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
