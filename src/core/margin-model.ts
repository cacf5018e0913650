/**
 * What the core asks of a protocol: fold its events, then state exact margin figures at a block's timestamp.
 * A model is pure; it lives in its adapter's folder, and the catalogue hands it to indexer, server and verifier alike.
 */
import type { Journal } from "./book/journal.ts";
import type { CollateralClass } from "./collateral-class.ts";
import type { CustodyFigure } from "./custody.ts";
import type { CanonicalEvent, Reading, ReadRequest } from "./event.ts";
import type { Hex } from "./ids.ts";
import type { Reason } from "./result.ts";

/** Which subjects an event or reading changed. `everyone` = all holders (a parameter or feed changed). Keys, not ids. */
export type Effect = { accounts: readonly Hex[]; markets: readonly string[]; everyone: boolean };

/** An integer, or `null` with why. */
export type Figure = { value: bigint; reason: null } | { value: null; reason: Reason };

/** Product of a market in the canonical taxonomy. */
export type Product = {
  kind: "PERPETUAL" | "DATED_FUTURE" | "OPTION" | "POWER_PERP" | "SYNTHETIC_CFD" | "SWAP_OTHER";
  payoff: "LINEAR" | "INVERSE" | "QUANTO" | "POWER" | "CALL" | "PUT";
  underlierClass:
    | "crypto"
    | "fx_major"
    | "fx_minor"
    | "gold"
    | "index_major"
    | "index_minor"
    | "commodity"
    | "equity"
    | "other";
  /** Underlier as the netting key across protocols: `ETH`, `BTC`, `EUR`. */
  underlier: string;
  /** Exponent of a power perpetual, else 1. */
  power: number;
  expirySeconds: bigint | null;
  strike: bigint | null;
};

/** A market's figures at `now`. Prices with 18 decimals, sizes in 18-decimal base units, rates with 18 decimals. */
export type MarketFigures = {
  key: string;
  symbol: string;
  product: Product;
  markPrice: Figure;
  indexPrice: Figure;
  /** Base units held long and short by all accounts, makers' net positions included; both non-negative. */
  longSize: bigint;
  shortSize: bigint;
  /** Current funding rate per day (longs pay shorts when positive). */
  fundingRatePerDay: Figure;
  /** Bound of |funding rate per day| from `now` on while no event comes: `rate + growthPerDay · days`. Soundness of the watch rests on it. */
  fundingBound: { ratePerDay: bigint; growthPerDay: bigint };
  /** Loss the protocol has realised beyond margin in this market or account pool, in the model's unit; cumulative. */
  badDebt: bigint;
  status: "OPEN" | "PAUSED" | "CLOSED";
  /** What contract storage should hold, to be read and compared at head: `null` where storage has no total. */
  storageTotals: { size: bigint; skew: bigint } | null;
};

/** One position at `now`. Money in the model's unit with 18 decimals. */
export type PositionFigures = {
  market: string;
  /** Signed, 18-decimal base units, makers' net position included. */
  size: bigint;
  /** The part of `size` that is the account's own trade and not liquidity it provides. */
  takerSize: bigint;
  isMaker: boolean;
  entryPrice: Figure;
  markPrice: Figure;
  notional: Figure;
  unrealizedPnl: Figure;
  /** Owed to the holder when positive, by the holder when negative; already part of the group's equity. */
  fundingAccrued: Figure;
  /** This position's own share of the maintenance requirement. */
  maintenance: Figure;
  liquidationPrice: Figure;
};

/** Positions that share one pool of collateral: a whole account (cross) or one market of it (isolated). */
export type MarginGroup = {
  /** The market key when isolated, `""` when cross. */
  key: string;
  /** Collateral value incl. realised results and funding, before unrealised PnL: funds of the account. */
  collateral: Figure;
  /** The protocol's own account value, weights applied, not floored at zero. */
  equity: Figure;
  /** The equity at or below (`isolated`: ≤, `cross`: <, see `liquidatableAtEquality`) which the protocol may liquidate. */
  maintenance: Figure;
  liquidatableAtEquality: boolean;
  grossNotional: Figure;
  /**
   * Whether equity or requirement also move with something other than the prices of the markets held and funding
   * (liquidity provided, other collateral). Such a group is looked at in every block.
   */
  restless: boolean;
  positions: readonly PositionFigures[];
};

/** An account at `now`. Groups in raw-byte order of their key, positions in raw-byte order of their market. */
export type AccountFigures = { address: Hex; groups: readonly MarginGroup[] };

/** One asset an account has as collateral in one protocol. Amounts with 18 decimals. */
export type Holding = {
  /** Symbol as the deployment has it; the token's address where it lists none. */
  asset: string;
  /** Whether it is the settlement asset: realised results, fees and funding are in it, and it may be negative. */
  isSettlement: boolean;
  units: bigint;
  /** Units of the settlement asset for one unit. */
  price: Figure;
  /** units · price, before any weight. */
  value: Figure;
  /** What the protocol counts of it, after its own weight. */
  counted: Figure;
};

/** A move of every price but the settlement asset's at once: `shock` with 18 decimals, −0.2 · 10¹⁸ for a fall of 20 %. */
export type Shock = { now: bigint; shock: bigint };

/**
 * What stands behind defaults, in the model's unit: the fund, and the pool that bears losses by contract, each `null`
 * with the reason where the chain followed does not show it. The fund can be negative: it owes then.
 */
export type Absorbers = { fund: Figure; pool: Figure };

/** JSON without numbers: what an epoch's state root commits to. */
export type StateJson = string | boolean | null | readonly StateJson[] | { readonly [key: string]: StateJson };

/** A protocol's accounting on one chain: the fold of its events, and what it makes of accounts and markets. */
export type MarginModel = {
  readonly protocol: string;
  readonly marginMode: "ISOLATED" | "CROSS";
  /** Whether every contract has both its sides among the accounts (`matched`) or a pool takes the rest (`pool`). */
  readonly book: "matched" | "pool";
  /** Symbol of the settlement asset all money figures are in, always at 18 decimals: `USDC`, `sUSD`. */
  readonly unit: string;

  /**
   * The view calls this event needs before it is applied. Asked again after each round of readings has been applied,
   * until it names nothing new, so that one answer can lead to the next call.
   */
  reads(event: CanonicalEvent): readonly ReadRequest[];
  applyReading(reading: Reading): Effect;
  apply(event: CanonicalEvent): Effect;

  marketKeys(): readonly string[];
  market(key: string, now: bigint): MarketFigures;
  /** Accounts ever seen, raw-byte order. */
  addresses(): readonly Hex[];
  account(address: Hex, now: bigint): AccountFigures;
  /** Accounts with an open position or order in a market. */
  holders(market: string): Iterable<Hex>;

  /** An account's collateral by asset, the settlement asset first; empty where it has none. */
  holdings(address: Hex, now: bigint): readonly Holding[];
  /**
   * The account's equity after a shock, rounded down. Liquidity provided is revalued at the shocked price. Where margin is
   * isolated and a group falls below zero, the sum of such shortfalls alone: no other group answers for them.
   * @throws InputError for a shock below −1.
   */
  equityUnder(address: Hex, after: Shock): Figure;
  absorbers(now: bigint): Absorbers;

  /**
   * View calls for what no event tells, made at the end of every epoch's last block; `applyReading` takes the answers.
   * Their keys do not begin with `total:`, which those of an adapter's `storageTotals` do.
   */
  epochReads(): readonly ReadRequest[];
  /**
   * What the contracts held of an asset, and owed, at the end of the last epoch: `NOT_YET_READ` before the first one and
   * for an asset the protocol does not take, `READ_REVERTED` where a view gave no answer.
   */
  custody(asset: Hex): CustodyFigure;

  /** Folded raw state (no figure that moves with time) of an account or market, for the epoch's state root. */
  accountState(address: Hex): StateJson;
  marketState(key: string): StateJson;
};

/**
 * Makes a model whose every state change goes through `journal`. `config` is the protocol's part of the deployment;
 * `feeds` are the chain's price feeds, whose `ORACLE_PRICE` events every model of the chain receives as well.
 */
export type CreateModel = (args: {
  chainId: number;
  config: ProtocolDeployment;
  feeds: readonly FeedDeployment[];
  journal: Journal;
}) => MarginModel;

/** A price feed listed in a deployment. */
export type FeedDeployment = {
  /** `ETH/USD`. */
  pair: string;
  aggregator: Hex;
  decimals: number;
  /** Seconds after which the feed counts as stale for our own metrics. */
  heartbeatSeconds: number;
  /** Wrappers of this aggregator that keep observations of their own (Perp v2's `ChainlinkPriceFeedV3`). */
  observers?: readonly Hex[];
};

/** A token of a deployment. What is not stated of it is unknown (`NO_REGISTRY`). */
export type AssetDeployment = {
  symbol: string;
  address: Hex;
  decimals: number;
  /** The chain's feed that values it: `ETH/USD`. */
  feed: string;
  class?: CollateralClass;
  /** Who owes it; null for what nobody owes. */
  issuer?: string | null;
  /** ISO 4217 code of the currency it is a claim on; null for none. */
  currency?: string | null;
};

/** One protocol on one chain. `contracts` maps the catalogue's contract names to addresses. */
export type ProtocolDeployment = {
  protocol: string;
  startBlock: number;
  contracts: Readonly<Record<string, Hex>>;
  settlement: AssetDeployment;
  /** Other accepted collateral tokens. */
  collateral?: readonly AssetDeployment[];
  /** Market key or symbol → underlier, where the protocol's own names do not say it. */
  underliers?: Readonly<Record<string, string>>;
  /**
   * keccak-256 of the code at addresses of the protocol, lower case: where one is stated, a proven call that runs another
   * code there proves nothing. Code behind a proxy is stated under its own address.
   */
  codeHashes?: Readonly<Record<Hex, Hex>>;
};

/** A contract that publishes the heads of one log on a chain: `contracts/CheckpointAnchor.sol`. It holds no money. */
export type AnchorDeployment = { address: Hex; startBlock: number };

/** One chain of a deployment. */
export type ChainDeployment = {
  chainId: number;
  name: string;
  startBlock: number;
  /** Blocks between ticks. */
  tickBlocks: number;
  /** Blocks of an epoch. */
  epochBlocks: number;
  /** Seconds between the grid times at which exposures are struck. */
  gridSeconds: number;
  /** Blocks after which a block counts as final for our own metrics; unknown where absent. */
  finalityBlocks?: number;
  feeds: readonly FeedDeployment[];
  protocols: readonly ProtocolDeployment[];
  /** Where heads are published on this chain; nowhere where absent. */
  anchor?: AnchorDeployment;
};

/** A deployment file: which protocols on which chains. */
export type Deployment = { version: 1; name: string; chains: readonly ChainDeployment[] };
