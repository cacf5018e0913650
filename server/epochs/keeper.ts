import { setImmediate, setTimeout } from "node:timers/promises";
import { EPOCH_TREES, type Epoch, type EpochLeaf, type EpochTree } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { canonicalText } from "../../src/core/proof/canonical.ts";
import { type EpochRoots, EpochTrees } from "../../src/core/proof/epoch-trees.ts";
import type { Store } from "../store/database.ts";
import { createLeafStore, type KeptLeaf, type Moment } from "./leaf-store.ts";

/** The trees of an epoch with what their leaves say. */
export type EpochView = {
  trees: EpochTrees;
  /** @throws InvariantError when there is no such leaf. */
  stateOf(tree: EpochTree, key: string): StateJson;
};

/**
 * Keeps the trees that sealed epochs commit to. Those of each chain's last epoch are in memory, because the next epoch is
 * checked against them; older ones are made again from the leaves on disk when they are asked for.
 */
export type EpochKeeper = {
  /**
   * Makes the trees that an epoch is put on top of, unless they are in memory: all of them after a start, which takes
   * seconds, a little in one go. To be awaited before the transaction that seals it.
   */
  prepare(next: Moment): Promise<void>;
  /**
   * Takes over what changed with an epoch, only within the transaction that seals it. Its roots are worked out again, and
   * must be those that the epoch names.
   * @param change `whole` when the leaves are all that there are, and not only those that changed.
   * @throws OtherBase when changes lead to other roots: they were changes of something else than what is kept here.
   * @throws InvariantError when all leaves do: there is no such epoch; and when its trees have not been prepared.
   */
  seal(epoch: Epoch, change: { leaves: readonly EpochLeaf[]; whole: boolean }): void;
  /** Forgets what is in memory of a chain; to be called when a transaction of `seal` was not committed. */
  forget(chain: string): void;
  /**
   * Calls `work` with the trees of a sealed epoch that has them, and gives its answer; null when too many others are asked
   * for just now. `work` has them only until it returns.
   */
  read<T>(moment: Moment, work: (view: EpochView) => T): Promise<T | null>;
  /** A page of an epoch's leaves in the order of their keys. */
  page(moment: Moment, page: { tree: EpochTree; after: string; limit: number }): KeptLeaf[];
};

/** The changes of an epoch do not lead from what is kept to its roots. All its leaves may. */
export class OtherBase extends Error {
  readonly epoch: Epoch;

  constructor(epoch: Epoch) {
    super(`What changed with epoch ${epoch.number} of ${epoch.chain} are changes of other trees than are kept.`);
    this.name = "OtherBase";
    this.epoch = epoch;
  }
}

/** Leaves read at a time, and hashed in one go. */
const PAGE = 500;
/** Older trees in memory at once; all of their leaves, some 700 bytes each; and epochs whose trees may wait to be made. */
const KEPT = 4;
const KEPT_LEAVES = 500_000;
const WAITING = 8;

/**
 * The keeper of a store's epochs.
 * @param keptLeaves how many leaves older trees that stay in memory may have; those asked for last stay whatever they have.
 */
export function createEpochKeeper(store: Pick<Store, "connection">, keptLeaves = KEPT_LEAVES): EpochKeeper {
  const leaves = createLeafStore(store);
  const live = new Map<string, { toBlock: number; trees: EpochTrees }>();
  // Older trees take half of the time at most: sealing and all other answers share the thread.
  const older = createArchive((moment, into) => fill(into, moment, (workedMs) => setTimeout(workedMs)), keptLeaves);
  const lastSealed = store.connection
    .prepare("SELECT max(to_block) FROM epoch WHERE chain = ? AND to_block < ? AND has_leaves = 1")
    .pluck();

  function* pages(moment: Moment): Generator<EpochLeaf[]> {
    for (const tree of EPOCH_TREES) {
      for (let after = ""; ; ) {
        const page = leaves.page(moment, { tree, after, limit: PAGE });
        yield page.map(({ key, state }) => ({ tree, key, state: JSON.parse(state) as StateJson }));
        const last = page.at(-1);
        if (last === undefined || page.length < PAGE) break;
        after = last.key;
      }
    }
  }

  /**
   * Fills trees with the leaves of a moment, resting after each page. Roots are worked out page by page: leaves come in the
   * order of the trees, so that it is no more work than at the end.
   */
  async function fill(into: EpochTrees, moment: Moment, rest: (workedMs: number) => Promise<unknown>): Promise<void> {
    let began = performance.now();
    for (const page of pages(moment)) {
      for (const leaf of page) into.put(leaf);
      into.roots();
      await rest(performance.now() - began);
      began = performance.now();
    }
  }

  /** The last sealed epoch with leaves before a block; before the first one a moment without any. */
  function baseOf({ chain, toBlock }: Moment): Moment {
    return { chain, toBlock: (lastSealed.get(chain, toBlock) as number | null) ?? -1 };
  }

  /** What leads from the leaves kept at a moment to these. */
  function changesTo(whole: readonly EpochLeaf[], moment: Moment): EpochLeaf[] {
    const wanted = new Map(whole.map((leaf) => [nameOf(leaf), leaf]));
    const gone: EpochLeaf[] = [];
    for (const page of pages(moment)) {
      for (const kept of page) {
        const leaf = wanted.get(nameOf(kept));
        if (leaf === undefined) gone.push({ ...kept, state: null });
        else if (canonicalText(leaf.state) === canonicalText(kept.state)) wanted.delete(nameOf(kept));
      }
    }
    return [...wanted.values(), ...gone];
  }

  return {
    async prepare(next) {
      const { chain, toBlock } = baseOf(next);
      if (live.get(chain)?.toBlock === toBlock) return;
      const trees = new EpochTrees();
      await fill(trees, { chain, toBlock }, () => setImmediate());
      live.set(chain, { toBlock, trees });
    },
    seal(epoch, change) {
      const own = momentOf(epoch);
      const base = baseOf(own);
      const known = live.get(own.chain);
      if (known?.toBlock !== base.toBlock) {
        throw new InvariantError(`The trees before epoch ${epoch.number} of ${epoch.chain} have not been made.`);
      }
      const { trees } = known;
      const changed = change.whole ? changesTo(change.leaves, base) : change.leaves;
      // What is in memory is no longer that of the last sealed epoch, and not yet that of this one.
      live.delete(own.chain);
      for (const leaf of changed) trees.put(leaf);
      const wrong = differenceOf(trees.roots(), epoch);
      if (wrong !== null && !change.whole) throw new OtherBase(epoch);
      if (wrong !== null) {
        throw new InvariantError(
          `The leaves of epoch ${epoch.number} of ${epoch.chain} do not make its ${wrong}; it is not sealed.`,
        );
      }
      leaves.write(own, changed);
      live.set(own.chain, { toBlock: own.toBlock, trees });
    },
    forget(chain) {
      live.delete(chain);
    },
    async read(moment, work) {
      const stateOf = (tree: EpochTree, key: string) => {
        const state = leaves.stateAt(moment, { tree, key });
        if (state === null) throw new InvariantError(`The ${tree} ${key} is gone from the leaves of ${moment.chain}.`);
        return JSON.parse(state) as StateJson;
      };
      const known = live.get(moment.chain);
      if (known?.toBlock === moment.toBlock) return work({ trees: known.trees, stateOf });
      const trees = await older(moment);
      return trees === null ? null : work({ trees, stateOf });
    },
    page: leaves.page,
  };
}

/** The moment whose trees an epoch commits to. */
export function momentOf({ chain, toBlock }: Pick<Epoch, "chain" | "toBlock">): Moment {
  return { chain, toBlock: Number(toBlock) };
}

/** Makes trees one after the other, and keeps the last ones that were asked for. */
function createArchive(
  fill: (moment: Moment, into: EpochTrees) => Promise<void>,
  keptLeaves: number,
): (moment: Moment) => Promise<EpochTrees | null> {
  const kept = new Map<string, EpochTrees>();
  const making = new Map<string, Promise<EpochTrees>>();
  let turn: Promise<unknown> = Promise.resolve();

  /** The one that was asked for last stands last. */
  function keep(name: string, trees: EpochTrees): EpochTrees {
    kept.delete(name);
    kept.set(name, trees);
    let leaves = [...kept.values()].reduce((sum, each) => sum + leavesOf(each), 0);
    for (const [other, its] of kept) {
      if (kept.size === 1 || (kept.size <= KEPT && leaves <= keptLeaves)) break;
      kept.delete(other);
      leaves -= leavesOf(its);
    }
    return trees;
  }

  function make(name: string, moment: Moment): Promise<EpochTrees> {
    const made = turn
      .then(async () => {
        const trees = new EpochTrees();
        await fill(moment, trees);
        return keep(name, trees);
      })
      .finally(() => making.delete(name));
    turn = made.catch(() => {});
    making.set(name, made);
    return made;
  }

  return async (moment) => {
    const name = `${moment.chain} ${moment.toBlock}`;
    const found = kept.get(name);
    if (found !== undefined) return keep(name, found);
    return making.get(name) ?? (making.size < WAITING ? make(name, moment) : null);
  };
}

function leavesOf({ state, assessments, collateral }: EpochTrees): number {
  return state.size + assessments.leafCount + collateral.leafCount;
}

function nameOf({ tree, key }: Pick<EpochLeaf, "tree" | "key">): string {
  return `${tree} ${key}`;
}

/** The first root or count that is not the epoch's; null when all are. */
function differenceOf(roots: EpochRoots, epoch: Epoch): string | null {
  const found = Object.entries(roots).find(([member, value]) => epoch[member as keyof EpochRoots] !== value);
  return found === undefined ? null : found[0];
}
