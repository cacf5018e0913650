import { SECONDS_PER_DAY } from "../rules/day.ts";
import type { Journal } from "./journal.ts";
import type { Venue } from "./venue.ts";

/** How far back the loss of a protocol is counted. */
const WINDOW_SECONDS = 30n * SECONDS_PER_DAY;

/** All bad debt of a venue at a time, cumulative, in the venue's unit with 18 decimals. */
type Total = { at: bigint; debt: bigint };

/** Bad debt of the last thirty days, by venue. */
export class Losses {
  readonly #journal: Journal;
  readonly #totals = new Map<string, readonly Total[]>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes note of what a venue has lost so far, at the end of a block in which that may have changed. */
  follow(venue: Venue, now: bigint): void {
    const totals = this.#totals.get(venue.id) ?? [];
    const debt = badDebtOf(venue, now);
    if (debt === (totals.at(-1)?.debt ?? 0n)) return;
    // The last total from before the window is what the sum within it is counted from.
    const from = totals.findLastIndex((total) => total.at <= now - WINDOW_SECONDS);
    this.#journal.set(this.#totals, venue.id, [...totals.slice(Math.max(from, 0)), { at: now, debt }]);
  }

  /** Bad debt of the thirty days up to `now`. */
  recent(venue: Venue, now: bigint): bigint {
    const totals = this.#totals.get(venue.id) ?? [];
    const before = totals.findLast((total) => total.at <= now - WINDOW_SECONDS)?.debt ?? 0n;
    return (totals.at(-1)?.debt ?? 0n) - before;
  }
}

function badDebtOf(venue: Venue, now: bigint): bigint {
  let debt = 0n;
  for (const key of venue.model.marketKeys()) debt += venue.figures.market(key, now).badDebt;
  return debt;
}
