/**
 * Heads of this log that a chain has for good: published by its anchor, indexed back by our own adapter, in a sealed block,
 * and shown by the receipt of their transaction.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { and, desc, eq, gte } from "drizzle-orm";
import { InputError, InvariantError, ProviderError } from "../../src/core/errors.ts";
import { caip2, chainIdOf, type Hex, logId } from "../../src/core/ids.ts";
import { type LogHead, publishedHeads } from "../../src/core/proof/anchor.ts";
import type { Anchoring } from "../../src/core/proof/bundle.ts";
import { equalBytes, fromHex, toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes, type Json, MAX_BYTES, parseCanonical } from "../../src/core/proof/canonical.ts";
import { type LogEvidence, provenLogs, readLogEvidence } from "../../src/core/proof/log-evidence.ts";
import type { MerkleTree } from "../../src/core/proof/merkle.ts";
import type { PublishedHead } from "../../src/core/published-head.ts";
import { sealedMark } from "../feed/blocks.ts";
import type { IndexerClient } from "../feed/client.ts";
import type { Db, Store } from "../store/database.ts";
import { anchor } from "../store/schema.ts";
import { captureBlockLogs } from "../witnesses/logs.ts";
import type { ReceiptNode } from "../witnesses/node.ts";

/** A head that a chain has for good, and what shows it, which is read when it is asked for. */
export type AnchoredHead = Anchoring & { size: number; root: Hex; txHash: Hex };

/** What following an anchor back works with. */
export type FollowerParts = {
  chainId: number;
  contract: Hex;
  store: Store;
  indexer: Pick<IndexerClient, "heads">;
  node: ReceiptNode;
  tree: MerkleTree;
  /** The last signed head; null before the first. */
  head(): LogHead | null;
};

/** After every log of a block. */
const LAST_LOG = 999_999;

/**
 * Takes up what one anchor has published in sealed blocks, page by page.
 * @returns whether there was something to take up, so that there may be more.
 * @throws (from its function) InputError when the anchor has what this log has not; ProviderError when indexer or node do
 * not answer, or the receipt is not what the indexer says.
 */
export function createFollower(parts: FollowerParts): () => Promise<boolean> {
  const { chainId, contract, store, indexer } = parts;
  const chain = caip2(chainId);
  let after = lastKept(store.db, { chain, contract });

  return async () => {
    const sealed = sealedMark(store.db, chain);
    if (sealed === null) return false;
    const end = logId(chainId, BigInt(sealed.number), LAST_LOG);
    if (after >= end) return false;
    const heads = await indexer.heads(chain, { after, to: sealed.number });
    for (const head of heads) {
      if (head.contract === contract) {
        requireOwn(head, parts);
        keep(store, { chain, head, evidence: await capture(head, parts) });
      }
      after = head.id;
    }
    if (heads.length === 0) after = end;
    return heads.length > 0;
  };
}

/** Heads that chains have for good, the largest first, each once a chain. */
export function anchoredHeads(db: Db, { from, limit }: { from: number; limit: number }): AnchoredHead[] {
  const rows = db.select().from(anchor).where(gte(anchor.size, from)).orderBy(desc(anchor.size)).limit(limit).all();
  return rows.map(headOf);
}

/** The size of the largest head that a contract has for good, as decimal text; null before the first. */
export function lastAnchored(db: Db, of: { chain: string; contract: Hex }): string | null {
  const last = db.select().from(anchor).where(isOf(of)).orderBy(desc(anchor.size)).limit(1).get();
  return last === undefined ? null : String(last.size);
}

const isOf = ({ chain, contract }: { chain: string; contract: Hex }) =>
  and(eq(anchor.chain, chain), eq(anchor.contract, contract));

function lastKept(db: Db, of: { chain: string; contract: Hex }): string {
  return db.select().from(anchor).where(isOf(of)).orderBy(desc(anchor.eventId)).limit(1).get()?.eventId ?? "";
}

/** @throws InputError when the published head is not one of this log. */
function requireOwn({ size, root }: PublishedHead, { chainId, contract, tree, head }: FollowerParts): void {
  const where = `The anchor ${contract} of chain ${chainId}`;
  if (Number(size) > (head()?.size ?? 0)) {
    throw new InputError(`${where} has a head of ${size} leaves, which this log has not signed.`);
  }
  if (!equalBytes(tree.root(Number(size)), fromHex(root))) {
    throw new InputError(`${where} has another head of ${size} leaves than this log.`);
  }
}

/** The receipt of a publication, in which the head itself has been found again. */
async function capture(head: PublishedHead, { chainId, contract, node }: FollowerParts): Promise<LogEvidence> {
  const { logIndex, size, root, blockHash } = head;
  const block = { number: Number(head.blockNumber), hash: blockHash };
  const evidence = (await captureBlockLogs(node, block)).receiptOf(logIndex);
  if (shows(evidence, { chainId, blockHash, contract, size, root })) return evidence;
  throw new ProviderError(
    `Transaction ${head.txHash} of chain ${chainId} does not publish the head of ${size} leaves that the indexer has of it.`,
  );
}

/** Whether receipts of a block publish a head. @throws InputError when they are none, or of another block. */
function shows(
  evidence: LogEvidence,
  of: { chainId: number; blockHash: Hex; contract: Hex; size: string; root: Hex },
): boolean {
  const heads = publishedHeads(provenLogs(evidence, of).logs, of.contract);
  return heads.some(({ size, root }) => String(size) === of.size && toHex(root) === of.root);
}

/** What is wrong with a row of anchored heads by itself, as a sentence; null when nothing is. */
export function anchorProblem(row: typeof anchor.$inferSelect): string | null {
  const name = `The anchored head of ${row.size} leaves on ${row.chain}`;
  try {
    const { size, root, anchored, evidence } = headOf(row);
    const { contract, blockHash } = anchored;
    const of = { chainId: chainIdOf(row.chain), contract, blockHash, size: String(size), root };
    return shows(evidence, of) ? null : `${name} is not what its receipt publishes.`;
  } catch (error) {
    if (!(error instanceof InputError || error instanceof InvariantError)) throw error;
    return `${name} has no receipt that shows it: ${error.message}`;
  }
}

function keep(
  { db, transaction }: Store,
  { chain, head, evidence }: { chain: string; head: PublishedHead; evidence: LogEvidence },
): void {
  const row = {
    ...{ chain, contract: head.contract, size: Number(head.size), root: head.root, eventId: head.id },
    ...{ blockNumber: Number(head.blockNumber), blockHash: head.blockHash, txHash: head.txHash },
    evidence: deflateRawSync(canonicalBytes(evidence as unknown as Json)),
  };
  transaction(() => db.insert(anchor).values(row).onConflictDoNothing().run());
}

function headOf(row: typeof anchor.$inferSelect): AnchoredHead {
  const contract = row.contract as Hex;
  const where = { chain: row.chain, contract, blockNumber: String(row.blockNumber), blockHash: row.blockHash as Hex };
  return {
    ...{ size: row.size, root: row.root as Hex, txHash: row.txHash as Hex, anchored: where },
    get evidence() {
      return readLogEvidence(parseCanonical(inflated(row.evidence)));
    },
  };
}

function inflated(bytes: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch {
    throw new InvariantError("The receipt of an anchored head came back from disk altered.");
  }
}
