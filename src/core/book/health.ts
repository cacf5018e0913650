import type { CanonicalEvent } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { AccountFigures, MarginGroup } from "../margin-model.ts";
import type { Journal } from "./journal.ts";
import type { Venue } from "./venue.ts";

/** Liquidations a market's latency is taken over. */
export const LATENCY_LIQUIDATIONS = 100;

/** Since when each margin group of an account has stood below its requirement, by group key, in seconds. */
type Since = ReadonlyMap<string, bigint>;

/**
 * Which accounts stand at or below their maintenance requirement, since when, and how long those stood there whom the
 * protocol has liquidated. What counts is what the ends of blocks showed: a liquidation in the block in which the
 * requirement was missed took no time.
 */
export class Health {
  readonly #journal: Journal;
  readonly #below = new Map<string, Map<Hex, Since>>();
  readonly #latencies = new Map<string, readonly bigint[]>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Accounts the protocol might have liquidated when they were last looked at. */
  underwater(venue: Venue): Iterable<Hex> {
    return this.#below.get(venue.id)?.keys() ?? [];
  }

  /** Takes note of an account at the end of a block. */
  follow({ address, groups }: AccountFigures, { venue, now }: { venue: Venue; now: bigint }): void {
    const before = this.#below.get(venue.id)?.get(address);
    // What is unknown is no recovery: who was below stays so until it is seen above.
    const below = groups.filter((group) => isUnderwater(group) || (before?.has(group.key) && isUnknown(group)));
    if (below.length === 0) {
      if (before !== undefined) this.#journal.delete(this.#accountsOf(venue), address);
      return;
    }
    if (before !== undefined && before.size === below.length && below.every((g) => before.has(g.key))) return;
    const since = new Map(below.map((group) => [group.key, before?.get(group.key) ?? now]));
    this.#journal.set(this.#accountsOf(venue), address, since);
  }

  /** Takes note of a liquidation. One that names neither size nor amount only announces another. */
  liquidated(event: CanonicalEvent, venue: Venue): void {
    const { account, market, block } = event;
    if (account === null || market === null || (event.sizeDelta === null && event.amount === null)) return;
    const group = venue.model.marginMode === "CROSS" ? "" : market;
    const since = this.#below.get(venue.id)?.get(account)?.get(group) ?? block.timestamp;
    const id = `${venue.prefix}${market}`;
    const seconds = [...(this.#latencies.get(id) ?? []), block.timestamp - since];
    this.#journal.set(this.#latencies, id, seconds.slice(-LATENCY_LIQUIDATIONS));
  }

  /** Seconds that each of the market's last liquidations took, oldest first. */
  latencies(marketId: string): readonly bigint[] {
    return this.#latencies.get(marketId) ?? [];
  }

  #accountsOf(venue: Venue): Map<Hex, Since> {
    let accounts = this.#below.get(venue.id);
    if (accounts === undefined) {
      accounts = new Map();
      this.#journal.set(this.#below, venue.id, accounts);
    }
    return accounts;
  }
}

function isUnknown({ equity, maintenance, positions }: MarginGroup): boolean {
  return positions.length > 0 && (equity.value === null || maintenance.value === null);
}

/** Whether the protocol may liquidate the group now. */
export function isUnderwater(group: MarginGroup): boolean {
  const { equity, maintenance } = group;
  if (equity.value === null || maintenance.value === null || group.positions.length === 0) return false;
  return group.liquidatableAtEquality ? equity.value <= maintenance.value : equity.value < maintenance.value;
}
