/** A seeded session on Perp v2's own bytecode: takers, makers, keepers, prices, parameters, distress, a closed market. */
import { parseEther } from "viem";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { createKit, type Kit } from "../../devnet/kit.ts";
import { deployPerpV2, type PerpV2 } from "../../devnet/perp-v2.ts";
import { perpActions, perpViews, send } from "../../devnet/perp-v2-actions.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment } from "../../src/core/margin-model.ts";
import { centre, ether, marketOf, priceOf, SPACING, type Stage, tried, usdc } from "./perp-v2-stage.ts";
import { add, announce, arbitrage, sellCollateral, step } from "./perp-v2-steps.ts";
import { rng } from "./synthetix-session.ts";

/** SOL is cheaper than a dollar here: its pool's ticks are negative, where rounding down and toward zero differ. */
const FIRST_PRICES = { ETH: 2_000_00000000n, BTC: 30_000_00000000n, SOL: 15000000n, USDC: 1_00000000n };

/** A session that goes on by its steps and acts. Stop `anvil` when done. */
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

/** Deploys everything on a chain of its own. */
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
