/**
 * An account at a time, exactly as the protocol's views value it. Every division here is the contract's own; where a
 * figure has no view, the rounding is chosen so that risk is not understated, and the comment says so.
 */
import { abs, divDown, divUp, WAD } from "../../core/fixed.ts";
import type { AccountFigures, Figure, MarginGroup, PositionFigures } from "../../core/margin-model.ts";
import type { Reason } from "../../core/result.ts";
import { furtherCollateral } from "./collateral.ts";
import { figure, type Valuation } from "./market-figures.ts";
import { amountsInPool, fundingCoefficient, pendingFee } from "./range.ts";
import { type Account, type Collateral, type Config, isDust, isFlat, type Market, type Position } from "./state.ts";
import { mulRatio, Q96 } from "./tick-math.ts";

const SECONDS_PER_DAY = 86_400n;

/** What an account is valued with. */
export type AccountContext = {
  readonly now: bigint;
  readonly config: Config | null;
  readonly settlement: { readonly address: string; readonly decimals: number };
  readonly collateral: ReadonlyMap<string, Collateral>;
  readonly valuationOf: (market: string) => Valuation | null;
};

/** One position, valued. Money in 18 decimals of the settlement token. */
export type ValuedPosition = {
  readonly market: Market;
  readonly position: Position;
  readonly price: bigint | null;
  readonly reason: Reason;
  /** Net base, makers' share of the pool included. */
  readonly size: bigint;
  /** Signed value at the reference price, rounded toward zero. */
  readonly value: bigint | null;
  /** Quote owned less quote owed. */
  readonly notional: bigint;
  readonly pendingFee: bigint;
  /** Owed by the holder when positive. */
  readonly funding: bigint | null;
};

/** All figures of one account; a single cross-margin group. */
export function accountFigures(account: Account, context: AccountContext): AccountFigures {
  const valued = valuedPositions(account, context);
  const unknown = valued.find((p) => p.value === null || p.funding === null);
  const further = furtherCollateral(account, context);
  const reason: Reason | null = unknown?.reason ?? (further === null ? "NO_PRICE" : null);
  const totals = reason === null ? sumUp(account, { valued, further: further ?? 0n, context }) : null;
  const hasBalance = account.owed !== 0n || [...account.balances.values()].some((b) => b !== 0n);
  if (valued.length === 0 && !hasBalance) return { address: account.address, groups: [] };
  const mmRatio = context.config?.mmRatio ?? null;
  const maintenance = totals === null || mmRatio === null ? null : mulRatio(totals.absoluteValue, mmRatio);
  const group: MarginGroup = {
    key: "",
    collateral: figure(totals?.collateral ?? null, reason ?? "NO_PRICE"),
    equity: figure(totals?.equity ?? null, reason ?? "NO_PRICE"),
    maintenance: figure(maintenance, reason ?? "READ_REVERTED"),
    liquidatableAtEquality: false,
    grossNotional: figure(totals?.notional ?? null, reason ?? "NO_PRICE"),
    restless: isRestless(account, { valued, context }),
    positions: valued.map((position) => positionFigures(position, { totals, maintenance, mmRatio })),
  };
  return { address: account.address, groups: [group] };
}

/** The account's positions, valued, in raw-byte order of their market. Dust the chain drops is left out. */
export function valuedPositions(account: Account, context: AccountContext): ValuedPosition[] {
  const valued: ValuedPosition[] = [];
  for (const [key, position] of account.positions) {
    const valuation = context.valuationOf(key);
    if (valuation === null || isFlat(position)) continue;
    valued.push(valuePosition(position, valuation));
  }
  return valued.length < 2 ? valued : valued.sort((a, b) => (a.market.key < b.market.key ? -1 : 1));
}

function valuePosition(position: Position, { market, price, growth, reason }: Valuation): ValuedPosition {
  let size = position.takerSize;
  let notional = position.openNotional;
  let baseDebt = 0n;
  let coefficient = 0n;
  let fee = 0n;
  for (const order of position.orders) {
    const held = amountsInPool(market, order);
    size += held.base - order.baseDebt;
    notional += held.quote - order.quoteDebt;
    baseDebt += order.baseDebt;
    fee += pendingFee(market, order);
    if (growth !== null) coefficient += fundingCoefficient(market, order, growth);
  }
  if (isDust(size)) size = 0n;
  const value = price === null ? null : (size * price) / WAD;
  // One division of the sum, as `Funding.calcPendingFundingPaymentWithLiquidityCoefficient` has it.
  const funding =
    growth === null
      ? null
      : (coefficient + ((position.takerSize - baseDebt) * (growth.twX96 - position.lastTwX96)) / Q96) / SECONDS_PER_DAY;
  return { market, position, price, reason, size, value, notional, pendingFee: fee, funding };
}

type Totals = {
  /** Vault balances at their weights, with realised results, pending fees and funding. */
  collateral: bigint;
  /** `ClearingHouse.getAccountValue`: cut to the settlement token's decimals, toward minus infinity. */
  equity: bigint;
  /** The same before the cut. */
  uncut: bigint;
  absoluteValue: bigint;
  /** Sum of the positions' notionals, each rounded up. */
  notional: bigint;
  /** What the cut can take away at most. */
  cut: bigint;
};

function sumUp(
  account: Account,
  { valued, further, context }: { valued: readonly ValuedPosition[]; further: bigint; context: AccountContext },
): Totals {
  const unit = 10n ** BigInt(18 - context.settlement.decimals);
  let collateral = further + (account.balances.get(context.settlement.address) ?? 0n) * unit + account.owed;
  let unrealized = 0n;
  let absoluteValue = 0n;
  let notional = 0n;
  for (const p of valued) {
    collateral += p.pendingFee - (p.funding ?? 0n);
    unrealized += (p.value ?? 0n) + p.notional;
    absoluteValue += abs(p.value ?? 0n);
    notional += divUp(abs(p.size) * (p.price ?? 0n), WAD);
  }
  const uncut = collateral + unrealized;
  return { collateral, equity: divDown(uncut, unit) * unit, uncut, absoluteValue, notional, cut: unit - 1n };
}

/** Liquidity and further collateral move the account's figures without any price of a market it holds moving. */
function isRestless(
  account: Account,
  { valued, context }: { valued: readonly ValuedPosition[]; context: AccountContext },
): boolean {
  if (valued.some((p) => p.position.orders.length > 0)) return true;
  for (const [token, balance] of account.balances) {
    if (balance !== 0n && token !== context.settlement.address) return true;
  }
  return false;
}

function positionFigures(
  valued: ValuedPosition,
  { totals, maintenance, mmRatio }: { totals: Totals | null; maintenance: bigint | null; mmRatio: bigint | null },
): PositionFigures {
  const { market, position, price, reason, size, value, notional, funding } = valued;
  const own = value === null || mmRatio === null ? null : divUp(abs(value) * mmRatio, 1_000_000n);
  return {
    market: market.key,
    size,
    takerSize: isDust(position.takerSize) ? 0n : position.takerSize,
    isMaker: position.orders.length > 0,
    entryPrice: entryPrice(size, notional),
    markPrice: figure(price, reason),
    notional: figure(price === null ? null : divUp(abs(size) * price, WAD), reason),
    unrealizedPnl: figure(value === null ? null : value + notional, reason),
    fundingAccrued: figure(funding === null ? null : -funding, reason),
    maintenance: figure(own, reason),
    liquidationPrice:
      totals === null || maintenance === null || mmRatio === null
        ? figure(null, reason)
        : liquidationPrice(valued, { totals, mmRatio }),
  };
}

/**
 * Price at which the position's result is zero: quote owed over base held. Rounded against the holder. `null` without
 * size, and for a maker whose quote and base have the same sign, which no price brings to zero.
 */
function entryPrice(size: bigint, notional: bigint): Figure {
  if (size === 0n) return figure(null, "UNDEFINED_AT_ZERO");
  const price = size > 0n ? divUp(-notional * WAD, size) : divDown(notional * WAD, -size);
  return price > 0n ? figure(price, "NO_CLOSED_FORM") : figure(null, "NO_CLOSED_FORM");
}

/**
 * The price of this market at which the account's equity meets its requirement, all other markets and the value of
 * further collateral unchanged: the next unit beyond it is liquidatable. Rounded toward the current price, as if the cut
 * of the equity always took its most.
 * `null` for a maker, whose size changes with the price, and where no positive price leads there.
 */
function liquidationPrice(
  { position, size, value }: ValuedPosition,
  { totals, mmRatio }: { totals: Totals; mmRatio: bigint },
): Figure {
  if (position.orders.length > 0) return figure(null, "NO_CLOSED_FORM");
  if (size === 0n || value === null) return figure(null, "NO_POSITION");
  const million = 1_000_000n;
  const others = mmRatio * (totals.absoluteValue - abs(value));
  const fixed = million * (totals.uncut - totals.cut - value);
  const price =
    size > 0n
      ? divUp((others - fixed) * WAD, size * (million - mmRatio))
      : divDown((fixed - others) * WAD, -size * (million + mmRatio));
  return price > 0n ? figure(price, "NO_POSITION") : figure(null, "UNDEFINED_AT_ZERO");
}
