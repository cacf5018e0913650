/**
 * Time on a devnet is a function of the block number, never of the machine's clock.
 */

/** Gives a block's timestamp in seconds. Must be later than its parent's. */
export type Clock = (blockNumber: bigint, parentTimestamp: bigint) => bigint;

/** Timestamp of block 0: 2026-04-02T14:00:00Z. Deployment has two hours of chain time. */
export const GENESIS_SECONDS = 1_775_138_400n;

/** Blocks a fixed number of seconds apart. */
export function steadyClock(seconds: bigint): Clock {
  return (_number, parentTimestamp) => parentTimestamp + seconds;
}
