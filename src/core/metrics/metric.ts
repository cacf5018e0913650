import { InputError } from "../errors.ts";
import { divDown, divUp, max, WAD } from "../fixed.ts";
import type { Reason } from "../result.ts";

/** The first part of a metric's id: the family it is listed under. */
export type Level = "POS" | "ACC" | "MKT" | "CPT" | "PRT" | "SYS" | "AST" | "AML" | "CLASS";

/**
 * Whom a metric is about: a position, an account in one protocol, a market, a protocol, a collateral asset (CAIP-19) or
 * a chain (CAIP-2).
 */
export type Subject = "position" | "account" | "market" | "protocol" | "asset" | "chain";

/**
 * What a metric counts. `ratio`: a plain number, leverage included; `money`: the settlement asset or currency the caller
 * names; `price`: money for one base unit; `base`: units of the underlier; `seconds`, `hours` and `points` (of a
 * Herfindahl index, 0 to 10,000) with 18 decimals like everything else; `boolean`: 1 for true, 0 for false.
 */
export type UnitKind = "ratio" | "money" | "price" | "base" | "seconds" | "hours" | "points" | "boolean";

/**
 * Named integers a metric is evaluated from. Money, prices, sizes, rates: 18 decimals each. Times are seconds and counts
 * whole numbers, without decimals.
 */
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
  subject: Subject;
  title: string;
  unit: UnitKind;
  rounding: "up" | "down" | "away from zero" | "toward the mark" | "exact";
  authority: Authority;
  variants: readonly [Variant, ...Variant[]];
  fraction: Fraction | null;
};

/** A definition as its family lists it; the catalogue adds whom the family is about. */
export type Formula = Omit<MetricDefinition, "subject">;

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

/** The largest member of a family, 0 where it has none. */
export function largest(inputs: Inputs, family: string): bigint {
  return members(inputs, family).reduce((most, key) => max(most, need(inputs, `${family}.${key}`)), 0n);
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
}): Formula {
  const { title, authority, formula, inputs, rounding, undefinedAs, fraction } = definition;
  const divide = rounding === "up" ? divUp : divDown;
  const evaluate = (given: Inputs): Value => {
    const { numerator, denominator } = fraction.of(given);
    return denominator > 0n ? divide(numerator * WAD, denominator) : undefinedAs;
  };
  return { title, unit: "ratio", rounding, authority, variants: [{ formula, inputs, evaluate }], fraction };
}
