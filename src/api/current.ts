import type { Book } from "../core/book/book.ts";
import type { AccountRow, PositionRow } from "../core/book/figure-rows.ts";
import type { Hex } from "../core/ids.ts";
import { runtime } from "../indexing/runtime.ts";
import { asOf, settled } from "./subjects.ts";

type AsOf = { chain: string; blockNumber: string; blockHash: Hex; timestamp: string };
type Json = string | number | boolean | null;
type Current = Record<string, Json | AsOf>;

/** Figures as they are now: ids that are not open any more are null. */
export type CurrentFigures = { positions: Record<string, Current | null>; accounts: Record<string, Current | null> };

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
  const at = { number: blockNumber, hash: blockHash, timestamp: blockTimestamp };
  return { ...Object.fromEntries(json), asOf: asOf(book.chain.chainId, at) };
}
