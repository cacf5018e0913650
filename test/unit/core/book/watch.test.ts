import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Heap } from "../../../../src/core/book/heap.ts";
import { type Band, Watch } from "../../../../src/core/book/watch.ts";
import { WAD } from "../../../../src/core/fixed.ts";

const ALICE = "0x000000000000000000000000000000000000000a";
const BOB = "0x000000000000000000000000000000000000000b";

function band(slack: bigint | null, price = 100n * WAD): Band {
  return { slack, held: [{ market: "eth", price }], fundingRatePerDay: 0n, fundingGrowthPerDay: 0n };
}

describe("Heap", () => {
  it("gives everything due, smallest first, and keeps the rest", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -50n, max: 50n })), fc.bigInt({ min: -50n, max: 50n }), (bounds, bound) => {
        const heap = new Heap<bigint>();
        for (const b of bounds) heap.push(b, b);
        const due = [...heap.popUntil(bound)];
        expect(due).toEqual(bounds.filter((b) => b <= bound).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
        expect(heap.size).toBe(bounds.length - due.length);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("Watch", () => {
  it("an account is due once a price has moved a quarter of its slack, on either side, and not before", () => {
    for (const [price, due] of [
      [104n, false],
      [105n, true],
      [96n, false],
      [95n, true],
    ] as const) {
      const watch = new Watch();
      watch.draw(ALICE, 0n, band(WAD / 5n));
      expect([...watch.crossed("eth", price * WAD)]).toEqual(due ? [ALICE] : []);
    }
  });

  it("a new band voids the old one", () => {
    const watch = new Watch();
    watch.draw(ALICE, 0n, band(WAD / 5n));
    watch.draw(ALICE, 0n, band(WAD / 5n, 110n * WAD));
    expect([...watch.crossed("eth", 105n * WAD)]).toEqual([]);
    expect([...watch.crossed("eth", 116n * WAD)]).toEqual([ALICE]);
  });

  it("without slack the account is due at once, and one that is dropped never", () => {
    const watch = new Watch();
    watch.draw(ALICE, 7n, band(0n));
    watch.draw(BOB, 7n, band(0n));
    watch.drop(BOB);
    expect(new Set(watch.crossed("eth", 100n * WAD))).toEqual(new Set([ALICE]));
  });

  it("forgets void bands, so that a long life does not fill the memory", () => {
    const watch = new Watch();
    for (let i = 0; i < 50_000; i++) watch.draw(ALICE, 0n, band(WAD / 10n));
    expect(watch.size).toBeLessThan(20_000);
    expect([...watch.crossed("eth", 105n * WAD)]).toEqual([ALICE]);
  });

  it("funding at its bound cannot use up half the slack before the deadline", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: WAD }),
        fc.bigInt({ min: 0n, max: WAD }),
        fc.bigInt({ min: 0n, max: 9n * WAD }),
        (slack, rate, growth) => {
          const watch = new Watch();
          watch.draw(ALICE, 0n, { ...band(slack), fundingRatePerDay: rate, fundingGrowthPerDay: growth });
          let seconds = 0n;
          for (let step = 1n << 20n; step > 0n; step /= 2n) {
            const probe = new Watch();
            probe.draw(ALICE, 0n, { ...band(slack), fundingRatePerDay: rate, fundingGrowthPerDay: growth });
            if ([...probe.expired(seconds + step)].length === 0) seconds += step;
          }
          const day = 86_400n;
          const reached = rate + (growth * seconds) / day;
          expect((reached * seconds) / day <= slack / 2n).toBe(true);
        },
      ),
      { seed: 1, numRuns: 100 },
    );
  });

  it("with no slack to speak of nothing is watched", () => {
    const watch = new Watch();
    watch.draw(ALICE, 0n, band(null));
    expect([...watch.expired(1n << 60n)]).toEqual([]);
    expect([...watch.crossed("eth", 1n)]).toEqual([]);
  });
});
