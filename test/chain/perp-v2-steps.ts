/** What may happen at any time on Perp v2: a random step of takers, makers and keepers, and the acts it is made of. */
import { parseUnits } from "viem";
import { type PerpFeed, type PerpMarket, sqrtPriceX96 } from "../../devnet/perp-v2.ts";
import { send } from "../../devnet/perp-v2-actions.ts";
import type { Hex } from "../../src/core/ids.ts";
import {
  centre,
  ether,
  type FeedName,
  marketOf,
  pick,
  priceOf,
  SPACING,
  type Stage,
  tried,
  usdc,
  whole,
} from "./perp-v2-stage.ts";

/** One random step: a few blocks. */
export async function step(stage: Stage): Promise<void> {
  const { random, perp, act, takers, makers } = stage;
  const market = pick(stage, perp.markets);
  const who = pick(stage, random() < 0.8 ? takers : makers);
  const k = random();
  stage.wait(random() < 0.5 ? 1 + random() * 60 : 3);
  if (k < 0.28) await trade(stage, who, market);
  else if (k < 0.38) await crowd(stage);
  else if (k < 0.45) await tried(stage, "close", act.closePosition(who, market));
  else if (k < 0.56) {
    const maker = pick(stage, random() < 0.7 ? makers : takers);
    const lowerTick = (await centre(stage, market)) + SPACING * whole(stage, -4, 2);
    const range = { lowerTick, upperTick: lowerTick + SPACING * whole(stage, 1, 5) };
    await add(stage, { maker, market, range, usd: 500 + random() * (makers.includes(maker) ? 40_000 : 800) });
  } else if (k < 0.65) await remove(stage);
  else if (k < 0.71) await deposit(stage, who);
  else if (k < 0.76) await withdraw(stage, who);
  else if (k < 0.78) await tried(stage, "settleAllFunding", act.settleAllFunding(who));
  else if (k < 0.82) await configure(stage);
  else if (k < 0.93) await movePrice(stage);
  else await idle(stage);
  await keep(stage);
}

async function trade(stage: Stage, who: Hex, market: PerpMarket): Promise<void> {
  const { random, views, act } = stage;
  const price = priceOf(stage, market);
  const free = Number(await views.freeCollateral(who)) / 1e6;
  const usd = random() < 0.6 ? Math.max(5, free * (1 + random() * 8)) : Math.exp(random() * 6) * 60;
  const { sqrtPriceX96: sqrt } = await views.pool(market);
  const isDear = sqrt > sqrtPriceX96(parseUnits(price.toFixed(12), 12), 12);
  const short = random() < 0.75 ? isDear : random() < 0.5;
  const exactInput = random() < 0.6;
  const amount = short === exactInput ? ether(usd / price) : ether(usd);
  await tried(stage, "open", act.openPosition(who, market, { short, exactInput, amount }));
}

/** Many transactions share a block and so a timestamp, in which funding is settled once and averages are cached. */
async function crowd(stage: Stage): Promise<void> {
  const { kit, perp, takers, makers, keeper, act } = stage;
  await kit.batch(async () => {
    for (const who of takers) await trade(stage, who, pick(stage, perp.markets));
    await announce(stage, "ETH");
    await tried(stage, "settleAllFunding", act.settleAllFunding(makers[0] as Hex, keeper));
    await trade(stage, keeper, marketOf(stage, "ETH"));
  });
  stage.done.crowd = (stage.done.crowd ?? 0) + 1;
}

/** Adds liquidity, and remembers the order when it is taken. */
export async function add(
  stage: Stage,
  of: { maker: Hex; market: PerpMarket; range: { lowerTick: number; upperTick: number }; usd: number },
): Promise<void> {
  const { maker, market, range, usd } = of;
  const order = { ...range, base: ether(usd / priceOf(stage, market)), quote: ether(usd) };
  if (await tried(stage, "addLiquidity", stage.act.addLiquidity(maker, market, order))) {
    stage.orders.set([maker, market.symbol, range.lowerTick, range.upperTick].join(), { maker, market, ...range });
  }
}

async function remove(stage: Stage): Promise<void> {
  const { kit, perp, random, act, orders } = stage;
  if (orders.size === 0) return;
  const [key, { maker, market, lowerTick, upperTick }] = pick(stage, [...orders]);
  const args = [maker, market.base.address, lowerTick, upperTick];
  const { liquidity } = await kit.read(perp.contracts.OrderBook, "getOpenOrder", args);
  const part = random() < 0.4 ? liquidity / 3n : random() < 0.15 ? 0n : liquidity;
  const call = act.removeLiquidity(maker, market, { lowerTick, upperTick, liquidity: part });
  if ((await tried(stage, "removeLiquidity", call)) && part === liquidity) orders.delete(key);
}

async function deposit(stage: Stage, who: Hex): Promise<void> {
  const { random, perp, act } = stage;
  if (random() < 0.6) await tried(stage, "deposit", act.deposit(who, perp.usdc, usdc(1 + random() * 500)));
  else await tried(stage, "depositWeth", act.deposit(who, perp.weth, ether(random() * 3)));
}

async function withdraw(stage: Stage, who: Hex): Promise<void> {
  const { random, perp, act } = stage;
  const k = random();
  if (k < 0.5) await tried(stage, "withdraw", act.withdraw(who, perp.usdc, usdc(1 + random() * 300)));
  else if (k < 0.8) await tried(stage, "withdrawWeth", act.withdraw(who, perp.weth, ether(random() * 0.5)));
  else await tried(stage, "withdrawAll", act.withdrawAll(who, perp.usdc));
}

async function configure(stage: Stage): Promise<void> {
  const { perp } = stage;
  const owner = perp.kit.accounts[0] as Hex;
  const change = pick(stage, [
    ["setMaxFundingRate", whole(stage, 20_000, 100_000)],
    ["setTwapInterval", whole(stage, 300, 1_200)],
    ["setMarkPriceMarketTwapInterval", whole(stage, 900, 1_800)],
  ] as const);
  const call = {
    contract: perp.contracts.ClearingHouseConfig,
    functionName: change[0],
    args: [change[1]],
    from: owner,
  };
  await tried(stage, change[0], call);
}

async function movePrice(stage: Stage): Promise<void> {
  const { random, prices } = stage;
  const name = pick(stage, ["ETH", "BTC", "SOL"] as const);
  const width = random() < 0.25 ? (random() < 0.3 ? 0.34 : 0.16) : 0.03;
  prices[name] *= 1 + (random() - 0.5) * width;
  await announce(stage, name);
  if (random() < 0.8) await arbitrage(stage, name);
}

async function idle(stage: Stage): Promise<void> {
  stage.wait(stage.random() < 0.3 ? 30 + stage.random() * 20_000 : 30 + stage.random() * 900);
  await stage.kit.mine();
  stage.wait(20);
  for (const name of ["ETH", "BTC", "SOL"] as const) {
    if (stage.random() < 0.8) await announce(stage, name);
    await arbitrage(stage, name);
  }
}

/** Liquidates whoever may be. */
async function keep(stage: Stage): Promise<void> {
  const { perp, act, views, keeper, takers, makers } = stage;
  for (const who of [...takers, ...makers]) {
    const [equity, requirement] = [await views.accountValue(who), await views.marginRequirement(who)];
    if (equity >= requirement) continue;
    for (const market of perp.markets) {
      const ids = await views.orderIds(who, market);
      if (ids.length > 0) await tried(stage, "cancelAllExcessOrders", act.cancelAllExcessOrders(keeper, who, market));
      await tried(stage, "liquidate", act.liquidate(keeper, who, market));
    }
    await sellCollateral(stage, who);
  }
}

/** Sells an account's collateral, where that may be sold. */
export async function sellCollateral(stage: Stage, who: Hex): Promise<void> {
  const { settlement } = await stage.views.liquidatableCollateral(who);
  if (settlement === 0n) return;
  await tried(stage, "liquidateCollateral", stage.act.liquidateCollateral(stage.keeper, who, settlement));
}

/** Tells the chain what a price is now. */
export async function announce(stage: Stage, name: FeedName): Promise<void> {
  const feed: PerpFeed = stage.perp.feeds[name];
  await send(stage.kit, stage.act.setPrice(feed, parseUnits(stage.prices[name].toFixed(8), 8)));
  if (stage.random() < 0.4) await tried(stage, "observePrice", stage.act.observePrice(feed));
}

/** The keeper trades the pool toward the index price, at most 8 % at once. */
export async function arbitrage(stage: Stage, name: FeedName): Promise<void> {
  const market = marketOf(stage, name);
  const price = stage.prices[name] * (1 + (stage.random() - 0.5) * 0.02);
  const { sqrtPriceX96: from } = await stage.views.pool(market);
  const wanted = sqrtPriceX96(parseUnits(price.toFixed(12), 12), 12);
  const limit = clamp(wanted, (from * 960n) / 1000n, (from * 1040n) / 1000n);
  const short = limit < from;
  const amount = short ? ether(400_000 / price) : ether(400_000);
  const order = { short, exactInput: true, amount, sqrtPriceLimitX96: limit };
  await tried(stage, "arbitrage", stage.act.openPosition(stage.keeper, market, order));
}

function clamp(x: bigint, low: bigint, high: bigint): bigint {
  return x < low ? low : x > high ? high : x;
}
