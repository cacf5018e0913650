import { and, desc, eq, gt, lte, sql } from "drizzle-orm";
import { epochLeaf, epochRoot } from "../../ponder.schema.ts";
import type { EpochTree } from "../core/assessment.ts";
import type { StateJson } from "../core/margin-model.ts";
import type { Database } from "./page.ts";

/** Leaves of a tree in the order of their keys; `next` is the key to go on after, null at the end. */
export type LeafPage = { leaves: { key: string; state: StateJson }[]; next: string | null };

/** Raw bytes: no collation of the database's. */
const KEY = sql`${epochLeaf.key} COLLATE "C"`;

/** A page of all leaves of an epoch's tree, whenever each of them changed last; `null` where there is no such epoch. */
export async function epochLeavesPage(
  db: Database,
  of: { chainId: number; number: bigint; tree: EpochTree; after: string; limit: number },
): Promise<LeafPage | null> {
  const { chainId, number, tree, after, limit } = of;
  const [epoch] = await db
    .select({ toBlock: epochRoot.toBlock })
    .from(epochRoot)
    .where(and(eq(epochRoot.chainId, chainId), eq(epochRoot.number, number)));
  if (epoch === undefined) return null;
  const rows: { key: string; state: StateJson | null }[] = await db
    .selectDistinctOn([KEY], { key: epochLeaf.key, state: epochLeaf.state })
    .from(epochLeaf)
    .where(
      and(
        ...[eq(epochLeaf.chainId, chainId), eq(epochLeaf.tree, tree)],
        ...[lte(epochLeaf.toBlock, epoch.toBlock), gt(KEY, after)],
      ),
    )
    .orderBy(KEY, desc(epochLeaf.toBlock))
    .limit(limit);
  const leaves = rows.flatMap(({ key, state }) => (state === null ? [] : [{ key, state }]));
  return { leaves, next: rows.length < limit ? null : (rows.at(-1)?.key ?? null) };
}
