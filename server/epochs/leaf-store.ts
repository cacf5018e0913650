import type { EpochLeaf, EpochTree } from "../../src/core/assessment.ts";
import { canonicalText } from "../../src/core/proof/canonical.ts";
import type { Store } from "../store/database.ts";

/** The trees of a chain as they stood at the end of a block that ends an epoch. */
export type Moment = { chain: string; toBlock: number };

/** A leaf as it is kept; `state` is the RFC 8785 text of what it says. */
export type KeptLeaf = { key: string; state: string };

/**
 * The leaves of the trees of sealed epochs. A row is a version of a leaf, from the epoch that ends with `to_block` on; one
 * without a state says that the leaf is gone. What stood at an epoch is the last version of every key up to there, so that
 * a sealed epoch's leaves never change.
 */
export type LeafStore = {
  /** Writes what changed with an epoch; only within the transaction that seals it. */
  write(moment: Moment, leaves: readonly EpochLeaf[]): void;
  /** What a leaf said; `null` where there was none. */
  stateAt(moment: Moment, leaf: { tree: EpochTree; key: string }): string | null;
  /** Leaves of a tree in the order of their keys, behind `after`. */
  page(moment: Moment, page: { tree: EpochTree; after: string; limit: number }): KeptLeaf[];
};

/** The leaves in a store, by its writing connection: a transaction sees what it has written. */
export function createLeafStore({ connection }: Pick<Store, "connection">): LeafStore {
  const insert = connection.prepare(
    "INSERT INTO epoch_leaf (chain, tree, key, to_block, state) VALUES (?, ?, ?, ?, ?)",
  );
  const version = connection
    .prepare(
      `SELECT state FROM epoch_leaf WHERE chain = ? AND tree = ? AND key = ? AND to_block <= ?
       ORDER BY to_block DESC LIMIT 1`,
    )
    .pluck();
  // From key to key, so that it costs the same however many versions there are.
  const versions = connection.prepare(
    `WITH RECURSIVE following(key) AS (
       SELECT min(key) FROM epoch_leaf WHERE chain = @chain AND tree = @tree AND key > @after
       UNION ALL
       SELECT (SELECT min(key) FROM epoch_leaf WHERE chain = @chain AND tree = @tree AND key > following.key)
       FROM following WHERE following.key IS NOT NULL
     ), versions AS (
       SELECT key, (SELECT state FROM epoch_leaf AS version
         WHERE chain = @chain AND tree = @tree AND version.key = following.key AND to_block <= @toBlock
         ORDER BY to_block DESC LIMIT 1) AS state
       FROM following WHERE key IS NOT NULL
     )
     SELECT key, state FROM versions WHERE state IS NOT NULL LIMIT @limit`,
  );
  return {
    write({ chain, toBlock }, leaves) {
      for (const { tree, key, state } of leaves) {
        insert.run(chain, tree, key, toBlock, state === null ? null : canonicalText(state));
      }
    },
    stateAt: ({ chain, toBlock }, { tree, key }) => (version.get(chain, tree, key, toBlock) as string | null) ?? null,
    page: ({ chain, toBlock }, { tree, after, limit }) =>
      versions.all({ chain, toBlock, tree, after, limit }) as KeptLeaf[],
  };
}
