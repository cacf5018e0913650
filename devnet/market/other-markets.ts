/** How the cast trades what is no crypto-asset, on Synthetix. */
import type { OtherUnderlier } from "../synthetix-parameters.ts";
import type { Style, Trader } from "./cast.ts";
import { type Priced, UNDERLIERS } from "./prices.ts";
import { type Random, randomFor } from "./random.ts";
import type { Scenario } from "./scenario.ts";

/**
 * Leverage a trader steers for, per mille, between these two. Retail clients may have at most 30 or 25 in major
 * currencies, 20 in others, gold and indices, 10 in oil and 5 in shares, depending on where they live.
 */
const LEVERAGE: Readonly<Record<OtherUnderlier, Readonly<Record<Style, readonly [number, number]>>>> = {
  EUR: { careful: [8_000, 14_000], bold: [18_000, 34_000], reckless: [36_000, 56_000] },
  AUD: { careful: [6_000, 11_000], bold: [14_000, 26_000], reckless: [28_000, 44_000] },
  XAU: { careful: [5_000, 9_000], bold: [14_000, 23_000], reckless: [20_500, 23_500] },
  US500: { careful: [4_000, 8_000], bold: [14_000, 23_000], reckless: [20_500, 23_500] },
  OIL: { careful: [2_500, 4_500], bold: [7_000, 14_000], reckless: [11_000, 18_000] },
  TSLA: { careful: [1_200, 2_500], bold: [4_000, 8_000], reckless: [7_000, 13_000] },
};

/** The leverage, per mille, a trader wants now in something that is no crypto-asset. */
export function wantedElsewhere(
  underlier: OtherUnderlier,
  { style, random }: { style: Style; random: Random },
): bigint {
  return BigInt(random.between(...LEVERAGE[underlier][style]));
}

/** Whether something traded is no crypto-asset. */
export function isOther(underlier: Priced): underlier is OtherUnderlier {
  return !(UNDERLIERS as readonly string[]).includes(underlier);
}

/** Blocks between a newcomer's deposit and its first trade. */
const SETTLING_IN_BLOCKS = 6;

/** Places, among `places` of trader and market, of those whose turn it is: newcomers one a block, then one now and then. */
export function actingElsewhere(
  scenario: Scenario,
  { chainId, places, count }: { chainId: number; places: number; count: number },
): Set<number> {
  const random = randomFor(scenario.seed, chainId, "who else", count);
  const turns = [count - 1, count - 1 - SETTLING_IN_BLOCKS];
  if (random.chance(600)) turns.push(random.below(places));
  return new Set(turns.filter((place) => place >= 0 && place < places));
}

/** Trader and market of everything the cast trades elsewhere, in order of the traders. */
export function dealsElsewhere(traders: readonly Trader[]): { trader: Trader; underlier: OtherUnderlier }[] {
  return traders.flatMap((trader) => trader.others.map((underlier) => ({ trader, underlier })));
}
