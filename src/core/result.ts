/**
 * Why a figure is unknown. Unknown is never zero: it carries the reason, and the reason reaches the screen, the alert
 * and the leaf.
 */
export const REASONS = [
  "NO_PRICE",
  "STALE_ORACLE",
  "NO_REGISTRY",
  "NO_RATE",
  "NO_POSITION",
  "NON_POSITIVE_EQUITY",
  "NO_COLLATERAL",
  "NO_STORAGE_TOTAL",
  "NOT_YET_READ",
  "READ_REVERTED",
  "PROTOCOL_HIDES_STATE",
  "UNDEFINED_AT_ZERO",
  "NO_CLOSED_FORM",
  "NO_FACT",
  "NOT_YET",
] as const;

/** Why a figure is not known. */
export type Reason = (typeof REASONS)[number];

/** Unit of a metric: `ratio`, `seconds`, `hours`, `points`, `boolean`, a settlement asset's symbol, or a currency. */
export type Unit = string;

/** An integer in base units with its scale, or `null` with the reason. */
export type Metric =
  | { value: bigint; decimals: number; unit: Unit; reason: null }
  | { value: null; decimals: number; unit: Unit; reason: Reason };

/** A known metric. */
export function known(value: bigint, decimals: number, unit: Unit): Metric {
  return { value, decimals, unit, reason: null };
}

/** A metric nobody can know here, and why. */
export function unknown(reason: Reason, decimals: number, unit: Unit): Metric {
  return { value: null, decimals, unit, reason };
}
