import type { Hex } from "../ids.ts";
import type { Journal } from "./journal.ts";
import type { Venue } from "./venue.ts";

/** Accounts whose rows are refreshed at a tick though nothing touched them, in turn. */
const SWEEP_ACCOUNTS = 64;

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

  note(venue: Venue, address: Hex): void {
    const key = `${venue.id}|${address}`;
    if (this.#known.has(key)) return;
    this.#journal.add(this.#known, key);
    this.#journal.push(this.#members, { venue, address });
  }

  /** The members whose turn it is at the tick number `tick`: all of them while they are few. */
  turn(tick: bigint): readonly Member[] {
    const count = this.#members.length;
    if (count <= SWEEP_ACCOUNTS) return this.#members;
    const from = Number((tick * BigInt(SWEEP_ACCOUNTS)) % BigInt(count));
    return Array.from({ length: SWEEP_ACCOUNTS }, (_, i) => this.#members[(from + i) % count] as Member);
  }
}
