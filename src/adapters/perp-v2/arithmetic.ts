import { priceX96, sqrtRatioAtTick } from "./tick-math.ts";

/**
 * The steps whose rounding or inputs are easily got wrong, apart, so that a test can put a wrong one in and see the
 * comparison with the protocol fail. Everything else uses `ARITHMETIC`.
 */
export type Arithmetic = {
  /** Average tick from a difference of cumulated ticks: the pool's consumer truncates toward zero. */
  averageTick: (difference: bigint, seconds: bigint) => bigint;
  /**
   * Seconds of pool history in the first leg of the mark price. This bytecode takes the price as it stands; sources of
   * 2.8.1 and later average 15 seconds.
   */
  spotSeconds: bigint;
  /** The averaged pool price that funding accumulates, 96 binary digits: never the 18-decimal figure of the event. */
  fundingPriceX96: (sqrtTwapX96: bigint) => bigint;
  sqrtRatioAtTick: (tick: number) => bigint;
};

/** What the published bytecode does. */
export const ARITHMETIC: Arithmetic = {
  averageTick: (difference, seconds) => difference / seconds,
  spotSeconds: 0n,
  fundingPriceX96: priceX96,
  sqrtRatioAtTick,
};
