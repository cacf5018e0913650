import { and, asc, desc, eq, gt, gte, lte } from "drizzle-orm";
import { block, event, price, reading } from "../../ponder.schema.ts";
import { type HistoryBlock, historyLine } from "../core/backtest/history-line.ts";
import type { BlockRow, EventRow, PriceRow, ReadingRow } from "../core/book/rows.ts";
import { ProviderError } from "../core/errors.ts";
import { caip2, type Hex } from "../core/ids.ts";
import { feedHash } from "./feed.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's read-only database type depends on generated files
type Database = any;

/** Rows of one kind on a page, about: a page ends with a whole block, and has one block at least. */
const ROWS_LIMIT = 5_000;
/** How often a page is read again because a reorg has passed through it. */
const TRIES = 5;

type Range = { chainId: number; after: bigint; limit: number };

/** Recorded blocks, rising; `line` is the block with its rows as `parseHistoryLine` reads it. */
export type HistoryPage = {
  chain: string;
  head: string | null;
  blocks: readonly { number: string; hash: Hex; parentHash: Hex; line: string }[];
};

/**
 * Whole blocks above `after` with their append-only rows, at most `limit`.
 * @throws ProviderError when the chain is replaced faster than it can be read.
 */
export async function historyPage(db: Database, range: Range): Promise<HistoryPage> {
  for (let tries = 0; tries < TRIES; tries++) {
    const page = await readPage(db, range);
    const last = page.blocks.at(-1);
    // Where there are no snapshots, on PGlite, a reorg between two queries shows in the last block's hash.
    if (last === undefined || (await feedHash(db, { ...range, number: BigInt(last.number) })) === last.hash) {
      return page;
    }
  }
  throw new ProviderError(`Chain ${range.chainId} is being reorganised; its history cannot be read just now.`);
}

function readPage(db: Database, { chainId, after, limit }: Range): Promise<HistoryPage> {
  return db.transaction(
    async (tx: Database) => {
      const ofChain = eq(block.chainId, chainId);
      const [head] = await tx.select().from(block).where(ofChain).orderBy(desc(block.number)).limit(1);
      const blocks: BlockRow[] = await tx
        .select()
        .from(block)
        .where(and(ofChain, gt(block.number, after)))
        .orderBy(asc(block.number))
        .limit(limit);
      return {
        chain: caip2(chainId),
        head: head === undefined ? null : head.number.toString(),
        blocks: (await withRows(tx, { chainId, blocks })).map((found) => ({
          number: found.block.number.toString(),
          hash: found.block.hash,
          parentHash: found.block.parentHash,
          line: historyLine(found),
        })),
      };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

async function withRows(
  tx: Database,
  { chainId, blocks }: { chainId: number; blocks: readonly BlockRow[] },
): Promise<HistoryBlock[]> {
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined) return [];
  // One block is read whole, however many rows it has.
  const most = blocks.length === 1 ? Number.MAX_SAFE_INTEGER : ROWS_LIMIT;
  const rowsOf = (table: Database) =>
    tx
      .select()
      .from(table)
      .where(and(eq(table.chainId, chainId), gte(table.blockNumber, first.number), lte(table.blockNumber, last.number)))
      .orderBy(asc(table.blockNumber), asc(table.logIndex), asc(table.id))
      .limit(most);
  const events: EventRow[] = await rowsOf(event);
  const prices: PriceRow[] = await rowsOf(price);
  const readings: ReadingRow[] = await rowsOf(reading);
  const whole = wholeBlocks(blocks, { rows: [events, prices, readings], most });
  if (whole.length === 0) return withRows(tx, { chainId, blocks: [first] });
  const of = <T extends { blockNumber: bigint }>(rows: readonly T[], { number }: BlockRow) =>
    rows.filter((row) => row.blockNumber === number);
  return whole.map((found) => ({
    block: found,
    events: of(events, found),
    prices: of(prices, found),
    readings: of(readings, found),
  }));
}

/** The blocks before any in which a list of rows may have been cut off. */
function wholeBlocks(
  blocks: readonly BlockRow[],
  { rows, most }: { rows: readonly (readonly { blockNumber: bigint }[])[]; most: number },
): readonly BlockRow[] {
  const cuts = rows.flatMap((list) => (list.length < most ? [] : [list.at(-1)?.blockNumber ?? 0n]));
  return blocks.filter(({ number }) => cuts.every((cut) => number < cut));
}
