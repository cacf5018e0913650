import { stamp } from "../../ponder.schema.ts";
import { ADAPTERS } from "../adapters/catalogue.ts";
import { Book } from "../core/book/book.ts";
import { beginMark, endMark, logMark } from "../core/book/marks.ts";
import { fold } from "../core/book/replay.ts";
import { BEFORE_LOGS } from "../core/book/rows.ts";
import { InvariantError } from "../core/errors.ts";
import type { BlockRef, Reading } from "../core/event.ts";
import type { Hex } from "../core/ids.ts";
import type { ChainDeployment, Deployment } from "../core/margin-model.ts";
import type { Rulebook } from "../core/rules/rule.ts";
import { newest, type Schedule } from "../core/rules/schedule.ts";
import { readCodes } from "./codes.ts";
import { extent, rowSource } from "./fold.ts";
import type { Context } from "./ponder.ts";
import { hashOf, loadDeployment, loadSchedule } from "./settings.ts";

/** What the indexer runs on, loaded once. */
export type Runtime = {
  deployment: Deployment;
  deploymentHash: Hex;
  schedule: Schedule;
  /** The newest version's: what questions are asked under. */
  rulebook: Rulebook;
  books: Map<number, Book>;
};

/** Survives Ponder's separate evaluation of handlers and API, which share one process. */
const KEY = Symbol.for("plumbline.runtime");

/** The indexer's one runtime: settings and the books of its chains. @throws InputError for unusable settings. */
export function runtime(): Runtime {
  const holder = globalThis as unknown as Record<symbol, Runtime | undefined>;
  holder[KEY] ??= createRuntime();
  return holder[KEY];
}

function createRuntime(): Runtime {
  const deployment = loadDeployment();
  const schedule = loadSchedule();
  return { deployment, deploymentHash: hashOf(deployment), schedule, rulebook: newest(schedule), books: new Map() };
}

/** An empty book of one chain of the deployment. */
export function createBook(
  chain: ChainDeployment,
  { deploymentHash, schedule }: Pick<Runtime, "deploymentHash" | "schedule">,
): Book {
  return new Book({ chain, adapters: ADAPTERS, schedule, deploymentHash });
}

/** A chain of the deployment. @throws InvariantError for another: Ponder was told of no other. */
export function chainOf(chainId: number): ChainDeployment {
  const chain = runtime().deployment.chains.find((c) => c.chainId === chainId);
  if (chain === undefined) throw new InvariantError(`Chain ${chainId} is not in the deployment.`);
  return chain;
}

/** A place in a chain: a log, or the end of a block when `logIndex` is null. */
export type Place = { block: BlockRef; logIndex: number | null };

/**
 * The chain's book, standing just before `place` with the block begun.
 *
 * Ponder may have rolled its tables back since the last call: a retried batch, a reorg, a restart. Then the book is
 * brought to where the tables are, by its journal or by folding them anew. Two checks find every such case: a place at or
 * before the book's own, and a stamp row that is not the last block the book has ended.
 *
 * @returns the book and the readings made before the block's first log.
 */
export async function bookAt(place: Place, context: Context): Promise<{ book: Book; readings: Reading[] }> {
  const { books } = runtime();
  const chain = chainOf(context.chain.id);
  const { block, logIndex } = place;
  let book = books.get(chain.chainId) ?? (await rebuild(chain, context));
  const mark = logIndex === null ? endMark(block.number) : logMark(block.number, logIndex);
  if (mark <= book.mark) {
    const from = book.hashAt(block.number) === block.hash ? mark : beginMark(block.number);
    if (book.journal.reaches(from)) book.undoFrom(from);
    else book = await rebuild(chain, context);
  }
  if (book.isOpen && book.block?.hash === block.hash) return { book, readings: [] };
  book = await agreeWithStamp(book, { chain, context });
  const before = { chainId: chain.chainId, block, logIndex: BEFORE_LOGS, protocol: "owners" };
  const readings = await readCodes(book.codesNeeded(block), { client: context.client, place: before });
  book.begin(block, readings);
  return { book, readings };
}

async function agreeWithStamp(
  book: Book,
  { chain, context }: { chain: ChainDeployment; context: Context },
): Promise<Book> {
  const row = (await context.db.find(stamp, { chainId: chain.chainId })) as {
    blockNumber: bigint;
    blockHash: Hex;
  } | null;
  if (!book.isOpen && row?.blockHash === book.ended?.hash) return book;
  if (
    row !== null &&
    book.hashAt(row.blockNumber) === row.blockHash &&
    book.journal.reaches(endMark(row.blockNumber))
  ) {
    book.undoToEndOf(row.blockNumber);
    return book;
  }
  return rebuild(chain, context);
}

/** Folds the tables into a new book. */
async function rebuild(chain: ChainDeployment, context: Context): Promise<Book> {
  const { books, ...settings } = runtime();
  const book = createBook(chain, settings);
  const range = await extent(context.db.sql, chain.chainId);
  if (range !== null) await fold(book, { source: rowSource(context.db.sql, chain.chainId), ...range });
  books.set(chain.chainId, book);
  return book;
}
