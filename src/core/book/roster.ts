import type { Hex } from "../ids.ts";
import type { Journal } from "./journal.ts";
import type { Venue } from "./venue.ts";

/** Accounts whose rows are refreshed in a block though nothing touched them, in turn: a few in each, so that none waits. */
const SWEEP_ACCOUNTS = 6;
/** As long as a chain has no more accounts than this, all are refreshed at every tick. */
const FEW_ACCOUNTS = 64;

/** An account in one venue. */
export type Member = { venue: Venue; address: Hex };

/** The chain's accounts in the order they were first seen, which is the same for everybody who folds the chain. */
export class Roster {
  readonly #journal: Journal;
  readonly #members: Member[] = [];
  readonly #known = new Set<string>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** Adds an account when it is first seen in a venue. */
  note(venue: Venue, address: Hex): void {
    const key = `${venue.id}|${address}`;
    if (this.#known.has(key)) return;
    this.#journal.add(this.#known, key);
    this.#journal.push(this.#members, { venue, address });
  }

  /** The members whose turn it is in a block. */
  turn(blockNumber: bigint, { tick }: { tick: boolean }): readonly Member[] {
    const count = this.#members.length;
    if (count <= FEW_ACCOUNTS) return tick ? this.#members : [];
    const from = Number((blockNumber * BigInt(SWEEP_ACCOUNTS)) % BigInt(count));
    return Array.from({ length: SWEEP_ACCOUNTS }, (_, i) => this.#members[(from + i) % count] as Member);
  }
}
