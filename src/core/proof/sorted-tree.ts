/**
 * A Merkle tree over a set of keyed hashes that changes: what epoch roots are struck from.
 */
import { InputError, InvariantError } from "../errors.ts";
import { compareKeys } from "../order.ts";
import { getHash, HASH_WORDS, hashPair, putHash } from "./node-hash.ts";
import { HASH_BYTES, sha256 } from "./sha256.ts";

/**
 * The RFC 6962 root over leaves ordered by the raw bytes of their key. Only what has changed since the last root is
 * hashed again: the way up from a leaf whose hash is new, and everything to the right of a key that came or went,
 * because that moves every leaf behind it.
 *
 * Invariants, once the pending changes are applied: `#keys` is sorted without repetition; `#hashes[i]` is the leaf hash
 * of `#keys[i]`; `#levels[k]` holds the nodes of height k in order, and nothing of meaning behind them.
 */
export class SortedTree {
  #keys: string[] = [];
  #hashes: Uint8Array[] = [];
  #levels: Int32Array[] = [];
  #pending = new Map<string, Uint8Array | null>();

  /** Sets the leaf hash of a key. */
  set(key: string, hash: Uint8Array): void {
    if (hash.length !== HASH_BYTES)
      throw new InvariantError(`A leaf hash has ${HASH_BYTES} bytes, not ${hash.length}.`);
    this.#pending.set(key, hash);
  }

  /** Removes a key, if it is there. */
  delete(key: string): void {
    this.#pending.set(key, null);
  }

  clear(): void {
    this.#keys = [];
    this.#hashes = [];
    this.#levels = [];
    this.#pending.clear();
  }

  /** Number of keys. */
  get size(): number {
    this.#apply();
    return this.#keys.length;
  }

  /** The root, 32 bytes. That of no leaves is the hash of nothing. */
  root(): Uint8Array {
    this.#apply();
    const top = this.#levels[heightOf(this.#keys.length)];
    return this.#keys.length === 0 || top === undefined ? sha256(new Uint8Array()) : getHash(top, 0);
  }

  /** Index of a key among the leaves, or where it would stand if it were there. */
  indexOf(key: string): number {
    this.#apply();
    return this.#search(key);
  }

  /** The key of a leaf; null beyond the last. */
  keyAt(index: number): string | null {
    this.#apply();
    return this.#keys[index] ?? null;
  }

  /** Proof that the leaf is where it is, its sibling first: that of RFC 6962. @throws InputError when there is no such leaf. */
  inclusionProof(index: number): Uint8Array[] {
    this.#apply();
    if (this.#keys[index] === undefined) throw new InputError(`There is no leaf ${index} among ${this.#keys.length}.`);
    const path: Uint8Array[] = [];
    let at = index;
    for (let height = 0, width = this.#keys.length; width > 1; height++, width = Math.ceil(width / 2)) {
      const sibling = at % 2 === 0 ? at + 1 : at - 1;
      // The last node may stand alone: then it has moved up as it is.
      if (sibling < width) path.push(getHash(this.#levels[height] as Int32Array, sibling));
      at = Math.floor(at / 2);
    }
    return path;
  }

  #apply(): void {
    if (this.#pending.size === 0) return;
    const changed: number[] = [];
    const moved: string[] = [];
    let from = Number.POSITIVE_INFINITY;
    for (const [key, hash] of this.#pending) {
      const at = this.#search(key);
      const isThere = this.#keys[at] === key;
      if (isThere && hash !== null) {
        this.#hashes[at] = hash;
        changed.push(at);
      } else if (isThere || hash !== null) {
        moved.push(key);
        from = Math.min(from, at);
      }
    }
    if (moved.length > 0) this.#merge(moved, from);
    this.#pending.clear();
    this.#rehash(changed, Math.min(from, this.#keys.length));
  }

  /** Index of a key, or where it would stand. */
  #search(key: string): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareKeys(this.#keys[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Puts keys that come and takes out keys that go; no key before `from` is concerned. */
  #merge(moved: string[], from: number): void {
    const oldKeys = this.#keys.splice(from);
    const oldHashes = this.#hashes.splice(from);
    let at = 0;
    const keepBefore = (key: string | null): void => {
      for (; at < oldKeys.length && (key === null || compareKeys(oldKeys[at] as string, key) < 0); at++) {
        this.#keys.push(oldKeys[at] as string);
        this.#hashes.push(oldHashes[at] as Uint8Array);
      }
    };
    for (const key of moved.sort(compareKeys)) {
      keepBefore(key);
      const hash = this.#pending.get(key);
      if (hash) {
        this.#keys.push(key);
        this.#hashes.push(hash);
      } else at++;
    }
    keepBefore(null);
  }

  /** Hashes the way up from each of the leaves `changed` below `from`, and everything from `from` on. */
  #rehash(changed: readonly number[], from: number): void {
    let width = this.#keys.length;
    const leaves = this.#level(0, width);
    for (const at of changed) if (at < from) putHash(leaves, at, this.#hashes[at] as Uint8Array);
    for (let at = from; at < width; at++) putHash(leaves, at, this.#hashes[at] as Uint8Array);
    let dirty: Iterable<number> = changed;
    let first = from;
    for (let height = 1; width > 1; height++) {
      const below = this.#level(height - 1, width);
      const isPair = width % 2 === 0;
      width = Math.ceil(width / 2);
      const last = width - 1;
      const above = this.#level(height, width);
      const rehash = (at: number): void => {
        // The last node may stand alone: then it moves up as it is.
        if (at < last || isPair) hashPair(below, above, at);
        else above.set(below.subarray(2 * at * HASH_WORDS, (2 * at + 1) * HASH_WORDS), at * HASH_WORDS);
      };
      first >>>= 1;
      const parents = new Set<number>();
      for (const at of dirty) if (at >>> 1 < first) parents.add(at >>> 1);
      for (const at of parents) rehash(at);
      for (let at = first; at < width; at++) rehash(at);
      dirty = parents;
    }
  }

  /** The nodes of a height, with room for `width` of them. Grows by doubling, so that appending stays cheap. */
  #level(height: number, width: number): Int32Array {
    let level = this.#levels[height];
    if (level === undefined || level.length < width * HASH_WORDS) {
      const grown = new Int32Array(2 * width * HASH_WORDS);
      if (level !== undefined) grown.set(level);
      level = grown;
      this.#levels[height] = level;
    }
    return level;
  }
}

/** Height of the root of a tree of so many leaves. */
function heightOf(size: number): number {
  let height = 0;
  for (let width = size; width > 1; width = Math.ceil(width / 2)) height++;
  return height;
}
