import type { FeedBlock, FeedPage } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { Db } from "../store/database.ts";
import { type BlockMark, tipOf, unsealedDescending } from "./blocks.ts";
import type { IndexerClient } from "./client.ts";
import type { ChainNode } from "./node.ts";

/** What one step of following a chain did. */
export type StepResult =
  | { type: "advanced"; blocks: number; head: number | null }
  | { type: "current"; head: number | null }
  | { type: "waiting"; head: number | null }
  | { type: "retracted"; from: number; head: number | null }
  | { type: "contradicted"; number: number; sealed: Hex; feed: Hex; head: number | null };

/** What following a chain needs. `record` and `retract` each change the store in one transaction. */
export type FollowContext = {
  chain: string;
  db: Db;
  indexer: IndexerClient;
  node: ChainNode;
  record(blocks: readonly FeedBlock[]): void;
  retract(from: number): void;
};

const PAGE = 200;

/**
 * Takes one step along a chain's feed. Every page begins one block below what is wanted, with our own tip: only a page
 * that shows the tip with the hash we hold may be appended to it, so that a reorg between two requests cannot leave a
 * dead block below a live one. A tip that is missing means nothing (the indexer replays); only another hash retracts.
 * @throws ProviderError when the indexer or the node does not answer.
 */
export async function step(context: FollowContext): Promise<StepResult> {
  const tip = tipOf(context.db, context.chain);
  const after = tip === null ? 0 : Math.max(tip.number - 1, 0);
  const page = await context.indexer.feed(context.chain, { after, limit: PAGE });
  const head = page.head === null ? null : Number(page.head.number);
  const shown = page.blocks[0];
  if (tip !== null && (shown === undefined || Number(shown.number) !== tip.number || shown.hash !== tip.hash)) {
    const result = await reconcile(context, { tip, page, head });
    if (result !== "tip stands") return result;
  }
  const fresh = linked(page.blocks, tip);
  if (fresh.length === 0) return { type: "current", head };
  context.record(fresh);
  return { type: "advanced", blocks: fresh.length, head };
}

/** The leading blocks of a page above the tip that rise and, where contiguous, name their predecessor as parent. */
function linked(blocks: readonly FeedBlock[], tip: BlockMark | null): FeedBlock[] {
  const result: FeedBlock[] = [];
  let last: { number: number; hash: Hex } | null = tip;
  for (const block of blocks) {
    const number = Number(block.number);
    if (tip !== null && number <= tip.number) continue;
    if (last !== null && number <= last.number) break;
    if (last !== null && number === last.number + 1 && block.parentHash !== last.hash) break;
    result.push(block);
    last = { number, hash: block.hash };
  }
  return result;
}

/**
 * Settles what became of a tip the feed does not show: retracts from the lowest unsealed block the chain has replaced,
 * or waits. The tip "stands" only when the node itself confirms it while the indexer, past it, has nothing to say there.
 */
async function reconcile(
  context: FollowContext,
  { tip, page, head }: { tip: BlockMark; page: FeedPage; head: number | null },
): Promise<StepResult | "tip stands"> {
  const marks = tip.sealed ? [tip] : unsealedDescending(context.db, context.chain);
  let from: number | null = null;
  for (const mark of marks) {
    const held = await context.indexer.blockHash(context.chain, mark.number);
    // A sparse chain may have replaced a block by one that says nothing to the indexer: the node knows.
    const past = held === null && page.head !== null && Number(page.head.number) > mark.number;
    const canonical = past ? await context.node.hashAt(mark.number) : held;
    if (canonical === mark.hash) {
      if (past && mark.number === tip.number) return "tip stands";
      break;
    }
    if (canonical === null) continue;
    if (mark.sealed) return { type: "contradicted", number: mark.number, sealed: mark.hash, feed: canonical, head };
    from = mark.number;
  }
  if (from === null) return { type: "waiting", head };
  context.retract(from);
  return { type: "retracted", from, head };
}
