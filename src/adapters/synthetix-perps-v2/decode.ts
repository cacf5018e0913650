import type { Decoded } from "../../core/adapter.ts";
import { InputError } from "../../core/errors.ts";
import { type EventKind, eventOf, type Log, type Said as SaidOfLog } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import { PROTOCOL, SOURCE } from "./sources.ts";
import { bytes32Of, textOf } from "./text.ts";

type Args = Log["args"];

/** What an event says beside the protocol's name. */
type Said = Omit<SaidOfLog, "protocol">;

const RATE_STALE_PERIOD = bytes32Of("rateStalePeriod");
const SYSTEM_SETTINGS = bytes32Of("SystemSettings");

/**
 * A log to its canonical event; none for a log that is understood and of no concern, such as another contract's entry in
 * the shared `FlexibleStorage`.
 *
 * Margin is folded from `PositionModified` alone, which states it after every change. `MarginTransferred` says how much
 * of a change the holder paid in or out; it is kept for the record and not folded, or deposits would count twice.
 */
export function decode(log: Log): Decoded {
  const say = SAY[`${log.source}.${log.name}`];
  if (!say) return { events: [], rejected: `${log.source}.${log.name} is not an event of ${PROTOCOL}.` };
  try {
    const said = say(log.args, log.address.toLowerCase() as Hex);
    return { events: said ? [eventOf(log, { ...said, protocol: PROTOCOL })] : [], rejected: null };
  } catch (error) {
    if (error instanceof InputError) return { events: [], rejected: `${log.name}: ${error.message}` };
    throw error;
  }
}

const SAY: Readonly<Record<string, (args: Args, address: Hex) => Said | null>> = {
  [`${SOURCE.market}.PositionModified`]: positionModified,
  [`${SOURCE.market}.MarginTransferred`]: marginTransferred,
  [`${SOURCE.market}.FundingRecomputed`]: fundingRecomputed,
  [`${SOURCE.market}.PositionFlagged`]: positionFlagged,
  [`${SOURCE.market}.PositionLiquidated`]: positionLiquidated,
  [`${SOURCE.manager}.MarketAdded`]: (args) => marketListing(args, "MARKET_LISTED", "MarketAdded"),
  [`${SOURCE.manager}.MarketRemoved`]: (args) => marketListing(args, "MARKET_STATE", "MarketRemoved"),
  [`${SOURCE.settings}.ParameterUpdated`]: parameterUpdated,
  [`${SOURCE.settings}.MinKeeperFeeUpdated`]: (args) => globalParameter("minKeeperFee", integer(args, "sUSD")),
  [`${SOURCE.settings}.MaxKeeperFeeUpdated`]: (args) => globalParameter("maxKeeperFee", integer(args, "sUSD")),
  [`${SOURCE.settings}.LiquidationFeeRatioUpdated`]: (args) =>
    globalParameter("liquidationFeeRatio", integer(args, "bps")),
  [`${SOURCE.settings}.MinInitialMarginUpdated`]: (args) =>
    globalParameter("minInitialMargin", integer(args, "minMargin")),
  [`${SOURCE.settings}.KeeperLiquidationFeeUpdated`]: (args) =>
    globalParameter("keeperLiquidationFee", integer(args, "keeperFee")),
  [`${SOURCE.storage}.ValueSetUInt`]: valueSet,
  [`${SOURCE.rates}.AggregatorAdded`]: (args) => aggregator(args, "AggregatorAdded"),
  [`${SOURCE.rates}.AggregatorRemoved`]: (args) => aggregator(args, "AggregatorRemoved"),
  ...suspensions("System", () => "system"),
  ...suspensions("Exchange", () => "exchange"),
  ...suspensions("Futures", () => "futures"),
  ...suspensions("FuturesMarket", (args) => `market:${bytes32(args, "marketKey")}`),
  ...suspensions("Synth", (args) => `synth:${bytes32(args, "currencyKey")}`),
};

function positionModified(args: Args, market: Hex): Said {
  const payload = {
    event: "PositionModified",
    id: integer(args, "id"),
    margin: integer(args, "margin"),
    size: integer(args, "size"),
    tradeSize: integer(args, "tradeSize"),
    lastPrice: integer(args, "lastPrice"),
    fundingIndex: integer(args, "fundingIndex"),
    skew: integer(args, "skew"),
  };
  const account = address(args, "account");
  const fee = integer(args, "fee");
  if (payload.tradeSize === 0n) return { kind: "COLLATERAL_CHANGE", market, account, fee, payload };
  const { tradeSize: sizeDelta, lastPrice: price } = payload;
  return { kind: "TRADE", market, account, sizeDelta, price, fee, payload };
}

function marginTransferred(args: Args, market: Hex): Said {
  const amount = integer(args, "marginDelta");
  const payload = { event: "MarginTransferred" };
  return { kind: "COLLATERAL_CHANGE", market, account: address(args, "account"), amount, asset: "sUSD", payload };
}

function fundingRecomputed(args: Args, market: Hex): Said {
  const payload = {
    event: "FundingRecomputed",
    funding: integer(args, "funding"),
    fundingRate: integer(args, "fundingRate"),
    index: integer(args, "index"),
    timestamp: integer(args, "timestamp"),
  };
  return { kind: "FUNDING", market, payload };
}

function positionFlagged(args: Args, market: Hex): Said {
  const price = integer(args, "price");
  const payload = { event: "PositionFlagged", id: integer(args, "id"), flagger: address(args, "flagger") };
  return { kind: "LIQUIDATION", market, account: address(args, "account"), price, payload };
}

function positionLiquidated(args: Args, market: Hex): Said {
  const payload = {
    event: "PositionLiquidated",
    id: integer(args, "id"),
    liquidator: address(args, "liquidator"),
    size: integer(args, "size"),
    flaggerFee: integer(args, "flaggerFee"),
    liquidatorFee: integer(args, "liquidatorFee"),
    stakersFee: integer(args, "stakersFee"),
  };
  return {
    kind: "LIQUIDATION",
    market,
    account: address(args, "account"),
    sizeDelta: -payload.size,
    price: integer(args, "price"),
    fee: payload.flaggerFee + payload.liquidatorFee + payload.stakersFee,
    payload,
  };
}

function marketListing(args: Args, kind: EventKind, event: string): Said {
  const payload = { event, asset: bytes32(args, "asset"), marketKey: bytes32(args, "marketKey") };
  return { kind, market: address(args, "market"), payload };
}

function parameterUpdated(args: Args): Said {
  const payload = {
    event: "ParameterUpdated",
    marketKey: bytes32(args, "marketKey"),
    parameter: textOf(bytes32(args, "parameter")),
    value: integer(args, "value"),
  };
  return { kind: "MARKET_PARAM_CHANGE", payload };
}

function globalParameter(parameter: string, value: bigint): Said {
  return { kind: "MARKET_PARAM_CHANGE", payload: { event: "GlobalParameterUpdated", parameter, value } };
}

/** Of all that is kept in the shared storage only the stale period of rates matters here. */
function valueSet(args: Args): Said | null {
  const value = integer(args, "value");
  if (bytes32(args, "contractName") !== SYSTEM_SETTINGS || bytes32(args, "record") !== RATE_STALE_PERIOD) return null;
  return { kind: "ORACLE_CONFIG", payload: { event: "RateStalePeriodSet", value } };
}

function aggregator(args: Args, event: string): Said {
  const payload = { event, asset: bytes32(args, "currencyKey"), aggregator: address(args, "aggregator") };
  return { kind: "ORACLE_CONFIG", payload };
}

function suspensions(what: string, subject: (args: Args) => string): Record<string, (args: Args) => Said> {
  const said = (args: Args, suspended: boolean): Said => {
    const payload = { event: "SuspensionChanged", subject: subject(args), reason: integer(args, "reason"), suspended };
    return { kind: "MARKET_STATE", payload };
  };
  return {
    [`${SOURCE.status}.${what}Suspended`]: (args) => said(args, true),
    [`${SOURCE.status}.${what}Resumed`]: (args) => said(args, false),
  };
}

function integer(args: Args, name: string): bigint {
  const value = args[name];
  if (typeof value !== "bigint") throw new InputError(`${name} is ${String(value)}; expected an integer.`);
  return value;
}

function address(args: Args, name: string): Hex {
  const value = args[name];
  if (typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value)) return value.toLowerCase() as Hex;
  throw new InputError(`${name} is ${String(value)}; expected an address.`);
}

function bytes32(args: Args, name: string): Hex {
  const value = args[name];
  if (typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value)) return value.toLowerCase() as Hex;
  throw new InputError(`${name} is ${String(value)}; expected 32 bytes.`);
}
