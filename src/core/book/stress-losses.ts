import type { Hex } from "../ids.ts";
import { largestLosses, type StressedLosses } from "../metrics/stress.ts";
import type { Shocks } from "../rules/tables.ts";
import type { Venue } from "./venue.ts";

/**
 * The largest losses of a venue's accounts at each shock, by scenario: those with an open position, and those that may
 * owe against collateral whose price moves.
 */
export function lossesUnder(
  shocks: Shocks,
  { venue, now }: { venue: Venue; now: bigint },
): ReadonlyMap<string, StressedLosses> {
  const { model } = venue;
  const participants = new Set<Hex>();
  for (const key of model.marketKeys()) for (const address of model.holders(key)) participants.add(address);
  for (const address of model.addresses()) {
    if (venue.figures.account(address, now).groups.some((group) => group.restless)) participants.add(address);
  }
  const losses = new Map<string, StressedLosses>();
  for (const [scenario, shock] of shocks) {
    const equities = [...participants].map((address) => model.equityUnder(address, { now, shock }));
    losses.set(scenario, largestLosses(equities));
  }
  return losses;
}
