import { and, asc, desc, eq, gt, gte, lte } from "drizzle-orm";
import { assessment, block, epochRoot } from "../../ponder.schema.ts";
import type { FeedBlock, FeedPage } from "../core/assessment.ts";
import { ProviderError } from "../core/errors.ts";
import { caip2, type Hex } from "../core/ids.ts";
import { type AssessmentRow, assessmentOf, type EpochRow, epochOf } from "../indexing/rows.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's read-only database type depends on generated files
type Database = any;

type BlockRow = { number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint; closed: FeedBlock["closed"] };

/** How often a page is read again because a reorg has passed through it. */
const TRIES = 5;

type Range = { chainId: number; after: bigint; limit: number };

/**
 * Whole blocks above `after`, rising, at most `limit`. A block is whole once its own row stands, which is written last.
 * The page is read in one snapshot; where there are none, on PGlite, it is read again when its last block has been
 * replaced meanwhile, so that a reorg between two queries cannot mix two branches.
 * @throws ProviderError when the chain is replaced faster than it can be read.
 */
export async function feedPage(db: Database, range: Range): Promise<FeedPage> {
  for (let tries = 0; tries < TRIES; tries++) {
    const page = await readPage(db, range);
    const last = page.blocks.at(-1);
    if (last === undefined || (await feedHash(db, { ...range, number: BigInt(last.number) })) === last.hash)
      return page;
  }
  throw new ProviderError(`Chain ${range.chainId} is being reorganised; its feed cannot be read just now.`);
}

function readPage(db: Database, { chainId, after, limit }: Range): Promise<FeedPage> {
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
      const first = blocks[0];
      const last = blocks.at(-1);
      const chain = caip2(chainId);
      if (first === undefined || last === undefined) return { chain, head: headOf(head), blocks: [] };
      const assessments: AssessmentRow[] = await tx
        .select()
        .from(assessment)
        .where(
          and(
            eq(assessment.chainId, chainId),
            gte(assessment.recordedBlock, first.number),
            lte(assessment.recordedBlock, last.number),
          ),
        )
        .orderBy(asc(assessment.recordedBlock), asc(assessment.ordinal));
      const epochs: EpochRow[] = await tx
        .select()
        .from(epochRoot)
        .where(
          and(
            eq(epochRoot.chainId, chainId),
            gte(epochRoot.toBlock, first.number),
            lte(epochRoot.toBlock, last.number),
          ),
        );
      return { chain, head: headOf(head), blocks: blocks.map((row) => assemble(row, { chain, assessments, epochs })) };
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

/** Hash of one block, or null when its row does not stand. */
export async function feedHash(
  db: Database,
  { chainId, number }: { chainId: number; number: bigint },
): Promise<Hex | null> {
  const [row] = await db
    .select()
    .from(block)
    .where(and(eq(block.chainId, chainId), eq(block.number, number)));
  return row?.hash ?? null;
}

function assemble(
  row: BlockRow,
  { chain, assessments, epochs }: { chain: string; assessments: AssessmentRow[]; epochs: EpochRow[] },
): FeedBlock {
  const epoch = epochs.find((e) => e.toBlock === row.number);
  return {
    chain,
    number: row.number.toString(),
    hash: row.hash,
    parentHash: row.parentHash,
    timestamp: row.timestamp.toString(),
    assessments: assessments.filter((a) => a.recordedBlock === row.number).map(assessmentOf),
    closed: row.closed,
    epoch: epoch === undefined ? null : epochOf(epoch),
  };
}

function headOf(row: BlockRow | undefined): FeedPage["head"] {
  return row === undefined ? null : { number: row.number.toString(), hash: row.hash };
}
