import { OTHER_UNDERLIERS, type OtherUnderlier } from "../synthetix-parameters.ts";
import { type Random, randomFor } from "./random.ts";
import { crashBlocks, type Scenario } from "./scenario.ts";
import { variantOf } from "./variants.ts";

/** Crypto-assets traded on both chains, at the same prices. */
export const UNDERLIERS = ["ETH", "BTC", "SOL"] as const;
export type Underlier = (typeof UNDERLIERS)[number];

/** Currencies whose price in dollars both chains know. */
export const CURRENCIES = ["EUR", "GBP", "CHF"] as const;
export type Currency = (typeof CURRENCIES)[number];

/** Everything that has a price. */
export type Priced = Underlier | OtherUnderlier | Currency;
const PRICED: readonly Priced[] = [...UNDERLIERS, ...OTHER_UNDERLIERS, "GBP", "CHF"];

const PPM = 1_000_000n;

/** First price with eight digits, how far a block moves it, and how much of it the crash leaves, in parts per million. */
const CHARACTER: Record<Priced, { first: bigint; stepPpm: number; afterCrashPpm: bigint; recoveredPpm: bigint }> = {
  ETH: { first: 2_000_00000000n, stepPpm: 2600, afterCrashPpm: 680_000n, recoveredPpm: 930_000n },
  BTC: { first: 60_000_00000000n, stepPpm: 2000, afterCrashPpm: 730_000n, recoveredPpm: 950_000n },
  SOL: { first: 150_00000000n, stepPpm: 3600, afterCrashPpm: 650_000n, recoveredPpm: 900_000n },
  EUR: { first: 1_08000000n, stepPpm: 130, afterCrashPpm: 982_000n, recoveredPpm: 995_000n },
  GBP: { first: 1_27000000n, stepPpm: 140, afterCrashPpm: 984_000n, recoveredPpm: 996_000n },
  CHF: { first: 1_13000000n, stepPpm: 120, afterCrashPpm: 1_008_000n, recoveredPpm: 1_003_000n },
  AUD: { first: 66000000n, stepPpm: 220, afterCrashPpm: 965_000n, recoveredPpm: 985_000n },
  XAU: { first: 3_100_00000000n, stepPpm: 300, afterCrashPpm: 1_020_000n, recoveredPpm: 1_010_000n },
  US500: { first: 5_600_00000000n, stepPpm: 450, afterCrashPpm: 940_000n, recoveredPpm: 975_000n },
  OIL: { first: 72_00000000n, stepPpm: 900, afterCrashPpm: 920_000n, recoveredPpm: 960_000n },
  TSLA: { first: 260_00000000n, stepPpm: 1500, afterCrashPpm: 880_000n, recoveredPpm: 940_000n },
};

/** What something costs before anything happens, eight digits: the same for every seed. */
export function firstPrice(underlier: Priced): bigint {
  return CHARACTER[underlier].first;
}

/** Live, the market is shaken once every `TREMOR_EVERY` blocks: down 14 % over `TREMOR_FALL` blocks, then back. */
const TREMOR_EVERY = 240;
const TREMOR_AT = 90;
const TREMOR_FALL = 12;
const TREMOR_BACK = 40;
const TREMOR_PPM = 140_000n;

/** The price of a feed at market block `count`, eight digits. */
export type PricePath = (underlier: Priced, count: number) => bigint;

/** Price paths of a scenario: a pure function of seed and count, worked out block by block and remembered. */
export function pricePath(scenario: Scenario): PricePath {
  const walks = new Map<Priced, bigint[]>(PRICED.map((priced) => [priced, [0n]]));
  return (underlier, count) => {
    const walk = walks.get(underlier) as bigint[];
    while (walk.length <= count) walk.push(wander(scenario, underlier, walk.length, walk.at(-1) as bigint));
    const level = (CHARACTER[underlier].first * trend(scenario, underlier, count)) / PPM;
    return (level * (PPM + (walk[count] as bigint))) / PPM;
  };
}

/** A step of the walk around the trend: half its own, half the whole market's, drawn back by a sixtieth each block. */
function wander(scenario: Scenario, underlier: Priced, count: number, from: bigint): bigint {
  const { stepPpm } = CHARACTER[underlier];
  const own = swing(randomFor(scenario.seed, "price", underlier, count), stepPpm);
  const common = swing(randomFor(scenario.seed, "price", "all", count), stepPpm);
  return (from * 59n) / 60n + BigInt(own + common);
}

function swing(random: Random, ppm: number): number {
  return random.between(-ppm, ppm);
}

/** Calm, the crash, the recovery, then calm with tremors. In parts per million of the first price. */
function trend(scenario: Scenario, underlier: Priced, count: number): bigint {
  if (!variantOf(scenario).crash) return PPM;
  const { afterCrashPpm, recoveredPpm } = CHARACTER[underlier];
  const crash = crashBlocks(scenario);
  const recovery = { from: crash.to + 8, to: crash.to + 8 + Math.floor(scenario.historyBlocks / 8) };
  if (count < crash.from) return PPM;
  if (count < recovery.from) return between(PPM, afterCrashPpm, crash, count);
  const recovered = between(afterCrashPpm, recoveredPpm, recovery, count);
  // A tremor takes as much of the crash's own fall as 14 % is of 30 %, so that what hardly moves then hardly moves now.
  const depth = (tremor(count - scenario.historyBlocks) * (PPM - afterCrashPpm)) / 300_000n;
  return recovered - (recovered * depth) / PPM;
}

function tremor(live: number): bigint {
  if (live <= 0) return 0n;
  const at = (live % TREMOR_EVERY) - TREMOR_AT;
  if (at < TREMOR_FALL) return between(0n, TREMOR_PPM, { from: 0, to: TREMOR_FALL }, at);
  return between(TREMOR_PPM, 0n, { from: TREMOR_FALL + 10, to: TREMOR_FALL + 10 + TREMOR_BACK }, at);
}

/** A straight line from `first` to `last` over the blocks `from` … `to`, level outside. */
function between(first: bigint, last: bigint, { from, to }: { from: number; to: number }, at: number): bigint {
  if (at <= from) return first;
  if (at >= to) return last;
  return first + ((last - first) * BigInt(at - from)) / BigInt(to - from);
}
