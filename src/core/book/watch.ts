import { divDown, divUp, WAD } from "../fixed.ts";
import type { Hex } from "../ids.ts";
import { SECONDS_PER_DAY } from "../rules/day.ts";
import { Heap } from "./heap.ts";

/** Longest time an account goes without being looked at, whatever its slack. */
const LONGEST_WATCH_SECONDS = 7n * SECONDS_PER_DAY;

/** How far an account is from any of its conditions changing. */
export type Band = {
  /** Relative price move (18 decimals) within which nothing can change; `null` when price cannot change anything. */
  slack: bigint | null;
  /** Markets the account holds, with their price now. */
  held: readonly { market: string; price: bigint }[];
  /** Largest |funding rate per day| of the markets held, and how fast it can grow per day (18 decimals). */
  fundingRatePerDay: bigint;
  fundingGrowthPerDay: bigint;
};

/** Bands drawn before void ones are cleared out. */
const CLEAR_OUT_AFTER = 8_192;

type Ticket = { address: Hex; version: number };
type Side = { above: Heap<Ticket>; below: Heap<Ticket> };

/**
 * Finds the accounts whose conditions can have changed, without recomputing all of them.
 *
 * Each account gets a band around the prices it was last assessed at. Half of its slack is given to prices, half to
 * funding. The price's half is halved once more, because funding accrued before and not yet settled is valued at the
 * price as well, and is taken to be at most the notional itself. While every price stays inside the band and the
 * deadline has not passed, no continuous condition of the account can have changed, so *when* a change is noticed does
 * not depend on when the band was drawn. That is why the watch is no part of the book's state: it may be emptied at any
 * time and every account assessed again.
 */
export class Watch {
  #markets = new Map<string, Side>();
  #deadlines = new Heap<Ticket>();
  #versions = new Map<Hex, number>();
  #drawn = 0;

  /** Bounds kept, void ones included. */
  get size(): number {
    return this.#heaps().reduce((n, heap) => n + heap.size, 0);
  }

  /** Draws a new band; the account's earlier one is void. */
  draw(address: Hex, now: bigint, band: Band): void {
    const version = (this.#versions.get(address) ?? 0) + 1;
    this.#versions.set(address, version);
    if (band.slack === null) return;
    const ticket = { address, version };
    const half = band.slack / 2n;
    for (const { market, price } of band.held) {
      const side = this.#side(market);
      const reach = divDown(price * half, 2n * WAD);
      side.above.push(price + reach, ticket);
      side.below.push(-(price - reach), ticket);
    }
    this.#deadlines.push(now + secondsUntil(half, band), ticket);
    this.#clearOut();
  }

  /** The account needs no watching any more. */
  drop(address: Hex): void {
    this.#versions.set(address, (this.#versions.get(address) ?? 0) + 1);
  }

  /** Accounts due because a market's price has left their band. */
  *crossed(market: string, price: bigint): Generator<Hex> {
    const side = this.#markets.get(market);
    if (side === undefined) return;
    for (const t of side.above.popUntil(price)) if (this.#valid(t)) yield t.address;
    for (const t of side.below.popUntil(-price)) if (this.#valid(t)) yield t.address;
  }

  /** Accounts due because their deadline has passed. */
  *expired(now: bigint): Generator<Hex> {
    for (const t of this.#deadlines.popUntil(now)) if (this.#valid(t)) yield t.address;
  }

  /** Drops every band. */
  clear(): void {
    this.#markets.clear();
    this.#deadlines.clear();
    this.#versions.clear();
  }

  #heaps(): Heap<Ticket>[] {
    return [this.#deadlines, ...[...this.#markets.values()].flatMap((side) => [side.above, side.below])];
  }

  /** Void bands would otherwise stay until their bounds are met, which may be never. */
  #clearOut(): void {
    if (++this.#drawn < CLEAR_OUT_AFTER + 2 * this.#versions.size) return;
    this.#drawn = 0;
    for (const heap of this.#heaps()) heap.retain((ticket) => this.#valid(ticket));
  }

  #valid(ticket: Ticket): boolean {
    return this.#versions.get(ticket.address) === ticket.version;
  }

  #side(market: string): Side {
    let side = this.#markets.get(market);
    if (side === undefined) {
      side = { above: new Heap(), below: new Heap() };
      this.#markets.set(market, side);
    }
    return side;
  }
}

/**
 * Seconds in which funding cannot use up `slack` (18 decimals, of notional). The rate now is r and grows by at most g a
 * day, so after d days funding is at most (r + g·d)·d; d is halved until that fits. Rounded down.
 */
function secondsUntil(slack: bigint, band: Band): bigint {
  let seconds = LONGEST_WATCH_SECONDS;
  while (seconds > 0n) {
    const days = divUp(seconds * WAD, SECONDS_PER_DAY);
    const rate = band.fundingRatePerDay + divUp(band.fundingGrowthPerDay * days, WAD);
    if (divUp(rate * days, WAD) <= slack) return seconds;
    seconds /= 2n;
  }
  return 0n;
}
