/** A seeded session on Synthetix v2 perps: isolated margin, in the protocol's own events. */
import {
  accruedFunding,
  type FundingEntry,
  fundingAt,
  type GlobalParameters,
  liquidationFee,
  multiplyDecimal,
  type Parameters,
  type Position,
  profitLoss,
} from "../../src/adapters/synthetix-perps-v2/arithmetic.ts";
import { bytes32Of } from "../../src/adapters/synthetix-perps-v2/text.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { abs, WAD } from "../../src/core/fixed.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { LogSpec } from "./log.ts";
import type { PriceFeeds } from "./prices.ts";
import {
  accountOf,
  aggregatorOf,
  SYNTHETIX,
  SYNTHETIX_UNDERLIERS,
  synthetixMarketOf,
  type Underlier,
} from "./setting.ts";

const TRADE_FEE = WAD / 1_000n;
const KEEPER = accountOf(-3);

/** Depth of a market in base units: the skew at which funding grows fastest. */
const SKEW_SCALE: Readonly<Record<string, bigint>> = {
  ETH: 1_000_000n * WAD,
  BTC: 50_000n * WAD,
  SOL: 20_000_000n * WAD,
};

export const GLOBALS: GlobalParameters = {
  minKeeperFee: WAD,
  maxKeeperFee: 1_000n * WAD,
  liquidationFeeRatio: (35n * WAD) / 10_000n,
  minInitialMargin: 50n * WAD,
  keeperLiquidationFee: 2n * WAD,
};

/** Parameters of a market. */
export function parametersOf(underlier: Underlier): Parameters {
  return {
    maxLeverage: 50n * WAD,
    maxFundingVelocity: 9n * WAD,
    skewScale: SKEW_SCALE[underlier] as bigint,
    liquidationPremiumMultiplier: (3n * WAD) / 2n,
    liquidationBufferRatio: (75n * WAD) / 10_000n,
  };
}

/** The names Synthetix gives a market: its asset, and its key. */
export function namesOf(underlier: Underlier): { asset: Hex; marketKey: Hex } {
  return { asset: bytes32Of(`s${underlier}`), marketKey: bytes32Of(`s${underlier}PERP`) };
}

export type SynthetixMarket = {
  readonly underlier: Underlier;
  readonly address: Hex;
  funding: FundingEntry;
  size: bigint;
  skew: bigint;
  readonly positions: Map<Hex, Position>;
};

/** State of the session, for the checks at its end. */
export class SynthetixSession {
  readonly markets: readonly SynthetixMarket[];
  /** sUSD transferred in less out, and number of trades. */
  readonly totals = { transferred: 0n, trades: 0 };
  readonly #prices: PriceFeeds;
  #lastId = 0n;

  constructor(prices: PriceFeeds, timestamp: bigint) {
    this.#prices = prices;
    this.markets = SYNTHETIX_UNDERLIERS.map((underlier) => ({
      underlier,
      address: synthetixMarketOf(underlier),
      funding: { index: 0n, value: 0n, rate: 0n, timestamp },
      size: 0n,
      skew: 0n,
      positions: new Map(),
    }));
  }

  market(underlier: Underlier): SynthetixMarket {
    const market = this.markets.find((m) => m.underlier === underlier);
    if (market === undefined) throw new InvariantError(`There is no Synthetix market of ${underlier}.`);
    return market;
  }

  /** Aggregators, then listings; one transaction each. */
  open(): LogSpec[][] {
    return this.markets.map(({ underlier, address }) => {
      const { asset, marketKey } = namesOf(underlier);
      const aggregator = aggregatorOf(underlier);
      return [
        {
          source: "SynthetixPerpsV2ExchangeRates",
          address: SYNTHETIX.ExchangeRates,
          name: "AggregatorAdded",
          args: { currencyKey: asset, aggregator },
        },
        {
          source: "SynthetixPerpsV2FuturesMarketManager",
          address: SYNTHETIX.FuturesMarketManager,
          name: "MarketAdded",
          args: { market: address, asset, marketKey },
        },
      ];
    });
  }

  /** Margin paid in, or out when negative. */
  transfer(account: Hex, underlier: Underlier, at: { amount: bigint; timestamp: bigint }): LogSpec[] {
    const market = this.market(underlier);
    const recomputed = this.#recompute(market, at.timestamp);
    const old = this.position(account, underlier);
    const margin = this.#remaining(market, old) + at.amount;
    const changed = this.#change(market, account, { old, margin, tradeSize: 0n, fee: 0n });
    this.totals.transferred += at.amount;
    const transferred = log(market, "MarginTransferred", { account, marginDelta: at.amount });
    return [recomputed, transferred, changed];
  }

  /** Trades an exact size at the feed's price. */
  trade(account: Hex, underlier: Underlier, at: { size: bigint; timestamp: bigint }): LogSpec[] {
    const market = this.market(underlier);
    const recomputed = this.#recompute(market, at.timestamp);
    const old = this.position(account, underlier);
    const fee = multiplyDecimal(abs(multiplyDecimal(at.size, this.#prices.price(underlier))), TRADE_FEE);
    const margin = this.#remaining(market, old) - fee;
    this.totals.trades++;
    return [recomputed, this.#change(market, account, { old, margin, tradeSize: at.size, fee })];
  }

  /** A keeper flags and liquidates a position. */
  liquidate(account: Hex, underlier: Underlier, timestamp: bigint): LogSpec[] {
    const market = this.market(underlier);
    const price = this.#prices.price(underlier);
    const { id, size } = this.position(account, underlier);
    const flagged = log(market, "PositionFlagged", { id, account, flagger: KEEPER, price, timestamp });
    const recomputed = this.#recompute(market, timestamp);
    this.#settle(market, account, { size: 0n, margin: 0n });
    const modified = this.#modified(market, account, { id, margin: 0n, size: 0n, tradeSize: 0n, fee: 0n });
    const flaggerFee = liquidationFee(size, price, GLOBALS);
    const liquidated = log(market, "PositionLiquidated", {
      id,
      account,
      liquidator: KEEPER,
      size,
      price,
      flaggerFee,
      liquidatorFee: GLOBALS.keeperLiquidationFee,
      stakersFee: 0n,
    });
    return [flagged, recomputed, modified, liquidated];
  }

  position(account: Hex, underlier: Underlier): Position {
    const known = this.market(underlier).positions.get(account);
    return known ?? { id: 0n, lastFundingIndex: 0n, entryFunding: null, margin: 0n, lastPrice: 0n, size: 0n };
  }

  /** Roughly what a position is worth at the feed's price, and its notional. */
  worth(account: Hex, underlier: Underlier): { equity: bigint; notional: bigint } {
    const market = this.market(underlier);
    const position = this.position(account, underlier);
    const price = this.#prices.price(underlier);
    return { equity: this.#remaining(market, position), notional: abs(multiplyDecimal(position.size, price)) };
  }

  #recompute(market: SynthetixMarket, timestamp: bigint): LogSpec {
    const { underlier, skew, funding } = market;
    const price = this.#prices.price(underlier);
    const now = fundingAt(funding, { timestamp, price, skew, parameters: parametersOf(underlier) });
    market.funding = { index: funding.index + 1n, value: now.nextEntry, rate: now.rate, timestamp };
    const { index, value, rate } = market.funding;
    return log(market, "FundingRecomputed", { funding: value, fundingRate: rate, index, timestamp });
  }

  #remaining(market: SynthetixMarket, position: Position): bigint {
    if (position.size === 0n) return position.margin;
    const price = this.#prices.price(market.underlier);
    return position.margin + profitLoss(position, price) + (accruedFunding(position, market.funding.value) ?? 0n);
  }

  #change(
    market: SynthetixMarket,
    account: Hex,
    { old, margin, tradeSize, fee }: { old: Position; margin: bigint; tradeSize: bigint; fee: bigint },
  ): LogSpec {
    const size = old.size + tradeSize;
    if (margin < 0n) throw new InvariantError(`${account} would have a margin of ${margin}.`);
    const id = old.size === 0n && size !== 0n ? ++this.#lastId : old.id;
    this.#settle(market, account, { size, margin, id });
    return this.#modified(market, account, { id, margin, size, tradeSize, fee });
  }

  #settle(
    market: SynthetixMarket,
    account: Hex,
    { size, margin, id = 0n }: { size: bigint; margin: bigint; id?: bigint },
  ): void {
    const before = this.position(account, market.underlier).size;
    market.size += abs(size) - abs(before);
    market.skew += size - before;
    if (size === 0n && margin === 0n) {
      market.positions.delete(account);
      return;
    }
    market.positions.set(account, {
      id,
      lastFundingIndex: market.funding.index,
      entryFunding: market.funding.value,
      margin,
      lastPrice: this.#prices.price(market.underlier),
      size,
    });
  }

  #modified(
    market: SynthetixMarket,
    account: Hex,
    change: { id: bigint; margin: bigint; size: bigint; tradeSize: bigint; fee: bigint },
  ): LogSpec {
    const lastPrice = this.#prices.price(market.underlier);
    const args = { ...change, account, lastPrice, fundingIndex: market.funding.index, skew: market.skew };
    return log(market, "PositionModified", args);
  }
}

function log(market: SynthetixMarket, name: string, args: LogSpec["args"]): LogSpec {
  return { source: "SynthetixPerpsV2Market", address: market.address, name, args };
}
