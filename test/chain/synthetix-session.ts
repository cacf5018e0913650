/** A seeded session on the real bytecode: traders, keepers, prices, parameters and idle time. */
import { parseEther } from "viem";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { createKit, type Kit } from "../../devnet/kit.ts";
import { deploymentOf, deploySynthetix, type Synthetix, setPrice } from "../../devnet/synthetix.ts";
import { actionsOf, type SynthetixActions } from "../../devnet/synthetix-actions.ts";
import type { CryptoUnderlier as Underlier } from "../../devnet/synthetix-parameters.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment } from "../../src/core/margin-model.ts";

export type Session = {
  anvil: Anvil;
  kit: Kit;
  synthetix: Synthetix;
  chain: ChainDeployment;
  traders: readonly Hex[];
  done: Record<string, number>;
  /** Takes one random step, which mines a few blocks; `look` is awaited where a comparison is most telling. */
  step(look: () => Promise<void>): Promise<void>;
};

/** mulberry32: numbers in [0, 1). */
export function rng(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const FIRST_PRICES: Record<Underlier, number> = { ETH: 2000, BTC: 60_000, SOL: 150 };
const STALE_SECONDS = 3n * 86_400n;

/** Deploys everything on a chain of its own. Stop `anvil` when done. */
export async function startSession(seed: number): Promise<Session> {
  const random = rng(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const between = (low: number, high: number): number => low + random() * (high - low);
  const anvil = await startAnvil({ chainId: 902, accounts: 12 });
  const kit = await createKit({ chainId: 902, url: anvil.url });
  const traders = kit.accounts.slice(1, 7);
  const keeper = kit.accounts[10] as Hex;
  const prices = { ...FIRST_PRICES };
  const synthetix = await deploySynthetix(kit, {
    prices: { ETH: feed(prices.ETH), BTC: feed(prices.BTC), SOL: feed(prices.SOL) },
    holders: traders,
    susd: parseEther("10000000"),
    keepers: [keeper],
    rateStalePeriod: STALE_SECONDS,
  });
  const deployment = deploymentOf(synthetix);
  const chain: ChainDeployment = {
    ...{ chainId: 902, name: "synthetix", startBlock: deployment.protocol.startBlock },
    ...{ tickBlocks: 10, epochBlocks: 32, gridSeconds: 300, feeds: deployment.feeds, protocols: [deployment.protocol] },
  };
  const act = actionsOf(synthetix);
  const done: Record<string, number> = {};
  let seconds = 12n;
  kit.setClock((_number, parent) => parent + seconds);

  const attempt = async (name: string, work: Promise<boolean>): Promise<void> => {
    const key = (await work) ? name : `${name} refused`;
    done[key] = (done[key] ?? 0) + 1;
  };
  for (const trader of traders) {
    await attempt("deposit", act.transferMargin("ETH", trader, ether(between(500, 3000))));
    await attempt("deposit", act.transferMargin("BTC", trader, ether(between(500, 3000))));
  }
  const say = (u: Underlier) => setPrice(synthetix, `${u}/USD`, feed(prices[u]));
  const wait = async (least: number, most: number): Promise<void> => {
    seconds = BigInt(Math.floor(between(least, most)));
    await kit.mine();
    seconds = 12n;
  };

  async function step(look: () => Promise<void>): Promise<void> {
    const [u, trader, dice] = [pick(["ETH", "ETH", "ETH", "BTC", "BTC", "SOL"] as const), pick(traders), random()];
    const size = ether((between(-1, 1) * (random() < 0.2 ? 400_000 : 40_000)) / prices[u]);
    if (dice < 0.16) await attempt("deposit", act.transferMargin(u, trader, ether(between(100, 3000))));
    else if (dice < 0.2) await attempt("withdraw", act.transferMargin(u, trader, ether(-between(1, 500))));
    else if (dice < 0.48) await attempt("modify", act.modifyPosition(u, trader, size));
    else if (dice < 0.52) await attempt("close", act.closePosition(u, trader));
    else if (dice < 0.55) await attempt("withdrawAll", act.withdrawAllMargin(u, trader));
    else if (dice < 0.62) await delayedOrder({ act, attempt, say, wait, random }, { u, trader, keeper, size });
    else if (dice < 0.8) {
      prices[u] *= 1 + between(-1, 1) * (random() < 0.4 ? 0.15 : 0.03);
      await say(u);
    } else if (dice < 0.9) {
      await wait(1, random() < 0.25 ? 400_000 : 30_000);
      await look();
      for (const each of ["ETH", "BTC", "SOL"] as const) await say(each);
    } else await changeParameter(synthetix, { u, between, pick });
    await keep(look);
    if (random() < 0.3) await wait(1, 5000);
  }

  /** Keepers flag and liquidate whom the protocol lets them. */
  async function keep(look: () => Promise<void>): Promise<void> {
    for (const u of ["ETH", "BTC", "SOL"] as const) {
      for (const trader of traders) {
        if (!(await kit.read(synthetix.markets[u].proxy, "canLiquidate", [trader]))) continue;
        await look();
        await attempt("flag", act.flagPosition(u, keeper, trader));
        await look();
        if (random() < 0.5) await attempt("liquidate", act.liquidatePosition(u, keeper, trader));
        else await attempt("force", act.forceLiquidatePosition(u, keeper, trader));
      }
    }
  }

  return { anvil, kit, synthetix, chain, traders, done, step };
}

type Tools = {
  act: SynthetixActions;
  attempt(name: string, work: Promise<boolean>): Promise<void>;
  say(u: Underlier): Promise<void>;
  wait(least: number, most: number): Promise<void>;
  random(): number;
};

async function delayedOrder(
  { act, attempt, say, wait, random }: Tools,
  { u, trader, keeper, size }: { u: Underlier; trader: Hex; keeper: Hex; size: bigint },
): Promise<void> {
  await attempt("submit", act.submitDelayedOrder(u, trader, size / 4n));
  await wait(90, 91);
  await say(u);
  const by = random() < 0.5 ? trader : keeper;
  if (random() < 0.3) await wait(400, 401);
  await attempt("execute", act.executeDelayedOrder(u, by, trader));
  await attempt("cancel", act.cancelDelayedOrder(u, by, trader));
}

async function changeParameter(
  { kit, contracts, markets }: Synthetix,
  of: { u: Underlier; between(low: number, high: number): number; pick<T>(from: readonly T[]): T },
): Promise<void> {
  const { u, between, pick } = of;
  const depth = { ETH: 50_000, BTC: 2500, SOL: 1_000_000 }[u];
  const [name, low, high] = pick([
    ["setSkewScale", depth / 2, depth * 2],
    ["setMaxFundingVelocity", 3, 12],
    ["setLiquidationBufferRatio", 0.005, 0.015],
    ["setLiquidationPremiumMultiplier", 1, 4],
    ["setMaxLeverage", 40, 110],
    ["setMinKeeperFee", 1, 6],
    ["setMaxKeeperFee", 20, 1000],
    ["setLiquidationFeeRatio", 0.002, 0.006],
    ["setKeeperLiquidationFee", 1, 5],
    ["setMinInitialMargin", 35, 55],
  ] as const);
  const settings = contracts.PerpsV2MarketSettings;
  const global = /Keeper|LiquidationFeeRatio|InitialMargin/.test(name);
  const value = ether(between(low, high));
  await kit.attempt(settings, name, global ? [value] : [markets[u].marketKey, value]);
  await kit.mine();
}

function ether(x: number): bigint {
  return parseEther(x.toFixed(12));
}

function feed(price: number): bigint {
  return BigInt(Math.round(price * 1e8));
}
