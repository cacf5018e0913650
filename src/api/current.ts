import type { Book } from "../core/book/book.ts";
import type { AccountRow, PositionRow } from "../core/book/projection.ts";
import type { Hex } from "../core/ids.ts";
import { runtime } from "../indexing/runtime.ts";

type AsOf = { chain: string; blockNumber: string; blockHash: Hex; timestamp: string };
type Json = string | number | boolean | null;
type Current = Record<string, Json | AsOf>;

/** Figures as they are now: ids that are not open any more are null. */
export type CurrentFigures = { positions: Record<string, Current | null>; accounts: Record<string, Current | null> };

/** Longest wait for a block that is being folded. */
const PATIENCE_MS = 2_000;
const STEP_MS = 2;

/** Positions and accounts evaluated from the books in memory, each as of its chain's last whole block. */
export async function currentFigures(ids: {
  positions: readonly string[];
  accounts: readonly string[];
}): Promise<CurrentFigures> {
  await settled();
  const found: CurrentFigures = { positions: {}, accounts: {} };
  for (const id of ids.positions) found.positions[id] = position(id);
  for (const id of ids.accounts) found.accounts[id] = account(id);
  return found;
}

/** Waits until no book is inside a block. A book that stays inside one has nothing whole to show yet. */
async function settled(): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  while ([...runtime().books.values()].some((book) => book.isOpen) && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}

function position(id: string): Current | null {
  const parts = id.split("/");
  const book = bookOf(parts[0]);
  const [address] = parts.slice(-2) as [Hex];
  if (book?.ended == null || book.isOpen) return null;
  const venue = book.venues.find((v) => id.startsWith(v.prefix));
  if (venue === undefined) return null;
  const row = book.projection.positions(address, { venue, block: book.ended }).find((r) => r.id === id);
  return row === undefined ? null : present(row, book);
}

function account(id: string): Current | null {
  const [, chainId, address] = id.split(":");
  const book = bookOf(`eip155:${chainId}`);
  if (book?.ended == null || book.isOpen || address === undefined) return null;
  return present(book.projection.account(address as Hex, book.ended), book);
}

function bookOf(chain: string | undefined): Book | undefined {
  return runtime().books.get(Number(chain?.split(":")[1]));
}

function present(row: PositionRow | AccountRow, book: Book): Current {
  const { blockNumber, blockHash, blockTimestamp, ...figures } = row;
  const json = Object.entries(figures).map(([k, v]): [string, Json] => [k, typeof v === "bigint" ? v.toString() : v]);
  const asOf = {
    chain: `eip155:${book.chain.chainId}`,
    blockNumber: blockNumber.toString(),
    blockHash,
    timestamp: blockTimestamp.toString(),
  };
  return { ...Object.fromEntries(json), asOf };
}
