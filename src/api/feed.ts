import { and, asc, eq, gte, lte } from "drizzle-orm";
import { assessment, epochLeaf, epochRoot } from "../../ponder.schema.ts";
import type { FeedBlock, FeedPage } from "../core/assessment.ts";
import { caip2, type Hex } from "../core/ids.ts";
import {
  type AssessmentRow,
  assessmentOf,
  type EpochLeafRow,
  type EpochRow,
  epochLeafOf,
  epochOf,
} from "../indexing/rows.ts";
import { type Database, type Range, wholePage } from "./page.ts";

type BlockRow = { number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint; closed: FeedBlock["closed"] };

/**
 * Whole blocks above `after` with their assessments, what closed, the epoch they end and its changed leaves, at most `limit`.
 * @throws ProviderError when the chain is replaced faster than it can be read.
 */
export function feedPage(db: Database, range: Range): Promise<FeedPage> {
  return wholePage<BlockRow, FeedPage>(db, range, {
    what: "feed",
    read: (tx, found) => withAssessments(tx, { chainId: range.chainId, ...found }),
  });
}

type Rows = { chain: string; assessments: AssessmentRow[]; epochs: EpochRow[]; leaves: EpochLeafRow[] };

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
  const leaves: EpochLeafRow[] = await tx
    .select()
    .from(epochLeaf)
    .where(
      and(eq(epochLeaf.chainId, chainId), gte(epochLeaf.toBlock, first.number), lte(epochLeaf.toBlock, last.number)),
    )
    .orderBy(asc(epochLeaf.toBlock), asc(epochLeaf.ordinal));
  const found = { chain, assessments, epochs, leaves };
  return { chain, head: headOf(head), blocks: blocks.map((row) => assemble(row, found)) };
}

function assemble(row: BlockRow, { chain, assessments, epochs, leaves }: Rows): FeedBlock {
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
    leaves: leaves.filter((l) => l.toBlock === row.number).map(epochLeafOf),
  };
}

function headOf(row: BlockRow | undefined): FeedPage["head"] {
  return row === undefined ? null : { number: row.number.toString(), hash: row.hash };
}
