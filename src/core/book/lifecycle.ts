import type { Hex } from "../ids.ts";
import { positionId } from "../ids.ts";
import { compareKeys } from "../order.ts";
import type { Journal } from "./journal.ts";

/** One stretch of a position from flat to flat. `sign` is 0 for a maker, whose side moves with the pool's price. */
export type Stretch = { id: string; epoch: number; sign: -1 | 0 | 1; openedAt: bigint };

/**
 * Counts how often each account has gone from flat to open in each market, so that a reopened position is a new subject.
 * A flip passes through flat.
 */
export class Lifecycle {
  #journal: Journal;
  #epochs = new Map<string, number>();
  #open = new Map<Hex, Map<string, Stretch>>();
  #lastEnds = new Map<string, bigint>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** The open stretches of an account, by market id. */
  of(address: Hex): ReadonlyMap<string, Stretch> {
    return this.#open.get(address) ?? new Map();
  }

  /** The last block in which a position of the account ended within the markets of one protocol. */
  lastEnd(address: Hex, prefix: string): bigint | undefined {
    return this.#lastEnds.get(`${prefix}${address}`);
  }

  /**
   * Compares what is open now with what was.
   * @param now the account's open positions, by market id, within the markets of one protocol (`prefix`).
   * @returns the stretches that ended.
   */
  update(
    address: Hex,
    { prefix, now, block }: { prefix: string; now: ReadonlyMap<string, -1 | 0 | 1>; block: bigint },
  ): Stretch[] {
    let held = this.#open.get(address);
    if (held === undefined) {
      if (now.size === 0) return [];
      held = new Map();
      this.#journal.set(this.#open, address, held);
    }
    const ended: Stretch[] = [];
    // In the order of markets: what order a map is in depends on whether it has been through an undo.
    for (const [market, stretch] of [...held].sort(([a], [b]) => compareKeys(a, b))) {
      if (!market.startsWith(prefix)) continue;
      const sign = now.get(market);
      if (sign === undefined || flipped(stretch.sign, sign)) {
        ended.push(stretch);
        this.#journal.delete(held, market);
      } else if (sign !== stretch.sign) this.#journal.set(held, market, { ...stretch, sign });
    }
    for (const [market, sign] of now) {
      if (held.has(market)) continue;
      const key = `${market}/${address}`;
      const epoch = (this.#epochs.get(key) ?? 0) + 1;
      this.#journal.set(this.#epochs, key, epoch);
      this.#journal.set(held, market, { id: positionId(market, address, epoch), epoch, sign, openedAt: block });
    }
    if (ended.length > 0) this.#journal.set(this.#lastEnds, `${prefix}${address}`, block);
    return ended;
  }
}

function flipped(before: number, after: number): boolean {
  return before !== 0 && after !== 0 && before !== after;
}
