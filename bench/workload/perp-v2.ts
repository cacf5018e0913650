/** A seeded session on Perp v2: cross-margined takers against one maker's wide range, in the protocol's own events. */
import { InvariantError } from "../../src/core/errors.ts";
import { abs, max, min, WAD } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { LogSpec } from "./log.ts";
import { collectFees, createPool, FEE_RATIO, INSURANCE_FEE_RATIO, type Pool, priceOf, swap } from "./perp-pool.ts";
import { FEED_TO_WAD, type PriceFeeds } from "./prices.ts";
import {
  accountOf,
  baseTokenOf,
  observerOf,
  PERP,
  poolOf,
  QUOTE_TOKEN,
  UNDERLIERS,
  type Underlier,
  USDC,
} from "./setting.ts";

const USDC_TO_WAD = 10n ** 12n;
const SECONDS_PER_DAY = 86_400n;
/** Largest funding rate per day, millionths. */
export const MAX_FUNDING_RATE = 100_000n;
const LIQUIDATION_PENALTY = 25_000n;
const MAKER = accountOf(-1);
const KEEPER = accountOf(-2);
const MAKER_DEPOSIT = 2_000_000_000n * WAD;

/** A taker's position: signed base, quote owned (negative when owed), and the premium it was last settled at. */
export type PerpPosition = { size: bigint; openNotional: bigint; premium: bigint };

export type PerpMarket = {
  readonly underlier: Underlier;
  readonly pool: Pool;
  /** Premium in USD per base, times seconds, with 18 decimals; when it was last settled, and at which premium. */
  premium: bigint;
  settledAt: bigint;
  observedAt: bigint;
};

export type PerpAccount = {
  readonly address: Hex;
  /** Deposited less withdrawn, and realised results; 18 decimals. */
  balance: bigint;
  owed: bigint;
  readonly positions: Map<Underlier, PerpPosition>;
};

/** State of the session, for the checks at its end. */
export class PerpSession {
  readonly markets: readonly PerpMarket[];
  readonly accounts = new Map<Hex, PerpAccount>();
  /** Sum of all `PnlRealized`, and of deposits less withdrawals in USDC's own decimals. */
  readonly totals = { realized: 0n, deposited: 0n, trades: 0 };
  readonly #prices: PriceFeeds;

  constructor(prices: PriceFeeds) {
    this.#prices = prices;
    this.markets = UNDERLIERS.map(({ underlier }) => ({
      underlier,
      pool: createPool(prices.price(underlier)),
      premium: 0n,
      settledAt: 0n,
      observedAt: 0n,
    }));
  }

  market(underlier: Underlier): PerpMarket {
    const market = this.markets.find((m) => m.underlier === underlier);
    if (market === undefined) throw new InvariantError(`There is no Perp v2 market of ${underlier}.`);
    return market;
  }

  /** Listings, then the maker's range in every market; one transaction each. */
  open(): LogSpec[][] {
    const listings = this.markets.map(({ underlier }) => [
      log("MarketRegistry", "PoolAdded", {
        baseToken: baseTokenOf(underlier),
        feeRatio: FEE_RATIO,
        pool: poolOf(underlier),
      }),
    ]);
    const ranges = this.markets.map((market) => [this.#liquidityChanged(market, market.pool)]);
    return [...listings, this.deposit(MAKER, MAKER_DEPOSIT), ...ranges];
  }

  /** `amount` with 18 decimals; withdrawn when negative. */
  deposit(address: Hex, amount: bigint): LogSpec[] {
    const account = this.account(address);
    const tokens = amount / USDC_TO_WAD;
    account.balance += tokens * USDC_TO_WAD;
    this.totals.deposited += tokens;
    const args = { collateralToken: USDC, trader: address, amount: abs(tokens) };
    return [log("Vault", tokens < 0n ? "Withdrawn" : "Deposited", args)];
  }

  /** Trades an exact amount of base, bought when positive. */
  trade(address: Hex, underlier: Underlier, at: { base: bigint; timestamp: bigint }): LogSpec[] {
    const market = this.market(underlier);
    const logs = this.#settleFunding(address, market, at.timestamp);
    const done = swap(market.pool, at.base);
    const { sqrtPriceX96, liquidity, tick } = market.pool;
    const args = { amount0: -done.base, amount1: -done.quote, sqrtPriceX96, liquidity, tick };
    logs.push({
      source: "PerpV2Pool",
      address: poolOf(underlier),
      name: "Swap",
      args: { sender: PERP.Exchange, recipient: PERP.Exchange, ...args },
    });
    const position = this.position(address, underlier);
    const realized = move(position, done);
    if (realized !== 0n) logs.push(this.#realize(address, realized));
    logs.push(this.#realize(PERP.InsuranceFund, (done.fee * INSURANCE_FEE_RATIO) / 1_000_000n));
    this.totals.trades++;
    logs.push(
      log("ClearingHouse", "PositionChanged", {
        trader: address,
        baseToken: baseTokenOf(underlier),
        exchangedPositionSize: done.base,
        exchangedPositionNotional: done.quote,
        fee: done.fee,
        openNotional: position.openNotional,
        realizedPnl: realized,
        sqrtPriceAfterX96: sqrtPriceX96,
      }),
    );
    if (position.size === 0n) this.account(address).positions.delete(underlier);
    return logs;
  }

  /** A keeper closes a position; the penalty goes to the keeper. */
  liquidate(address: Hex, underlier: Underlier, timestamp: bigint): LogSpec[] {
    const { size } = this.position(address, underlier);
    const value = abs((size * priceOf(this.market(underlier).pool)) / WAD);
    const penalty = (value * LIQUIDATION_PENALTY) / 1_000_000n;
    const closing = this.trade(address, underlier, { base: -size, timestamp });
    const changed = closing.pop() as LogSpec;
    const liquidated = log("ClearingHouse", "PositionLiquidated", {
      trader: address,
      baseToken: baseTokenOf(underlier),
      positionNotional: value,
      positionSize: abs(size),
      liquidationFee: penalty,
      liquidator: KEEPER,
    });
    return [...closing, this.#realize(address, -penalty), changed, this.#realize(KEEPER, penalty), liquidated];
  }

  /** The maker takes its fees out of one market. */
  collect(underlier: Underlier, timestamp: bigint): LogSpec[] {
    const market = this.market(underlier);
    const logs = this.#updateFunding(market, timestamp);
    const quoteFee = collectFees(market.pool);
    const nothing = { base: 0n, quote: 0n, liquidity: 0n };
    return [...logs, this.#realize(MAKER, quoteFee), this.#liquidityChanged(market, { ...nothing, quoteFee })];
  }

  account(address: Hex): PerpAccount {
    let account = this.accounts.get(address);
    if (account === undefined) {
      account = { address, balance: 0n, owed: 0n, positions: new Map() };
      this.accounts.set(address, account);
    }
    return account;
  }

  position(address: Hex, underlier: Underlier): PerpPosition {
    const { positions } = this.account(address);
    let position = positions.get(underlier);
    if (position === undefined) {
      position = { size: 0n, openNotional: 0n, premium: this.market(underlier).premium };
      positions.set(underlier, position);
    }
    return position;
  }

  /** Roughly what an account is worth at the pools' prices, and what it holds. */
  worth(account: PerpAccount): { equity: bigint; notional: bigint } {
    let equity = account.balance + account.owed;
    let notional = 0n;
    for (const [underlier, { size, openNotional }] of account.positions) {
      const value = (size * priceOf(this.market(underlier).pool)) / WAD;
      equity += value + openNotional;
      notional += abs(value);
    }
    return { equity, notional };
  }

  #settleFunding(address: Hex, market: PerpMarket, timestamp: bigint): LogSpec[] {
    const logs = this.#updateFunding(market, timestamp);
    const { underlier } = market;
    const position = this.account(address).positions.get(underlier);
    if (position === undefined) return logs;
    const payment = (position.size * (market.premium - position.premium)) / WAD / SECONDS_PER_DAY;
    position.premium = market.premium;
    if (payment === 0n) return logs;
    const args = { trader: address, baseToken: baseTokenOf(underlier), fundingPayment: payment };
    return [...logs, log("ClearingHouse", "FundingPaymentSettled", args), this.#realize(address, -payment)];
  }

  /** Once a timestamp: the wrapper takes over its aggregator's price, and the market's premium is accumulated. */
  #updateFunding(market: PerpMarket, timestamp: bigint): LogSpec[] {
    if (market.settledAt === timestamp) return [];
    const { underlier } = market;
    const logs: LogSpec[] = [];
    const index = this.#prices.price(underlier);
    const updatedAt = this.#prices.updatedAt(underlier);
    if (updatedAt !== market.observedAt) {
      const args = { price: index / FEED_TO_WAD, timestamp: updatedAt, freezedReason: 0n };
      logs.push({
        source: "PerpV2PriceFeed",
        address: observerOf(underlier),
        name: "ChainlinkPriceUpdated",
        args,
      });
      market.observedAt = updatedAt;
    }
    const price = priceOf(market.pool);
    const bound = (index * MAX_FUNDING_RATE) / 1_000_000n;
    const premium = max(-bound, min(bound, price - index));
    if (market.settledAt > 0n) market.premium += premium * (timestamp - market.settledAt);
    market.settledAt = timestamp;
    const args = { baseToken: baseTokenOf(underlier), marketTwap: price, indexTwap: index };
    return [...logs, log("Exchange", "FundingUpdated", args)];
  }

  #realize(address: Hex, amount: bigint): LogSpec {
    this.account(address).owed += amount;
    this.totals.realized += amount;
    return log("AccountBalance", "PnlRealized", { trader: address, amount });
  }

  #liquidityChanged(
    { underlier, pool }: PerpMarket,
    change: { base: bigint; quote: bigint; liquidity: bigint; quoteFee?: bigint },
  ): LogSpec {
    return log("ClearingHouse", "LiquidityChanged", {
      maker: MAKER,
      baseToken: baseTokenOf(underlier),
      quoteToken: QUOTE_TOKEN,
      lowerTick: pool.lower,
      upperTick: pool.upper,
      base: change.base,
      quote: change.quote,
      liquidity: change.liquidity,
      quoteFee: change.quoteFee ?? 0n,
    });
  }
}

/**
 * Moves a position by a swap, the fee being part of the quote: an increase adds to what is owed, a decrease realises in
 * proportion, a flip does both. Returns what was realised.
 */
function move(position: PerpPosition, { base, quote, fee }: { base: bigint; quote: bigint; fee: bigint }): bigint {
  const { size, openNotional } = position;
  const paid = quote - fee;
  position.size += base;
  if (size === 0n || size > 0n === base > 0n) {
    position.openNotional += paid;
    return 0n;
  }
  if (abs(base) <= abs(size)) {
    const closed = (openNotional * abs(base)) / abs(size);
    position.openNotional -= closed;
    return paid + closed;
  }
  const closing = (paid * abs(size)) / abs(base);
  position.openNotional = paid - closing;
  return closing + openNotional;
}

function log(contract: keyof typeof PERP, name: string, args: LogSpec["args"]): LogSpec {
  return { source: `PerpV2${contract}`, address: PERP[contract], name, args };
}
