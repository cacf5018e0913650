import { canonicalBytes, type Json } from "./canonical.ts";
import { leafHash } from "./merkle.ts";
import { SortedTree } from "./sorted-tree.ts";

/** The leaves of one group, and what the tree over groups says of them. */
export type Group<Leaf> = {
  set(key: string, leaf: Leaf): void;
  delete(key: string): void;
  readonly size: number;
  summary(): Json;
};

/**
 * Leaves in groups, and over the groups one tree whose leaves are `[group, summary]`. One more leaf in a group moves no leaf
 * of any other, so that a root over very many leaves that come and go stays cheap; and a group's summary commits to all
 * that the group has. A group without leaves is not there.
 */
export class GroupedTree<Leaf, G extends Group<Leaf>> {
  readonly #form: { groupOf(key: string): string; create(): G };
  readonly #groups = new Map<string, G>();
  /** Leaves of each group when it was hashed last. */
  readonly #counts = new Map<string, number>();
  readonly #tree = new SortedTree();
  readonly #stale = new Set<string>();
  #leafCount = 0;

  constructor(form: { groupOf(key: string): string; create(): G }) {
    this.#form = form;
  }

  /** Sets the leaf of a key. */
  set(key: string, leaf: Leaf): void {
    const name = this.#form.groupOf(key);
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = this.#form.create();
      this.#groups.set(name, group);
    }
    group.set(key, leaf);
    this.#stale.add(name);
  }

  /** Removes a key, if it is there. */
  delete(key: string): void {
    const name = this.#form.groupOf(key);
    const group = this.#groups.get(name);
    if (group === undefined) return;
    group.delete(key);
    this.#stale.add(name);
  }

  /** Number of leaves in all groups. */
  get leafCount(): number {
    this.#apply();
    return this.#leafCount;
  }

  /** The tree over groups, to be read only. */
  get tree(): SortedTree {
    this.#apply();
    return this.#tree;
  }

  /** The leaves of a group, to be read only; undefined where it has none. */
  group(name: string): G | undefined {
    this.#apply();
    return this.#groups.get(name);
  }

  /** Names of all groups, in no order. */
  names(): Iterable<string> {
    this.#apply();
    return this.#groups.keys();
  }

  #apply(): void {
    for (const name of this.#stale) {
      const group = this.#groups.get(name) as G;
      const { size } = group;
      this.#leafCount += size - (this.#counts.get(name) ?? 0);
      if (size === 0) {
        this.#groups.delete(name);
        this.#counts.delete(name);
        this.#tree.delete(name);
      } else {
        this.#counts.set(name, size);
        this.#tree.set(name, leafHash(canonicalBytes([name, group.summary()])));
      }
    }
    this.#stale.clear();
  }
}
