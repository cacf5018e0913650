/** How long after a block is mined its rows can be seen. */
import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../src/core/errors.ts";
import type { BenchChain } from "./chain.ts";
import type { BlockPlan } from "./workload/workload.ts";

const BLOCK_MS = 1_000;
const POLL_MS = 2;
const VISIBLE_WITHIN_MS = 60_000;

/** Milliseconds from mined to visible, in the order of the blocks. */
export type Delays = readonly number[];

/** Blocks that bring an indexer from its backfill to the head: over WebSocket Ponder waits for one before it shows any. */
const RUN_UP_BLOCKS = 5;

/**
 * Mines a block a second; the first few are not measured.
 * @param isVisible whether a block's rows can be read from the tables.
 * @throws ProviderError when a block does not show up.
 */
export async function measureDelays(
  chain: BenchChain,
  { plans, isVisible }: { plans: readonly BlockPlan[]; isVisible: (number: bigint) => Promise<boolean> },
): Promise<Delays> {
  const delays: number[] = [];
  for (const [i, plan] of plans.entries()) {
    const mine = await chain.prepare(plan);
    const next = performance.now() + BLOCK_MS;
    const { atMs } = await mine();
    const isRunUp = i < RUN_UP_BLOCKS - 1;
    while (!isRunUp && !(await isVisible(plan.number))) {
      if (performance.now() - atMs > VISIBLE_WITHIN_MS) {
        throw new ProviderError(
          `Block ${plan.number} was not visible ${VISIBLE_WITHIN_MS / 1000} s after it was mined.`,
        );
      }
      await sleep(POLL_MS);
    }
    if (i >= RUN_UP_BLOCKS) delays.push(performance.now() - atMs);
    await sleep(Math.max(0, next - performance.now()));
  }
  return delays;
}

/** The value that `share` (of 1) of the sorted values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
