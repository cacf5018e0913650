/**
 * The unsealed part of each chain, as the feed gave it. It is an invariant that these blocks are all above the chain's
 * sealed block, and that contiguous ones are linked by parent hash.
 */
import { and, asc, desc, eq, gte, lte } from "drizzle-orm";
import type { Assessment, Epoch, EpochLeaf } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { Db } from "../store/database.ts";
import { assessment, block, chain } from "../store/schema.ts";

/** A block by height and hash. `sealed` ones are in the ledger and are never taken back. */
export type BlockMark = { number: number; hash: Hex; sealed: boolean };

/** An unsealed block with what the feed said about it; `leaves` is null where a former version took no note of them. */
export type UnsealedBlock = {
  number: number;
  hash: Hex;
  parentHash: Hex;
  timestamp: string;
  epoch: Epoch | null;
  leaves: readonly EpochLeaf[] | null;
};

/** The highest block known of a chain, or `null` before the first. */
export function tipOf(db: Db, chainId: string): BlockMark | null {
  const top = db.select().from(block).where(eq(block.chain, chainId)).orderBy(desc(block.number)).limit(1).get();
  if (top) return { number: top.number, hash: top.hash as Hex, sealed: false };
  return sealedMark(db, chainId);
}

/** The last sealed block of a chain, or `null` before the first. */
export function sealedMark(db: Db, chainId: string): BlockMark | null {
  const row = db.select().from(chain).where(eq(chain.chain, chainId)).get();
  if (!row || row.sealedNumber === null || row.sealedHash === null) return null;
  return { number: row.sealedNumber, hash: row.sealedHash as Hex, sealed: true };
}

/** Unsealed blocks from the tip down. */
export function unsealedDescending(db: Db, chainId: string): BlockMark[] {
  const rows = db.select().from(block).where(eq(block.chain, chainId)).orderBy(desc(block.number)).all();
  return rows.map((row) => ({ number: row.number, hash: row.hash as Hex, sealed: false }));
}

/** Unsealed blocks up to a height, in chain order, at most `limit`. */
export function unsealedUpTo(
  db: Db,
  chainId: string,
  { number, limit }: { number: number; limit: number },
): UnsealedBlock[] {
  const rows = db
    .select()
    .from(block)
    .where(and(eq(block.chain, chainId), lte(block.number, number)))
    .orderBy(asc(block.number))
    .limit(limit)
    .all();
  return rows.map((row) => ({
    number: row.number,
    hash: row.hash as Hex,
    parentHash: row.parentHash as Hex,
    timestamp: row.timestamp,
    epoch: row.epoch === null ? null : (JSON.parse(row.epoch) as Epoch),
    leaves: row.leaves === null ? null : (JSON.parse(row.leaves) as EpochLeaf[]),
  }));
}

/** A block's assessments in the order they were made. */
export function assessmentsOf(db: Db, chainId: string, number: number): Assessment[] {
  const rows = db
    .select({ body: assessment.body })
    .from(assessment)
    .where(and(eq(assessment.chain, chainId), eq(assessment.recordedBlock, number)))
    .orderBy(asc(assessment.ordinal))
    .all();
  return rows.map((row) => JSON.parse(row.body) as Assessment);
}

/** Forgets unsealed blocks from a height on, with their assessments. */
export function dropFrom(db: Db, chainId: string, number: number): void {
  db.delete(assessment)
    .where(and(eq(assessment.chain, chainId), gte(assessment.recordedBlock, number)))
    .run();
  db.delete(block)
    .where(and(eq(block.chain, chainId), gte(block.number, number)))
    .run();
}

/** Forgets unsealed blocks up to a height that has been sealed, with their assessments, which are leaves now. */
export function dropUpTo(db: Db, chainId: string, number: number): void {
  db.delete(assessment)
    .where(and(eq(assessment.chain, chainId), lte(assessment.recordedBlock, number)))
    .run();
  db.delete(block)
    .where(and(eq(block.chain, chainId), lte(block.number, number)))
    .run();
}
