import { type Random, randomFor } from "./random.ts";
import { crashBlocks, type Scenario } from "./scenario.ts";

/** What is traded, on both chains at the same prices. */
export const UNDERLIERS = ["ETH", "BTC", "SOL"] as const;
export type Underlier = (typeof UNDERLIERS)[number];

const PPM = 1_000_000n;

/** First price with eight digits, how far a block moves it, and how much of it the crash leaves, in parts per million. */
const CHARACTER: Record<Underlier, { first: bigint; stepPpm: number; afterCrashPpm: bigint; recoveredPpm: bigint }> = {
  ETH: { first: 2_000_00000000n, stepPpm: 2600, afterCrashPpm: 680_000n, recoveredPpm: 930_000n },
  BTC: { first: 60_000_00000000n, stepPpm: 2000, afterCrashPpm: 730_000n, recoveredPpm: 950_000n },
  SOL: { first: 150_00000000n, stepPpm: 3600, afterCrashPpm: 650_000n, recoveredPpm: 900_000n },
};

/** What an underlier costs before anything happens, eight digits: the same for every seed. */
export function firstPrice(underlier: Underlier): bigint {
  return CHARACTER[underlier].first;
}

/** Live, the market is shaken once every `TREMOR_EVERY` blocks: down 14 % over `TREMOR_FALL` blocks, then back. */
const TREMOR_EVERY = 240;
const TREMOR_AT = 90;
const TREMOR_FALL = 12;
const TREMOR_BACK = 40;
const TREMOR_PPM = 140_000n;

/** The price of a feed at market block `count`, eight digits. */
export type PricePath = (underlier: Underlier, count: number) => bigint;

/** Price paths of a scenario: a pure function of seed and count, worked out block by block and remembered. */
export function pricePath(scenario: Scenario): PricePath {
  const walks = new Map<Underlier, bigint[]>(UNDERLIERS.map((u) => [u, [0n]]));
  return (underlier, count) => {
    const walk = walks.get(underlier) as bigint[];
    while (walk.length <= count) walk.push(wander(scenario, underlier, walk.length, walk.at(-1) as bigint));
    const level = (CHARACTER[underlier].first * trend(scenario, underlier, count)) / PPM;
    return (level * (PPM + (walk[count] as bigint))) / PPM;
  };
}

/** A step of the walk around the trend: half its own, half the whole market's, drawn back by a sixtieth each block. */
function wander(scenario: Scenario, underlier: Underlier, count: number, from: bigint): bigint {
  const { stepPpm } = CHARACTER[underlier];
  const own = swing(randomFor(scenario.seed, "price", underlier, count), stepPpm);
  const common = swing(randomFor(scenario.seed, "price", "all", count), stepPpm);
  return (from * 59n) / 60n + BigInt(own + common);
}

function swing(random: Random, ppm: number): number {
  return random.between(-ppm, ppm);
}

/** Calm, the crash, the recovery, then calm with tremors. In parts per million of the first price. */
function trend(scenario: Scenario, underlier: Underlier, count: number): bigint {
  const { afterCrashPpm, recoveredPpm } = CHARACTER[underlier];
  const crash = crashBlocks(scenario);
  const recovery = { from: crash.to + 8, to: crash.to + 8 + Math.floor(scenario.historyBlocks / 8) };
  if (count < crash.from) return PPM;
  if (count < recovery.from) return between(PPM, afterCrashPpm, crash, count);
  const recovered = between(afterCrashPpm, recoveredPpm, recovery, count);
  return recovered - (recovered * tremor(count - scenario.historyBlocks)) / PPM;
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
