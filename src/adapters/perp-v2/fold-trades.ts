/** Folds trades, liquidity and funding. */
import { InvariantError } from "../../core/errors.ts";
import type { CanonicalEvent } from "../../core/event.ts";
import type { Effect } from "../../core/margin-model.ts";
import {
  accountOf,
  address,
  dropPosition,
  type Fold,
  int,
  NOTHING,
  setPosition,
  settled,
  stampMarket,
} from "./fold.ts";
import { fundingGrowth, fundingTime } from "./market-prices.ts";
import { cacheTwap } from "./price-feed.ts";
import { feeGrowthInside, pendingFee, premiumInRange } from "./range.ts";
import type { Market, Order, PoolSwap } from "./state.ts";
import { replaySwap } from "./swap-replay.ts";
import { extend } from "./timeline.ts";

/** The pool's first price, where it is told by an event. */
export function initializePool(fold: Fold, event: CanonicalEvent): Effect {
  const market = fold.state.pools.get(event.address);
  if (market === undefined) return NOTHING;
  const tick = Number(int(event, "tick"));
  fold.journal.put(market, "sqrtPriceX96", int(event, "sqrtPriceX96"));
  fold.journal.put(market, "tick", tick);
  extend(fold.journal, market.ticks, { at: event.block.timestamp, value: BigInt(tick) });
  stampMarket(fold, market);
  return { accounts: [], markets: [market.key], everyone: false };
}

/** Keeps the pool's swap until its PositionChanged tells the fee. */
export function noteSwap(fold: Fold, event: CanonicalEvent): Effect {
  const market = fold.state.pools.get(event.address);
  if (market === undefined) return NOTHING;
  const swap: PoolSwap = {
    sqrtPriceX96: int(event, "sqrtPriceX96"),
    tick: Number(int(event, "tick")),
    liquidity: int(event, "liquidity"),
    amount0: int(event, "amount0"),
  };
  fold.journal.put(market, "pendingSwap", swap);
  if (market.firstTradedAt === 0n) fold.journal.put(market, "firstTradedAt", event.block.timestamp);
  stampMarket(fold, market);
  return { accounts: [], markets: [market.key], everyone: false };
}

/**
 * Funding of the market was settled, the first time in this timestamp. The event's averages are rounded to 18 decimals;
 * what the contract accumulates is not, so it is computed from the pool's history.
 */
export function updateFunding(fold: Fold, event: CanonicalEvent): Effect {
  const market = marketOf(fold, event);
  const config = fold.config();
  if (market === null) return NOTHING;
  const now = event.block.timestamp;
  if (config !== null && market.feed !== null) {
    cacheTwap(fold.journal, market.feed, { interval: config.premiumInterval, now });
    fold.journal.put(market.feed, "stamp", fold.nextStamp());
  }
  const growth = config === null ? null : fundingGrowth(market, { now, config, arithmetic: fold.arithmetic });
  if (growth === null) fold.journal.put(market, "fundingLost", true);
  else {
    fold.journal.put(market, "twPremiumX96", growth.twX96);
    fold.journal.put(market, "twPremiumDivX96", growth.divX96);
  }
  fold.journal.put(market, "settledAt", fundingTime(market, now));
  stampMarket(fold, market);
  return { accounts: [], markets: [market.key], everyone: false };
}

/** The payment itself is already in `PnlRealized`; only the snapshots move. */
export function settleFunding(fold: Fold, event: CanonicalEvent): Effect {
  const market = marketOf(fold, event);
  if (market === null) return NOTHING;
  const account = accountOf(fold, address(event, "trader"));
  setPosition(fold, account, { market, next: settled(account, market) });
  stampMarket(fold, market);
  return { accounts: [account.address], markets: [market.key], everyone: false };
}

/** A trade, or the remainder of removed liquidity becoming the maker's own position. */
export function changePosition(fold: Fold, event: CanonicalEvent): Effect {
  const market = marketOf(fold, event);
  if (market === null) return NOTHING;
  const account = accountOf(fold, address(event, "trader"));
  const before = settled(account, market);
  if (market.pendingSwap !== null) {
    const swap = market.pendingSwap;
    replaySwap(fold.journal, market, { swap, totalFee: int(event, "fee") });
    extend(fold.journal, market.ticks, { at: event.block.timestamp, value: BigInt(swap.tick) });
    fold.journal.put(market, "pendingSwap", null);
  }
  const takerSize = before.takerSize + int(event, "exchangedPositionSize");
  setPosition(fold, account, { market, next: { ...before, takerSize, openNotional: int(event, "openNotional") } });
  if (account.lastMarket !== market.key) fold.journal.put(account, "lastMarket", market.key);
  stampMarket(fold, market);
  return { accounts: [account.address], markets: [market.key], everyone: false };
}

/** An account left a closed market. */
export function closePosition(fold: Fold, event: CanonicalEvent): Effect {
  const market = marketOf(fold, event);
  if (market === null) return NOTHING;
  const account = accountOf(fold, address(event, "trader"));
  dropPosition(fold, account, market);
  if (account.lastMarket !== market.key) fold.journal.put(account, "lastMarket", market.key);
  stampMarket(fold, market);
  return { accounts: [account.address], markets: [market.key], everyone: false };
}

/**
 * Liquidity was added or removed; fees earned so far were collected.
 * @throws InvariantError when the fees derived from the swaps differ from those collected.
 */
export function changeLiquidity(fold: Fold, event: CanonicalEvent): Effect {
  const market = marketOf(fold, event);
  if (market === null) return NOTHING;
  const account = accountOf(fold, address(event, "maker"));
  const before = settled(account, market);
  const range = { lower: Number(int(event, "lowerTick")), upper: Number(int(event, "upperTick")) };
  const liquidity = int(event, "liquidity");
  const cleared = [
    changeTick(fold, market, { tick: range.lower, liquidity, net: liquidity }),
    changeTick(fold, market, { tick: range.upper, liquidity, net: -liquidity }),
  ];
  const isIt = (order: Order) => order.lower === range.lower && order.upper === range.upper;
  const order = before.orders.find(isIt) ?? newOrder(fold, market, range);
  const fee = pendingFee(market, order);
  if (fee !== int(event, "quoteFee")) {
    throw new InvariantError(`${event.id}: derived maker fee ${fee}, collected ${int(event, "quoteFee")}.`);
  }
  const changed = { ...changedOrder(order, event), feeInsideX128: feeGrowthInside(market, range) };
  const others = before.orders.filter((other) => !isIt(other));
  const orders = changed.liquidity === 0n ? others : [...others, changed].sort(byRange);
  setPosition(fold, account, { market, next: { ...before, orders } });
  for (const tick of cleared) if (tick !== null) fold.journal.delete(market.tickGrowth, tick);
  if (range.lower <= market.tick && market.tick < range.upper) {
    fold.journal.put(market, "liquidity", market.liquidity + liquidity);
  }
  stampMarket(fold, market);
  return { accounts: [account.address], markets: [market.key], everyone: false };
}

/** The event's market; `null` for one that is not listed. */
export function marketOf(fold: Fold, event: CanonicalEvent): Market | null {
  return fold.state.markets.get(address(event, "baseToken")) ?? null;
}

function newOrder(fold: Fold, market: Market, { lower, upper }: { lower: number; upper: number }): Order {
  const growth = { twX96: market.twPremiumX96, divX96: market.twPremiumDivX96 };
  const range = premiumInRange(market, { lower, upper, growth });
  return {
    lower,
    upper,
    sqrtLower: fold.arithmetic.sqrtRatioAtTick(lower),
    sqrtUpper: fold.arithmetic.sqrtRatioAtTick(upper),
    liquidity: 0n,
    baseDebt: 0n,
    quoteDebt: 0n,
    feeInsideX128: 0n,
    twInsideX96: range.insideX96,
    twBelowX96: range.belowX96,
    divInsideX96: range.divInsideX96,
  };
}

/** Adding raises the debts by what went in; removing lowers them in proportion, rounded down. */
function changedOrder(order: Order, event: CanonicalEvent): Order {
  const delta = int(event, "liquidity");
  const liquidity = order.liquidity + delta;
  if (liquidity < 0n) throw new InvariantError(`${event.id}: more liquidity removed than ${order.liquidity}.`);
  if (delta >= 0n) {
    const baseDebt = order.baseDebt + int(event, "base");
    return { ...order, liquidity, baseDebt, quoteDebt: order.quoteDebt + int(event, "quote") };
  }
  const rest = (debt: bigint) => debt - (debt * -delta) / order.liquidity;
  return { ...order, liquidity, baseDebt: rest(order.baseDebt), quoteDebt: rest(order.quoteDebt) };
}

/** Moves a tick's liquidity. Returns the tick when nothing refers to it any more: its growth is then forgotten. */
function changeTick(
  fold: Fold,
  market: Market,
  { tick, liquidity, net }: { tick: number; liquidity: bigint; net: bigint },
): number | null {
  const { journal } = fold;
  const old = market.tickLiquidity.get(tick) ?? { gross: 0n, net: 0n };
  const gross = old.gross + liquidity;
  journal.set(market.tickLiquidity, tick, { gross, net: old.net + net });
  if (old.gross === 0n && gross > 0n) {
    journal.put(
      market,
      "initialized",
      [...market.initialized, tick].sort((a, b) => a - b),
    );
    if (tick <= market.tick) {
      const { feeGrowthX128: feeX128, twPremiumX96: twX96, twPremiumDivX96: divX96 } = market;
      journal.set(market.tickGrowth, tick, { feeX128, twX96, divX96 });
    }
  }
  if (old.gross > 0n && gross === 0n) {
    journal.put(
      market,
      "initialized",
      market.initialized.filter((other) => other !== tick),
    );
    journal.delete(market.tickLiquidity, tick);
    return tick;
  }
  return null;
}

function byRange(a: Order, b: Order): number {
  return a.lower - b.lower || a.upper - b.upper;
}
