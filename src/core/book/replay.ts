import { InvariantError } from "../errors.ts";
import type { BlockRef, CanonicalEvent, Reading } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { Book } from "./book.ts";
import type { BlockOutcome } from "./pending.ts";
import {
  AFTER_LOGS,
  BEFORE_LOGS,
  type BlockRow,
  type EventRow,
  eventOf,
  type PriceRow,
  priceOf,
  type ReadingRow,
  readingOf,
} from "./rows.ts";

/** Blocks read from the tables at once. */
const WINDOW_BLOCKS = 1000n;

/** The append-only rows of some blocks of one chain, in any order. */
export type Rows = { blocks: BlockRow[]; events: EventRow[]; prices: PriceRow[]; readings: ReadingRow[] };

/** Gives the rows of the blocks in (after, to]. */
export type RowSource = (range: { after: bigint; to: bigint }) => Promise<Rows>;

/**
 * Folds rows into an empty book: the same steps as live, so that recovery is the normal path. A last block whose end is
 * not in the tables stays open. Undo reaches back only as far as the journal's span.
 * @param range.onBlock is given what each block leaves behind, in order.
 * @returns the number of blocks folded.
 */
export async function fold(
  book: Book,
  {
    source,
    from,
    to,
    onBlock = () => {},
  }: { source: RowSource; from: bigint; to: bigint; onBlock?: (outcome: BlockOutcome) => void },
): Promise<number> {
  let count = 0;
  for (let after = from - 1n; after < to; after += WINDOW_BLOCKS) {
    const rows = await source({ after, to: after + WINDOW_BLOCKS < to ? after + WINDOW_BLOCKS : to });
    for (const work of byBlock(rows)) {
      const outcome = foldBlock(book, work);
      if (outcome !== null) onBlock(outcome);
      count++;
    }
  }
  return count;
}

/** One block of history, ready to be folded. `ended` is false when the end of the block is not in the rows. */
export type Work = { ref: BlockRef; ended: boolean; entries: Item[]; codes: Reading[]; last: Reading[] };
type Item = { logIndex: number; txIndex: number; event: CanonicalEvent; readings: Reading[] };

/** Folds one block. @returns what it leaves behind, null when its end is not in the rows. */
export function foldBlock(book: Book, work: Work): BlockOutcome | null {
  book.begin(work.ref, work.codes);
  for (const { event: folded, logIndex, txIndex, readings } of work.entries) {
    book.enter({ blockNumber: work.ref.number, logIndex, txIndex });
    for (const r of readings) book.applyReading(r);
    book.apply(folded);
  }
  return work.ended ? book.end(work.last) : null;
}

/** Groups rows into blocks, each in the order of the chain. */
export function byBlock(rows: Rows): Work[] {
  const works = new Map<bigint, Work>();
  for (const ref of rows.blocks) {
    const { number, hash, parentHash, timestamp } = ref;
    works.set(number, { ref: { number, hash, parentHash, timestamp }, ended: true, entries: [], codes: [], last: [] });
  }
  const at = (row: { blockNumber: bigint; blockHash: Hex; blockTimestamp: bigint }): Work => {
    let work = works.get(row.blockNumber);
    if (work === undefined) {
      // The block's end is not in the tables: it was being indexed when the process died. Its parent is the block before.
      const parent = works.get(row.blockNumber - 1n)?.ref.hash ?? row.blockHash;
      const ref = { number: row.blockNumber, hash: row.blockHash, parentHash: parent, timestamp: row.blockTimestamp };
      work = { ref, ended: false, entries: [], codes: [], last: [] };
      works.set(row.blockNumber, work);
    }
    if (work.ref.hash !== row.blockHash) throw new InvariantError(`Rows of block ${row.blockNumber} carry two hashes.`);
    return work;
  };
  const readings = new Map<string, ReadingRow[]>();
  for (const row of [...rows.readings].sort((a, b) => a.ordinal - b.ordinal)) {
    const work = at(row);
    if (row.logIndex === BEFORE_LOGS) work.codes.push(readingOf(row, work.ref));
    else if (row.logIndex === AFTER_LOGS) work.last.push(readingOf(row, work.ref));
    else
      readings.set(`${row.blockNumber}:${row.logIndex}`, [
        ...(readings.get(`${row.blockNumber}:${row.logIndex}`) ?? []),
        row,
      ]);
  }
  const add = (row: EventRow | PriceRow, folded: CanonicalEvent, ref: Work) => {
    const key = `${row.blockNumber}:${row.logIndex}`;
    const own = (readings.get(key) ?? []).sort((a, b) => a.ordinal - b.ordinal).map((r) => readingOf(r, ref.ref));
    readings.delete(key);
    ref.entries.push({ logIndex: row.logIndex, txIndex: row.txIndex, event: folded, readings: own });
  };
  for (const row of rows.events) add(row, eventOf(row, at(row).ref), at(row));
  for (const row of rows.prices) add(row, priceOf(row, at(row).ref), at(row));
  const sorted = [...works.values()].sort((a, b) => (a.ref.number < b.ref.number ? -1 : 1));
  for (const work of sorted) work.entries.sort((a, b) => a.logIndex - b.logIndex || (a.event.id < b.event.id ? -1 : 1));
  return sorted;
}
