import { type Clock, GENESIS_SECONDS } from "../clock.ts";
import { randomFor } from "./random.ts";

/**
 * The plot of a devnet. Market blocks are counted from 1, after the deployment's; everything below is a function of the
 * scenario and that count. The first midnight falls three quarters into the history, however long that is.
 */
export type Scenario = { seed: number; historyBlocks: number };

/** What `npm run devnet` plays unless told otherwise. */
export const DEFAULT_SCENARIO: Scenario = { seed: 1, historyBlocks: 320 };

/** The market opens at 16:00 UTC, two hours after genesis. */
const OPEN_SECONDS = GENESIS_SECONDS + 2n * 3600n;
const OPEN_TO_MIDNIGHT_SECONDS = 8 * 3600;
const LIVE_SPACING_SECONDS = 12n;
const CRASH_BLOCKS = 16;

/** Count of the market block that is the first of the new UTC day. */
export function midnightBlock({ historyBlocks }: Scenario): number {
  return Math.floor((historyBlocks * 3) / 4);
}

/** First and last market block of the fall, half of it on each side of midnight. */
export function crashBlocks(scenario: Scenario): { from: number; to: number } {
  const midnight = midnightBlock(scenario);
  const length = Math.min(CRASH_BLOCKS, Math.max(8, Math.floor(scenario.historyBlocks / 6)));
  return { from: midnight - Math.floor(length / 2), to: midnight - Math.floor(length / 2) + length };
}

/** Timestamp of a market block. History is stretched over the day, live blocks are twelve seconds apart. */
export function marketSeconds(scenario: Scenario, count: number): bigint {
  const spacing = Math.floor(OPEN_TO_MIDNIGHT_SECONDS / midnightBlock(scenario));
  const inHistory = Math.min(count, scenario.historyBlocks);
  const jitter = randomFor(scenario.seed, "time", inHistory).below(Math.max(1, Math.floor(spacing / 4)));
  const live = BigInt(Math.max(0, count - scenario.historyBlocks));
  return OPEN_SECONDS + BigInt(spacing * inHistory + jitter) + live * LIVE_SPACING_SECONDS;
}

/** The market's clock for a chain whose deployment took blocks 0 to `deploymentBlocks`. */
export function marketClock(scenario: Scenario, deploymentBlocks: bigint): Clock {
  return (blockNumber) => marketSeconds(scenario, Number(blockNumber - deploymentBlocks));
}
