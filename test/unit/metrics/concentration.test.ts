import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compute } from "../../../src/core/metrics/compute.ts";
import { concentrationOf, p95 } from "../../../src/core/metrics/concentration.ts";
import { classNumber, isGroup2a, riskWeight, sco60Group } from "../../../src/core/metrics/sco60.ts";
import { assetInputs, finalityInputs, transferInputs } from "../../../src/core/metrics/subject-inputs.ts";
import { known, unknown, wad } from "../rules/figures.ts";
import { ASSETS } from "./collateral.ts";

describe("how open interest is spread", () => {
  it("keeps each side's sum, sum of squares and five largest", () => {
    expect(concentrationOf([3n, -2n, 1n, 0n, 4n, 1n, 5n, 9n])).toEqual({
      long: { total: 23n, squares: 133n, top5: 22n },
      short: { total: 2n, squares: 4n, top5: 2n },
    });
    expect(concentrationOf([]).long).toEqual({ total: 0n, squares: 0n, top5: 0n });
  });

  it("is from 10,000 points over the number of holders to 10,000", () => {
    const sizes = fc.array(fc.bigInt({ min: 1n, max: 10n ** 24n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, (held) => {
        const { long, short } = concentrationOf(held);
        const inputs = {
          "squares.long": long.squares,
          "total.long": long.total,
          "squares.short": short.squares,
          "total.short": short.total,
        };
        const points = compute("MKT.HHI_OI", inputs, "").value ?? -1n;
        expect(points * BigInt(held.length) >= wad(10_000n)).toBe(true);
        expect(points <= wad(10_000n)).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("the 95th percentile", () => {
  it("is the nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, i) => BigInt(100 - i));
    expect(p95(hundred)).toBe(95n);
    expect(p95([7n])).toBe(7n);
    expect(p95([1n, 9n])).toBe(9n);
    expect(p95(hundred.slice(0, 20))).toBe(99n);
    expect(p95([])).toBe(0n);
  });
});

describe("transfers, assets and finality", () => {
  it("count an amount whichever way it goes", () => {
    expect(transferInputs({ units: -wad(2n), price: known(wad(3n)) }).inputs).toEqual({
      units: wad(2n),
      price: wad(3n),
    });
    expect(transferInputs({ units: 1n, price: unknown("NO_PRICE") }).reason).toBe("NO_PRICE");
  });

  it("name a class by its number, and know nothing of an asset nobody describes", () => {
    const { WETH, MYST } = ASSETS;
    if (WETH === undefined || MYST === undefined) throw new Error("The assets are there.");
    const inputsOf = (asset: typeof WETH) =>
      assetInputs("AST.RISK_WEIGHT", { asset, custody: () => ({ custody: null, reason: "NOT_YET_READ" }) });
    expect(inputsOf(WETH).inputs).toEqual({ class: 6n });
    expect(inputsOf(MYST)).toEqual({ inputs: null, reason: "NO_REGISTRY" });
  });

  it("say why finality is unknown", () => {
    const now = 100n;
    expect(finalityInputs({ now, finalityBlocks: 32, finalTimestamp: 36n }).inputs).toEqual({
      now,
      finalTimestamp: 36n,
    });
    expect(finalityInputs({ now, finalityBlocks: undefined, finalTimestamp: 1n }).reason).toBe("NO_REGISTRY");
    expect(finalityInputs({ now, finalityBlocks: 32, finalTimestamp: undefined }).reason).toBe("NOT_YET_READ");
  });
});

describe("Basel's groups", () => {
  it("put every class where its weight says", () => {
    expect(sco60Group("NATIVE_MAJOR")).toBe("2a");
    expect(sco60Group("TOKENISED_GOVT")).toBe("1a");
    expect(sco60Group("CASH_BANK")).toBeNull();
    expect(riskWeight(Number(classNumber("OTHER")))).toBe((wad(1n) * 25n) / 2n);
    expect(isGroup2a("BTC") && !isGroup2a("SOL")).toBe(true);
  });
});
