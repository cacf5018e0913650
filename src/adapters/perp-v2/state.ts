/**
 * What Perp v2's logs say, folded: plain records that only the fold changes, through the journal.
 * Amounts of base and quote have 18 decimals; `…X96` and `…X128` count binary digits; times are seconds.
 */
import type { Custody } from "../../core/custody.ts";
import type { Hex } from "../../core/ids.ts";
import type { PriceFeed } from "./price-feed.ts";
import type { Timeline } from "./timeline.ts";

/** Balances closer to zero than this many wei count as zero on chain. */
const DUST = 10n;

/** Parameters of the whole deployment. Ratios and rates in millionths, intervals in seconds. */
export const PARAMETERS = [
  "imRatio",
  "mmRatio",
  "twapInterval",
  "maxFundingRate",
  "markTwapInterval",
  "premiumInterval",
] as const;

export type Config = Readonly<Record<(typeof PARAMETERS)[number], bigint>>;

/** Growth accumulated below or above an initialised tick, whichever side the price is not on. */
export type TickGrowth = { readonly feeX128: bigint; readonly twX96: bigint; readonly divX96: bigint };

/** Liquidity referring to a tick: in total, and what crossing it upward adds. */
export type TickLiquidity = { readonly gross: bigint; readonly net: bigint };

export type MarketStatus = "OPEN" | "PAUSED" | "CLOSED";

/** One perpetual with its Uniswap v3 pool. */
export type Market = {
  /** Base token, lower case. */
  readonly key: string;
  symbol: string;
  pool: Hex;
  /** Address of the market's price feed (a dispatcher or a wrapper) and the wrapper behind it, once known. */
  priceFeed: Hex | null;
  feed: PriceFeed | null;
  tickSpacing: number;
  /** Taker fee and the insurance fund's share of it, in millionths. */
  feeRatio: bigint;
  insuranceFeeRatio: bigint;
  status: MarketStatus;
  pausedAt: bigint;
  /** Index price at the pause, 18 decimals. */
  pausedPrice: bigint | null;
  /** Settlement price of a closed market, 18 decimals. */
  closedPrice: bigint | null;

  sqrtPriceX96: bigint;
  tick: number;
  liquidity: bigint;
  /** History of the pool's tick, and when the pool says it began. */
  ticks: Timeline;
  ticksFrom: bigint | null;
  tickLiquidity: Map<number, TickLiquidity>;
  tickGrowth: Map<number, TickGrowth>;
  /** Ticks with liquidity referring to them, rising. Replaced, never changed. */
  initialized: readonly number[];

  /** Fees earned by one unit of liquidity, modulo 2²⁵⁶. */
  feeGrowthX128: bigint;
  /** Premium accumulated since the start, plain and divided by the square root of the price. */
  twPremiumX96: bigint;
  twPremiumDivX96: bigint;
  settledAt: bigint;
  firstTradedAt: bigint;
  /** Set for good once funding was settled at prices this model does not know: nothing can be said of it any more. */
  fundingLost: boolean;
  /** The pool's swap whose PositionChanged has not come yet. */
  pendingSwap: PoolSwap | null;

  /** Net size of the accounts that have no orders here, by side; both not negative. */
  takerLong: bigint;
  takerShort: bigint;
  /** Accounts with orders here, and with any position or order here. */
  makers: Set<Hex>;
  holders: Set<Hex>;
  /** Bad debt of accounts whose last trade was here, in the settlement token's decimals. */
  badDebt: bigint;
  /** Changes with every event of the market and never repeats. */
  stamp: number;
};

/** A pool's Swap log. */
export type PoolSwap = {
  readonly sqrtPriceX96: bigint;
  readonly tick: number;
  readonly liquidity: bigint;
  readonly amount0: bigint;
};

/** Liquidity one account provides in one range, with the growth it was last settled at. */
export type Order = {
  readonly lower: number;
  readonly upper: number;
  readonly sqrtLower: bigint;
  readonly sqrtUpper: bigint;
  readonly liquidity: bigint;
  readonly baseDebt: bigint;
  readonly quoteDebt: bigint;
  readonly feeInsideX128: bigint;
  readonly twInsideX96: bigint;
  readonly twBelowX96: bigint;
  readonly divInsideX96: bigint;
};

/** One account in one market. Replaced, never changed. */
export type Position = {
  /** The account's own trades, without the liquidity it provides. */
  readonly takerSize: bigint;
  readonly openNotional: bigint;
  /** The market's `twPremiumX96` this position was last settled at. */
  readonly lastTwX96: bigint;
  readonly orders: readonly Order[];
};

export type Account = {
  readonly address: Hex;
  /** Token → balance in the vault, in the token's decimals. */
  balances: Map<string, bigint>;
  /** Realised results not yet moved to the balance, 18 decimals. */
  owed: bigint;
  positions: Map<string, Position>;
  /** Market of the latest trade: bad debt is counted there. */
  lastMarket: string | null;
};

/** A further collateral token. */
export type Collateral = {
  readonly token: string;
  readonly decimals: number;
  priceFeed: Hex | null;
  feed: PriceFeed | null;
  /** Weight in the account value, in millionths. */
  ratio: bigint;
};

/** Everything folded of one deployment. */
export type PerpState = {
  readonly parameters: Map<string, bigint>;
  readonly feeds: readonly PriceFeed[];
  /** Price feed of a market → the wrapper it asks; `null` when it names none. */
  readonly dispatchers: Map<Hex, Hex | null>;
  readonly markets: Map<string, Market>;
  /** Pool → market. */
  readonly pools: Map<Hex, Market>;
  readonly accounts: Map<Hex, Account>;
  readonly collateral: Map<string, Collateral>;
  /** All bad debt the insurance fund has taken over, in the settlement token's decimals. */
  badDebt: bigint;
  /** Settlement token the insurance fund itself holds, outside the vault, in the token's decimals; null until read. */
  fundWallet: bigint | null;
  /** By token what the vault held and owed at the last epoch's end; null where the balance could not be read. */
  readonly custody: Map<string, Custody | null>;
  /** Changes with every parameter or collateral and never repeats. */
  configStamp: number;
  /** The transaction being folded, and the positions it changed. */
  tx: { hash: Hex | null; touched: { account: Account; market: Market }[] };
};

/** Whether a position has been dropped on chain, or will be at the end of its transaction. */
export function isFlat(position: Position): boolean {
  const { takerSize, openNotional, orders } = position;
  return orders.length === 0 && isDust(takerSize) && isDust(openNotional);
}

/** Whether an amount counts as zero on chain. */
export function isDust(amount: bigint): boolean {
  return amount > -DUST && amount < DUST;
}

export const FLAT: Position = { takerSize: 0n, openNotional: 0n, lastTwX96: 0n, orders: [] };

/** A market nobody has traded yet. */
export function createMarket(key: string): Market {
  return {
    key,
    symbol: key,
    pool: "0x",
    priceFeed: null,
    feed: null,
    tickSpacing: 1,
    feeRatio: 0n,
    insuranceFeeRatio: 0n,
    status: "OPEN",
    pausedAt: 0n,
    pausedPrice: null,
    closedPrice: null,
    sqrtPriceX96: 0n,
    tick: 0,
    liquidity: 0n,
    ticks: { points: [] },
    ticksFrom: null,
    tickLiquidity: new Map(),
    tickGrowth: new Map(),
    initialized: [],
    feeGrowthX128: 0n,
    twPremiumX96: 0n,
    twPremiumDivX96: 0n,
    settledAt: 0n,
    firstTradedAt: 0n,
    fundingLost: false,
    pendingSwap: null,
    takerLong: 0n,
    takerShort: 0n,
    makers: new Set(),
    holders: new Set(),
    badDebt: 0n,
    stamp: 0,
  };
}

/** An account nobody has heard of. */
export function createAccount(address: Hex): Account {
  return { address, balances: new Map(), owed: 0n, positions: new Map(), lastMarket: null };
}
