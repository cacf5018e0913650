import { type Clock, GENESIS_SECONDS } from "../clock.ts";
import { randomFor } from "./random.ts";
import { type VariantName, variantOf } from "./variants.ts";

/**
 * The plot of a devnet. Market blocks are counted from 1, after the deployment's; everything below is a function of the
 * scenario and that count. The first midnight falls three quarters into the history, however long that is.
 */
export type Scenario = { seed: number; historyBlocks: number; variant?: VariantName };

/** What `npm run devnet` plays unless told otherwise. */
export const DEFAULT_SCENARIO: Scenario = { seed: 1, historyBlocks: 320 };

/** The first midnight, ten hours after genesis. The market opens at 16:00 UTC, or later where the variant says so. */
const MIDNIGHT_SECONDS = GENESIS_SECONDS + 10n * 3600n;
const DAY_SECONDS = 86_400n;
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

/** Seconds between two blocks of the history. */
export function spacingSeconds(scenario: Scenario): number {
  return Math.floor(variantOf(scenario).secondsToMidnight / midnightBlock(scenario));
}

/** Timestamp of a market block. History is stretched over the day, live blocks are twelve seconds apart. */
export function marketSeconds(scenario: Scenario, count: number): bigint {
  const spacing = spacingSeconds(scenario);
  const open = MIDNIGHT_SECONDS - BigInt(spacing * midnightBlock(scenario));
  const inHistory = Math.min(count, scenario.historyBlocks);
  const jitter = randomFor(scenario.seed, "time", inHistory).below(Math.max(1, Math.floor(spacing / 4)));
  const live = BigInt(Math.max(0, count - scenario.historyBlocks));
  const outage = outageBlocks(scenario);
  const pause = outage !== null && count > outage.last ? DAY_SECONDS : 0n;
  return open + BigInt(spacing * inHistory + jitter) + pause + live * LIVE_SPACING_SECONDS;
}

/** Where a variant has an outage: the last market block before a day without any, and from when to when feeds are silent. */
export function outageBlocks(scenario: Scenario): { last: number; silentFrom: number; silentTo: number } | null {
  if (!variantOf(scenario).outage) return null;
  const midnight = midnightBlock(scenario);
  return { last: midnight - 8, silentFrom: midnight - 12, silentTo: midnight + 4 };
}

/** The market's clock for a chain whose deployment took blocks 0 to `deploymentBlocks`. */
export function marketClock(scenario: Scenario, deploymentBlocks: bigint): Clock {
  return (blockNumber) => marketSeconds(scenario, Number(blockNumber - deploymentBlocks));
}
