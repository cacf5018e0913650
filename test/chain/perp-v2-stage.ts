/** The stage of a Perp v2 session: its cast, and what its acts have in common. */
import { parseUnits } from "viem";
import type { Kit } from "../../devnet/kit.ts";
import type { PerpMarket, PerpV2 } from "../../devnet/perp-v2.ts";
import { attempt, type Call, type perpActions, type perpViews } from "../../devnet/perp-v2-actions.ts";
import type { Hex } from "../../src/core/ids.ts";

/** Ticks between two that can be initialised. */
export const SPACING = 200;

export type FeedName = "ETH" | "BTC" | "SOL";

/** Who and what a session is played with. */
export type Stage = {
  kit: Kit;
  perp: PerpV2;
  /** How often each kind of action succeeded. */
  done: Record<string, number>;
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

/** Sends a call that may be refused, and counts it when it is not. @returns whether it went through. */
export async function tried(stage: Stage, name: string, call: Call): Promise<boolean> {
  const before = await stage.kit.blockNumber();
  const worked = await attempt(stage.kit, call);
  if (worked && (await stage.kit.blockNumber()) > before) stage.done[name] = (stage.done[name] ?? 0) + 1;
  return worked;
}

/** The initialisable tick at or below the pool's own. */
export async function centre(stage: Stage, market: PerpMarket): Promise<number> {
  return Math.floor((await stage.views.pool(market)).tick / SPACING) * SPACING;
}

/** The market of a feed. */
export function marketOf(stage: Stage, name: FeedName): PerpMarket {
  return stage.perp.markets.find((m) => m.symbol === `v${name}`) as PerpMarket;
}

/** A market's index price in dollars. */
export function priceOf(stage: Stage, market: PerpMarket): number {
  return stage.prices[market.symbol.slice(1) as FeedName];
}

/** One of several, at random. */
export function pick<T>(stage: Stage, from: readonly T[]): T {
  return from[Math.floor(stage.random() * from.length)] as T;
}

/** A whole number from `low` to `high`, both included, at random. */
export function whole(stage: Stage, low: number, high: number): number {
  return low + Math.floor(stage.random() * (high - low + 1));
}

/** Dollars as USDC, with 6 decimals. */
export function usdc(amount: number): bigint {
  return parseUnits(amount.toFixed(6), 6);
}

/** An amount with 18 decimals. */
export function ether(amount: number): bigint {
  return parseUnits(amount.toFixed(15), 18);
}
