import { InputError, ProviderError } from "../../src/core/errors.ts";
import { type Leaf, parseLeaf } from "../../src/core/proof/leaf.ts";

/** An entry that has to be compared: an epoch, or `null` for one of a form that is not known here. */
export type Waiting = { index: number; leaf: Leaf | null };

/** More than these are not kept in memory. */
const MAX_WAITING = 500_000;
/** Nor the blocks of more chains. */
const MAX_CHAINS = 200;

/**
 * The epochs of a log that have been read and not compared yet, in their order. Entries become part of it when the head
 * they were read for turned out good.
 */
export class EpochQueue {
  #waiting: Waiting[] = [];
  #first = 0;
  #read: Waiting[] = [];
  #next = 0;
  readonly #blocks = new Map<string, bigint>();
  #readBlocks = new Map<string, bigint>();

  /** An entry as it is read; what is read once more after a look that failed takes the place of what was read then. */
  read(entry: Uint8Array, index: number): void {
    if (index !== this.#next) this.discard();
    this.#next = index + 1;
    const leaf = leafOf(entry);
    if (leaf?.kind === "assessment") this.#reach(leaf);
    if (leaf !== null && leaf.kind !== "epoch") return;
    this.#read.push({ index, leaf });
    if (this.#waiting.length - this.#first + this.#read.length > MAX_WAITING) {
      throw new ProviderError(`The log has more than ${MAX_WAITING} epochs that wait to be compared.`);
    }
  }

  /** The entries read belong to a head that is good. */
  accept(): void {
    for (const each of this.#read) this.#waiting.push(each);
    for (const [chain, block] of this.#readBlocks) this.#blocks.set(chain, greater(this.#blocks.get(chain), block));
    this.discard();
  }

  /** They belong to none. */
  discard(): void {
    this.#read = [];
    this.#readBlocks = new Map();
  }

  /** How far the log has gone with each chain: the highest block of its assessments, which it has block after block. */
  get blocks(): ReadonlyMap<string, bigint> {
    return this.#blocks;
  }

  /** The first that waits; null when all have been compared. */
  get first(): Waiting | null {
    return this.#waiting[this.#first] ?? null;
  }

  /** The first has been compared. */
  shift(): void {
    this.#first++;
    if (this.#first < this.#waiting.length) return;
    this.#waiting = [];
    this.#first = 0;
  }

  #reach({ chainId, blockNumber }: Leaf): void {
    const chain = `eip155:${chainId}`;
    this.#readBlocks.set(chain, greater(this.#readBlocks.get(chain), blockNumber));
    if (this.#blocks.size + this.#readBlocks.size > MAX_CHAINS) {
      throw new ProviderError(`The log has assessments of more chains than a witness follows.`);
    }
  }
}

function greater(known: bigint | undefined, block: bigint): bigint {
  return known !== undefined && known > block ? known : block;
}

function leafOf(entry: Uint8Array): Leaf | null {
  try {
    return parseLeaf(entry);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
