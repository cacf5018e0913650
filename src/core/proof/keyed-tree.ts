/**
 * A Merkle tree over a set of keyed leaves that changes, whatever its nodes carry.
 */
import { InputError, InvariantError } from "../errors.ts";
import { compareKeys } from "../order.ts";

/**
 * What the nodes of a tree are: so many 32-bit words each. `combine` writes node `at` of the level `above` from nodes
 * `2·at` and `2·at + 1` of the level `below`.
 */
export type NodeForm = { words: number; combine(below: Int32Array, above: Int32Array, at: number): void };

/**
 * A tree in the shape of RFC 6962 over leaves ordered by the raw bytes of their key. Only what has changed since the last
 * root is worked out again: the way up from a leaf that is new, and everything to the right of a key that came or went,
 * because that moves every leaf behind it.
 *
 * Invariants, once the pending changes are applied: `#keys` is sorted without repetition; `#leaves[i]` is the leaf of
 * `#keys[i]`; `#levels[k]` holds the nodes of height k in order, and nothing of meaning behind them.
 */
export class KeyedTree {
  readonly #form: NodeForm;
  readonly #keys: string[] = [];
  readonly #leaves: Int32Array[] = [];
  readonly #levels: Int32Array[] = [];
  readonly #pending = new Map<string, Int32Array | null>();

  constructor(form: NodeForm) {
    this.#form = form;
  }

  /** Sets the leaf of a key. */
  set(key: string, leaf: Int32Array): void {
    const { words } = this.#form;
    if (leaf.length !== words) throw new InvariantError(`A leaf has ${words} words, not ${leaf.length}.`);
    this.#pending.set(key, leaf);
  }

  /** Removes a key, if it is there. */
  delete(key: string): void {
    this.#pending.set(key, null);
  }

  /** Number of keys. */
  get size(): number {
    this.#apply();
    return this.#keys.length;
  }

  /** The root; null of no leaves. */
  root(): Int32Array | null {
    this.#apply();
    const top = this.#levels[heightOf(this.#keys.length)];
    return this.#keys.length === 0 || top === undefined ? null : this.#node(top, 0);
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

  /** The nodes beside the way up from a leaf, its sibling first. @throws InputError when there is no such leaf. */
  path(index: number): Int32Array[] {
    this.#apply();
    if (this.#keys[index] === undefined) throw new InputError(`There is no leaf ${index} among ${this.#keys.length}.`);
    const path: Int32Array[] = [];
    let at = index;
    for (let height = 0, width = this.#keys.length; width > 1; height++, width = Math.ceil(width / 2)) {
      const sibling = at % 2 === 0 ? at + 1 : at - 1;
      // The last node may stand alone: then it has moved up as it is.
      if (sibling < width) path.push(this.#node(this.#levels[height] as Int32Array, sibling));
      at = Math.floor(at / 2);
    }
    return path;
  }

  #node(level: Int32Array, at: number): Int32Array {
    const { words } = this.#form;
    return level.slice(at * words, (at + 1) * words);
  }

  #apply(): void {
    if (this.#pending.size === 0) return;
    const changed: number[] = [];
    const moved: string[] = [];
    let from = Number.POSITIVE_INFINITY;
    for (const [key, leaf] of this.#pending) {
      const at = this.#search(key);
      const isThere = this.#keys[at] === key;
      if (isThere && leaf !== null) {
        this.#leaves[at] = leaf;
        changed.push(at);
      } else if (isThere || leaf !== null) {
        moved.push(key);
        from = Math.min(from, at);
      }
    }
    if (moved.length > 0) this.#merge(moved, from);
    this.#pending.clear();
    this.#climb(changed, Math.min(from, this.#keys.length));
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
    const oldLeaves = this.#leaves.splice(from);
    let at = 0;
    const keepBefore = (key: string | null): void => {
      for (; at < oldKeys.length && (key === null || compareKeys(oldKeys[at] as string, key) < 0); at++) {
        this.#keys.push(oldKeys[at] as string);
        this.#leaves.push(oldLeaves[at] as Int32Array);
      }
    };
    for (const key of moved.sort(compareKeys)) {
      keepBefore(key);
      const leaf = this.#pending.get(key);
      if (leaf) {
        this.#keys.push(key);
        this.#leaves.push(leaf);
      } else at++;
    }
    keepBefore(null);
  }

  /** Works out the way up from each of the leaves `changed` below `from`, and everything from `from` on. */
  #climb(changed: readonly number[], from: number): void {
    const { words, combine } = this.#form;
    let width = this.#keys.length;
    const leaves = this.#level(0, width);
    for (const at of changed) if (at < from) leaves.set(this.#leaves[at] as Int32Array, at * words);
    for (let at = from; at < width; at++) leaves.set(this.#leaves[at] as Int32Array, at * words);
    let dirty: Iterable<number> = changed;
    let first = from;
    for (let height = 1; width > 1; height++) {
      const below = this.#level(height - 1, width);
      const isPair = width % 2 === 0;
      width = Math.ceil(width / 2);
      const last = width - 1;
      const above = this.#level(height, width);
      const renew = (at: number): void => {
        // The last node may stand alone: then it moves up as it is.
        if (at < last || isPair) combine(below, above, at);
        else above.set(below.subarray(2 * at * words, (2 * at + 1) * words), at * words);
      };
      first >>>= 1;
      const parents = new Set<number>();
      for (const at of dirty) if (at >>> 1 < first) parents.add(at >>> 1);
      for (const at of parents) renew(at);
      for (let at = first; at < width; at++) renew(at);
      dirty = parents;
    }
  }

  /** The nodes of a height, with room for `width` of them. Grows by doubling, so that appending stays cheap. */
  #level(height: number, width: number): Int32Array {
    const { words } = this.#form;
    let level = this.#levels[height];
    if (level === undefined || level.length < width * words) {
      const grown = new Int32Array(2 * width * words);
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
