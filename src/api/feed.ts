import { and, asc, eq, gte, lte } from "drizzle-orm";
import { assessment, epochRoot } from "../../ponder.schema.ts";
import type { FeedBlock, FeedPage } from "../core/assessment.ts";
import { caip2, type Hex } from "../core/ids.ts";
import { type AssessmentRow, assessmentOf, type EpochRow, epochOf } from "../indexing/rows.ts";
import { type Database, type Range, wholePage } from "./page.ts";

type BlockRow = { number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint; closed: FeedBlock["closed"] };

/**
 * Whole blocks above `after` with their assessments, what closed and the epoch they end, at most `limit`.
 * @throws ProviderError when the chain is replaced faster than it can be read.
 */
export function feedPage(db: Database, range: Range): Promise<FeedPage> {
  return wholePage<BlockRow, FeedPage>(db, range, {
    what: "feed",
    read: (tx, found) => withAssessments(tx, { chainId: range.chainId, ...found }),
  });
}

async function withAssessments(
  tx: Database,
  { chainId, head, blocks }: { chainId: number; head: BlockRow | undefined; blocks: readonly BlockRow[] },
): Promise<FeedPage> {
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
      and(eq(epochRoot.chainId, chainId), gte(epochRoot.toBlock, first.number), lte(epochRoot.toBlock, last.number)),
    );
  return { chain, head: headOf(head), blocks: blocks.map((row) => assemble(row, { chain, assessments, epochs })) };
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
