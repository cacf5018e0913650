import { InvariantError } from "../../core/errors.ts";
import type { Hex } from "../../core/ids.ts";
import type { AssetDeployment, Figure, Product } from "../../core/margin-model.ts";
import type { FundingEntry, GlobalParameters, Parameters, Position } from "./arithmetic.ts";
import type { Contracts } from "./sources.ts";

/** A price with 18 decimals. `updatedAt` in seconds. */
export type Price = { value: bigint; updatedAt: bigint };

/** What a market is called: by the protocol in 32 bytes, by us in text, and as the subject of a suspension. */
export type Names = {
  readonly marketKey: Hex;
  readonly asset: Hex;
  readonly symbol: string;
  readonly product: Product;
  readonly subjects: { readonly market: string; readonly synth: string };
};

/** One market. Records in it are replaced, never changed, so that a cached figure can tell by identity. */
export type Market = {
  /** The proxy's address, lower case. */
  readonly key: Hex;
  /** `null` until the market is announced: readings made for the announcement come before it. */
  names: Names | null;
  listed: boolean;
  funding: FundingEntry;
  /** `marketSize` and `marketSkew` of storage, in base units. */
  size: bigint;
  skew: bigint;
  /** The block whose end `size` was read at, within which logs must not be added to it again. */
  sizeReadAt: bigint | null;
  /** Whether positions were there before the first log, so that an account never seen may still hold one. */
  inherited: boolean;
  /** Positions and margin without a position, by account. */
  readonly positions: Map<Hex, Position>;
  /** Accounts with a position. */
  readonly holders: Set<Hex>;
  readonly flagged: Set<Hex>;
  /** What the liquidation now being told has just closed. */
  closing: { account: Hex; position: Position } | null;
  badDebt: bigint;
};

export type AnnouncedMarket = Market & { names: Names };

/** All that is folded. Every change goes through the journal. */
export type State = {
  readonly markets: Map<string, Market>;
  /** Per market key (bytes32), since parameters can be set before the market is announced. */
  readonly parameters: Map<Hex, Partial<Parameters>>;
  globals: Partial<GlobalParameters>;
  rateStalePeriod: bigint | null;
  /** Per asset (bytes32) the aggregator `ExchangeRates` asks; the zero address for none. */
  readonly aggregators: Map<Hex, Hex>;
  /** Per feed of the deployment. */
  readonly prices: Map<Hex, Price>;
  /** `system`, `exchange`, `futures`, `market:<key>` or `synth:<asset>` to whether it is suspended, once known. */
  readonly suspensions: Map<string, boolean>;
  /** Every account ever seen, to the markets it has margin or a position in. */
  readonly accounts: Map<Hex, Set<string>>;
  /** What the last epoch's end read of sUSD held and owed, by the reading's key. */
  readonly custody: Map<string, Figure>;
};

/** A price feed of the deployment; `key` is its aggregator, lower case. */
export type Feed = { readonly key: Hex; readonly decimals: number };

/** What never changes: where the protocol is, which feeds price it, and what its markets are on. */
export type Setting = {
  readonly contracts: Contracts;
  readonly settlement: AssetDeployment;
  /** Aggregators and their wrappers, lower case, to the feed they stand for. */
  readonly feeds: ReadonlyMap<Hex, Feed>;
  /** By market address or symbol, where an asset's own name does not say it. */
  readonly underliers: Readonly<Record<string, string>>;
};

/** State before the first event. */
export function emptyState(): State {
  return {
    markets: new Map(),
    parameters: new Map(),
    globals: {},
    rateStalePeriod: null,
    aggregators: new Map(),
    prices: new Map(),
    suspensions: new Map(),
    accounts: new Map(),
    custody: new Map(),
  };
}

/** A market nothing is known of yet; its funding sequence begins with a zero at index 0. */
export function emptyMarket(key: Hex): Market {
  return {
    key,
    names: null,
    listed: false,
    funding: { index: 0n, value: 0n, rate: 0n, timestamp: 0n },
    size: 0n,
    skew: 0n,
    sizeReadAt: null,
    inherited: false,
    positions: new Map(),
    holders: new Set(),
    flagged: new Set(),
    closing: null,
    badDebt: 0n,
  };
}

/** The market of an event. @throws InvariantError when it was never announced. */
export function marketOf(state: State, key: string): AnnouncedMarket {
  const market = state.markets.get(key);
  if (market?.names) return market as AnnouncedMarket;
  throw new InvariantError(`Market ${key} speaks before FuturesMarketManager announced it.`);
}

/** The deployment's feed that prices an asset; none when the protocol's aggregator is not among them. */
export function feedOf(state: State, setting: Setting, asset: Hex): Feed | null {
  const aggregator = state.aggregators.get(asset);
  return aggregator === undefined ? null : (setting.feeds.get(aggregator) ?? null);
}

/** Last answer of the feed that prices an asset, if there is one. */
export function priceOf(state: State, setting: Setting, asset: Hex): Price | null {
  const feed = feedOf(state, setting, asset);
  return (feed && state.prices.get(feed.key)) ?? null;
}
