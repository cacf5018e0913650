import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compute } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";

const WAD = 10n ** 18n;
const RUNS = { seed: 1, numRuns: 3000 };

const side = fc.constantFrom(1n, -1n);
const amount = fc.bigInt({ min: 10n ** 12n, max: 10n ** 24n });
const price = fc.bigInt({ min: 10n ** 12n, max: 10n ** 23n });
const money = fc.bigInt({ min: 0n, max: 10n ** 26n });
const owed = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n });
const rate = fc.bigInt({ min: 0n, max: WAD / 2n });

function liquidationPrice(inputs: Inputs): bigint | null {
  return compute("POS.LIQ_PRICE", inputs, "USDC").value;
}

function signOf(x: bigint): number {
  return x > 0n ? 1 : x < 0n ? -1 : 0;
}

/**
 * Substitutes the price back. `surplus` is equity less requirement at a price, in exact integers of whatever scale. At
 * the price stated the position is still solvent or exactly at its requirement, and one unit nearer to ruin it is not
 * above it: no integer price is closer to the exact one on the side of the mark.
 */
function isBoundary(found: bigint, surplus: (price: bigint) => bigint): boolean {
  const falls = signOf(surplus(found + 1n) - surplus(found)) === 1;
  const ruin = falls ? found - 1n : found + 1n;
  return surplus(found) >= 0n && surplus(ruin) <= 0n;
}

describe("the liquidation price substituted back", () => {
  it("gives equity = m · notional for a linear position", () => {
    let found = 0;
    fc.assert(
      fc.property(side, amount, price, money, owed, rate, (s, q, entryPrice, collateral, a, m) => {
        const inputs = { size: s * q, entryPrice, collateral, owed: a, maintenanceRate: m };
        const p = liquidationPrice(inputs);
        if (p === null) return;
        found++;
        const surplus = (x: bigint) => (collateral - a) * WAD * WAD + s * q * (x - entryPrice) * WAD - m * q * x;
        expect(isBoundary(p, surplus)).toBe(true);
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(500);
  });

  it("gives equity = m · notional with collateral in the base asset at a haircut", () => {
    let found = 0;
    fc.assert(
      fc.property(side, amount, price, amount, rate, owed, rate, (s, q, entryPrice, c, h, a, m) => {
        const inputs = { size: s * q, entryPrice, collateralUnits: c, haircut: h, owed: a, maintenanceRate: m };
        const p = liquidationPrice(inputs);
        if (p === null) return;
        found++;
        const collateral = (x: bigint) => c * (WAD - h) * x;
        const surplus = (x: bigint) => collateral(x) + s * q * (x - entryPrice) * WAD - a * WAD * WAD - m * q * x;
        expect(isBoundary(p, surplus)).toBe(true);
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(500);
  });

  it("gives equity = m · notional, in coin, for an inverse position", () => {
    let found = 0;
    fc.assert(
      fc.property(side, amount, price, amount, fc.bigInt({ min: 0n, max: 10n ** 20n }), rate, (s, n, pe, c, a, m) => {
        const inputs = { contracts: s * n, entryPrice: pe, collateralUnits: c, owed: a, maintenanceRate: m };
        const p = liquidationPrice(inputs);
        if (p === null) return;
        found++;
        // c − a + sN(1/Pe − 1/P) − mN/P, times Pe · P, which is positive.
        const surplus = (x: bigint) => (c - a) * pe * x * WAD + s * n * (x - pe) * WAD * WAD - m * n * pe * WAD;
        expect(isBoundary(p, surplus)).toBe(true);
      }),
      RUNS,
    );
    expect(found).toBeGreaterThan(500);
  });
});

describe("worked liquidation prices", () => {
  const position = { entryPrice: 100n * WAD, collateral: 10n * WAD, owed: 0n, maintenanceRate: WAD / 200n };

  it("long 1 at 100 with 10 of collateral and 0.5 %: 90 / 0.995, rounded up", () => {
    expect(liquidationPrice({ ...position, size: WAD })).toBe(90_452261306532663317n);
  });

  it("short 1 at 100 with 10 of collateral and 0.5 %: 110 / 1.005, rounded down", () => {
    expect(liquidationPrice({ ...position, size: -WAD })).toBe(109_452736318407960199n);
  });

  it("is unknown where no positive price liquidates", () => {
    const result = compute("POS.LIQ_PRICE", { ...position, size: WAD, collateral: 100n * WAD }, "USDC");
    expect(result).toMatchObject({ value: null, reason: "UNDEFINED_AT_ZERO", unit: "USDC" });
  });
});
