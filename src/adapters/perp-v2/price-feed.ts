/**
 * `ChainlinkPriceFeedV3`: the wrapper through which Perp v2 reads a Chainlink aggregator. It keeps the last price it was
 * told and its own observations for time-weighted averages, and answers with the aggregator's newer price where that is
 * valid.
 * @see npm @perp/curie-deployments 2023.4.12, optimism/core, ChainlinkPriceFeedV3 and CumulativeTwap
 */
import type { Journal } from "../../core/book/journal.ts";
import type { Hex } from "../../core/ids.ts";
import type { FeedDeployment } from "../../core/margin-model.ts";
import { extend, integralAt, latest, type Timeline } from "./timeline.ts";

/** The interval whose average the wrapper caches once a timestamp, seconds. */
const CACHED_INTERVAL = 900n;

/** State of one wrapper. Prices have `decimals` digits, times are seconds; 0 means never. */
export type PriceFeed = {
  readonly pair: string;
  readonly aggregator: Hex;
  readonly observer: Hex;
  readonly decimals: number;
  /** The aggregator's latest round. */
  answer: bigint;
  answeredAt: bigint;
  roundId: bigint;
  /** The wrapper's last valid price. */
  price: bigint;
  pricedAt: bigint;
  observations: Timeline;
  cachedAt: bigint;
  cachedTwap: bigint;
  /** Changes with every event of the feed and never repeats: the key of what is computed from it. */
  stamp: number;
};

/** The wrappers a deployment lists, untouched. */
export function createFeeds(feeds: readonly FeedDeployment[]): PriceFeed[] {
  return feeds.flatMap((feed) =>
    (feed.observers ?? []).map((observer) => ({
      pair: feed.pair,
      aggregator: feed.aggregator.toLowerCase() as Hex,
      observer: observer.toLowerCase() as Hex,
      decimals: feed.decimals,
      answer: 0n,
      answeredAt: 0n,
      roundId: 0n,
      price: 0n,
      pricedAt: 0n,
      observations: { points: [] },
      cachedAt: -1n,
      cachedTwap: 0n,
      stamp: 0,
    })),
  );
}

/** A round of the aggregator. */
export function applyAnswer(
  journal: Journal,
  feed: PriceFeed,
  round: { answer: bigint; roundId: bigint; updatedAt: bigint },
): void {
  journal.put(feed, "answer", round.answer);
  journal.put(feed, "answeredAt", round.updatedAt);
  journal.put(feed, "roundId", round.roundId);
}

/** The wrapper took over a price. An unchanged price leaves no observation. */
export function applyObserved(journal: Journal, feed: PriceFeed, { price, at }: { price: bigint; at: bigint }): void {
  journal.put(feed, "price", price);
  journal.put(feed, "pricedAt", at);
  if (latest(feed.observations)?.value !== price) extend(journal, feed.observations, { at, value: price });
}

/** The wrapper is asked to cache an average, which it does for its own interval and once a timestamp. */
export function cacheTwap(
  journal: Journal,
  feed: PriceFeed,
  { interval, now }: { interval: bigint; now: bigint },
): void {
  if (interval !== CACHED_INTERVAL || feed.cachedAt === now) return;
  const twap = twapOf(feed, { interval, now });
  if (twap === null) return;
  journal.put(feed, "cachedAt", now);
  journal.put(feed, "cachedTwap", twap);
}

/**
 * Price averaged over `interval` seconds, with the feed's decimals, rounded down; the latest price when `interval` is 0.
 * `null` when the feed has never had a valid price.
 */
export function feedPrice(feed: PriceFeed, { interval, now }: { interval: bigint; now: bigint }): bigint | null {
  if (interval === 0n) return latestPrice(feed, now)?.price ?? null;
  if (interval === CACHED_INTERVAL && feed.cachedAt === now) return feed.cachedTwap;
  return twapOf(feed, { interval, now });
}

/** Like `feedPrice`, with 18 decimals. */
export function feedPriceWad(feed: PriceFeed, at: { interval: bigint; now: bigint }): bigint | null {
  const price = feedPrice(feed, at);
  return price === null ? null : price * 10n ** BigInt(18 - feed.decimals);
}

/** The aggregator's round where it is valid and newer, else the wrapper's own price. */
function latestPrice(feed: PriceFeed, now: bigint): { price: bigint; at: bigint } | null {
  const { answer, answeredAt, price, pricedAt } = feed;
  const known = pricedAt > 0n && pricedAt === answeredAt;
  const valid = feed.roundId > 0n && answeredAt > 0n && answeredAt >= pricedAt && answeredAt <= now && answer > 0n;
  if (!known && valid) return { price: answer, at: answeredAt };
  return pricedAt === 0n ? null : { price, at: pricedAt };
}

function twapOf(feed: PriceFeed, { interval, now }: { interval: bigint; now: bigint }): bigint | null {
  const current = latestPrice(feed, now);
  const newest = latest(feed.observations);
  if (current === null || newest === undefined || interval === 0n) return current?.price ?? null;
  const from = integralAt(feed.observations, now - interval);
  if (from === null) return current.price;
  const until = newest.cumulative + newest.value * (current.at - newest.at) + current.price * (now - current.at);
  // A zero average is the wrapper's sign for "not enough history"; it answers with the latest price then.
  return (until - from) / interval || current.price;
}
