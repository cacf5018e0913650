/**
 * A market's prices and funding at a time. Prices with 18 decimals unless the name says otherwise; `null` where the
 * protocol's own view would revert: no price yet, or less pool history than an average needs.
 */
import { max, min } from "../../core/fixed.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { feedPriceWad } from "./price-feed.ts";
import type { Config, Market } from "./state.ts";
import { mulRatio, priceWad, Q96, wadToX96 } from "./tick-math.ts";
import { integralAt } from "./timeline.ts";

/** Averages over less than this many seconds are the price as it stands. */
const SHORTEST_TWAP = 10n;

/** The interval of the index price a paused market keeps. */
const PAUSE_INTERVAL = 900n;

/** Where and how to evaluate. */
export type Evaluation = { now: bigint; config: Config; arithmetic: Arithmetic };

/** Funding accumulated up to a time, and the figures it came from. */
export type Growth = { twX96: bigint; divX96: bigint };

/** Pool price averaged over `interval` seconds up to `now`, as a square root with 96 binary digits. */
function sqrtTwapX96(
  market: Market,
  { interval, now, arithmetic }: { interval: bigint; now: bigint; arithmetic: Arithmetic },
): bigint | null {
  if (interval < SHORTEST_TWAP) return market.sqrtPriceX96 === 0n ? null : market.sqrtPriceX96;
  const from = integralAt(market.ticks, now - interval);
  const until = integralAt(market.ticks, now);
  if (from === null || until === null) return null;
  return arithmetic.sqrtRatioAtTick(Number(arithmetic.averageTick(until - from, interval)));
}

/** Index price averaged over `interval` seconds; a paused or closed market keeps the one at its pause. */
export function indexPrice(market: Market, { interval, now }: { interval: bigint; now: bigint }): bigint | null {
  if (market.status !== "OPEN") return market.pausedPrice;
  return market.feed === null ? null : feedPriceWad(market.feed, { interval, now });
}

/** The index price a market keeps when it is paused now. */
export function priceAtPause(market: Market, now: bigint): bigint | null {
  return market.feed === null ? null : feedPriceWad(market.feed, { interval: PAUSE_INTERVAL, now });
}

/**
 * Mark price: the median of the pool's price, its average, and the index price plus the average premium.
 * Equals `AccountBalance.getMarkPrice` of an open market.
 */
function markPrice(market: Market, { now, config, arithmetic }: Evaluation): bigint | null {
  const pool = (interval: bigint): bigint | null => {
    const sqrt = sqrtTwapX96(market, { interval, now, arithmetic });
    return sqrt === null ? null : priceWad(sqrt);
  };
  const spot = pool(arithmetic.spotSeconds);
  const average = pool(config.markTwapInterval);
  const premiumPool = pool(config.premiumInterval);
  const index = indexPrice(market, { interval: 0n, now });
  const premiumIndex = indexPrice(market, { interval: config.premiumInterval, now });
  if (spot === null || average === null || premiumPool === null || index === null || premiumIndex === null) return null;
  const withPremium = index + premiumPool - premiumIndex;
  // The contract converts this leg to an unsigned number, which reverts below zero.
  return withPremium < 0n ? null : median(spot, average, withPremium);
}

/** The price positions are valued at: mark, the index price kept at the pause, or the closing price. */
export function referencePrice(market: Market, evaluation: Evaluation): bigint | null {
  if (market.status === "OPEN") return markPrice(market, evaluation);
  return market.status === "CLOSED" ? market.closedPrice : market.pausedPrice;
}

/** The time funding runs to: it stops at the pause. */
export function fundingTime(market: Market, now: bigint): bigint {
  return market.status === "OPEN" ? now : market.pausedAt;
}

/**
 * Premium of the averaged pool price over the averaged index price that funding is paid on, per unit of base, and the
 * index price; 96 binary digits, bounded by the maximum funding rate. The average is shortened to the time since the
 * first trade.
 */
export function fundingPremiumX96(
  market: Market,
  { now, config, arithmetic }: Evaluation,
): { premiumX96: bigint; indexX96: bigint } | null {
  const time = fundingTime(market, now);
  const interval = market.firstTradedAt === 0n ? 0n : min(config.twapInterval, time - market.firstTradedAt);
  const sqrt = sqrtTwapX96(market, { interval, now: time, arithmetic });
  const index = indexPrice(market, { interval, now: time });
  if (sqrt === null || index === null) return null;
  const indexX96 = wadToX96(index);
  const bound = mulRatio(indexX96, config.maxFundingRate);
  return { premiumX96: max(-bound, min(bound, arithmetic.fundingPriceX96(sqrt) - indexX96)), indexX96 };
}

/** Funding growth up to `now`, in premium times seconds. `null` when the premium is
 * unknown and time has passed, or was unknown when funding was settled. */
export function fundingGrowth(market: Market, evaluation: Evaluation): Growth | null {
  const settled = { twX96: market.twPremiumX96, divX96: market.twPremiumDivX96 };
  if (market.fundingLost) return null;
  const time = fundingTime(market, evaluation.now);
  if (time === market.settledAt || market.settledAt === 0n) return settled;
  const premium = fundingPremiumX96(market, evaluation);
  if (premium === null) return null;
  const delta = premium.premiumX96 * (time - market.settledAt);
  return { twX96: settled.twX96 + delta, divX96: settled.divX96 + (delta * Q96) / market.sqrtPriceX96 };
}

function median(a: bigint, b: bigint, c: bigint): bigint {
  return max(min(a, b), min(max(a, b), c));
}
