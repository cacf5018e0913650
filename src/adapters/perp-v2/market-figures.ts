/** A market at a time: what positions in it are valued with, and what is said of the market itself. */
import { divUp, max, min, WAD } from "../../core/fixed.ts";
import type { Figure, MarketFigures, Product } from "../../core/margin-model.ts";
import type { Reason } from "../../core/result.ts";
import {
  type Evaluation,
  fundingGrowth,
  fundingPremiumX96,
  type Growth,
  indexPrice,
  referencePrice,
} from "./market-prices.ts";
import { amountsInPool } from "./range.ts";
import { isDust, type Market, type PerpState, type Position } from "./state.ts";

/** What positions of a market are valued with; `null` where the protocol's view would revert. */
export type Valuation = {
  readonly market: Market;
  /** 18 decimals. */
  readonly price: bigint | null;
  readonly growth: Growth | null;
  readonly reason: Reason;
};

/** Values a market, once; the caller caches. */
export function valuate(market: Market, evaluation: Evaluation | null): Valuation {
  if (evaluation === null) return { market, price: null, growth: null, reason: "READ_REVERTED" };
  const price = referencePrice(market, evaluation);
  const growth = fundingGrowth(market, evaluation);
  return { market, price, growth, reason: market.feed === null ? "NO_PRICE" : "READ_REVERTED" };
}

/** The market's figures. Sums makers' net positions, which move with the price; takers' totals are kept. */
export function marketFigures(
  { market, price, reason }: Valuation,
  context: { state: PerpState; evaluation: Evaluation | null; product: Product; settlementDecimals: number },
): MarketFigures {
  const { state, evaluation, product, settlementDecimals } = context;
  const sides = { long: market.takerLong, short: market.takerShort };
  for (const address of market.makers) {
    const position = state.accounts.get(address)?.positions.get(market.key);
    const size = position === undefined ? 0n : totalSize(market, position);
    if (size > 0n) sides.long += size;
    else sides.short -= size;
  }
  const index = evaluation === null ? null : indexPrice(market, { interval: 0n, now: evaluation.now });
  return {
    key: market.key,
    symbol: market.symbol,
    product,
    markPrice: figure(price, reason),
    indexPrice: figure(index, reason),
    longSize: sides.long,
    shortSize: sides.short,
    fundingRatePerDay: figure(fundingRatePerDay(market, evaluation), reason),
    fundingBound: { ratePerDay: fundingBound(market, { evaluation, price, index }), growthPerDay: 0n },
    badDebt: market.badDebt * 10n ** BigInt(18 - settlementDecimals),
    status: market.status,
    storageTotals: null,
  };
}

/**
 * An account's net base: its own trades plus what its orders hold in the pool less what they were lent.
 * Equals `AccountBalance.getTotalPositionSize`.
 */
function totalSize(market: Market, { takerSize, orders }: Position): bigint {
  let size = takerSize;
  for (const order of orders) size += amountsInPool(market, order).base - order.baseDebt;
  return isDust(size) ? 0n : size;
}

/** A known figure, or `null` with the reason. */
export function figure(value: bigint | null, reason: Reason): Figure {
  return value === null ? { value: null, reason } : { value, reason: null };
}

/** The bounded premium as a share of the index price: what a day of it costs longs. Rounded toward zero. */
function fundingRatePerDay(market: Market, evaluation: Evaluation | null): bigint | null {
  if (evaluation === null) return null;
  if (market.status !== "OPEN") return 0n;
  const premium = fundingPremiumX96(market, evaluation);
  return premium === null || premium.indexX96 === 0n ? null : (premium.premiumX96 * WAD) / premium.indexX96;
}

/**
 * Funding of a day is at most the maximum rate times the index price per unit of base, while a notional is at the mark.
 * The bound holds as long as the averaged index price is below twice the larger of the two prices now.
 */
function fundingBound(
  market: Market,
  { evaluation, price, index }: { evaluation: Evaluation | null; price: bigint | null; index: bigint | null },
): bigint {
  if (market.status !== "OPEN") return 0n;
  if (evaluation === null || price === null || index === null || price === 0n) return WAD;
  const rate = evaluation.config.maxFundingRate * 10n ** 12n;
  return divUp(2n * rate * max(index, price), min(index, price) || 1n);
}
