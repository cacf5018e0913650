/**
 * Money in another currency than it was measured in. The rate is a fraction of two prices that feeds stated, and travels
 * with the metric's inputs under names beginning with `fx.`, so that a verifier converts by the same numbers.
 */
import { InputError } from "../errors.ts";
import { divDown, divUp } from "../fixed.ts";
import { divAway, type Inputs, type MetricDefinition, need } from "./metric.ts";

const PREFIX = "fx.";

const DIVISIONS: Partial<Record<MetricDefinition["rounding"], (a: bigint, b: bigint) => bigint>> = {
  up: divUp,
  down: divDown,
  "away from zero": divAway,
};

/** A price behind a rate, 18 decimals, and the block of the price event it came from. */
export type FxPrice = { price: bigint; block: bigint };

/** value · numerator / denominator: the price of the settlement asset over the price of the currency. */
export type FxRate = { numerator: FxPrice; denominator: FxPrice };

/** The inputs with the rate they are converted by. */
export function withRate(inputs: Inputs, { numerator, denominator }: FxRate): Inputs {
  return {
    ...inputs,
    "fx.numerator": numerator.price,
    "fx.numeratorBlock": numerator.block,
    "fx.denominator": denominator.price,
    "fx.denominatorBlock": denominator.block,
  };
}

/** Whether the inputs ask for a conversion. */
export function isConverted(inputs: Inputs): boolean {
  return inputs["fx.numerator"] !== undefined;
}

/**
 * Splits the inputs into the metric's own and the rate.
 * @throws InputError when the rate is not a pair of positive prices with their blocks.
 */
export function splitRate(inputs: Inputs): { own: Inputs; numerator: bigint; denominator: bigint } {
  const own: Record<string, bigint> = {};
  let rateInputs = 0;
  for (const name in inputs) {
    if (name.startsWith(PREFIX)) rateInputs++;
    else own[name] = need(inputs, name);
  }
  const [numerator, denominator] = [need(inputs, "fx.numerator"), need(inputs, "fx.denominator")];
  const blocks = [need(inputs, "fx.numeratorBlock"), need(inputs, "fx.denominatorBlock")];
  if (numerator <= 0n || denominator <= 0n || blocks.some((block) => block < 0n) || rateInputs !== 4) {
    throw new InputError("A conversion takes two positive prices and the block of each, and nothing else.");
  }
  return { own, numerator, denominator };
}

/** Converts a value, rounded as the metric is. @throws InputError when the metric is not money. */
export function convert(
  value: bigint,
  { definition, numerator, denominator }: { definition: MetricDefinition; numerator: bigint; denominator: bigint },
): bigint {
  if (definition.unit !== "money") {
    throw new InputError(`"${definition.title}" counts ${definition.unit}, which no currency rate converts.`);
  }
  const divide = DIVISIONS[definition.rounding];
  if (divide === undefined) throw new InputError(`"${definition.title}" has no rounding to convert it with.`);
  return divide(value * numerator, denominator);
}
