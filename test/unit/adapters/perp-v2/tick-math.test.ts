import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextTick } from "../../../../src/adapters/perp-v2/swap-replay.ts";
import {
  baseBetween,
  priceWad,
  Q96,
  quoteBetween,
  quoteBetweenUp,
  sqrtRatioAtTick,
  wadToX96,
  wrap256,
  x96ToWad,
} from "../../../../src/adapters/perp-v2/tick-math.ts";
import { InvariantError } from "../../../../src/core/errors.ts";

describe("sqrtRatioAtTick", () => {
  // Values of Uniswap v3 core's own test of TickMath.
  it.each([
    [0, Q96],
    [-887272, 4295128739n],
    [887272, 1461446703485210103287273052203988822378723970342n],
    [50, 79426470787362580746886972461n],
    [100, 79625275426524748796330556128n],
    [250, 80224679980005306637834519095n],
    [-50, 79030349367926598376800521322n],
    [-100, 78833030112140176575862854579n],
    [150000, 143194173941309278083010301478497n],
  ])("is Uniswap's at tick %i", (tick, expected) => {
    expect(sqrtRatioAtTick(tick)).toBe(expected);
  });

  it("rises with every tick", () => {
    fc.assert(
      fc.property(fc.integer({ min: -887272, max: 887271 }), (tick) => {
        expect(sqrtRatioAtTick(tick + 1)).toBeGreaterThan(sqrtRatioAtTick(tick));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([887273, -887273, 0.5])("refuses %d", (tick) => {
    expect(() => sqrtRatioAtTick(tick)).toThrow(InvariantError);
  });
});

describe("amounts", () => {
  it("round base and quote down and the payable quote up", () => {
    const [lower, upper, liquidity] = [Q96, 2n * Q96, 3n];
    // 3 · (1/1 − 1/2) = 1.5 base and 3 · (2 − 1) = 3 quote.
    expect(baseBetween(lower, upper, liquidity)).toBe(1n);
    expect(quoteBetween(lower, upper, liquidity)).toBe(3n);
    expect(quoteBetween(lower, upper + 1n, 1n)).toBe(1n);
    expect(quoteBetweenUp(lower, upper + 1n, 1n)).toBe(2n);
  });

  it("keep the order of the protocol's two floors in a price", () => {
    const sqrt = sqrtRatioAtTick(-18_973);
    expect(priceWad(sqrt)).toBe((((sqrt * sqrt) >> 96n) * 10n ** 18n) >> 96n);
    expect(x96ToWad(wadToX96(10n ** 18n))).toBe(10n ** 18n);
    expect(wrap256(-1n)).toBe((1n << 256n) - 1n);
  });
});

describe("nextTick", () => {
  const market = { tickSpacing: 200, initialized: [-600, 0, 400, 60_000] };

  it.each([
    { tick: 399, down: true, expected: { tick: 0, initialized: true } },
    { tick: 400, down: true, expected: { tick: 400, initialized: true } },
    { tick: 399, down: false, expected: { tick: 400, initialized: true } },
    { tick: 400, down: false, expected: { tick: 51_000, initialized: false } },
    { tick: -1, down: true, expected: { tick: -600, initialized: true } },
    { tick: -601, down: true, expected: { tick: -51_200, initialized: false } },
    { tick: 51_000, down: false, expected: { tick: 60_000, initialized: true } },
    { tick: -601, down: false, expected: { tick: -600, initialized: true } },
    { tick: -700, down: false, expected: { tick: -600, initialized: true } },
    { tick: -1, down: false, expected: { tick: 0, initialized: true } },
  ])("from $tick, down $down, stops at $expected", ({ tick, down, expected }) => {
    expect(nextTick(market, { tick, down })).toEqual(expected);
  });

  it("agrees with a walk over every tick of the word", () => {
    const initialized = fc.uniqueArray(fc.integer({ min: -600, max: 600 }), { maxLength: 12 });
    fc.assert(
      fc.property(initialized, fc.integer({ min: -6_000, max: 6_000 }), fc.boolean(), (compressed, tick, down) => {
        const rising = compressed.map((c) => c * 10).sort((a, b) => a - b);
        let at = Math.floor(tick / 10) + (down ? 0 : 1);
        const word = Math.floor(at / 256);
        while (!rising.includes(at * 10) && Math.floor((at + (down ? -1 : 1)) / 256) === word) at += down ? -1 : 1;
        const expected = { tick: at * 10, initialized: rising.includes(at * 10) };
        expect(nextTick({ tickSpacing: 10, initialized: rising }, { tick, down })).toEqual(expected);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
