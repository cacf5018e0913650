/**
 * Replays a pool swap over the protocol's own tick growth, which no event and no getter shows: `OrderBook.replaySwap`,
 * driven by the pool's Swap log and the total fee of PositionChanged.
 * @see npm @perp/curie-contract 2.8.4, contracts/OrderBook.sol, and Uniswap v3 TickBitmap
 */
import type { Journal } from "../../core/book/journal.ts";
import { InvariantError } from "../../core/errors.ts";
import { growthAtTick } from "./range.ts";
import type { Market, PoolSwap } from "./state.ts";
import { ceilDiv, Q128, quoteBetween, quoteBetweenUp, sqrtRatioAtTick, wrap256 } from "./tick-math.ts";

/** Ticks of a word of the pool's bitmap: the search for the next tick ends at the word's border. */
const WORD = 256;
/** More steps than this mean the log and the folded state do not belong together. */
const MOST_STEPS = 4_096;

type Cursor = { price: bigint; tick: number; liquidity: bigint; feeGrowthX128: bigint; feesUsed: bigint };

/**
 * Moves the market to the state after `swap`, paying `totalFee` of quote to the liquidity on the way.
 * @throws InvariantError when tick or liquidity come out other than the Swap log says.
 */
export function replaySwap(
  journal: Journal,
  market: Market,
  { swap, totalFee }: { swap: PoolSwap; totalFee: bigint },
): void {
  const start = market.sqrtPriceX96;
  const down = swap.sqrtPriceX96 < start || (swap.sqrtPriceX96 === start && swap.amount0 > 0n);
  const cursor: Cursor = {
    price: start,
    tick: market.tick,
    liquidity: market.liquidity,
    feeGrowthX128: market.feeGrowthX128,
    feesUsed: 0n,
  };
  let steps = 0;
  do {
    if (++steps > MOST_STEPS) throw mismatch(market, swap, cursor);
    step(journal, market, { cursor, swap, down, totalFee });
  } while (cursor.price !== swap.sqrtPriceX96);
  if (cursor.tick !== swap.tick || cursor.liquidity !== swap.liquidity) throw mismatch(market, swap, cursor);
  journal.put(market, "sqrtPriceX96", swap.sqrtPriceX96);
  journal.put(market, "tick", swap.tick);
  journal.put(market, "liquidity", swap.liquidity);
  journal.put(market, "feeGrowthX128", cursor.feeGrowthX128);
}

/** One stretch of constant liquidity: to the next tick of the bitmap or to where the swap ended. */
function step(
  journal: Journal,
  market: Market,
  { cursor, swap, down, totalFee }: { cursor: Cursor; swap: PoolSwap; down: boolean; totalFee: bigint },
): void {
  const end = swap.sqrtPriceX96;
  const next = nextTick(market, { tick: cursor.tick, down });
  const priceAtTick = sqrtRatioAtTick(next.tick);
  const reachesTick = down ? priceAtTick >= end : priceAtTick <= end;
  const target = reachesTick ? priceAtTick : end;
  const fee = target === end ? totalFee - cursor.feesUsed : feeOfStep(market, { cursor, target, down });
  if (cursor.liquidity > 0n) {
    cursor.feesUsed += fee;
    const insurance = ceilDiv(fee * market.insuranceFeeRatio, 1_000_000n);
    cursor.feeGrowthX128 = wrap256(cursor.feeGrowthX128 + ((fee - insurance) * Q128) / cursor.liquidity);
  }
  cursor.price = target;
  if (!reachesTick) {
    cursor.tick = swap.tick;
    return;
  }
  if (next.initialized) crossTick(journal, market, { cursor, tick: next.tick, down });
  cursor.tick = down ? next.tick - 1 : next.tick;
}

function feeOfStep(
  market: Market,
  { cursor, target, down }: { cursor: Cursor; target: bigint; down: boolean },
): bigint {
  const { price, liquidity } = cursor;
  if (down) return ceilDiv(quoteBetween(target, price, liquidity) * market.feeRatio, 1_000_000n);
  const quote = quoteBetweenUp(price, target, liquidity);
  return ceilDiv(quote * market.feeRatio, 1_000_000n - market.feeRatio);
}

function crossTick(
  journal: Journal,
  market: Market,
  { cursor, tick, down }: { cursor: Cursor; tick: number; down: boolean },
): void {
  const old = growthAtTick(market, tick);
  journal.set(market.tickGrowth, tick, {
    feeX128: wrap256(cursor.feeGrowthX128 - old.feeX128),
    twX96: market.twPremiumX96 - old.twX96,
    divX96: market.twPremiumDivX96 - old.divX96,
  });
  const net = market.tickLiquidity.get(tick)?.net ?? 0n;
  cursor.liquidity += down ? -net : net;
}

/**
 * The next initialised tick in the bitmap's word, or the word's border (`TickBitmap.nextInitializedTickWithinOneWord`).
 * Going down the search includes the current tick, going up it does not.
 */
export function nextTick(
  market: Pick<Market, "tickSpacing" | "initialized">,
  { tick, down }: { tick: number; down: boolean },
): { tick: number; initialized: boolean } {
  const { tickSpacing, initialized } = market;
  const compressed = Math.floor(tick / tickSpacing);
  const first = down ? compressed : compressed + 1;
  const word = Math.floor(first / WORD) * WORD;
  const border = (down ? word : word + WORD - 1) * tickSpacing;
  const above = upperBound(initialized, down ? first * tickSpacing : first * tickSpacing - 1);
  const found = initialized[down ? above - 1 : above];
  if (found === undefined || (down ? found < border : found > border)) return { tick: border, initialized: false };
  return { tick: found, initialized: true };
}

/** Number of values not above `limit` in a rising list. */
function upperBound(rising: readonly number[], limit: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mismatch(market: Market, swap: PoolSwap, cursor: Cursor): InvariantError {
  return new InvariantError(
    `Replaying a swap of ${market.symbol} ended at tick ${cursor.tick} with liquidity ${cursor.liquidity}, ` +
      `but the pool's log says ${swap.tick} and ${swap.liquidity}.`,
  );
}
