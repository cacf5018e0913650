import { and, asc, desc, eq, gt } from "drizzle-orm";
import { block } from "../../ponder.schema.ts";
import { ProviderError } from "../core/errors.ts";
import type { Hex } from "../core/ids.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's read-only database type depends on generated files
export type Database = any;

/** The blocks of one chain above `after`, at most `limit`. */
export type Range = { chainId: number; after: bigint; limit: number };

/** How often a page is read again because a reorg has passed through it. */
const TRIES = 5;

/**
 * A page of whole blocks, rising. A block is whole once its own row stands, which is written last. The page is read in
 * one snapshot; where there are none, on PGlite, it is read again when its last block has been replaced meanwhile, so
 * that a reorg between two queries cannot mix two branches.
 * @param pages.read what the page is made of, from the chain's highest block and the blocks in the range.
 * @param pages.what what is read, for messages: `feed`.
 * @throws ProviderError when the chain is replaced faster than it can be read.
 */
export async function wholePage<Row extends { number: bigint }, Page extends Blocks>(
  db: Database,
  range: Range,
  { read, what }: { read(tx: Database, found: Found<Row>): Promise<Page>; what: string },
): Promise<Page> {
  for (let tries = 0; tries < TRIES; tries++) {
    const page: Page = await db.transaction(async (tx: Database) => read(tx, await blocksIn<Row>(tx, range)), {
      isolationLevel: "repeatable read",
      accessMode: "read only",
    });
    const last = page.blocks.at(-1);
    if (last === undefined || (await hashAt(db, { ...range, number: BigInt(last.number) })) === last.hash) return page;
  }
  throw new ProviderError(`Chain ${range.chainId} is being reorganised; its ${what} cannot be read just now.`);
}

/** The hash under which a block stands in the tables; `null` when it does not. */
export async function hashAt(
  db: Database,
  { chainId, number }: { chainId: number; number: bigint },
): Promise<Hex | null> {
  const [row] = await db
    .select({ hash: block.hash })
    .from(block)
    .where(and(eq(block.chainId, chainId), eq(block.number, number)));
  return row?.hash ?? null;
}

type Blocks = { blocks: readonly { number: string; hash: Hex }[] };
type Found<Row> = { head: Row | undefined; blocks: Row[] };

async function blocksIn<Row>(tx: Database, { chainId, after, limit }: Range): Promise<Found<Row>> {
  const ofChain = eq(block.chainId, chainId);
  const [head] = await tx.select().from(block).where(ofChain).orderBy(desc(block.number)).limit(1);
  const blocks = await tx
    .select()
    .from(block)
    .where(and(ofChain, gt(block.number, after)))
    .orderBy(asc(block.number))
    .limit(limit);
  return { head, blocks };
}
