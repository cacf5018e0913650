/** The folded state as JSON without numbers, for the epoch's state root. Nothing in it moves with time alone. */

import type { StateJson } from "../../core/margin-model.ts";
import { compareKeys } from "../../core/order.ts";
import type { PriceFeed } from "./price-feed.ts";
import { type Account, isFlat, type Market, type Order, type PerpState } from "./state.ts";
import { latest } from "./timeline.ts";

/** Balances, realised result and positions of an account; a position the chain has dropped is left out. */
export function accountJson(account: Account): StateJson {
  const positions = sorted(account.positions).filter(([, position]) => !isFlat(position));
  return {
    balances: Object.fromEntries(sorted(account.balances).map(([token, amount]) => [token, amount.toString()])),
    owed: account.owed.toString(),
    lastMarket: account.lastMarket,
    positions: Object.fromEntries(
      positions.map(([market, position]) => [
        market,
        {
          takerSize: position.takerSize.toString(),
          openNotional: position.openNotional.toString(),
          lastTwX96: position.lastTwX96.toString(),
          orders: position.orders.map(orderJson),
        },
      ]),
    ),
  };
}

/** A market with its pool, growth, feed, and the parameters it is valued with. */
export function marketJson(market: Market, state: PerpState): StateJson {
  const ticks = [...market.tickLiquidity].sort(([a], [b]) => a - b);
  const last = latest(market.ticks);
  return {
    symbol: market.symbol,
    pool: market.pool,
    priceFeed: market.priceFeed,
    feed: market.feed === null ? null : feedJson(market.feed),
    status: market.status,
    pausedAt: market.pausedAt.toString(),
    pausedPrice: text(market.pausedPrice),
    closedPrice: text(market.closedPrice),
    feeRatio: market.feeRatio.toString(),
    insuranceFeeRatio: market.insuranceFeeRatio.toString(),
    sqrtPriceX96: market.sqrtPriceX96.toString(),
    tick: market.tick.toString(),
    tickCumulative: last === undefined ? null : [last.at.toString(), last.cumulative.toString()],
    liquidity: market.liquidity.toString(),
    feeGrowthX128: market.feeGrowthX128.toString(),
    twPremiumX96: market.twPremiumX96.toString(),
    twPremiumDivX96: market.twPremiumDivX96.toString(),
    settledAt: market.settledAt.toString(),
    firstTradedAt: market.firstTradedAt.toString(),
    fundingLost: market.fundingLost,
    badDebt: market.badDebt.toString(),
    ticks: ticks.map(([tick, { gross, net }]) => {
      const growth = market.tickGrowth.get(tick);
      const outside = growth === undefined ? [] : [growth.feeX128, growth.twX96, growth.divX96];
      return [tick, gross, net, ...outside].map((value) => value.toString());
    }),
    parameters: Object.fromEntries(sorted(state.parameters).map(([name, value]) => [name, value.toString()])),
    collateral: Object.fromEntries(
      sorted(state.collateral).map(([token, { priceFeed, ratio }]) => [token, { priceFeed, ratio: ratio.toString() }]),
    ),
  };
}

function orderJson(order: Order): StateJson {
  const { lower, upper, liquidity, baseDebt, quoteDebt, feeInsideX128, twInsideX96, twBelowX96, divInsideX96 } = order;
  const values = [lower, upper, liquidity, baseDebt, quoteDebt, feeInsideX128, twInsideX96, twBelowX96, divInsideX96];
  return values.map((value) => value.toString());
}

function feedJson(feed: PriceFeed): StateJson {
  const last = latest(feed.observations);
  return {
    observer: feed.observer,
    answer: feed.answer.toString(),
    answeredAt: feed.answeredAt.toString(),
    price: feed.price.toString(),
    pricedAt: feed.pricedAt.toString(),
    cumulative: last === undefined ? null : [last.at.toString(), last.cumulative.toString()],
  };
}

function text(value: bigint | null): string | null {
  return value === null ? null : value.toString();
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => compareKeys(a, b));
}
