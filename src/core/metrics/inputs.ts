/** What all builders of inputs share: figures in, named integers out, the first unknown one being the reason for all. */
import type { Figure, MarginGroup, MarketFigures, PositionFigures } from "../margin-model.ts";
import type { Reason } from "../result.ts";
import type { MetricId } from "./catalogue.ts";
import type { Inputs } from "./metric.ts";

/** The inputs of a metric, or why one of them is unknown. */
export type InputsOf = { inputs: Inputs; reason: null } | { inputs: null; reason: Reason };

/** What metrics take of a position; a protocol's own views state it too. */
export type StatedPosition = Omit<PositionFigures, "takerSize" | "isMaker" | "entryPrice">;

/** The same of a margin group. */
export type StatedGroup = Pick<MarginGroup, "key" | "collateral" | "equity" | "maintenance" | "grossNotional"> & {
  positions: readonly StatedPosition[];
};

/** The same of an account, and of a market. */
export type StatedAccount = { groups: readonly StatedGroup[] };
export type StatedMarket = Pick<MarketFigures, "product">;

/** Metric ids of one level. */
export type MetricOf<L extends string> = Extract<MetricId, `${L}.${string}`>;

/** Inputs that cannot be had, and why. */
export function without(reason: Reason): InputsOf {
  return { inputs: null, reason };
}

/** Turns figures into inputs; the first unknown one is the reason for all. */
export function gather(figures: Readonly<Record<string, Figure | bigint>>): InputsOf {
  const inputs: Record<string, bigint> = {};
  for (const name in figures) {
    const figure = figures[name] as Figure | bigint;
    if (typeof figure === "bigint") inputs[name] = figure;
    else if (figure.value === null) return { inputs: null, reason: figure.reason };
    else inputs[name] = figure.value;
  }
  return { inputs, reason: null };
}

/** The sum of figures; unknown with the first unknown one. */
export function sumOf(figures: Iterable<Figure>): Figure {
  let value = 0n;
  for (const figure of figures) {
    if (figure.value === null) return figure;
    value += figure.value;
  }
  return { value, reason: null };
}

/** One figure of all margin groups added up. */
export function totalOf(groups: readonly StatedGroup[], figure: "equity" | "maintenance" | "grossNotional"): Figure {
  let value = 0n;
  for (const group of groups) {
    const part = group[figure];
    if (part.value === null) return part;
    value += part.value;
  }
  return { value, reason: null };
}
