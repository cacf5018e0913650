import { caip2 } from "../ids.ts";
import type { Rulebook } from "../rules/rule.ts";
import { newest, rulebookAt, type Schedule } from "../rules/schedule.ts";
import type { Journal } from "./journal.ts";

/** Which version of the rulebook is in force where the fold of a chain stands. */
export class Regime {
  readonly #journal: Journal;
  readonly #schedule: Schedule;
  readonly #chain: string;
  readonly #at: { rulebook: Rulebook };

  constructor(journal: Journal, { schedule, chainId }: { schedule: Schedule; chainId: number }) {
    this.#journal = journal;
    this.#schedule = schedule;
    this.#chain = caip2(chainId);
    this.#at = { rulebook: rulebookAt(schedule, this.#chain, 0n) };
  }

  /** The rulebook in force at the block being folded, or the last one that was. */
  get rulebook(): Rulebook {
    return this.#at.rulebook;
  }

  /** The rulebook that is or will be in force when all versions are. */
  get newest(): Rulebook {
    return newest(this.#schedule);
  }

  /** Moves on to the version in force at a block. Returns whether it is another one. */
  reach(block: bigint): boolean {
    const rulebook = rulebookAt(this.#schedule, this.#chain, block);
    if (rulebook === this.#at.rulebook) return false;
    this.#journal.put(this.#at, "rulebook", rulebook);
    return true;
  }
}
