import { abs, wadMulUp } from "../../core/fixed.ts";
import type { Hex } from "../../core/ids.ts";
import type { Figure, MarginGroup, PositionFigures } from "../../core/margin-model.ts";
import type { Reason } from "../../core/result.ts";
import {
  type Arithmetic,
  accessibleMargin,
  accruedFunding,
  liquidationFee,
  notionalValue,
  type Position,
  profitLoss,
} from "./arithmetic.ts";
import type { Moment } from "./moment.ts";

/**
 * What the protocol's views answer for one account in one market, to the wei, also when its price is invalid: then the
 * views still compute, and say `invalid` beside it.
 */
export type Views = {
  price: bigint;
  invalid: boolean;
  notionalValue: bigint;
  profitLoss: bigint;
  accruedFunding: bigint;
  remainingMargin: bigint;
  accessibleMargin: bigint | null;
  liquidationPrice: bigint;
  canLiquidate: boolean;
  liquidationFee: bigint;
  isFlagged: boolean;
};

const FLAT: Position = { id: 0n, lastFundingIndex: 0n, entryFunding: null, margin: 0n, lastPrice: 0n, size: 0n };

/** Everything one position comes to; `null` where the moment lacks terms or the position's funding entry is unknown. */
type Worth = {
  funding: bigint;
  pnl: bigint;
  equity: bigint;
  liquidationMargin: bigint;
  premium: bigint;
  liquidationPrice: bigint;
};

function worthOf(position: Position, moment: Moment, arithmetic: Arithmetic): Worth | null {
  const { terms, price } = moment;
  const funding = terms && accruedFunding(position, terms.funding.nextEntry);
  if (!terms || funding === null) return null;
  const pnl = profitLoss(position, price);
  const margin = arithmetic.liquidationMargin(position.size, price, terms);
  const premium = arithmetic.liquidationPremium(position.size, price, terms.parameters);
  const liquidationPrice = arithmetic.liquidationPrice(position, {
    netFunding: terms.funding.nextEntry - (position.entryFunding ?? 0n),
    liquidationMargin: margin,
    liquidationPremium: premium,
  });
  return {
    funding,
    pnl,
    equity: position.margin + pnl + funding,
    liquidationMargin: margin,
    premium,
    liquidationPrice,
  };
}

/**
 * The margin group of one account in one market. `equity` is the view `remainingMargin` before its floor at zero, and
 * `maintenance` the liquidation margin plus the liquidation premium at the current price. The contract asks whether
 * `max(0, equity − premium) ≤ liquidationMargin`; since the right side is never negative the floor does not matter, and
 * that is `equity ≤ maintenance`.
 */
export function marginGroup(key: Hex, position: Position, at: { moment: Moment; arithmetic: Arithmetic }): MarginGroup {
  if (position.size === 0n) {
    const margin = known(position.margin);
    return {
      key,
      collateral: margin,
      equity: margin,
      maintenance: known(0n),
      liquidatableAtEquality: true,
      grossNotional: known(0n),
      restless: false,
      positions: [],
    };
  }
  const { moment, arithmetic } = at;
  const worth = worthOf(position, moment, arithmetic);
  const reason = moment.reason ?? (worth ? null : "PROTOCOL_HIDES_STATE");
  const figures = positionFigures(key, position, { moment, worth, reason });
  return {
    key,
    collateral: figure(worth && position.margin + worth.funding, reason),
    equity: figure(worth?.equity, reason),
    maintenance: figures.maintenance,
    liquidatableAtEquality: true,
    grossNotional: figures.notional,
    restless: false,
    positions: [figures],
  };
}

/**
 * One position. The protocol realises profit and funding into margin at every change, so the entry price is that of the
 * last change. `unrealizedPnl`, `fundingAccrued` and `liquidationPrice` equal the views `profitLoss`, `accruedFunding`
 * and `liquidationPrice`; `notional` is |size| · price rounded up, the view `notionalValue` truncates and keeps the sign.
 */
function positionFigures(
  market: Hex,
  position: Position,
  at: { moment: Moment; worth: Worth | null; reason: Reason | null },
): PositionFigures {
  const { moment, worth, reason } = at;
  return {
    market,
    size: position.size,
    takerSize: position.size,
    isMaker: false,
    entryPrice: known(position.lastPrice),
    markPrice: figure(moment.price, moment.reason),
    notional: figure(wadMulUp(abs(position.size), moment.price), moment.reason),
    unrealizedPnl: figure(profitLoss(position, moment.price), moment.reason),
    fundingAccrued: figure(worth?.funding, reason),
    maintenance: figure(worth && worth.liquidationMargin + worth.premium, reason),
    liquidationPrice: figure(worth?.liquidationPrice, reason),
  };
}

/** The views of one account; `null` where they revert, or rest on a funding entry from before the first log. */
export function viewsOf(
  position: Position | undefined,
  at: { moment: Moment; arithmetic: Arithmetic; flagged: boolean },
): Views | null {
  const { moment, arithmetic } = at;
  const held = position ?? FLAT;
  const worth = worthOf(held, moment, arithmetic);
  if (!worth || !moment.terms || moment.price < 0n) return null;
  const { price, terms } = moment;
  const remainingMargin = worth.equity > 0n ? worth.equity : 0n;
  const notional = notionalValue(held.size, price);
  const liquidatable = held.size !== 0n && worth.equity <= worth.liquidationMargin + worth.premium;
  const canLiquidate = moment.valid && liquidatable;
  return {
    price,
    invalid: !moment.valid,
    notionalValue: notional,
    profitLoss: worth.pnl,
    accruedFunding: worth.funding,
    remainingMargin,
    accessibleMargin: accessibleMargin(remainingMargin, notional, terms),
    liquidationPrice: worth.liquidationPrice,
    canLiquidate,
    liquidationFee: canLiquidate ? liquidationFee(held.size, price, terms.globals) : 0n,
    isFlagged: at.flagged,
  };
}

/** A value, or why there is none. */
export function figure(value: bigint | null | undefined, reason: Reason | null): Figure {
  if (reason !== null) return { value: null, reason };
  return value === null || value === undefined ? { value: null, reason: "PROTOCOL_HIDES_STATE" } : known(value);
}

function known(value: bigint): Figure {
  return { value, reason: null };
}
