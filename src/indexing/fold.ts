import { and, asc, eq, gt, lte } from "drizzle-orm";
import { block, event, price, reading } from "../../ponder.schema.ts";
import type { RowSource } from "../core/book/replay.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's and drizzle's database types have no common supertype
type Database = any;

/** Reads rows from a database that holds the indexer's tables. */
export function rowSource(db: Database, chainId: number): RowSource {
  const between = (table: Database, number: Database, { after, to }: { after: bigint; to: bigint }) =>
    db
      .select()
      .from(table)
      .where(and(eq(table.chainId, chainId), gt(number, after), lte(number, to)));
  return async (range) => ({
    blocks: await between(block, block.number, range),
    events: await between(event, event.blockNumber, range),
    prices: await between(price, price.blockNumber, range),
    readings: await between(reading, reading.blockNumber, range),
  });
}

/** The first block of a chain in the tables, and the last place any row stands at. */
export async function extent(db: Database, chainId: number): Promise<{ from: bigint; to: bigint } | null> {
  const edges: bigint[] = [];
  for (const { table, number } of [
    { table: block, number: block.number },
    { table: event, number: event.blockNumber },
    { table: price, number: price.blockNumber },
    { table: reading, number: reading.blockNumber },
  ]) {
    const all = await db.select({ n: number }).from(table).where(eq(table.chainId, chainId)).orderBy(asc(number));
    if (all.length > 0) edges.push(all[0].n, all[all.length - 1].n);
  }
  if (edges.length === 0) return null;
  return { from: edges.reduce((a, b) => (a < b ? a : b)), to: edges.reduce((a, b) => (a > b ? a : b)) };
}
