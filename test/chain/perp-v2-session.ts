/** A seeded session on Perp v2's own bytecode: takers, makers, keepers, prices, parameters, distress, a closed market. */
import { parseEther, parseUnits } from "viem";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { createKit, type Kit } from "../../devnet/kit.ts";
import { deployPerpV2, type PerpFeed, type PerpMarket, type PerpV2, sqrtPriceX96 } from "../../devnet/perp-v2.ts";
import { attempt, type Call, perpActions, perpViews, send } from "../../devnet/perp-v2-actions.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment } from "../../src/core/margin-model.ts";
import { rng } from "./synthetix-session.ts";

/** SOL is cheaper than a dollar here: its pool's ticks are negative, where rounding down and toward zero differ. */
const FIRST_PRICES = { ETH: 2_000_00000000n, BTC: 30_000_00000000n, SOL: 15000000n, USDC: 1_00000000n };
const SPACING = 200;

type FeedName = "ETH" | "BTC" | "SOL";

export type PerpSession = {
  anvil: Anvil;
  kit: Kit;
  perp: PerpV2;
  chain: ChainDeployment;
  everyone: readonly Hex[];
  /** How often each kind of action succeeded. */
  done: Record<string, number>;
  /** One random step: a few blocks. */
  step(): Promise<void>;
  /** A maker with a position is driven into liquidation, bad debt and a sale of collateral. `look` between the acts. */
  distress(look: () => Promise<void>): Promise<void>;
  /** The second market is paused, closed, and everyone leaves it. */
  closeMarket(look: () => Promise<void>): Promise<void>;
};

type Stage = Pick<PerpSession, "kit" | "perp" | "done"> & {
  random: () => number;
  prices: Record<FeedName, number>;
  act: ReturnType<typeof perpActions>;
  views: ReturnType<typeof perpViews>;
  makers: readonly Hex[];
  takers: readonly Hex[];
  keeper: Hex;
  victim: Hex;
  orders: Map<string, { maker: Hex; market: PerpMarket; lowerTick: number; upperTick: number }>;
  wait: (seconds: number) => void;
};

/** Deploys everything on a chain of its own. Stop `anvil` when done. */
export async function startPerpSession(seed: number): Promise<PerpSession> {
  const anvil = await startAnvil({ chainId: 901, accounts: 24 });
  const kit = await createKit({ chainId: 901, url: anvil.url });
  const perp = await deployPerpV2(kit, { prices: FIRST_PRICES });
  const { protocol, feeds } = perp.deployment();
  const chain: ChainDeployment = {
    ...{ chainId: 901, name: "perp", startBlock: protocol.startBlock, feeds, protocols: [protocol] },
    ...{ tickBlocks: 10, epochBlocks: 32, gridSeconds: 300 },
  };
  let gap = 2n;
  kit.setClock((_number, parent) => parent + gap);
  const [makers, takers] = [kit.accounts.slice(12, 14), kit.accounts.slice(14, 18)];
  const [keeper, victim] = kit.accounts.slice(18, 20) as [Hex, Hex];
  const stage: Stage = {
    ...{ kit, perp, done: {}, random: rng(seed), makers, takers, keeper, victim, orders: new Map() },
    prices: { ETH: 2000, BTC: 30_000, SOL: 0.15 },
    act: perpActions(perp),
    views: perpViews(perp),
    wait: (seconds) => {
      gap = BigInt(Math.max(1, Math.round(seconds)));
    },
  };
  const everyone = [...makers, ...takers, keeper, victim];
  await furnish(stage, everyone);
  return {
    ...{ anvil, kit, perp, chain, everyone, done: stage.done },
    step: () => step(stage),
    distress: (look) => distress(stage, look),
    closeMarket: (look) => closeMarket(stage, look),
  };
}

async function furnish(stage: Stage, everyone: readonly Hex[]): Promise<void> {
  const { kit, perp, act, makers, takers, keeper } = stage;
  stage.wait(2_000);
  await kit.mine();
  stage.wait(5);
  await kit.batch(async () => {
    for (const who of everyone) {
      for (const call of act.fund(who, { usdc: usdc(5_000_000), weth: parseEther("1000") })) await send(kit, call);
    }
  });
  await kit.batch(async () => {
    await send(kit, act.deposit(makers[0] as Hex, perp.usdc, usdc(900_000)));
    await send(kit, act.deposit(makers[1] as Hex, perp.usdc, usdc(500_000)));
    await send(kit, act.deposit(keeper, perp.usdc, usdc(2_000_000)));
    for (const who of takers) await send(kit, act.deposit(who, perp.usdc, usdc(300 + stage.random() * 4000)));
  });
  for (const market of perp.markets) {
    const around = await centre(stage, market);
    const range = { lowerTick: around - 35 * SPACING, upperTick: around + 35 * SPACING };
    // Not among `orders`: nobody takes the liquidity away that keeps the market going.
    const order = { ...range, base: ether(300_000 / priceOf(stage, market)), quote: ether(300_000) };
    await send(kit, act.addLiquidity(makers[0] as Hex, market, order));
  }
}

async function step(stage: Stage): Promise<void> {
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

async function add(
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

async function sellCollateral(stage: Stage, who: Hex): Promise<void> {
  const { settlement } = await stage.views.liquidatableCollateral(who);
  if (settlement === 0n) return;
  await tried(stage, "liquidateCollateral", stage.act.liquidateCollateral(stage.keeper, who, settlement));
}

async function announce(stage: Stage, name: FeedName): Promise<void> {
  const feed: PerpFeed = stage.perp.feeds[name];
  await send(stage.kit, stage.act.setPrice(feed, parseUnits(stage.prices[name].toFixed(8), 8)));
  if (stage.random() < 0.4) await tried(stage, "observePrice", stage.act.observePrice(feed));
}

/** The keeper trades the pool toward the index price, at most 8 % at once. */
async function arbitrage(stage: Stage, name: FeedName): Promise<void> {
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

async function distress(stage: Stage, look: () => Promise<void>): Promise<void> {
  const { act, perp, victim, keeper, views } = stage;
  const market = marketOf(stage, "ETH");
  await shock(stage, 1, 2);
  await tried(stage, "deposit", act.deposit(victim, perp.usdc, usdc(2_000)));
  const long = { short: false, exactInput: true, amount: ether(15_000) };
  await tried(stage, "victim.open", act.openPosition(victim, market, long));
  const lowerTick = (await centre(stage, market)) - 2 * SPACING;
  const range = { lowerTick, upperTick: lowerTick + 5 * SPACING };
  await add(stage, { maker: victim, market, range, usd: 500 });
  await look();
  await shock(stage, 0.72, 9);
  await look();
  await tried(stage, "cancelAllExcessOrders", act.cancelAllExcessOrders(keeper, victim, market));
  await look();
  for (let i = 0; i < 3; i++) {
    await tried(stage, "liquidate", act.liquidate(keeper, victim, market));
    await look();
  }
  await tried(stage, "depositWeth", act.deposit(victim, perp.weth, parseEther("1.2")));
  await tried(stage, "deposit", act.deposit(victim, perp.usdc, usdc(10)));
  stage.wait(30);
  await tried(stage, "settleAllFunding", act.settleAllFunding(keeper));
  const free = Number(await views.freeCollateral(victim)) / 1e6;
  const short = { short: true, exactInput: true, amount: ether((free * 7) / stage.prices.ETH) };
  await tried(stage, "victim.short", act.openPosition(victim, market, short));
  await look();
  await shock(stage, 1.2, 7);
  for (let i = 0; i < 3; i++) {
    await sellCollateral(stage, victim);
    await look();
    await tried(stage, "liquidate", act.liquidate(keeper, victim, market));
    await look();
  }
}

/** Moves the ETH price and lets the averages follow. */
async function shock(stage: Stage, factor: number, rounds: number): Promise<void> {
  stage.prices.ETH *= factor;
  for (let i = 0; i <= rounds; i++) {
    stage.wait(i === rounds ? 1_900 : 400);
    await announce(stage, "ETH");
    stage.wait(2);
    await arbitrage(stage, "ETH");
  }
}

async function closeMarket(stage: Stage, look: () => Promise<void>): Promise<void> {
  const { act, kit, keeper, makers, takers, victim } = stage;
  const market = marketOf(stage, "BTC");
  await tried(stage, "pause", act.pauseMarket(market));
  await look();
  stage.wait(700);
  await announce(stage, "BTC");
  await announce(stage, "ETH");
  await look();
  await tried(stage, "settleAllFunding", act.settleAllFunding(makers[0] as Hex));
  await look();
  await tried(stage, "closeMarket", act.closeMarket(market, parseEther(stage.prices.BTC.toFixed(6))));
  await look();
  for (const who of [...makers, ...takers, keeper, victim]) {
    await tried(stage, "quitMarket", act.quitMarket(keeper, who, market));
  }
  await kit.mine();
  await look();
}

async function tried(stage: Stage, name: string, call: Call): Promise<boolean> {
  const before = await stage.kit.blockNumber();
  const worked = await attempt(stage.kit, call);
  if (worked && (await stage.kit.blockNumber()) > before) stage.done[name] = (stage.done[name] ?? 0) + 1;
  return worked;
}

async function centre(stage: Stage, market: PerpMarket): Promise<number> {
  return Math.floor((await stage.views.pool(market)).tick / SPACING) * SPACING;
}

function marketOf(stage: Stage, name: FeedName): PerpMarket {
  return stage.perp.markets.find((m) => m.symbol === `v${name}`) as PerpMarket;
}

function priceOf(stage: Stage, market: PerpMarket): number {
  return stage.prices[market.symbol.slice(1) as FeedName];
}

function pick<T>(stage: Stage, from: readonly T[]): T {
  return from[Math.floor(stage.random() * from.length)] as T;
}

function whole(stage: Stage, low: number, high: number): number {
  return low + Math.floor(stage.random() * (high - low + 1));
}

function clamp(x: bigint, low: bigint, high: bigint): bigint {
  return x < low ? low : x > high ? high : x;
}

function usdc(amount: number): bigint {
  return parseUnits(amount.toFixed(6), 6);
}

function ether(amount: number): bigint {
  return parseUnits(amount.toFixed(15), 18);
}
