import { type CollateralState, EPOCH_TREES, type EpochLeaf } from "../assessment.ts";
import { compareBytes, compareKeys } from "../order.ts";
import { collateralStateOf, EpochTrees, keyedLeafHash } from "../proof/epoch-trees.ts";
import { type SumNode, sumLeaf } from "../proof/sum-tree.ts";
import type { Journal } from "./journal.ts";

/** What the leaves of the last epoch were hashed to. */
type Known = {
  state: Map<string, Uint8Array>;
  assessment: Map<string, Uint8Array>;
  collateral: Map<string, SumNode>;
};

/**
 * The leaves of a chain's last epoch, against which those of the next are held: a leaf has changed when its bytes differ.
 * So what changes with an epoch is a function of the chain alone, whatever the book has been through since.
 *
 * What is known of each leaf is part of the book's state. The trees over them are a cache: after an undo, the leaves that
 * it can have taken back are put right in them.
 */
export class EpochLeaves {
  readonly #journal: Journal;
  readonly #known: Known = { state: new Map(), assessment: new Map(), collateral: new Map() };
  readonly #trees = new EpochTrees();
  /** What was changed in the trees under marks that can still be undone. */
  #changes: { mark: string; leaves: readonly EpochLeaf[] }[] = [];
  #generation: number;

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#generation = journal.generation;
  }

  /** Whether no epoch has been struck yet. */
  get isEmpty(): boolean {
    return EPOCH_TREES.every((tree) => this.#known[tree].size === 0);
  }

  /** The trees of the last epoch, to be read only. */
  get trees(): EpochTrees {
    this.#agree();
    return this.#trees;
  }

  /**
   * Takes over those leaves that differ from the last epoch's.
   * @param found leaves that may have changed; the same one may be found twice. @param mark the journal's present one.
   * @returns what has changed, by tree and the raw bytes of the key.
   */
  take(found: Iterable<EpochLeaf>, mark: string): EpochLeaf[] {
    this.#agree();
    const changed: EpochLeaf[] = [];
    for (const leaf of found) if (this.#learn(leaf)) changed.push(leaf);
    for (const leaf of changed) this.#show(leaf);
    this.#changes = this.#changes.filter((earlier) => this.#journal.reaches(earlier.mark));
    this.#changes.push({ mark, leaves: changed });
    return changed.sort(
      (a, b) => EPOCH_TREES.indexOf(a.tree) - EPOCH_TREES.indexOf(b.tree) || compareKeys(a.key, b.key),
    );
  }

  /** Whether the leaf is another than what is known of it. */
  #learn({ tree, key, state }: EpochLeaf): boolean {
    if (state === null) {
      if (!this.#known[tree].has(key)) return false;
      this.#journal.delete(this.#known[tree] as Map<string, unknown>, key);
    } else if (tree === "collateral") {
      const collateral = collateralStateOf(state);
      const before = this.#known.collateral.get(key);
      if (before !== undefined && says(before, collateral)) return false;
      this.#journal.set(this.#known.collateral, key, sumLeaf(key, collateral));
    } else {
      const hash = keyedLeafHash(key, state);
      const before = this.#known[tree].get(key);
      if (before !== undefined && compareBytes(before, hash) === 0) return false;
      this.#journal.set(this.#known[tree], key, hash);
    }
    return true;
  }

  /** Brings the trees to what is known. */
  #agree(): void {
    if (this.#generation === this.#journal.generation) return;
    this.#generation = this.#journal.generation;
    for (const { leaves } of this.#changes) for (const leaf of leaves) this.#show(leaf);
  }

  #show({ tree, key }: Pick<EpochLeaf, "tree" | "key">): void {
    if (tree === "state") show(this.#trees.state, key, this.#known.state);
    else if (tree === "assessment") show(this.#trees.assessments, key, this.#known.assessment);
    else show(this.#trees.collateral, key, this.#known.collateral);
  }
}

type Shown<Node> = { set(key: string, node: Node): void; delete(key: string): void };

function show<Node>(tree: Shown<Node>, key: string, known: ReadonlyMap<string, Node>): void {
  const node = known.get(key);
  if (node === undefined) tree.delete(key);
  else tree.set(key, node);
}

function says({ sums }: SumNode, { held, required }: CollateralState): boolean {
  const isUnknown = required === null;
  if ((sums.unknown === 1n) !== isUnknown) return false;
  return sums.held.toString() === held && (isUnknown || sums.required.toString() === required);
}
