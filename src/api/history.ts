import { and, asc, eq, gte, lte } from "drizzle-orm";
import { event, price, reading } from "../../ponder.schema.ts";
import { type HistoryBlock, historyLine } from "../core/backtest/history-line.ts";
import type { BlockRow, EventRow, PriceRow, ReadingRow } from "../core/book/rows.ts";
import { caip2, type Hex } from "../core/ids.ts";
import { type Database, type Range, wholePage } from "./page.ts";

/** Rows of one kind on a page, about: a page ends with a whole block, and has one block at least. */
const ROWS_LIMIT = 5_000;
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
export function historyPage(db: Database, range: Range): Promise<HistoryPage> {
  const { chainId } = range;
  return wholePage<BlockRow, HistoryPage>(db, range, {
    what: "history",
    read: async (tx, { head, blocks }) => ({
      chain: caip2(chainId),
      head: head === undefined ? null : head.number.toString(),
      blocks: (await withRows(tx, { chainId, blocks })).map((found) => ({
        number: found.block.number.toString(),
        hash: found.block.hash,
        parentHash: found.block.parentHash,
        line: historyLine(found),
      })),
    }),
  });
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
