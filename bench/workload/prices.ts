/** Oracle prices: they wander, fall by a quarter across midnight, and partly recover. */
import { randomFor } from "../../devnet/market/random.ts";
import type { LogSpec } from "./log.ts";
import { aggregatorOf, CURRENCIES, FEED_DECIMALS, UNDERLIERS, type Underlier } from "./setting.ts";

/** The fall, in thousandths of the history: midnight lies inside it. */
const FALL = { from: 580, to: 640 };
const RECOVERY = { from: 660, to: 760 };
/** Drift per thousandth of the history, in millionths: about a quarter down, half of that up again. */
const FALL_DRIFT = -4_800;
const RECOVERY_DRIFT = 1_300;

const CENTS_TO_FEED = 10n ** BigInt(FEED_DECIMALS - 2);
export const FEED_TO_WAD = 10n ** BigInt(18 - FEED_DECIMALS);

/** The feeds of one chain. Prices with 18 decimals. */
export type PriceFeeds = {
  /** The answer the feed gave last. */
  price(underlier: Underlier): bigint;
  /** When it gave it. */
  updatedAt(underlier: Underlier): bigint;
  /** Logs of the block's new answers; at the start every feed gives one. */
  step(block: { index: number; timestamp: bigint }): LogSpec[];
};

export function createPrices({ seed, blocks }: { seed: number; blocks: number }): PriceFeeds {
  const states = UNDERLIERS.map(({ underlier, startCents, everyBlocks }) => ({
    underlier,
    everyBlocks,
    answer: startCents * CENTS_TO_FEED,
    updatedAt: 0n,
    round: 0n,
  }));
  const find = (underlier: Underlier) => states.find((s) => s.underlier === underlier) as (typeof states)[number];
  return {
    price: (underlier) => find(underlier).answer * FEED_TO_WAD,
    updatedAt: (underlier) => find(underlier).updatedAt,
    step: ({ index, timestamp }) => {
      const logs: LogSpec[] = [];
      for (const state of states) {
        if (index % state.everyBlocks !== 0) continue;
        if (index > 0) state.answer = moved(state.answer, { seed, index, blocks, ...state });
        state.updatedAt = timestamp;
        logs.push(answerLog(state.underlier, { current: state.answer, roundId: ++state.round, updatedAt: timestamp }));
      }
      if (index === 0) {
        for (const [asset, cents] of Object.entries({ USDC: 100n, sUSD: 100n, ...CURRENCIES })) {
          logs.push(answerLog(asset, { current: cents * CENTS_TO_FEED, roundId: 1n, updatedAt: timestamp }));
        }
      }
      return logs;
    },
  };
}

function moved(
  answer: bigint,
  at: { seed: number; index: number; blocks: number; underlier: Underlier; everyBlocks: number },
): bigint {
  const random = randomFor(at.seed, "price", at.underlier, at.index);
  const perMille = (at.index * 1000) / at.blocks;
  const wander = random.between(-1_200, 1_200);
  const thousandths = (1000 * at.everyBlocks) / at.blocks;
  const drift = isWithin(perMille, FALL) ? FALL_DRIFT : isWithin(perMille, RECOVERY) ? RECOVERY_DRIFT : 0;
  return (answer * BigInt(1_000_000 + wander + Math.round(drift * thousandths))) / 1_000_000n;
}

function isWithin(perMille: number, { from, to }: { from: number; to: number }): boolean {
  return perMille >= from && perMille < to;
}

function answerLog(asset: string, args: { current: bigint; roundId: bigint; updatedAt: bigint }): LogSpec {
  return {
    source: `ChainlinkAggregator${FEED_DECIMALS}`,
    address: aggregatorOf(asset),
    name: "AnswerUpdated",
    args,
  };
}
