/** How soon after the server has learned that a block is final its leaves are under a signed head. */

/** What is promised, in seconds. */
export const MERGE_GOAL_SECONDS = 60;

/** Steps of finality that may wait at a time. Beyond them the later ones count from when the last of these was learned. */
const MAX_WAITING = 4_096;

/** Seconds from learning that a block is final to the head over it: of the last such step, of the slowest, and how long the oldest waits. */
export type MergeDelays = { lastSeconds: number | null; maxSeconds: number | null; waitingSeconds: number | null };

/** Follows one chain. Block numbers as numbers. */
export type MergeClock = {
  /** The node calls the chain final up to a block. */
  learned(number: number): void;
  /** A signed head has all there is up to a block. */
  merged(upTo: number): void;
  delays(): MergeDelays;
};

/**
 * Measures one chain. What was final already when the server first asked does not count: since when, nobody here knows.
 * @param now milliseconds of a clock that never runs backwards, which the clock of the day may.
 * @param onMerged told the seconds of each step of finality once a head is over it.
 */
export function createMergeClock(now: () => number, onMerged: (seconds: number) => void): MergeClock {
  const waiting: { number: number; atMs: number }[] = [];
  let known: number | null = null;
  let last: number | null = null;
  let max: number | null = null;
  return {
    learned(number) {
      if (known !== null && number > known) {
        const newest = waiting.at(-1);
        if (waiting.length < MAX_WAITING) waiting.push({ number, atMs: now() });
        else if (newest !== undefined) newest.number = number;
      }
      known = Math.max(known ?? number, number);
    },
    merged(upTo) {
      for (let first = waiting[0]; first !== undefined && first.number <= upTo; first = waiting[0]) {
        waiting.shift();
        last = (now() - first.atMs) / 1_000;
        max = Math.max(max ?? 0, last);
        onMerged(last);
      }
    },
    delays: () => ({
      lastSeconds: last,
      maxSeconds: max,
      waitingSeconds: waiting[0] === undefined ? null : (now() - waiting[0].atMs) / 1_000,
    }),
  };
}
