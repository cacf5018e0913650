import type { Decoded } from "../../core/adapter.ts";
import { type EventKind, eventOf, type Log, type Payload, type Said } from "../../core/event.ts";
import { abs, divDown, WAD } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import { PROTOCOL } from "./sources.ts";

/** The protocol's unit of account, with 18 decimals; amounts in it are no token's. */
const QUOTE = "vUSD";

type FieldType = "int" | "address";
type Fields = Readonly<Record<string, FieldType>>;
type Canonical = Omit<Said, "protocol" | "kind" | "payload">;

/** One event: the fields folded, its kind, and what of it has a place in the canonical model. */
type Spec = { kind: EventKind; fields: Fields; canonical?: (payload: Payload, emitter: Hex) => Canonical };

const int = (payload: Payload, field: string) => payload[field] as bigint;
const hex = (payload: Payload, field: string) => payload[field] as Hex;

const inMarket = (p: Payload): Canonical => ({ market: hex(p, "baseToken") });
const ofTrader = (p: Payload): Canonical => ({ market: hex(p, "baseToken"), account: hex(p, "trader") });
const emitterIsMarket = (_: Payload, emitter: Hex): Canonical => ({ market: emitter });

/** Price of a trade from its two amounts, 18 decimals, rounded down; `null` for none. */
function tradePrice(size: bigint, notional: bigint): bigint | null {
  return size === 0n ? null : divDown(abs(notional) * WAD, abs(size));
}

function transfer(sign: bigint): (payload: Payload) => Canonical {
  return (p) => ({ account: hex(p, "trader"), amount: sign * int(p, "amount"), asset: hex(p, "collateralToken") });
}

const SPECS: Readonly<Record<string, Spec>> = {
  "PerpV2ClearingHouse.PositionChanged": {
    kind: "TRADE",
    fields: {
      trader: "address",
      baseToken: "address",
      exchangedPositionSize: "int",
      exchangedPositionNotional: "int",
      fee: "int",
      openNotional: "int",
      realizedPnl: "int",
    },
    canonical: (p) => {
      const [size, notional] = [int(p, "exchangedPositionSize"), int(p, "exchangedPositionNotional")];
      const trade = { sizeDelta: size, price: tradePrice(size, notional), amount: notional, asset: QUOTE };
      return { ...ofTrader(p), ...trade, fee: int(p, "fee") };
    },
  },
  "PerpV2ClearingHouse.PositionClosed": {
    kind: "SETTLEMENT",
    fields: {
      trader: "address",
      baseToken: "address",
      closedPositionSize: "int",
      closedPositionNotional: "int",
      realizedPnl: "int",
      closedPrice: "int",
    },
    canonical: (p) => ({
      ...ofTrader(p),
      sizeDelta: -int(p, "closedPositionSize"),
      price: int(p, "closedPrice"),
      amount: int(p, "realizedPnl"),
      asset: QUOTE,
    }),
  },
  "PerpV2ClearingHouse.PositionLiquidated": {
    kind: "LIQUIDATION",
    fields: {
      trader: "address",
      baseToken: "address",
      positionNotional: "int",
      positionSize: "int",
      liquidationFee: "int",
      liquidator: "address",
    },
    canonical: (p) => ({
      ...ofTrader(p),
      price: tradePrice(int(p, "positionSize"), int(p, "positionNotional")),
      amount: int(p, "positionNotional"),
      asset: QUOTE,
      fee: int(p, "liquidationFee"),
    }),
  },
  "PerpV2ClearingHouse.LiquidityChanged": {
    kind: "LP_CHANGE",
    fields: {
      maker: "address",
      baseToken: "address",
      lowerTick: "int",
      upperTick: "int",
      base: "int",
      quote: "int",
      liquidity: "int",
      quoteFee: "int",
    },
    canonical: (p) => ({
      market: hex(p, "baseToken"),
      account: hex(p, "maker"),
      amount: int(p, "quote"),
      asset: QUOTE,
      fee: int(p, "quoteFee"),
    }),
  },
  "PerpV2ClearingHouse.FundingPaymentSettled": {
    kind: "FUNDING",
    fields: { trader: "address", baseToken: "address", fundingPayment: "int" },
    canonical: (p) => ({ ...ofTrader(p), amount: -int(p, "fundingPayment"), asset: QUOTE }),
  },
  "PerpV2Vault.Deposited": {
    kind: "COLLATERAL_CHANGE",
    fields: { collateralToken: "address", trader: "address", amount: "int" },
    canonical: transfer(1n),
  },
  "PerpV2Vault.Withdrawn": {
    kind: "COLLATERAL_CHANGE",
    fields: { collateralToken: "address", trader: "address", amount: "int" },
    canonical: transfer(-1n),
  },
  "PerpV2Vault.CollateralLiquidated": {
    kind: "LIQUIDATION",
    fields: {
      trader: "address",
      collateralToken: "address",
      liquidator: "address",
      collateral: "int",
      repaidSettlementWithoutInsuranceFundFeeX10_S: "int",
      insuranceFundFeeX10_S: "int",
    },
    canonical: (p) => ({
      account: hex(p, "trader"),
      amount: -int(p, "collateral"),
      asset: hex(p, "collateralToken"),
      fee: int(p, "insuranceFundFeeX10_S"),
    }),
  },
  "PerpV2Vault.BadDebtSettled": {
    kind: "BAD_DEBT",
    fields: { trader: "address", amount: "int" },
    canonical: (p) => ({ account: hex(p, "trader"), amount: int(p, "amount"), asset: "settlement" }),
  },
  "PerpV2AccountBalance.PnlRealized": {
    kind: "SETTLEMENT",
    fields: { trader: "address", amount: "int" },
    canonical: (p) => ({ account: hex(p, "trader"), amount: int(p, "amount"), asset: QUOTE }),
  },
  "PerpV2Exchange.FundingUpdated": {
    kind: "MARKET_STATE",
    fields: { baseToken: "address", marketTwap: "int", indexTwap: "int" },
    canonical: inMarket,
  },
  "PerpV2MarketRegistry.PoolAdded": {
    kind: "MARKET_LISTED",
    fields: { baseToken: "address", feeRatio: "int", pool: "address" },
    canonical: inMarket,
  },
  "PerpV2MarketRegistry.FeeRatioChanged": {
    kind: "MARKET_PARAM_CHANGE",
    fields: { baseToken: "address", feeRatio: "int" },
    canonical: inMarket,
  },
  "PerpV2MarketRegistry.InsuranceFundFeeRatioChanged": {
    kind: "MARKET_PARAM_CHANGE",
    fields: { baseToken: "address", feeRatio: "int" },
    canonical: inMarket,
  },
  "PerpV2ClearingHouseConfig.MaxFundingRateChanged": { kind: "MARKET_PARAM_CHANGE", fields: { rate: "int" } },
  "PerpV2ClearingHouseConfig.TwapIntervalChanged": { kind: "MARKET_PARAM_CHANGE", fields: { twapInterval: "int" } },
  "PerpV2ClearingHouseConfig.MarkPriceMarketTwapIntervalChanged": {
    kind: "MARKET_PARAM_CHANGE",
    fields: { twapInterval: "int" },
  },
  "PerpV2ClearingHouseConfig.MarkPricePremiumIntervalChanged": {
    kind: "MARKET_PARAM_CHANGE",
    fields: { premiumInterval: "int" },
  },
  "PerpV2CollateralManager.CollateralAdded": {
    kind: "MARKET_PARAM_CHANGE",
    fields: { token: "address", priceFeed: "address", collateralRatio: "int" },
    canonical: (p) => ({ asset: hex(p, "token") }),
  },
  "PerpV2CollateralManager.CollateralRatioChanged": {
    kind: "MARKET_PARAM_CHANGE",
    fields: { token: "address", collateralRatio: "int" },
    canonical: (p) => ({ asset: hex(p, "token") }),
  },
  "PerpV2CollateralManager.PriceFeedChanged": {
    kind: "ORACLE_CONFIG",
    fields: { token: "address", priceFeed: "address" },
    canonical: (p) => ({ asset: hex(p, "token") }),
  },
  "PerpV2BaseToken.StatusUpdated": {
    kind: "MARKET_STATE",
    fields: { status: "int" },
    canonical: emitterIsMarket,
  },
  "PerpV2BaseToken.PriceFeedChanged": {
    kind: "ORACLE_CONFIG",
    fields: { priceFeed: "address" },
    canonical: emitterIsMarket,
  },
  "PerpV2Pool.Initialize": { kind: "MARKET_STATE", fields: { sqrtPriceX96: "int", tick: "int" } },
  "PerpV2Pool.Swap": {
    kind: "MARKET_STATE",
    fields: { amount0: "int", sqrtPriceX96: "int", liquidity: "int", tick: "int" },
  },
  // What a wrapper took over is its own state, not a price announced to the chain: the aggregator's event is that.
  "PerpV2PriceFeed.ChainlinkPriceUpdated": {
    kind: "MARKET_STATE",
    fields: { price: "int", timestamp: "int" },
  },
};

/**
 * One log as its canonical event, with the fields the margin model folds. Pool and wrapper events name no market: a log
 * does not say whose they are.
 */
export function decode(log: Log): Decoded {
  const spec = SPECS[`${log.source}.${log.name}`];
  if (spec === undefined) return { events: [], rejected: `${log.source} has no event ${log.name} that is handled.` };
  const payload: Record<string, bigint | string> = { event: log.name };
  for (const [field, type] of Object.entries(spec.fields)) {
    const value = type === "int" ? toInt(log.args[field]) : toAddress(log.args[field]);
    if (value === null)
      return { events: [], rejected: `${log.name} has no ${type} ${field}: ${String(log.args[field])}.` };
    payload[field] = value;
  }
  const emitter = log.address.toLowerCase() as Hex;
  const event = eventOf(log, { ...spec.canonical?.(payload, emitter), protocol: PROTOCOL, kind: spec.kind, payload });
  return { events: [event], rejected: null };
}

/** ABI decoders give small integers as numbers and large ones as bigint. */
function toInt(value: unknown): bigint | null {
  if (typeof value === "bigint") return value;
  return typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : null;
}

function toAddress(value: unknown): Hex | null {
  return typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value) ? (value.toLowerCase() as Hex) : null;
}
