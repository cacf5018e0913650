import type { Style } from "./cast.ts";
import type { Random } from "./random.ts";
import { crashBlocks, type Scenario } from "./scenario.ts";

/** One market of one chain as the scenario drives it. */
export type Market = {
  /** Puts market block `count` on the chain. */
  step(count: number): Promise<void>;
};

/** What a trader may want to do next. */
export type Intent = "adjust" | "reduce" | "close" | "flip" | "withdraw" | "deposit" | "order";

/** Leverage a trader steers for, per mille, between these two. Nobody careful comes near 2x. */
const LEVERAGE: Record<Style, readonly [number, number]> = {
  careful: [1050, 1600],
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

/** Absolute value. */
export function abs(x: bigint): bigint {
  return x < 0n ? -x : x;
}

/** Cuts a size to six significant decimals of eighteen, as people type them. */
export function rounded(size: bigint): bigint {
  return (size / 10n ** 12n) * 10n ** 12n;
}
