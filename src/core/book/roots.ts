import type { StateJson } from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import { toHex } from "../proof/bytes.ts";
import { canonicalBytes } from "../proof/canonical.ts";
import { leafHash, rootOf } from "../proof/merkle.ts";
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

/**
 * Leaves in groups: a tree for each group, and over them one whose leaves are `[group, { count, root }]`. One more leaf in
 * a group moves no leaf of any other, so that a root over very many leaves that come and go stays cheap; and a group's
 * root shows all that the group has.
 *
 * Like `Leaves` it is a cache and no part of the book's state.
 */
export class GroupedLeaves {
  readonly #groupOf: (key: string) => string;
  readonly #groups = new Map<string, Map<string, Uint8Array>>();
  readonly #tree = new SortedTree();
  readonly #stale = new Set<string>();
  #count = 0;

  constructor(groupOf: (key: string) => string) {
    this.#groupOf = groupOf;
  }

  /** The state behind `key` may have changed. */
  touch(key: string): void {
    this.#stale.add(key);
  }

  clear(): void {
    this.#groups.clear();
    this.#tree.clear();
    this.#stale.clear();
    this.#count = 0;
  }

  /** The root and the number of leaves in all groups. `stateOf` returns undefined for what is no more. */
  strike(stateOf: (key: string) => StateJson | undefined): Root {
    const changed = new Set<string>();
    for (const key of this.#stale) {
      const group = this.#groupOf(key);
      this.#put(group, { key, state: stateOf(key) });
      changed.add(group);
    }
    this.#stale.clear();
    for (const group of changed) this.#hash(group);
    return { root: this.#tree.root(), count: this.#count };
  }

  #put(group: string, { key, state }: { key: string; state: StateJson | undefined }): void {
    const leaves = this.#groups.get(group) ?? new Map<string, Uint8Array>();
    this.#count -= leaves.size;
    if (state === undefined) leaves.delete(key);
    else leaves.set(key, leafHash(canonicalBytes([key, state])));
    this.#count += leaves.size;
    this.#groups.set(group, leaves);
  }

  #hash(group: string): void {
    const leaves = this.#groups.get(group);
    if (leaves === undefined || leaves.size === 0) {
      this.#groups.delete(group);
      this.#tree.delete(group);
      return;
    }
    const hashes = [...leaves].sort(([a], [b]) => compareKeys(a, b)).map(([, hash]) => hash);
    const summary = { count: leaves.size.toString(), root: toHex(rootOf(hashes)) };
    this.#tree.set(group, leafHash(canonicalBytes([group, summary])));
  }
}
