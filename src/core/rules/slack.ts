import { abs, divDown, WAD } from "../fixed.ts";
import { METRICS } from "../metrics/catalogue.ts";
import type { Terms } from "../metrics/compute.ts";
import { isConverted } from "../metrics/convert.ts";
import type { Fraction, Movement } from "../metrics/metric.ts";
import type { Reason } from "../result.ts";
import { type Answer, type Measured, termsOf } from "./assess.ts";
import type { Rule } from "./rule.ts";

/** What protocols' own integer divisions may take from each term, far above the few units they do. */
const ROUNDING_ALLOWANCE = 1_000_000n;

/** Reasons that no price can lift: only an event or another rulebook. */
const BEYOND_PRICE: ReadonlySet<Reason> = new Set([
  "NO_RATE",
  "NO_POSITION",
  "NO_REGISTRY",
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
export function slack(rule: Rule, measured: Measured, exposure: bigint): bigint | null {
  const { metric, result } = measured;
  if (result.reason !== null && BEYOND_PRICE.has(result.reason)) return null;
  const { fraction } = METRICS[metric];
  const terms = termsOf(measured);
  if (fraction === null || terms === null || rule.thresholdWad === null) return 0n;
  // What also moves with a currency or with the clock is looked at in every block.
  if (isConverted(measured.inputs) || measured.inputs.now !== undefined) return 0n;
  return slackOf(terms, { threshold: rule.thresholdWad, moves: fraction.moves, exposure });
}

/** The smallest slack of the answers about one subject; null when no price can change any of them. */
export function smallestSlack(answers: readonly Answer[], exposure: bigint): bigint | null {
  let smallest: bigint | null = null;
  for (const [i, { rule, measured }] of answers.entries()) {
    if (isTwin(answers, i)) continue;
    const own = slack(rule, measured, exposure);
    if (own !== null && (smallest === null || own < smallest)) smallest = own;
  }
  return smallest;
}

/** `slack` of a fraction that is compared with `threshold`, 18 decimals. */
export function slackOf(
  { numerator, denominator }: Terms,
  { threshold, moves, exposure }: { threshold: bigint; moves: Fraction["moves"]; exposure: bigint },
): bigint | null {
  const size = abs(threshold);
  const reach =
    WAD * perUnit(moves.numerator, { exposure, term: numerator }) +
    size * perUnit(moves.denominator, { exposure, term: denominator });
  if (reach === 0n) return null;
  const gap = abs(numerator * WAD - threshold * denominator) - ROUNDING_ALLOWANCE * (WAD + size);
  if (gap <= 0n) return 0n;
  const linear = divDown(gap * WAD, reach);
  return divDown(linear * WAD, WAD + linear / 4n + 1n);
}

/** Whether an earlier answer compares the same measurement with the same threshold. */
function isTwin(answers: readonly Answer[], at: number): boolean {
  const { rule, measured } = answers[at] as Answer;
  for (let i = 0; i < at; i++) {
    const other = answers[i] as Answer;
    if (other.measured === measured && other.rule.thresholdWad === rule.thresholdWad) return true;
  }
  return false;
}

function perUnit(movement: Movement, { exposure, term }: { exposure: bigint; term: bigint }): bigint {
  if (movement === "fixed") return 0n;
  return movement === "own" ? abs(term) : abs(exposure);
}
