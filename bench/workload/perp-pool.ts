/**
 * One Perp v2 market as the benchmark simulates it: a Uniswap v3 pool with a single wide range of constant liquidity, so
 * that every price after a trade is exact by the pool's own formulas.
 * @see npm @uniswap/v3-core 1.0.1, contracts/libraries/SqrtPriceMath.sol
 */
import { baseBetween, ceilDiv, priceWad, Q96, Q128, sqrtRatioAtTick } from "../../src/adapters/perp-v2/tick-math.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { abs, WAD } from "../../src/core/fixed.ts";

/** Wide enough that the whole range lies in one word of the pool's tick bitmap. */
export const TICK_SPACING = 200;
const WORD_TICKS = 256 * TICK_SPACING;
/** Half the width of the range: prices from a quarter to four times the first one. */
const HALF_RANGE_TICKS = 13_800;

export const FEE_RATIO = 1_000n;
export const INSURANCE_FEE_RATIO = 100_000n;
/** USD that move the price by about one percent. */
const DEPTH_PER_PERCENT = 4_000_000n;

export type Pool = {
  sqrtPriceX96: bigint;
  tick: number;
  readonly liquidity: bigint;
  readonly lower: number;
  readonly upper: number;
  /** What the maker put in. */
  readonly base: bigint;
  readonly quote: bigint;
  /** Fees earned by one unit of liquidity, and what of it the maker has collected. */
  feeGrowthX128: bigint;
  collectedX128: bigint;
};

/** A pool at a price of 18 decimals. @throws InvariantError when its range does not fit into one word of ticks. */
export function createPool(price: bigint): Pool {
  const sqrtPriceX96 = squareRoot((price * Q96 * Q96) / WAD);
  const tick = tickAt(sqrtPriceX96, Math.floor(Math.log(Number(price) / 1e18) / Math.log(1.0001)));
  const align = (t: number) => Math.floor(t / TICK_SPACING) * TICK_SPACING;
  const word = Math.floor(tick / WORD_TICKS) * WORD_TICKS;
  const lower = Math.max(align(tick - HALF_RANGE_TICKS), word + TICK_SPACING);
  const upper = Math.min(align(tick + HALF_RANGE_TICKS), word + WORD_TICKS - 2 * TICK_SPACING);
  if (tick - lower < 5_000 || upper - tick < 5_000) {
    throw new InvariantError(`Tick ${tick} leaves no room for a wide range in its word.`);
  }
  // A move of one percent changes the square root of the price by half a percent of itself.
  const liquidity = (DEPTH_PER_PERCENT * 200n * WAD * Q96) / sqrtPriceX96;
  const [sqrtLower, sqrtUpper] = [sqrtRatioAtTick(lower), sqrtRatioAtTick(upper)];
  const base = ceilDiv(ceilDiv((liquidity << 96n) * (sqrtUpper - sqrtPriceX96), sqrtUpper), sqrtPriceX96);
  const quote = ceilDiv(liquidity * (sqrtPriceX96 - sqrtLower), Q96);
  return { sqrtPriceX96, tick, liquidity, lower, upper, base, quote, feeGrowthX128: 0n, collectedX128: 0n };
}

/** Price with 18 decimals. */
export function priceOf(pool: Pool): bigint {
  return priceWad(pool.sqrtPriceX96);
}

/** A swap: signed base and quote as the trader gets them, and the fee beside it. */
export type Swap = { base: bigint; quote: bigint; fee: bigint };

/**
 * Trades an exact amount of base, bought when positive. @throws InvariantError when the price would leave the range.
 */
export function swap(pool: Pool, base: bigint): Swap {
  const { liquidity, sqrtPriceX96: before } = pool;
  const numerator = liquidity << 96n;
  const after = ceilDiv(numerator * before, numerator - base * before);
  const moved = liquidity * abs(after - before);
  const quote = base > 0n ? -ceilDiv(moved, Q96) : moved / Q96;
  const fee = ceilDiv(abs(quote) * FEE_RATIO, 1_000_000n);
  const insurance = ceilDiv(fee * INSURANCE_FEE_RATIO, 1_000_000n);
  pool.sqrtPriceX96 = after;
  pool.tick = tickAt(after, pool.tick);
  if (pool.tick <= pool.lower || pool.tick >= pool.upper) {
    throw new InvariantError(`The price has left the range at tick ${pool.tick}.`);
  }
  pool.feeGrowthX128 += ((fee - insurance) * Q128) / liquidity;
  return { base, quote, fee };
}

/** Base that moves the price to `price` (18 decimals), bought when positive. */
export function baseTo(pool: Pool, price: bigint): bigint {
  const target = squareRoot((price * Q96 * Q96) / WAD);
  const [low, high] = target < pool.sqrtPriceX96 ? [target, pool.sqrtPriceX96] : [pool.sqrtPriceX96, target];
  const base = baseBetween(low, high, pool.liquidity);
  return target > pool.sqrtPriceX96 ? base : -base;
}

/** Fees the maker can collect; they count as collected. */
export function collectFees(pool: Pool): bigint {
  const fee = ((pool.feeGrowthX128 - pool.collectedX128) * pool.liquidity) / Q128;
  pool.collectedX128 = pool.feeGrowthX128;
  return fee;
}

/** The tick of a price, searched from one that is near. */
function tickAt(sqrtPriceX96: bigint, near: number): number {
  const ratio = Number(sqrtPriceX96) / Number(sqrtRatioAtTick(near));
  let tick = near + Math.floor((2 * Math.log(ratio)) / Math.log(1.0001));
  while (sqrtRatioAtTick(tick) > sqrtPriceX96) tick--;
  while (sqrtRatioAtTick(tick + 1) <= sqrtPriceX96) tick++;
  return tick;
}

/** Integer square root, rounded down (Newton). */
function squareRoot(value: bigint): bigint {
  let root = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}
