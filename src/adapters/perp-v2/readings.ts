/**
 * What no event says: asked once, when it is first needed. A reading is the state at the end of its block; every later
 * event of that block sets the same values again, so nothing is counted twice.
 */
import { InvariantError } from "../../core/errors.ts";
import { type CanonicalEvent, type Reading, type ReadRequest, readRequest } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import type { Effect, ProtocolDeployment } from "../../core/margin-model.ts";
import { applyCustody, custodyReads } from "./custody.ts";
import { address, type Fold, int, NOTHING, stampConfig, stampMarket } from "./fold.ts";
import { everyone, feedBehind, marketFor } from "./fold-markets.ts";
import { applyAnswer, applyObserved } from "./price-feed.ts";
import { contractsOf } from "./sources.ts";

const CLOSED = 2n;

type Value = bigint | string | boolean;

/** The view calls an event needs before it is folded; asked again until it names nothing new. */
export function readsFor(fold: Fold, event: CanonicalEvent, config: ProtocolDeployment): ReadRequest[] {
  if (event.protocol !== config.protocol) return [];
  switch (event.payload.event) {
    case "PoolAdded":
      return [
        ...marketReads(fold, event, config),
        ...(fold.config() === null ? deploymentReads(fold, config) : []),
        ...dispatcherReads(fold),
      ];
    case "CollateralAdded":
      return decimalsReads(fold, address(event, "token"), config);
    case "PriceFeedChanged":
      return dispatcherRead(fold, address(event, "priceFeed"));
    case "StatusUpdated": {
      if (int(event, "status") !== CLOSED || !fold.state.markets.has(event.address)) return [];
      return [
        readRequest(`market:${event.address}:closedPrice`, {
          address: event.address,
          view: "BaseToken.getClosedPrice",
        }),
      ];
    }
    default:
      return [];
  }
}

/** Folds the answer to one of `readsFor`'s requests. `null` results leave unknown what they were to tell. */
export function applyReading(fold: Fold, reading: Reading): Effect {
  const [subject, id, what] = reading.key.split(":") as [string, string, string | undefined];
  if (subject === "market") return readMarket(fold, { key: id, what: what ?? "", result: reading.result });
  if (subject === "config") return readParameter(fold, id, reading.result);
  if (subject === "collateral") return readCollateral(fold, { token: id, what: what ?? "", result: reading.result });
  if (subject === "feed") return readFeed(fold, { observer: id, what: what ?? "", result: reading.result });
  if (subject === "fund") return readFund(fold, reading.result);
  if (subject === "custody") {
    applyCustody(fold, id, reading.result);
    return NOTHING;
  }
  if (subject === "dispatcher") return readDispatcher(fold, id as Hex, reading.result);
  throw new InvariantError(`No reading of Perp v2 has the key ${reading.key}.`);
}

/** What no event tells: how much settlement token the insurance fund holds itself, and what the vault holds. */
export function epochReads(config: ProtocolDeployment): readonly ReadRequest[] {
  const token = config.settlement.address.toLowerCase() as Hex;
  const fund = contractsOf(config).InsuranceFund;
  return [
    readRequest("fund:wallet", { address: token, view: "Erc20.balanceOf", args: [fund] }),
    ...custodyReads(config),
  ];
}

function readFund({ journal, state }: Fold, result: Reading["result"]): Effect {
  journal.put(state, "fundWallet", result === null ? null : integer(result, 0));
  return NOTHING;
}

function marketReads(fold: Fold, event: CanonicalEvent, { contracts }: ProtocolDeployment): ReadRequest[] {
  const base = address(event, "baseToken");
  if (fold.state.markets.get(base)?.ticks.points.length) return [];
  const pool = address(event, "pool");
  const registry = contracts.MarketRegistry as Hex;
  const key = (what: string) => `market:${base}:${what}`;
  return [
    readRequest(key("slot0"), { address: pool, view: "UniswapV3Pool.slot0" }),
    readRequest(key("oldest"), { address: pool, view: "UniswapV3Pool.observations", args: [0n] }),
    readRequest(key("spacing"), { address: pool, view: "UniswapV3Pool.tickSpacing" }),
    readRequest(key("feeRatio"), { address: registry, view: "MarketRegistry.getFeeRatio", args: [base] }),
    readRequest(key("insuranceFeeRatio"), {
      address: registry,
      view: "MarketRegistry.getInsuranceFundFeeRatio",
      args: [base],
    }),
    readRequest(key("symbol"), { address: base, view: "BaseToken.symbol" }),
    readRequest(key("priceFeed"), { address: base, view: "BaseToken.getPriceFeed" }),
  ];
}

/** What concerns the whole deployment, asked with the first market: parameters, collateral, prices told before. */
function deploymentReads(fold: Fold, { contracts, collateral }: ProtocolDeployment): ReadRequest[] {
  const house = contracts.ClearingHouseConfig as Hex;
  const manager = contracts.CollateralManager as Hex;
  const parameter = (name: string, view: string) =>
    readRequest(`config:${name}`, { address: house, view: `ClearingHouseConfig.${view}` });
  return [
    parameter("imRatio", "getImRatio"),
    parameter("mmRatio", "getMmRatio"),
    parameter("twapInterval", "getTwapInterval"),
    parameter("maxFundingRate", "getMaxFundingRate"),
    parameter("markPriceConfig", "getMarkPriceConfig"),
    ...(collateral ?? []).map((token) => {
      const id = token.address.toLowerCase() as Hex;
      return readRequest(`collateral:${id}:config`, {
        address: manager,
        view: "CollateralManager.getCollateralConfig",
        args: [id],
      });
    }),
    ...fold.state.feeds.flatMap((feed) => [
      readRequest(`feed:${feed.observer}:round`, { address: feed.aggregator, view: "Aggregator.latestRoundData" }),
      readRequest(`feed:${feed.observer}:price`, { address: feed.observer, view: "PriceFeed.getLastValidPrice" }),
      readRequest(`feed:${feed.observer}:pricedAt`, {
        address: feed.observer,
        view: "PriceFeed.getLastValidTimestamp",
      }),
    ]),
  ];
}

/** Second round: which wrapper stands behind each price feed that is not itself one. */
function dispatcherReads(fold: Fold): ReadRequest[] {
  const named = [...fold.state.markets.values(), ...fold.state.collateral.values()].map((x) => x.priceFeed);
  const feeds = [...new Set(named.filter((feed): feed is Hex => feed !== null))];
  return feeds.flatMap((feed) => dispatcherRead(fold, feed));
}

function dispatcherRead(fold: Fold, priceFeed: Hex): ReadRequest[] {
  const { feeds, dispatchers } = fold.state;
  if (dispatchers.has(priceFeed) || feeds.some((feed) => feed.observer === priceFeed)) return [];
  return [
    readRequest(`dispatcher:${priceFeed}`, { address: priceFeed, view: "PriceFeedDispatcher.getChainlinkPriceFeedV3" }),
  ];
}

function decimalsReads(fold: Fold, token: Hex, config: ProtocolDeployment): ReadRequest[] {
  const listed = config.collateral?.some((c) => c.address.toLowerCase() === token);
  if (listed || fold.state.collateral.has(token)) return [];
  return [readRequest(`collateral:${token}:decimals`, { address: token, view: "BaseToken.decimals" })];
}

function readMarket(
  fold: Fold,
  { key, what, result }: { key: string; what: string; result: Reading["result"] },
): Effect {
  if (result === null) return NOTHING;
  const market = marketFor(fold, key);
  const { journal } = fold;
  if (what === "slot0") {
    journal.put(market, "sqrtPriceX96", integer(result, 0));
    journal.put(market, "tick", Number(integer(result, 1)));
  } else if (what === "oldest") journal.put(market, "ticksFrom", integer(result, 0));
  else if (what === "spacing") journal.put(market, "tickSpacing", Number(integer(result, 0)));
  else if (what === "feeRatio") journal.put(market, "feeRatio", integer(result, 0));
  else if (what === "insuranceFeeRatio") journal.put(market, "insuranceFeeRatio", integer(result, 0));
  else if (what === "symbol") journal.put(market, "symbol", String(result[0]));
  else if (what === "closedPrice") journal.put(market, "closedPrice", integer(result, 0));
  else if (what === "priceFeed") {
    const priceFeed = String(result[0]).toLowerCase() as Hex;
    journal.put(market, "priceFeed", priceFeed);
    journal.put(market, "feed", feedBehind(fold, priceFeed));
  } else throw new InvariantError(`No reading of a Perp v2 market is called ${what}.`);
  stampMarket(fold, market);
  return { accounts: [], markets: [key], everyone: false };
}

function readParameter(fold: Fold, name: string, result: Reading["result"]): Effect {
  if (result === null) return NOTHING;
  const { journal, state } = fold;
  if (name === "markPriceConfig") {
    journal.set(state.parameters, "markTwapInterval", integer(result, 0));
    journal.set(state.parameters, "premiumInterval", integer(result, 1));
  } else journal.set(state.parameters, name, integer(result, 0));
  stampConfig(fold);
  return everyone(fold);
}

function readCollateral(
  fold: Fold,
  { token, what, result }: { token: string; what: string; result: Reading["result"] },
): Effect {
  if (result === null) return NOTHING;
  const { journal, state } = fold;
  if (what === "decimals") {
    const decimals = Number(integer(result, 0));
    journal.set(state.collateral, token, { token, decimals, priceFeed: null, feed: null, ratio: 0n });
    return NOTHING;
  }
  const collateral = state.collateral.get(token);
  if (collateral === undefined) return NOTHING;
  const priceFeed = String(result[0]).toLowerCase() as Hex;
  journal.put(collateral, "priceFeed", priceFeed);
  journal.put(collateral, "feed", feedBehind(fold, priceFeed));
  journal.put(collateral, "ratio", integer(result, 1));
  stampConfig(fold);
  return everyone(fold);
}

/** Prices told before the start; a feed whose events have been folded already is not touched. */
function readFeed(
  fold: Fold,
  { observer, what, result }: { observer: string; what: string; result: Reading["result"] },
): Effect {
  const feed = fold.state.feeds.find((f) => f.observer === observer);
  if (feed === undefined || result === null) return NOTHING;
  const { journal } = fold;
  if (what === "round") {
    if (feed.answeredAt !== 0n) return NOTHING;
    const [roundId, answer, updatedAt] = [integer(result, 0), integer(result, 1), integer(result, 3)];
    applyAnswer(journal, feed, { answer, roundId, updatedAt });
  } else if (what === "price") {
    if (feed.pricedAt === 0n) journal.put(feed, "price", integer(result, 0));
  } else if (feed.pricedAt === 0n && integer(result, 0) > 0n) {
    applyObserved(journal, feed, { price: feed.price, at: integer(result, 0) });
  }
  journal.put(feed, "stamp", fold.nextStamp());
  return NOTHING;
}

function readDispatcher(fold: Fold, priceFeed: Hex, result: Reading["result"]): Effect {
  const { journal, state } = fold;
  journal.set(state.dispatchers, priceFeed, result === null ? null : (String(result[0]).toLowerCase() as Hex));
  for (const market of state.markets.values()) {
    if (market.priceFeed !== priceFeed) continue;
    journal.put(market, "feed", feedBehind(fold, priceFeed));
    stampMarket(fold, market);
  }
  for (const collateral of state.collateral.values()) {
    if (collateral.priceFeed === priceFeed) journal.put(collateral, "feed", feedBehind(fold, priceFeed));
  }
  stampConfig(fold);
  return everyone(fold);
}

function integer(result: readonly Value[], index: number): bigint {
  const value = result[index];
  if (typeof value !== "bigint") throw new InvariantError(`A reading of Perp v2 has no integer at ${index}.`);
  return value;
}
