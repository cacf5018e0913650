import { InputError } from "../errors.ts";
import { divDown, divUp, WAD } from "../fixed.ts";
import type { Reason } from "../result.ts";

/** Whom a metric is about: a position, an account in one protocol, a market, or a beneficial owner. */
export type Level = "POS" | "ACC" | "MKT" | "CPT";

/**
 * What a metric counts. `ratio`: a plain number, leverage included; `money`: the settlement asset or reporting currency
 * the caller names; `price`: money for one base unit; `base`: units of the underlier.
 */
export type UnitKind = "ratio" | "money" | "price" | "base";

/** Named integers a metric is evaluated from. Money, prices, sizes, rates: 18 decimals each. */
export type Inputs = Readonly<Record<string, bigint>>;

/** What evaluating gives: an integer with 18 decimals, or why there is none. */
export type Value = bigint | Reason;

/**
 * One way to evaluate a metric. `inputs` are the names it takes, no more and no fewer; `notional.*` stands for a family
 * of any number of inputs, and all families of a variant have the same members.
 */
export type Variant = {
  formula: string;
  inputs: readonly string[];
  evaluate(inputs: Inputs): Value;
};

/**
 * How a term moves when every price moves by less than x relatively and funding by less than x of notional:
 * by less than x times the account's exposure, by less than x times itself, or not at all.
 */
export type Movement = "exposure" | "own" | "fixed";

/**
 * The metric as an exact fraction, on which conditions are decided, so that rounding never decides one. `moves` says
 * how far each term can go before prices have moved, for the watch.
 */
export type Fraction = {
  of(inputs: Inputs): { numerator: bigint; denominator: bigint };
  moves: { numerator: Movement; denominator: Movement };
};

/** Where a definition comes from, in the marks of `docs/metrics.md`. */
export type Authority = "regulatory text" | "project definition";

/** One entry of the catalogue. All metrics have 18 decimals. `rounding` is the direction that never understates risk. */
export type MetricDefinition = {
  title: string;
  unit: UnitKind;
  rounding: "up" | "down" | "away from zero" | "toward the mark" | "exact";
  authority: Authority;
  variants: readonly [Variant, ...Variant[]];
  fraction: Fraction | null;
};

export const METRIC_DECIMALS = 18;

/** The input called `name`. @throws InputError when it is not given. */
export function need(inputs: Inputs, name: string): bigint {
  const value = inputs[name];
  if (value === undefined) throw new InputError(`The input "${name}" is missing.`);
  return value;
}

/** The members of a family: for `notional.*`, what follows `notional.` in each name, in the order given. */
export function members(inputs: Inputs, family: string): string[] {
  const prefix = `${family}.`;
  return Object.keys(inputs).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []));
}

/** The sum of a family. */
export function sum(inputs: Inputs, family: string): bigint {
  const prefix = `${family}.`;
  let total = 0n;
  for (const name in inputs) if (name.startsWith(prefix)) total += need(inputs, name);
  return total;
}

/** a / b rounded away from zero, for signed figures whose size is the risk. `b` must be positive. */
export function divAway(a: bigint, b: bigint): bigint {
  return a < 0n ? divDown(a, b) : divUp(a, b);
}

/** A figure the protocol's own margin model states exactly: nothing is computed, so nothing can differ. */
export function stated(name: string): Variant {
  return {
    formula: `${name} as the protocol's margin model states it`,
    inputs: [name],
    evaluate: (i) => need(i, name),
  };
}

/** A ratio of two terms with 18 decimals; `undefinedAs` is the reason when the denominator is not positive. */
export function ratio(definition: {
  title: string;
  authority: Authority;
  formula: string;
  inputs: readonly string[];
  rounding: "up" | "down";
  undefinedAs: Reason;
  fraction: Fraction;
}): MetricDefinition {
  const { title, authority, formula, inputs, rounding, undefinedAs, fraction } = definition;
  const divide = rounding === "up" ? divUp : divDown;
  const evaluate = (given: Inputs): Value => {
    const { numerator, denominator } = fraction.of(given);
    return denominator > 0n ? divide(numerator * WAD, denominator) : undefinedAs;
  };
  return { title, unit: "ratio", rounding, authority, variants: [{ formula, inputs, evaluate }], fraction };
}
