import type { StateJson } from "../margin-model.ts";
import { canonicalBytes } from "../proof/canonical.ts";
import { leafHash } from "../proof/merkle.ts";
import { SortedTree } from "../proof/sorted-tree.ts";

/** A root and how many leaves it commits to. */
export type Root = { root: Uint8Array; count: number };

/**
 * The leaves of one epoch root, kept between epochs: only what has changed is hashed again. A leaf is the RFC 8785 form
 * of `[key, state]`; leaves are ordered by the raw bytes of their key.
 *
 * It is a cache and no part of the book's state: after an undo it is emptied and filled anew.
 */
export class Leaves {
  #tree = new SortedTree();
  #stale = new Set<string>();

  /** The state behind `key` may have changed. */
  touch(key: string): void {
    this.#stale.add(key);
  }

  clear(): void {
    this.#tree.clear();
    this.#stale.clear();
  }

  get isEmpty(): boolean {
    return this.#tree.size === 0;
  }

  /** The root, after hashing what was touched again. `stateOf` returns undefined for what is no more. */
  strike(stateOf: (key: string) => StateJson | undefined): Root {
    for (const key of this.#stale) {
      const state = stateOf(key);
      if (state === undefined) this.#tree.delete(key);
      else this.#tree.set(key, leafHash(canonicalBytes([key, state])));
    }
    this.#stale.clear();
    return { root: this.#tree.root(), count: this.#tree.size };
  }
}
