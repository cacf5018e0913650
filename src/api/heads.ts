import { and, asc, eq, gt, lte } from "drizzle-orm";
import { event } from "../../ponder.schema.ts";
import type { Payload } from "../core/event.ts";
import { caip2, type Hex } from "../core/ids.ts";
import type { PublishedHeads } from "../core/published-head.ts";
import type { Database } from "./page.ts";

type Row = {
  id: string;
  address: Hex;
  payload: Payload;
  blockNumber: bigint;
  blockHash: Hex;
  txHash: Hex;
  logIndex: number;
};

/**
 * Heads that the anchor of a chain published, in the chain's order.
 * @param range.after id of the event before them, `""` from the first on.
 * @param range.to the last block that counts.
 */
export async function publishedHeads(
  db: Database,
  { chainId, after, to, limit }: { chainId: number; after: string; to: bigint; limit: number },
): Promise<PublishedHeads> {
  const isHead = and(eq(event.chainId, chainId), eq(event.kind, "LOG_HEAD"));
  const rows: Row[] = await db
    .select()
    .from(event)
    .where(and(isHead, gt(event.id, after), lte(event.blockNumber, to)))
    .orderBy(asc(event.id))
    .limit(limit);
  const heads = rows.map(({ id, address, payload, blockNumber, blockHash, txHash, logIndex }) => ({
    ...{ id, contract: address, size: String(payload.newSize), root: String(payload.newRoot) as Hex },
    ...{ blockNumber: blockNumber.toString(), blockHash, txHash, logIndex },
  }));
  return { chain: caip2(chainId), heads };
}
