import type { Journal } from "../../core/book/journal.ts";
import { InvariantError } from "../../core/errors.ts";
import type { CanonicalEvent } from "../../core/event.ts";
import { abs, max } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type { Effect } from "../../core/margin-model.ts";
import { accruedFunding, type Parameters, type Position, profitLoss } from "./arithmetic.ts";
import { ensureMarket } from "./discovery.ts";
import { namesOf } from "./product.ts";
import { feedOf, type Market, marketOf, type Names, type Setting, type State } from "./state.ts";

const NOTHING: Effect = { accounts: [], markets: [], everyone: false };

type Fold = { state: State; setting: Setting; journal: Journal; event: CanonicalEvent };

/**
 * Folds one event in constant time, a few configuration events excepted.
 * @throws InvariantError for an event of a market that was never announced.
 */
export function fold(given: Fold): Effect {
  const { event } = given;
  if (event.kind === "ORACLE_PRICE") return foldPrice(given);
  switch (event.payload.event) {
    case "PositionModified":
      return foldPosition(given);
    case "FundingRecomputed":
      return foldFunding(given);
    case "PositionFlagged":
      return foldFlag(given);
    case "PositionLiquidated":
      return foldLiquidation(given);
    case "MarketAdded":
    case "MarketRemoved":
      return foldListing(given);
    case "MarginTransferred":
      return NOTHING;
    default:
      return foldConfiguration(given);
  }
}

/** Storage keeps nothing of a flat account but its margin, whatever the event says of id, price and funding index. */
function foldPosition({ state, journal, event }: Fold): Effect {
  const { payload } = event;
  const account = event.account as Hex;
  const market = marketOf(state, event.market as string);
  const size = payload.size as bigint;
  const margin = payload.margin as bigint;
  const skew = payload.skew as bigint;
  const old = market.positions.get(account);

  if (event.block.number !== market.sizeReadAt) {
    const oldSize = old?.size ?? (market.inherited ? size - (skew - market.skew) : 0n);
    if (size !== oldSize) journal.put(market, "size", market.size + abs(size) - abs(oldSize));
  }
  if (skew !== market.skew) journal.put(market, "skew", skew);

  // Only a liquidation empties a position without a trade; its fees and price follow in the next log.
  if (old && old.size !== 0n && size === 0n && payload.tradeSize === 0n) {
    journal.put(market, "closing", { account, position: old });
  }

  if (size === 0n && margin === 0n) journal.delete(market.positions, account);
  else journal.set(market.positions, account, positionAfter(market, old, event));
  if (size === 0n) journal.remove(market.holders, account);
  else journal.add(market.holders, account);
  notePresence(state, journal, { account, market: market.key, present: size !== 0n || margin !== 0n });
  return { accounts: [account], markets: [market.key], everyone: false };
}

function positionAfter(market: Market, old: Position | undefined, { payload }: CanonicalEvent): Position {
  const margin = payload.margin as bigint;
  const size = payload.size as bigint;
  if (size === 0n) return { id: 0n, lastFundingIndex: 0n, entryFunding: null, margin, lastPrice: 0n, size };
  const lastFundingIndex = payload.fundingIndex as bigint;
  let entryFunding: bigint | null = null;
  if (lastFundingIndex === market.funding.index) entryFunding = market.funding.value;
  // Flagging a position that has an order of an old release gives its deposit back without settling funding.
  else if (old?.lastFundingIndex === lastFundingIndex) entryFunding = old.entryFunding;
  return {
    id: payload.id as bigint,
    lastFundingIndex,
    entryFunding,
    margin,
    lastPrice: payload.lastPrice as bigint,
    size,
  };
}

function notePresence(state: State, journal: Journal, of: { account: Hex; market: string; present: boolean }): void {
  let markets = state.accounts.get(of.account);
  if (!markets) {
    markets = new Set();
    journal.set(state.accounts, of.account, markets);
  }
  if (of.present) journal.add(markets, of.market);
  else journal.remove(markets, of.market);
}

/** Positions carry the sequence's value at their own index, so that only its last entry is kept. */
function foldFunding({ state, journal, event }: Fold): Effect {
  const { payload } = event;
  const market = marketOf(state, event.market as string);
  journal.put(market, "funding", {
    index: payload.index as bigint,
    value: payload.funding as bigint,
    rate: payload.fundingRate as bigint,
    timestamp: payload.timestamp as bigint,
  });
  return { accounts: [], markets: [market.key], everyone: false };
}

function foldFlag({ state, journal, event }: Fold): Effect {
  const market = marketOf(state, event.market as string);
  journal.add(market.flagged, event.account as Hex);
  return { accounts: [event.account as Hex], markets: [], everyone: false };
}

/**
 * Bad debt is what the fees paid out exceed the position's equity by, a negative equity included: keepers are paid in new
 * sUSD whether the margin covers them or not. Funding was settled in the same transaction, so the equity at this price is
 * exact. Of a position opened before the first log nothing is known, and nothing is counted.
 */
function foldLiquidation({ state, journal, event }: Fold): Effect {
  const account = event.account as Hex;
  const market = marketOf(state, event.market as string);
  journal.remove(market.flagged, account);
  const closed = market.closing?.account === account ? market.closing.position : null;
  journal.put(market, "closing", null);
  const funding = closed && accruedFunding(closed, market.funding.value);
  if (closed && funding !== null) {
    const equity = closed.margin + profitLoss(closed, event.price as bigint) + funding;
    const fees = (event.payload.flaggerFee as bigint) + (event.payload.liquidatorFee as bigint);
    const loss = max(0n, fees - equity);
    if (loss > 0n) journal.put(market, "badDebt", market.badDebt + loss);
  }
  return { accounts: [account], markets: [market.key], everyone: false };
}

function foldListing({ state, setting, journal, event }: Fold): Effect {
  const { payload } = event;
  const market = ensureMarket(state, journal, event.market as Hex);
  const of = { key: market.key, asset: payload.asset as Hex, marketKey: payload.marketKey as Hex };
  journal.put(market, "names", namesOf(setting, of));
  journal.put(market, "listed", payload.event === "MarketAdded");
  return { accounts: [], markets: [market.key], everyone: false };
}

function foldPrice({ state, setting, journal, event }: Fold): Effect {
  if (event.price === null) return NOTHING;
  const updatedAt = event.payload.updatedAt as bigint;
  const feed = event.address.toLowerCase() as Hex;
  journal.set(state.prices, feed, { value: event.price, updatedAt });
  const markets = marketsWhere(state, (names) => feedOf(state, setting, names.asset)?.key === feed);
  return { accounts: [], markets, everyone: false };
}

function foldConfiguration({ state, journal, event }: Fold): Effect {
  const { payload } = event;
  const value = payload.value as bigint;
  switch (payload.event) {
    case "ParameterUpdated": {
      const marketKey = payload.marketKey as Hex;
      if (!isParameter(payload.parameter)) return NOTHING;
      const known = state.parameters.get(marketKey) ?? {};
      journal.set(state.parameters, marketKey, { ...known, [payload.parameter]: value });
      return everyone(marketsWhere(state, (names) => names.marketKey === marketKey));
    }
    case "GlobalParameterUpdated":
      journal.put(state, "globals", { ...state.globals, [payload.parameter as string]: value });
      return everyone([]);
    case "RateStalePeriodSet":
      journal.put(state, "rateStalePeriod", value);
      return everyone(marketsWhere(state, () => true));
    case "AggregatorAdded":
    case "AggregatorRemoved": {
      const asset = payload.asset as Hex;
      const aggregator = payload.event === "AggregatorAdded" ? (payload.aggregator as Hex) : NO_AGGREGATOR;
      journal.set(state.aggregators, asset, aggregator);
      return everyone(marketsWhere(state, (names) => names.asset === asset));
    }
    case "SuspensionChanged":
      journal.set(state.suspensions, payload.subject as string, payload.suspended as boolean);
      return { accounts: [], markets: marketsWhere(state, () => true), everyone: false };
    default:
      throw new InvariantError(`Event ${event.id} (${String(payload.event)}) has no rule to fold it by.`);
  }
}

const NO_AGGREGATOR: Hex = "0x0000000000000000000000000000000000000000";

const PARAMETER_NAMES: Readonly<Record<keyof Parameters, true>> = {
  maxLeverage: true,
  maxFundingVelocity: true,
  skewScale: true,
  liquidationPremiumMultiplier: true,
  liquidationBufferRatio: true,
};

/** Whether a parameter enters any figure; the others are fees and order windows. */
function isParameter(name: unknown): name is keyof Parameters {
  return typeof name === "string" && Object.hasOwn(PARAMETER_NAMES, name);
}

function everyone(markets: readonly string[]): Effect {
  return { accounts: [], markets, everyone: true };
}

function marketsWhere(state: State, holds: (names: Names) => boolean): string[] {
  const found: string[] = [];
  for (const market of state.markets.values()) if (market.names && holds(market.names)) found.push(market.key);
  return found.sort();
}
