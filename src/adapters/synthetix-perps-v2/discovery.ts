/**
 * What precedes the first log of a market is read once, at the market's announcement. A reading states the end of its
 * block; whatever logs of that block come after it set the same values again.
 */
import type { Journal } from "../../core/book/journal.ts";
import { InvariantError } from "../../core/errors.ts";
import { type CanonicalEvent, type Reading, type ReadRequest, readRequest } from "../../core/event.ts";
import { rescaleDown } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type { GlobalParameters } from "./arithmetic.ts";
import { emptyMarket, type Market, type Setting, type State } from "./state.ts";

const GLOBALS: readonly (keyof GlobalParameters)[] = [
  "minKeeperFee",
  "maxKeeperFee",
  "liquidationFeeRatio",
  "minInitialMargin",
  "keeperLiquidationFee",
];

/** Fields of `PerpsV2MarketSettings.parameters` that are used, with their place in its answer. */
const PARAMETERS = [
  ["maxLeverage", 6],
  ["maxFundingVelocity", 8],
  ["skewScale", 9],
  ["liquidationPremiumMultiplier", 18],
  ["liquidationBufferRatio", 19],
] as const;

const MARKET_VIEWS = [
  "marketSize",
  "marketSkew",
  "fundingSequenceLength",
  "fundingRateLastRecomputed",
  "fundingLastRecomputed",
] as const;

/**
 * The views an event needs before it is applied. Some follow from the answers to others: asked again after those were
 * applied, it names them too.
 */
export function reads(state: State, setting: Setting, event: CanonicalEvent): readonly ReadRequest[] {
  const { payload } = event;
  if (payload.event === "MarketAdded" && event.market !== null) {
    const key = event.market as Hex;
    if (state.markets.get(key)?.names) return [];
    const [asset, marketKey] = [payload.asset as Hex, payload.marketKey as Hex];
    return [
      ...marketReads(state, setting, { key, marketKey }),
      ...globalReads(state, setting),
      ...suspensionReads(state, setting, { asset, marketKey }),
      ...priceReads(state, setting, asset),
    ];
  }
  if (payload.event === "AggregatorAdded") {
    const aggregator = payload.aggregator as Hex;
    return roundRead(state, setting, aggregator);
  }
  return [];
}

function marketReads(state: State, setting: Setting, of: { key: Hex; marketKey: Hex }): ReadRequest[] {
  const { key, marketKey } = of;
  const settings = setting.contracts.PerpsV2MarketSettings;
  const requests: ReadRequest[] = [
    readRequest(`parameters:${marketKey}`, {
      address: settings,
      view: "PerpsV2MarketSettings.parameters",
      args: [marketKey],
    }),
    ...MARKET_VIEWS.map((view) =>
      readRequest(`market:${key}:${view}`, { address: key, view: `PerpsV2Market.${view}` }),
    ),
  ];
  const index = state.markets.get(key)?.funding.index ?? 0n;
  if (index > 0n) {
    requests.push(
      readRequest(`market:${key}:fundingSequence`, {
        address: key,
        view: "PerpsV2Market.fundingSequence",
        args: [index],
      }),
    );
  }
  return requests;
}

function globalReads(state: State, setting: Setting): ReadRequest[] {
  const { PerpsV2MarketSettings: settings, ExchangeRates: rates } = setting.contracts;
  const requests = GLOBALS.filter((name) => state.globals[name] === undefined).map((name) =>
    readRequest(`global:${name}`, { address: settings, view: `PerpsV2MarketSettings.${name}` }),
  );
  if (state.rateStalePeriod === null)
    requests.push(readRequest("rateStalePeriod", { address: rates, view: "ExchangeRates.rateStalePeriod" }));
  return requests;
}

function suspensionReads(state: State, setting: Setting, of: { asset: Hex; marketKey: Hex }): ReadRequest[] {
  const wanted: [subject: string, view: string, args: Hex[]][] = [
    ["system", "systemSuspension", []],
    ["exchange", "exchangeSuspension", []],
    ["futures", "futuresSuspension", []],
    [`market:${of.marketKey}`, "futuresMarketSuspension", [of.marketKey]],
    [`synth:${of.asset}`, "synthSuspension", [of.asset]],
  ];
  return wanted
    .filter(([subject]) => !state.suspensions.has(subject))
    .map(([subject, view, args]) =>
      readRequest(`suspension:${subject}`, {
        address: setting.contracts.SystemStatus,
        view: `SystemStatus.${view}`,
        args,
      }),
    );
}

function priceReads(state: State, setting: Setting, asset: Hex): ReadRequest[] {
  const aggregator = state.aggregators.get(asset);
  if (aggregator !== undefined) return roundRead(state, setting, aggregator);
  return [
    readRequest(`aggregator:${asset}`, {
      address: setting.contracts.ExchangeRates,
      view: "ExchangeRates.aggregators",
      args: [asset],
    }),
  ];
}

/** The last round of an aggregator whose answers have not been heard yet. */
function roundRead(state: State, setting: Setting, aggregator: Hex): ReadRequest[] {
  const feed = setting.feeds.get(aggregator);
  if (!feed || state.prices.has(feed.key)) return [];
  return [readRequest(`round:${aggregator}`, { address: aggregator, view: "ChainlinkAggregator.latestRoundData" })];
}

/**
 * Takes a reading in. A view that reverted leaves its figure unknown.
 * @throws InvariantError for a key no request has.
 */
export function applyReading(state: State, given: { setting: Setting; journal: Journal; reading: Reading }): void {
  const { reading, journal, setting } = given;
  const { result } = reading;
  if (result === null) return;
  const [what, subject = "", view = ""] = split(reading.key);
  const first = result[0] as bigint | string | boolean;
  switch (what) {
    case "parameters": {
      const parameters = Object.fromEntries(PARAMETERS.map(([name, place]) => [name, BigInt(result[place] as bigint)]));
      journal.set(state.parameters, subject as Hex, parameters);
      return;
    }
    case "market":
      applyMarketView(state, { journal, key: subject as Hex, view, value: BigInt(first), reading });
      return;
    case "global":
      journal.put(state, "globals", { ...state.globals, [subject]: BigInt(first) });
      return;
    case "rateStalePeriod":
      journal.put(state, "rateStalePeriod", BigInt(first));
      return;
    case "suspension":
      journal.set(state.suspensions, subject, first === true);
      return;
    case "aggregator":
      journal.set(state.aggregators, subject as Hex, String(first).toLowerCase() as Hex);
      return;
    case "round": {
      const feed = setting.feeds.get(subject as Hex);
      if (!feed) return;
      const value = rescaleDown(BigInt(result[1] as bigint), feed.decimals, 18);
      journal.set(state.prices, feed.key, { value, updatedAt: BigInt(result[3] as bigint) });
      return;
    }
    default:
      throw new InvariantError(`Nothing asked for the reading "${reading.key}".`);
  }
}

/** `market:<proxy>:<view>` in three; every other key at its first colon, since a suspension's subject may hold one. */
function split(key: string): string[] {
  const parts = key.split(":");
  return parts[0] === "market" ? parts : [parts[0] as string, parts.slice(1).join(":")];
}

function applyMarketView(
  state: State,
  given: { journal: Journal; key: Hex; view: string; value: bigint; reading: Reading },
): void {
  const { journal, key, view, value, reading } = given;
  const market = ensureMarket(state, journal, key);
  const funding = market.funding;
  switch (view) {
    case "marketSize":
      journal.put(market, "size", value);
      journal.put(market, "sizeReadAt", reading.block.number);
      journal.put(market, "inherited", value > 0n);
      return;
    case "marketSkew":
      journal.put(market, "skew", value);
      return;
    case "fundingSequenceLength":
      journal.put(market, "funding", { ...funding, index: value - 1n });
      return;
    case "fundingRateLastRecomputed":
      journal.put(market, "funding", { ...funding, rate: value });
      return;
    case "fundingLastRecomputed":
      journal.put(market, "funding", { ...funding, timestamp: value });
      return;
    case "fundingSequence":
      journal.put(market, "funding", { ...funding, value });
      return;
    default:
      throw new InvariantError(`Nothing asked for the reading "${reading.key}".`);
  }
}

/** The market of a key, made if need be. */
export function ensureMarket(state: State, journal: Journal, key: Hex): Market {
  const known = state.markets.get(key);
  if (known) return known;
  const market = emptyMarket(key);
  journal.set(state.markets, key, market);
  return market;
}
