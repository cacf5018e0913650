import { InputError } from "../../core/errors.ts";
import type { CanonicalEvent } from "../../core/event.ts";
import { abs } from "../../core/fixed.ts";

/** Metrics of an opening that have the position's margin as their collateral. */
const OF_MARGIN: ReadonlySet<string> = new Set(["POS.LEVERAGE_OPEN", "POS.MARGIN_RATE", "POS.IM_RATE_STD"]);

/**
 * What `PositionModified` states of a position: its margin, which is the collateral, because funding is settled into it
 * at every trade. The notional is not stated: `lastPrice` is the price of the trade, and margin is measured at the
 * oracle's.
 * @param events the account's own in one market and transaction, in their order.
 * @throws InputError when they show that the trade was no opening or increase.
 */
export function statedInputs(metric: string, events: readonly CanonicalEvent[]): Readonly<Record<string, bigint>> {
  const states = events.flatMap(({ payload }) => (payload.event === "PositionModified" ? [payload] : []));
  const [first, last] = [states[0], states.at(-1)];
  if (first === undefined || last === undefined) throw new InputError("No PositionModified states the position.");
  const before = (first.size as bigint) - (first.tradeSize as bigint);
  const after = last.size as bigint;
  const isReversed = before !== 0n && after !== 0n && before > 0n !== after > 0n;
  if (abs(after) <= abs(before) && !isReversed) {
    throw new InputError(`The position goes from ${before} to ${after}, which is no opening or increase.`);
  }
  return OF_MARGIN.has(metric) ? { collateral: last.margin as bigint } : {};
}
