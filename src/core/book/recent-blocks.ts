import type { BlockRef } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { Journal } from "./journal.ts";

/** The chain's latest blocks as they were folded: their hashes for telling a reorg, their times for the finality lag. */
export class RecentBlocks {
  readonly #journal: Journal;
  readonly #kept: bigint;
  readonly #blocks = new Map<bigint, { hash: Hex; timestamp: bigint }>();

  /** Keeps at least the last `kept` blocks. */
  constructor(journal: Journal, kept: bigint) {
    this.#journal = journal;
    this.#kept = kept;
  }

  /** Takes in a block that has begun. */
  note({ number, hash, timestamp }: BlockRef): void {
    this.#journal.set(this.#blocks, number, { hash, timestamp });
  }

  /** The hash at a height; undefined for a block that was not followed or is no longer kept. */
  hashAt(number: bigint): Hex | undefined {
    return this.#blocks.get(number)?.hash;
  }

  /** Seconds; undefined for a block before the first one followed. */
  timestampAt(number: bigint): bigint | undefined {
    return this.#blocks.get(number)?.timestamp;
  }

  /** Drops the blocks that are older than asked for as of block `number`. */
  forget(number: bigint): void {
    for (const known of this.#blocks.keys()) if (known < number - this.#kept) this.#blocks.delete(known);
  }
}
