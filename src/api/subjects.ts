import type { Book } from "../core/book/book.ts";
import type { Venue } from "../core/book/venue.ts";
import { InputError, ProviderError } from "../core/errors.ts";
import type { BlockRef } from "../core/event.ts";
import { divUp, WAD } from "../core/fixed.ts";
import type { OpenPosition } from "../core/harmonization/matrix.ts";
import { addressOf, caip2, caip10, chainIdOf, type Hex } from "../core/ids.ts";
import { runtime } from "../indexing/runtime.ts";

/** Longest wait for a block that is being folded. */
const PATIENCE_MS = 2_000;
const STEP_MS = 2;

const POSITION = /^(eip155:[1-9]\d{0,14})\/[a-z][a-z0-9-]*\/.+\/(0x[0-9a-f]{40})\/[1-9]\d*$/;

/**
 * Waits until a chain's book, or when no chain is named every book, is inside no block. A book that stays inside one has
 * nothing whole to show yet.
 */
export async function settled(chainId?: number): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  const isInside = () =>
    [...runtime().books].some(([id, book]) => (chainId === undefined || id === chainId) && book.isOpen);
  while (isInside() && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, STEP_MS));
}

/** An account, or one of its positions, in a book that stands at the end of a block. */
export type Asked = { book: Book; block: BlockRef; address: Hex; account: string; position: string | null };

/**
 * Finds whom a question is about, once their chain stands at the end of a block; what another chain does is not waited
 * for.
 * @param subject a CAIP-10 account or a position id.
 * @throws InputError for anything else, ProviderError while the chain has no whole block to show.
 */
export async function whomOf(subject: string): Promise<Asked> {
  const lower = subject.toLowerCase();
  const [, chain, holder] = POSITION.exec(lower) ?? [];
  const address = holder === undefined ? accountOf(lower) : (holder as Hex);
  const chainId = chainIdOf(chain ?? lower.slice(0, lower.lastIndexOf(":")));
  const { book, block } = await standingSoon(chainId);
  return { book, block, address, account: caip10(chainId, address), position: chain === undefined ? null : lower };
}

/**
 * The book of a chain and the block whose end it stands at.
 * @throws InputError for a chain that is not followed, ProviderError while there is no whole block.
 */
function standing(chainId: number): { book: Book; block: BlockRef } {
  const book = runtime().books.get(chainId);
  if (book === undefined) throw new InputError(`The chain ${caip2(chainId)} is not followed here.`);
  if (book.ended === null || book.isOpen) throw new ProviderError(`Chain ${chainId} has no whole block to show yet.`);
  return { book, block: book.ended };
}

/** `standing`, after waiting for the block the chain is in. @throws as `standing`. */
export async function standingSoon(chainId: number): Promise<{ book: Book; block: BlockRef }> {
  await settled(chainId);
  return standing(chainId);
}

/** The market of an id, in any book, and its protocol's key for it. @throws InputError when there is none. */
export async function marketOf(id: string): Promise<{ book: Book; venue: Venue; block: BlockRef; key: string }> {
  const lower = id.toLowerCase();
  for (const { chain, venues } of [...runtime().books.values()]) {
    const prefix = venues.find((v) => lower.startsWith(v.prefix))?.prefix;
    if (prefix === undefined) continue;
    // The book may be another one after the wait.
    const { book, block } = await standingSoon(chain.chainId);
    const venue = book.venues.find((v) => v.prefix === prefix);
    const key = lower.slice(prefix.length);
    if (venue?.model.marketKeys().includes(key)) return { book, venue, block, key };
    throw new InputError("The protocol has no market of this id.");
  }
  throw new InputError("No protocol followed here has a market of this id.");
}

/** The open positions of an account on a chain. Notional is rounded up; null where it or the settlement asset has no price. */
export function openPositions({ book, block, address, account }: Omit<Asked, "position">): OpenPosition[] {
  return book.venues.flatMap((venue) => {
    const rate = book.prices.at(venue.config.settlement.feed, block.timestamp);
    return book.projection.positions(address, { venue, block }).map((row): OpenPosition => {
      const { product, symbol } = venue.figures.market(row.market.slice(venue.prefix.length), block.timestamp);
      const known = row.notional !== null && rate.value !== null;
      return {
        id: row.id,
        ...{ account, protocol: venue.id, market: row.market, symbol },
        underlier: product.underlier,
        product: { kind: product.kind, underlierClass: product.underlierClass },
        side: row.side,
        notional: known ? divUp((row.notional as bigint) * (rate.value as bigint), WAD) : null,
        reason: known ? null : row.notional === null ? (row.reason ?? "NO_PRICE") : rate.reason,
      };
    });
  });
}

/** Where a figure was taken: block number, hash and timestamp. */
export function asOf(chainId: number, block: Pick<BlockRef, "number" | "hash" | "timestamp">) {
  return {
    chain: caip2(chainId),
    blockNumber: block.number.toString(),
    blockHash: block.hash,
    timestamp: block.timestamp.toString(),
  };
}

function accountOf(text: string): Hex {
  try {
    return addressOf(text);
  } catch {
    throw new InputError("The subject is neither an account like eip155:901:0x… nor the id of a position.");
  }
}
