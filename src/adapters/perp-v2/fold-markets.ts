/** Folds what concerns markets and parameters: listings, prices, status, configuration, collateral. */
import type { CanonicalEvent } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import type { Effect } from "../../core/margin-model.ts";
import { address, type Fold, int, NOTHING, stampConfig, stampMarket } from "./fold.ts";
import { marketOf } from "./fold-trades.ts";
import { priceAtPause } from "./market-prices.ts";
import { applyAnswer, applyObserved, type PriceFeed } from "./price-feed.ts";
import { createMarket, type Market, type MarketStatus } from "./state.ts";
import { extend } from "./timeline.ts";

const STATUS: readonly MarketStatus[] = ["OPEN", "PAUSED", "CLOSED"];

/** Parameter event → the parameter and the field that holds its new value. */
export const PARAMETER_EVENTS: Readonly<Record<string, readonly [parameter: string, field: string]>> = {
  MaxFundingRateChanged: ["maxFundingRate", "rate"],
  TwapIntervalChanged: ["twapInterval", "twapInterval"],
  MarkPriceMarketTwapIntervalChanged: ["markTwapInterval", "twapInterval"],
  MarkPricePremiumIntervalChanged: ["premiumInterval", "premiumInterval"],
};

/** An aggregator's new round reaches every wrapper around it. */
export function applyRound(fold: Fold, event: CanonicalEvent): Effect {
  const round = { answer: int(event, "current"), roundId: int(event, "roundId"), updatedAt: int(event, "updatedAt") };
  return changeFeeds(
    fold,
    (feed) => feed.aggregator === event.address,
    (feed) => applyAnswer(fold.journal, feed, round),
  );
}

/** A wrapper took over its aggregator's price. */
export function applyObservation(fold: Fold, event: CanonicalEvent): Effect {
  const observed = { price: int(event, "price"), at: int(event, "timestamp") };
  return changeFeeds(
    fold,
    (feed) => feed.observer === event.address,
    (feed) => applyObserved(fold.journal, feed, observed),
  );
}

/** A market is listed. Its pool's price has been read; the pool's history begins where the pool says. */
export function listMarket(fold: Fold, event: CanonicalEvent): Effect {
  const market = marketFor(fold, address(event, "baseToken"));
  const pool = address(event, "pool");
  fold.journal.put(market, "pool", pool);
  fold.journal.set(fold.state.pools, pool, market);
  if (market.ticks.points.length === 0 && market.sqrtPriceX96 > 0n) {
    const at = market.ticksFrom ?? event.block.timestamp;
    extend(fold.journal, market.ticks, { at, value: BigInt(market.tick) });
  }
  stampMarket(fold, market);
  return { accounts: [], markets: [market.key], everyone: false };
}

/** The fee that traders of a market pay. */
export function changeFee(fold: Fold, event: CanonicalEvent): Effect {
  return changeMarket(fold, event, (market) => fold.journal.put(market, "feeRatio", int(event, "feeRatio")));
}

/** The part of the fee that goes to the insurance fund. */
export function changeInsuranceFee(fold: Fold, event: CanonicalEvent): Effect {
  return changeMarket(fold, event, (market) => fold.journal.put(market, "insuranceFeeRatio", int(event, "feeRatio")));
}

/** A market is paused, which freezes its index price and funding, or closed at a price that was read. */
export function changeStatus(fold: Fold, event: CanonicalEvent): Effect {
  const market = fold.state.markets.get(event.address);
  const status = STATUS[Number(int(event, "status"))];
  if (market === undefined || status === undefined) return NOTHING;
  if (status === "PAUSED") {
    fold.journal.put(market, "pausedPrice", priceAtPause(market, event.block.timestamp));
    fold.journal.put(market, "pausedAt", event.block.timestamp);
  }
  fold.journal.put(market, "status", status);
  stampMarket(fold, market);
  return { accounts: [...market.holders], markets: [market.key], everyone: false };
}

/** A market or a collateral token gets another price feed. */
export function changePriceFeed(fold: Fold, event: CanonicalEvent): Effect {
  const priceFeed = address(event, "priceFeed");
  const token = event.payload.token;
  if (typeof token === "string") {
    const collateral = fold.state.collateral.get(token);
    if (collateral === undefined) return NOTHING;
    fold.journal.put(collateral, "priceFeed", priceFeed);
    fold.journal.put(collateral, "feed", feedBehind(fold, priceFeed));
    stampConfig(fold);
    return everyone(fold);
  }
  const market = fold.state.markets.get(event.address);
  if (market === undefined) return NOTHING;
  fold.journal.put(market, "priceFeed", priceFeed);
  fold.journal.put(market, "feed", feedBehind(fold, priceFeed));
  stampMarket(fold, market);
  return { accounts: [...market.holders], markets: [market.key], everyone: false };
}

/** A parameter of the whole protocol, such as a margin ratio. */
export function changeParameter(fold: Fold, event: CanonicalEvent): Effect {
  const change = PARAMETER_EVENTS[String(event.payload.event)];
  if (change === undefined) return NOTHING;
  fold.journal.set(fold.state.parameters, change[0], int(event, change[1]));
  stampConfig(fold);
  return everyone(fold);
}

/** A token becomes collateral; its decimals come from the deployment or from a reading just before. */
export function addCollateral(fold: Fold, event: CanonicalEvent): Effect {
  const collateral = fold.state.collateral.get(address(event, "token"));
  if (collateral === undefined) return NOTHING;
  const priceFeed = address(event, "priceFeed");
  fold.journal.put(collateral, "priceFeed", priceFeed);
  fold.journal.put(collateral, "feed", feedBehind(fold, priceFeed));
  fold.journal.put(collateral, "ratio", int(event, "collateralRatio"));
  stampConfig(fold);
  return everyone(fold);
}

/** How much of its value a token counts for as collateral. */
export function changeCollateralRatio(fold: Fold, event: CanonicalEvent): Effect {
  const collateral = fold.state.collateral.get(address(event, "token"));
  if (collateral === undefined) return NOTHING;
  fold.journal.put(collateral, "ratio", int(event, "collateralRatio"));
  stampConfig(fold);
  return everyone(fold);
}

/** The market of a base token, made when it is first heard of. */
export function marketFor(fold: Fold, key: string): Market {
  let market = fold.state.markets.get(key);
  if (market === undefined) {
    market = createMarket(key);
    fold.journal.set(fold.state.markets, key, market);
  }
  return market;
}

/** The deployment's wrapper that a price feed address means: itself, or the one behind its dispatcher. */
export function feedBehind(fold: Fold, priceFeed: Hex): PriceFeed | null {
  const observer = fold.state.dispatchers.get(priceFeed) ?? priceFeed;
  return fold.state.feeds.find((feed) => feed.observer === observer) ?? null;
}

/** Voids what depends on any of the feeds that `isIt` picks, after changing them. */
function changeFeeds(fold: Fold, isIt: (feed: PriceFeed) => boolean, change: (feed: PriceFeed) => void): Effect {
  const changed = fold.state.feeds.filter(isIt);
  if (changed.length === 0) return NOTHING;
  for (const feed of changed) {
    change(feed);
    fold.journal.put(feed, "stamp", fold.nextStamp());
  }
  const markets: string[] = [];
  for (const [key, market] of fold.state.markets) {
    if (market.feed !== null && changed.includes(market.feed)) markets.push(key);
  }
  return { accounts: [], markets, everyone: false };
}

/** A parameter of the whole deployment changed. */
export function everyone(fold: Fold): Effect {
  return { accounts: [], markets: [...fold.state.markets.keys()], everyone: true };
}

function changeMarket(fold: Fold, event: CanonicalEvent, change: (market: Market) => void): Effect {
  const market = marketOf(fold, event);
  if (market === null) return NOTHING;
  change(market);
  stampMarket(fold, market);
  return { accounts: [], markets: [market.key], everyone: false };
}
