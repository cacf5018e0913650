import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  applyAnswer,
  applyObserved,
  cacheTwap,
  createFeeds,
  feedPrice,
  feedPriceWad,
  type PriceFeed,
} from "../../../../src/adapters/perp-v2/price-feed.ts";
import { extend, integralAt, type Timeline } from "../../../../src/adapters/perp-v2/timeline.ts";
import { Journal } from "../../../../src/core/book/journal.ts";

const AGGREGATOR = "0x00000000000000000000000000000000000000a1" as const;
const OBSERVER = "0x00000000000000000000000000000000000000b1" as const;

function feedWith(rounds: readonly { price: bigint; at: bigint; observed: boolean }[]): PriceFeed {
  const deployed = {
    pair: "ETH/USD",
    aggregator: AGGREGATOR,
    decimals: 8,
    heartbeatSeconds: 3_600,
    observers: [OBSERVER],
  };
  const feed = createFeeds([deployed])[0] as PriceFeed;
  const journal = new Journal();
  let roundId = 0n;
  for (const { price, at, observed } of rounds) {
    applyAnswer(journal, feed, { answer: price, roundId: ++roundId, updatedAt: at });
    if (observed) applyObserved(journal, feed, { price, at });
  }
  return feed;
}

describe("feedPrice", () => {
  it("is unknown before the first price", () => {
    const feed = feedWith([]);
    expect(feedPrice(feed, { interval: 0n, now: 100n })).toBeNull();
    expect(feedPriceWad(feed, { interval: 900n, now: 100n })).toBeNull();
  });

  it("averages over time, the aggregator's newer price included", () => {
    const feed = feedWith([
      { price: 100n, at: 1_000n, observed: true },
      { price: 200n, at: 2_000n, observed: true },
      { price: 500n, at: 2_500n, observed: false },
    ]);
    // 100 s at 100, 500 s at 200, 300 s at 500.
    expect(feedPrice(feed, { interval: 900n, now: 2_800n })).toBe((100n * 100n + 500n * 200n + 300n * 500n) / 900n);
    expect(feedPrice(feed, { interval: 0n, now: 2_800n })).toBe(500n);
    expect(feedPriceWad(feed, { interval: 0n, now: 2_800n })).toBe(500n * 10n ** 10n);
  });

  it("is the latest price where history is too short", () => {
    const feed = feedWith([{ price: 100n, at: 1_000n, observed: true }]);
    expect(feedPrice(feed, { interval: 900n, now: 1_500n })).toBe(100n);
    expect(feedPrice(feedWith([{ price: 7n, at: 1_000n, observed: false }]), { interval: 900n, now: 5_000n })).toBe(7n);
  });

  it.each([
    ["a price of zero", { answer: 0n, roundId: 9n, updatedAt: 1_500n }],
    ["a negative price", { answer: -1n, roundId: 9n, updatedAt: 1_500n }],
    ["a round in the future", { answer: 9n, roundId: 9n, updatedAt: 9_000n }],
    ["a round older than what is known", { answer: 9n, roundId: 9n, updatedAt: 999n }],
    ["no round", { answer: 9n, roundId: 0n, updatedAt: 1_500n }],
    ["another price at the time already known", { answer: 9n, roundId: 9n, updatedAt: 1_000n }],
  ])("keeps the last valid price against %s", (_, round) => {
    const feed = feedWith([{ price: 100n, at: 1_000n, observed: true }]);
    applyAnswer(new Journal(), feed, round);
    expect(feedPrice(feed, { interval: 0n, now: 2_000n })).toBe(100n);
  });

  it("answers with the average cached in the same timestamp, for its own interval only", () => {
    const journal = new Journal();
    const feed = feedWith([{ price: 100n, at: 1_000n, observed: true }]);
    cacheTwap(journal, feed, { interval: 900n, now: 3_000n });
    applyAnswer(journal, feed, { answer: 300n, roundId: 5n, updatedAt: 2_500n });
    expect(feedPrice(feed, { interval: 900n, now: 3_000n })).toBe(100n);
    expect(feedPrice(feed, { interval: 600n, now: 3_000n })).toBe((100n * 100n + 300n * 500n) / 600n);
    expect(feedPrice(feed, { interval: 900n, now: 3_001n })).toBe((399n * 100n + 501n * 300n) / 900n);
  });
});

describe("a timeline", () => {
  const steps = fc.array(fc.record({ wait: fc.bigInt(0n, 40n), value: fc.bigInt(-900n, 900n) }), {
    minLength: 1,
    maxLength: 60,
  });

  it("integrates as a walk over every second does", () => {
    fc.assert(
      fc.property(steps, fc.bigInt(0n, 200n), (changes, beyond) => {
        const line: Timeline = { points: [] };
        const journal = new Journal();
        const valueAt = new Map<bigint, bigint>();
        let at = 1_000n;
        for (const { wait, value } of changes) {
          at += wait;
          extend(journal, line, { at, value });
          valueAt.set(at, value);
        }
        const first = line.points[0]?.at as bigint;
        expect(integralAt(line, first - 1n)).toBeNull();
        let sum = 0n;
        let value = 0n;
        for (let t = first; t < at + beyond; t++) {
          value = valueAt.get(t) ?? value;
          sum += value;
        }
        expect(integralAt(line, at + beyond)).toBe(sum);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("forgets what no average needs, and an undo brings it back", () => {
    const line: Timeline = { points: [] };
    const journal = new Journal();
    journal.mark("a");
    for (let i = 0n; i < 2_000n; i++) extend(journal, line, { at: i * 10n, value: i });
    journal.mark("b");
    const before = [...line.points];
    for (let i = 2_000n; i < 5_000n; i++) extend(journal, line, { at: i * 10n, value: i });
    expect(line.points.length).toBeLessThan(3_500);
    const last = 49_990n;
    expect(integralAt(line, last - 7_200n)).not.toBeNull();
    expect(integralAt(line, 100n)).toBeNull();
    journal.undoTo("a");
    expect(line.points).toEqual(before);
  });
});
