import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { MetricId } from "../../../src/core/metrics/catalogue.ts";
import { compute, explain, fractionOf } from "../../../src/core/metrics/compute.ts";
import { type FxRate, withRate } from "../../../src/core/metrics/convert.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";

const WAD = 10n ** 18n;
/** One settlement unit is worth 0.90 dollars, one euro 1.20: 0.75 euros a unit. */
const RATE: FxRate = {
  numerator: { price: (WAD * 9n) / 10n, block: 7n },
  denominator: { price: (WAD * 12n) / 10n, block: 9n },
};
const THREE: FxRate = { numerator: { price: 1n, block: 7n }, denominator: { price: 3n, block: 9n } };

const inEuros = (metric: MetricId, inputs: Inputs, rate = RATE) => compute(metric, withRate(inputs, rate), "EUR");

describe("money in another currency", () => {
  it("is the value times the price of the settlement asset over that of the currency", () => {
    expect(inEuros("ACC.NET_EQUITY", { "equity.cross": 100n * WAD })).toEqual({
      value: 75n * WAD,
      decimals: 18,
      unit: "EUR",
      reason: null,
    });
  });

  it("is rounded as the metric is: what is owed up, what is owned down", () => {
    expect(inEuros("ACC.GROSS_NOTIONAL", { "notional.eth": 1n }, THREE).value).toBe(1n);
    expect(inEuros("ACC.NET_EQUITY", { "equity.cross": 2n }, THREE).value).toBe(0n);
    expect(inEuros("ACC.NET_EQUITY", { "equity.cross": -1n }, THREE).value).toBe(-1n);
    expect(inEuros("MKT.BAD_DEBT", { badDebt: 1n }, THREE).value).toBe(1n);
  });

  it("keeps the rate and its blocks in the inputs, and says so in the formula", () => {
    const inputs = withRate({ "equity.cross": 4n }, RATE);
    const { formula, inputs: kept } = explain("ACC.NET_EQUITY", { inputs, unit: "EUR", sources: [] });
    expect(formula).toBe("(Σ equity over margin groups) · fx.numerator / fx.denominator");
    expect(kept).toEqual({
      "equity.cross": 4n,
      "fx.numerator": (WAD * 9n) / 10n,
      "fx.numeratorBlock": 7n,
      "fx.denominator": (WAD * 12n) / 10n,
      "fx.denominatorBlock": 9n,
    });
  });

  it("decides on the exact fraction, with the metric's own and without", () => {
    const own = fractionOf({ metric: "ACC.NET_EQUITY", inputs: withRate({ "equity.cross": 5n }, THREE) });
    expect(own).toEqual({ numerator: 5n, denominator: 3n * WAD });
    const value = fractionOf({ metric: "ACC.GROSS_NOTIONAL", inputs: withRate({ "notional.eth": 5n }, THREE) });
    expect(value).toEqual({ numerator: 5n, denominator: 3n * WAD });
    expect(fractionOf({ metric: "ACC.GROSS_NOTIONAL", inputs: { "notional.eth": 5n } })).toBeNull();
    expect(fractionOf({ metric: "ACC.NET_EQUITY", inputs: { "equity.cross": 5n } })).toEqual({
      numerator: 5n,
      denominator: WAD,
    });
  });

  it("never shows less than the exact amount of what is owed", () => {
    const price = fc.bigInt({ min: 1n, max: 10n ** 24n });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 27n }), price, price, (amount, numerator, denominator) => {
        const rate = { numerator: { price: numerator, block: 1n }, denominator: { price: denominator, block: 1n } };
        const inputs = withRate({ "notional.eth": amount }, rate);
        const shown = compute("ACC.GROSS_NOTIONAL", inputs, "EUR").value ?? -1n;
        const exact = fractionOf({ metric: "ACC.GROSS_NOTIONAL", inputs });
        if (exact === null) throw new Error("There is no fraction.");
        expect(shown * exact.denominator >= exact.numerator * WAD).toBe(true);
        expect((shown - 1n) * exact.denominator < exact.numerator * WAD).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("is refused for what is no money, for half a rate, a price of zero and a further input", () => {
    expect(() => inEuros("POS.MARGIN_RATE", { collateral: 1n, notional: 1n })).toThrow(InputError);
    expect(() => inEuros("POS.LIQ_PRICE", { liquidationPrice: 1n })).toThrow(InputError);
    const half = { "equity.cross": 4n, "fx.numerator": 1n };
    expect(() => compute("ACC.NET_EQUITY", half, "EUR")).toThrow(InputError);
    const free = { ...RATE, denominator: { price: 0n, block: 9n } };
    expect(() => inEuros("ACC.NET_EQUITY", { "equity.cross": 4n }, free)).toThrow(InputError);
    const more = { ...withRate({ "equity.cross": 4n }, RATE), "fx.more": 1n };
    expect(() => compute("ACC.NET_EQUITY", more, "EUR")).toThrow(InputError);
  });
});
