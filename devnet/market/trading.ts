import type { OtherUnderlier } from "../synthetix-parameters.ts";
import type { Style } from "./cast.ts";
import { type Currency, UNDERLIERS, type Underlier } from "./prices.ts";
import { type Random, randomFor } from "./random.ts";
import { crashBlocks, outageBlocks, type Scenario, spacingSeconds } from "./scenario.ts";

/** One market of one chain as the scenario drives it. */
export type Market = {
  /** Puts market block `count` on the chain. */
  step(count: number): Promise<void>;
};

/** What a trader may want to do next. */
export type Intent = "adjust" | "reduce" | "close" | "flip" | "withdraw" | "deposit" | "order";

/** Leverage a trader steers for, per mille, between these two. Nobody careful comes near 2x. */
const LEVERAGE: Record<Style, readonly [number, number]> = {
  careful: [850, 1600],
  bold: [3000, 4200],
  reckless: [5600, 7200],
};

/** How often each intent comes up, per mille, among those who hold a position. */
const APPETITE: readonly (readonly [Intent, number])[] = [
  ["adjust", 430],
  ["reduce", 170],
  ["close", 50],
  ["flip", 60],
  ["withdraw", 100],
  ["deposit", 110],
  ["order", 80],
];

/** Picks an intent for somebody who holds a position. */
export function intentOf(random: Random): Intent {
  let roll = random.below(1000);
  for (const [intent, weight] of APPETITE) {
    if (roll < weight) return intent;
    roll -= weight;
  }
  return "adjust";
}

/** The leverage, per mille, a trader wants now. */
export function wantedLeverage(style: Style, random: Random): bigint {
  return BigInt(random.between(...LEVERAGE[style]));
}

/**
 * Whether the trader at `place` in the chain's cast must take its full position in this block: those who like risk all
 * stand at full leverage when the fall begins.
 */
export function loadsUp(scenario: Scenario, style: Style, { place, count }: { place: number; count: number }): boolean {
  const before = crashBlocks(scenario).from - count;
  return style !== "careful" && before > 0 && before <= LOADING_BLOCKS && place % LOADING_BLOCKS === before - 1;
}

const LOADING_BLOCKS = 6;

/**
 * The underliers whose price is announced in this block: all of them now and then, so that none goes stale, and at least
 * one. Live blocks are seconds apart and so need fewer.
 */
export function announced(scenario: Scenario, { chainId, count }: { chainId: number; count: number }): Underlier[] {
  if (isSilent(scenario, count)) return [];
  if (count === 1 || count % 10 === 0) return [...UNDERLIERS];
  const [often, seldom] = isLive(scenario, count) ? [600, 350] : [850, 600];
  const due = UNDERLIERS.filter((underlier) =>
    randomFor(scenario.seed, chainId, "feed", underlier, count).chance(underlier === "ETH" ? often : seldom),
  );
  return due.length === 0 ? ["ETH"] : due;
}

/**
 * Of what moves slowly, whatever is announced in this block: each in its turn, once every `everyBlocks` and at least once
 * in 25 minutes.
 */
export function announcedSlowly<T extends Currency | OtherUnderlier | "stable">(
  scenario: Scenario,
  { of, everyBlocks, count }: { of: readonly T[]; everyBlocks: number; count: number },
): T[] {
  if (isSilent(scenario, count)) return [];
  const most = isLive(scenario, count) ? everyBlocks : Math.floor(SLOW_SECONDS / spacingSeconds(scenario));
  const every = Math.max(1, Math.min(everyBlocks, most));
  return of.filter((_, place) => count === 1 || count % every === place % every);
}

const SLOW_SECONDS = 1_500;

/** Whether all feeds are silent. */
function isSilent(scenario: Scenario, count: number): boolean {
  const outage = outageBlocks(scenario);
  return outage !== null && count >= outage.silentFrom && count <= outage.silentTo;
}

/** How many traders act in a block, besides those whose turn is fixed. */
export function crowd(scenario: Scenario, count: number, random: Random): number {
  return random.between(1, isLive(scenario, count) ? 2 : 3);
}

function isLive(scenario: Scenario, count: number): boolean {
  return count > scenario.historyBlocks;
}

/** Absolute value. */
export function abs(x: bigint): bigint {
  return x < 0n ? -x : x;
}

/** Cuts a size to six significant decimals of eighteen, as people type them. */
export function rounded(size: bigint): bigint {
  return (size / 10n ** 12n) * 10n ** 12n;
}
