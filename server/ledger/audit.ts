import { eq } from "drizzle-orm";
import type { Assessment, FeedBlock } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import { bodyHash } from "../../src/core/proof/leaf.ts";
import type { IndexerClient } from "../feed/client.ts";
import type { Store } from "../store/database.ts";
import { chain as chainTable } from "../store/schema.ts";
import { correctionEntry, type Entry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";

/** What comparing a chain's sealed blocks with the feed needs. */
export type AuditContext = { chain: string; store: Store; ledger: Ledger; indexer: IndexerClient };

/** Blocks still to be compared: above `after`, up to `until`. */
export type AuditRange = { after: number; until: number };

const PAGE = 200;

/**
 * Compares the next page of sealed blocks with what the feed says of them now. A block that is missing means nothing;
 * one that stands with other assessments under the same ground contradicts what was sealed, and gets a
 * correction that names both. Nothing is rewritten.
 * @returns what is still to be compared, `null` when nothing is.
 * @throws ProviderError when the indexer does not answer.
 */
export async function auditStep(context: AuditContext, range: AuditRange): Promise<AuditRange | null> {
  const { store, ledger } = context;
  const blocks = await sealedPage(context, range);
  const last = blocks.at(-1);
  if (last === undefined) return null;
  const corrections = blocks.flatMap((block) => contradiction(context, block) ?? []);
  if (corrections.length > 0) {
    // The same page again: what was read while the indexer was still writing is not held against the log.
    const again = (await sealedPage(context, range)).flatMap((block) => contradiction(context, block)?.refId ?? []);
    const confirmed = corrections.filter((entry) => again.includes(entry.refId));
    store.transaction(() => ledger.append(confirmed));
    ledger.publish();
  }
  return Number(last.number) < range.until ? { after: Number(last.number), until: range.until } : null;
}

async function sealedPage({ chain, store, indexer }: AuditContext, range: AuditRange): Promise<FeedBlock[]> {
  const row = store.db.select().from(chainTable).where(eq(chainTable.chain, chain)).get();
  const after = Math.max(range.after, (row?.comparableFrom ?? 0) - 1, 0);
  const page = await indexer.feed(chain, { after, limit: PAGE });
  return page.blocks.filter((block) => Number(block.number) <= range.until);
}

/** The correction a feed block calls for, or `null` where it agrees with the log. */
function contradiction({ chain, store }: AuditContext, block: FeedBlock): Entry | null {
  const sealed = sealedWith(store, chain, Number(block.number));
  const now = block.assessments.map((item) => ({ id: item.id, bodyHash: bodyHash(item) }));
  const same =
    sealed.length === now.length &&
    sealed.every((item, i) => item.id === now[i]?.id && item.bodyHash === now[i]?.bodyHash);
  if (same) return null;
  const about = { chain, blockNumber: block.number, blockHash: block.hash };
  return correctionEntry(about, { ...about, sealed, reindexed: now });
}

/** What was sealed with a feed block, in order. */
function sealedWith(store: Store, chain: string, number: number): { index: string; id: string; bodyHash: Hex }[] {
  const rows = store.read
    .prepare(
      `SELECT leaf.idx AS 'index', leaf.ref_id AS id, leaf.body AS body FROM verdict
       JOIN leaf ON leaf.ref_id = verdict.assessment_id
       WHERE verdict.chain = ? AND verdict.recorded_block = ? ORDER BY leaf.idx`,
    )
    .all(chain, number) as { index: number; id: string; body: string }[];
  return rows.map(({ index, id, body }) => ({
    index: String(index),
    id,
    bodyHash: bodyHash(JSON.parse(body) as Assessment),
  }));
}
