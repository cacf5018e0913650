/**
 * Growth inside a range of ticks, and what a maker's order is worth: `OrderBook` and its libraries `Tick`, `Funding`.
 * @see npm @perp/curie-contract 2.8.4, contracts/lib/Tick.sol and contracts/lib/Funding.sol
 */
import { max, min } from "../../core/fixed.ts";
import type { Growth } from "./market-prices.ts";
import type { Market, Order, TickGrowth } from "./state.ts";
import { baseBetween, Q96, Q128, quoteBetween, wrap256 } from "./tick-math.ts";

const NO_GROWTH: TickGrowth = { feeX128: 0n, twX96: 0n, divX96: 0n };

/** Growth noted at a tick. */
export function growthAtTick(market: Market, tick: number): TickGrowth {
  return market.tickGrowth.get(tick) ?? NO_GROWTH;
}

/** Fees earned per unit of liquidity between two ticks, modulo 2²⁵⁶. */
export function feeGrowthInside(market: Market, { lower, upper }: { lower: number; upper: number }): bigint {
  const atLower = growthAtTick(market, lower).feeX128;
  const atUpper = growthAtTick(market, upper).feeX128;
  const below = market.tick >= lower ? atLower : market.feeGrowthX128 - atLower;
  const above = market.tick < upper ? atUpper : market.feeGrowthX128 - atUpper;
  return wrap256(market.feeGrowthX128 - below - above);
}

/** Premium accumulated while the price was inside a range, while it was below, and inside divided by √price. */
export function premiumInRange(
  market: Market,
  { lower, upper, growth }: { lower: number; upper: number; growth: Growth },
): { insideX96: bigint; belowX96: bigint; divInsideX96: bigint } {
  const atLower = growthAtTick(market, lower);
  const atUpper = growthAtTick(market, upper);
  const aboveLower = market.tick >= lower;
  const belowUpper = market.tick < upper;
  const belowX96 = aboveLower ? atLower.twX96 : growth.twX96 - atLower.twX96;
  const aboveX96 = belowUpper ? atUpper.twX96 : growth.twX96 - atUpper.twX96;
  const divBelow = aboveLower ? atLower.divX96 : growth.divX96 - atLower.divX96;
  const divAbove = belowUpper ? atUpper.divX96 : growth.divX96 - atUpper.divX96;
  return {
    insideX96: growth.twX96 - belowX96 - aboveX96,
    belowX96,
    divInsideX96: growth.divX96 - divBelow - divAbove,
  };
}

/** The order with its premium snapshots taken at `growth`. */
export function settledOrder(market: Market, order: Order, growth: Growth): Order {
  const range = premiumInRange(market, { lower: order.lower, upper: order.upper, growth });
  return { ...order, twInsideX96: range.insideX96, twBelowX96: range.belowX96, divInsideX96: range.divInsideX96 };
}

/** Fees the order has earned since they were last collected, in quote, rounded down. */
export function pendingFee(market: Market, order: Order): bigint {
  return (wrap256(feeGrowthInside(market, order) - order.feeInsideX128) * order.liquidity) / Q128;
}

/** Base and quote the order holds in the pool now, each rounded down. */
export function amountsInPool(market: Pick<Market, "sqrtPriceX96">, order: Order): { base: bigint; quote: bigint } {
  const price = market.sqrtPriceX96;
  const { sqrtLower, sqrtUpper, liquidity } = order;
  const base = price < sqrtUpper ? baseBetween(max(price, sqrtLower), sqrtUpper, liquidity) : 0n;
  const quote = price > sqrtLower ? quoteBetween(sqrtLower, min(price, sqrtUpper), liquidity) : 0n;
  return { base, quote };
}

/** The order's part of the funding sum since it was last settled: base held in each price region times premium. */
export function fundingCoefficient(market: Market, order: Order, growth: Growth): bigint {
  const { lower, upper, sqrtLower, sqrtUpper, liquidity } = order;
  const range = premiumInRange(market, { lower, upper, growth });
  const below = baseBetween(sqrtLower, sqrtUpper, liquidity) * (range.belowX96 - order.twBelowX96);
  const premiumAtUpper = ((range.insideX96 - order.twInsideX96) * Q96) / sqrtUpper;
  const inside = liquidity * (range.divInsideX96 - order.divInsideX96 - premiumAtUpper);
  return (below + inside) / Q96;
}
