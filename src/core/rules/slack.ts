import { abs, divDown, WAD } from "../fixed.ts";
import { METRICS } from "../metrics/catalogue.ts";
import type { Movement } from "../metrics/metric.ts";
import type { Reason } from "../result.ts";
import type { Measured } from "./assess.ts";
import type { Rule } from "./rule.ts";

/** What protocols' own integer divisions may take from each term, far above the few units they do. */
const ROUNDING_ALLOWANCE = 1_000_000n;

/** Reasons that no price can lift: only an event or another rulebook. */
const BEYOND_PRICE: ReadonlySet<Reason> = new Set([
  "NO_RATE",
  "NO_POSITION",
  "NO_STORAGE_TOTAL",
  "PROTOCOL_HIDES_STATE",
]);

/**
 * How far prices and funding may move before a rule's condition can change.
 *
 * Let x be the largest relative price move since, plus the funding that has accrued since as a share of notional. While
 * x is below the slack, the condition cannot have changed: equity moves by at most exposure · (x + x²/4), the square
 * being funding paid on a notional that has itself grown, and a requirement by at most x times itself.
 *
 * @param exposure the value of everything the account holds that has a price: the sum of |size| · price, and of
 *   collateral that is not the settlement asset. It must bound the exposure along the move too, so it does not fit
 *   liquidity providers, whose size moves with the price.
 * @returns 18 decimals, rounded down; 0 when any move may change the condition; null when no price can.
 */
export function slack(rule: Rule, { metric, inputs, result }: Measured, exposure: bigint): bigint | null {
  if (result.reason !== null && BEYOND_PRICE.has(result.reason)) return null;
  const { fraction } = METRICS[metric];
  const isInputUnknown = result.reason !== null && Object.keys(inputs).length === 0;
  if (fraction === null || rule.thresholdWad === null || isInputUnknown) return 0n;
  const threshold = abs(rule.thresholdWad);
  const { numerator, denominator } = fraction.of(inputs);
  const reach =
    WAD * perUnit(fraction.moves.numerator, { exposure, term: numerator }) +
    threshold * perUnit(fraction.moves.denominator, { exposure, term: denominator });
  if (reach === 0n) return null;
  const gap = abs(numerator * WAD - rule.thresholdWad * denominator) - ROUNDING_ALLOWANCE * (WAD + threshold);
  if (gap <= 0n) return 0n;
  const linear = divDown(gap * WAD, reach);
  return divDown(linear * WAD, WAD + linear / 4n + 1n);
}

function perUnit(movement: Movement, { exposure, term }: { exposure: bigint; term: bigint }): bigint {
  if (movement === "fixed") return 0n;
  return movement === "own" ? abs(term) : abs(exposure);
}
