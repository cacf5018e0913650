import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { METRIC_IDS, METRICS, type MetricId, metricId } from "../../../src/core/metrics/catalogue.ts";
import { compute, explain } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";

const WAD = 10n ** 18n;
const wad = (whole: bigint) => whole * WAD;
const THIRD_UP = 333333333333333334n;
const THIRD_DOWN = 333333333333333333n;

/** Metric, inputs, value worked by hand (or the reason). At least one row for each formula of the catalogue. */
const WORKED: [MetricId, Inputs, bigint | string][] = [
  ["POS.NOTIONAL", { size: -wad(3n), markPrice: wad(20n) }, wad(60n)],
  ["POS.NOTIONAL", { size: 1n, markPrice: 1n }, 1n],
  ["POS.NOTIONAL", { size: wad(3n), markPrice: wad(20n), multiplier: wad(5n) }, wad(300n)],
  ["POS.NOTIONAL", { size: -wad(2n), markPrice: wad(10n), power: 2n, normFactor: WAD / 2n }, wad(100n)],
  ["POS.NOTIONAL", { size: wad(2n), spotPrice: wad(7n) }, wad(14n)],
  ["POS.NOTIONAL", { notional: 5n }, 5n],
  ["POS.DELTA", { size: -wad(3n) }, -wad(3n)],
  ["POS.DELTA", { size: -wad(2n), markPrice: wad(10n), power: 2n, normFactor: WAD / 2n }, -wad(20n)],
  ["POS.DELTA", { size: -wad(2n), deltaPerUnit: WAD / 4n }, -WAD / 2n],
  ["POS.DELTA", { size: -1n, deltaPerUnit: WAD / 4n }, -1n],
  ["POS.UPNL", { size: -wad(2n), markPrice: wad(11n), entryPrice: wad(10n) }, -wad(2n)],
  ["POS.UPNL", { size: 1n, markPrice: wad(1n) / 2n, entryPrice: wad(1n) }, -1n],
  ["POS.UPNL", { contracts: wad(100n), markPrice: wad(200n), entryPrice: wad(100n) }, WAD / 2n],
  ["POS.UPNL", { contracts: -wad(100n), markPrice: wad(300n), entryPrice: wad(100n) }, -666666666666666667n],
  ["POS.UPNL", { contracts: wad(100n), markPrice: 0n, entryPrice: wad(100n) }, "UNDEFINED_AT_ZERO"],
  ["POS.UPNL", { unrealizedPnl: -3n }, -3n],
  ["POS.FUNDING_ACCRUED", { size: wad(2n), fundingIndex: wad(5n), entryFundingIndex: wad(4n) }, -wad(2n)],
  ["POS.FUNDING_ACCRUED", { size: -1n, fundingIndex: WAD / 2n, entryFundingIndex: 0n }, 0n],
  ["POS.FUNDING_ACCRUED", { fundingAccrued: 4n }, 4n],
  ["POS.COLLATERAL_GROSS", { collateral: 9n }, 9n],
  [
    "POS.COLLATERAL_GROSS",
    { "units.WETH": wad(2n), "units.USDC": wad(5n), "price.WETH": wad(100n), "price.USDC": WAD },
    wad(205n),
  ],
  ["POS.EQUITY", { collateral: 10n, unrealizedPnl: -12n }, -2n],
  ["POS.EQUITY", { collateral: 10n, unrealizedPnl: -3n, owed: 4n }, 3n],
  ["POS.EQUITY", { equity: -7n }, -7n],
  ["POS.LEVERAGE_EFFECTIVE", { notional: wad(1n), equity: wad(3n) }, THIRD_UP],
  ["POS.LEVERAGE_EFFECTIVE", { notional: wad(1n), equity: 0n }, "NON_POSITIVE_EQUITY"],
  ["POS.LEVERAGE_OPEN", { notional: wad(1n), collateral: wad(3n) }, THIRD_UP],
  ["POS.LEVERAGE_OPEN", { notional: wad(1n), collateral: -1n }, "NON_POSITIVE_EQUITY"],
  ["POS.MARGIN_RATE", { collateral: wad(1n), notional: wad(3n) }, THIRD_DOWN],
  ["POS.MARGIN_RATE", { collateral: wad(1n), notional: 0n }, "UNDEFINED_AT_ZERO"],
  ["POS.EQUITY_RATE", { equity: -wad(1n), notional: wad(3n) }, -THIRD_UP],
  ["POS.MM_REQ", { maintenance: 5n }, 5n],
  ["POS.MM_REQ", { notional: 1n, maintenanceRate: WAD / 16n, minimum: 40n }, 41n],
  ["POS.MARGIN_RATIO", { equity: wad(1n), maintenance: wad(3n) }, THIRD_DOWN],
  ["POS.MARGIN_RATIO", { equity: -wad(1n), maintenance: wad(3n) }, -THIRD_UP],
  ["POS.MARGIN_RATIO", { equity: wad(1n), maintenance: 0n }, "UNDEFINED_AT_ZERO"],
  ["POS.MARGIN_SHORTFALL", { equity: 3n, maintenance: 10n }, 7n],
  ["POS.MARGIN_SHORTFALL", { equity: 11n, maintenance: 10n }, 0n],
  ["POS.LIQ_PRICE", { liquidationPrice: 5n }, 5n],
  [
    "POS.LIQ_PRICE",
    { size: wad(1n), entryPrice: wad(100n), collateral: wad(10n), owed: 0n, maintenanceRate: WAD / 10n },
    wad(100n),
  ],
  [
    "POS.LIQ_PRICE",
    { size: wad(1n), entryPrice: wad(90n), collateralUnits: wad(1n), haircut: WAD / 5n, owed: 0n, maintenanceRate: 0n },
    wad(50n),
  ],
  [
    "POS.LIQ_PRICE",
    { contracts: wad(100n), entryPrice: wad(100n), collateralUnits: wad(1n), owed: 0n, maintenanceRate: 0n },
    wad(50n),
  ],
  ["POS.LIQ_DISTANCE", { size: wad(1n), markPrice: wad(3n), liquidationPrice: wad(2n) }, THIRD_DOWN],
  ["POS.LIQ_DISTANCE", { size: -wad(1n), markPrice: wad(3n), liquidationPrice: wad(2n) }, -THIRD_UP],
  ["POS.LIQ_DISTANCE", { size: 0n, markPrice: wad(3n), liquidationPrice: wad(2n) }, "NO_POSITION"],
  ["POS.LIQ_DISTANCE", { size: 1n, markPrice: 0n, liquidationPrice: wad(2n) }, "UNDEFINED_AT_ZERO"],
  ["ACC.GROSS_NOTIONAL", { "notional.eth": 3n, "notional.btc": 4n }, 7n],
  ["ACC.GROSS_NOTIONAL", {}, 0n],
  ["ACC.NET_EQUITY", { "equity.eth": 3n, "equity.btc": -4n }, -1n],
  ["ACC.LEVERAGE", { notional: wad(1n), equity: wad(3n) }, THIRD_UP],
  ["ACC.LEVERAGE", { notional: 0n, equity: 0n }, "NON_POSITIVE_EQUITY"],
  [
    "ACC.CLOSEOUT_RATIO",
    {
      equity: wad(10n),
      "notional.crypto": wad(40n),
      "notional.gold": wad(200n),
      "rate.crypto": WAD / 2n,
      "rate.gold": WAD / 20n,
    },
    THIRD_DOWN,
  ],
  ["ACC.MARGIN_RATIO", { equity: wad(1n), maintenance: wad(3n) }, THIRD_DOWN],
  ["ACC.RETAIL_CRYPTO_DERIV_NOTIONAL", { "notional.eth": 3n }, 3n],
  ["MKT.OI_LONG", { longSize: 1n, markPrice: 1n }, 1n],
  ["MKT.OI_SHORT", { shortSize: wad(2n), markPrice: wad(3n) }, wad(6n)],
  ["MKT.OI_TOTAL", { longSize: wad(2n), shortSize: wad(1n), markPrice: wad(3n) }, wad(9n)],
  ["MKT.OI_TOTAL", { matchedSize: wad(2n), markPrice: wad(3n) }, wad(6n)],
  ["MKT.SKEW", { longSize: 1n, shortSize: 2n }, -THIRD_UP],
  ["MKT.SKEW", { longSize: 2n, shortSize: 1n }, THIRD_UP],
  ["MKT.SKEW", { longSize: 0n, shortSize: 0n }, "UNDEFINED_AT_ZERO"],
  ["MKT.FUNDING_RATE", { ratePerDay: -1n }, -1n],
  ["MKT.FUNDING_RATE", { ratePerDay: 4n }, 2n],
  ["MKT.FUNDING_RATE_ANNUAL", { ratePerDay: -2n }, -730n],
  ["MKT.LIQUIDATABLE_NOW", { "notional.a": 1n, "notional.b": 2n }, 3n],
  ["MKT.BAD_DEBT", { badDebt: 8n }, 8n],
  ["MKT.OI_RECON_DIFF", { derivedSize: 10n, storedSize: 10n, derivedSkew: 2n, storedSkew: 2n }, 0n],
  ["MKT.OI_RECON_DIFF", { derivedSize: 10n, storedSize: 12n, derivedSkew: 2n, storedSkew: -1n }, 5n],
  ["CPT.GROSS_EXPOSURE", { "notional.a": 1n, "notional.b": wad(2n), "rate.a": 1n, "rate.b": wad(3n) }, wad(6n) + 1n],
  ["CPT.NET_EXPOSURE", { "delta.a": -wad(2n), "delta.b": wad(2n), "price.a": wad(3n), "price.b": wad(3n) }, wad(12n)],
];

describe("every formula of the catalogue", () => {
  it.each(WORKED)("%s of %o", (metric, inputs, expected) => {
    const result = compute(metric, inputs, "USDC");
    expect(result.value ?? result.reason).toBe(expected);
    expect(result.decimals).toBe(18);
    expect(result.unit).toBe(METRICS[metric].unit === "ratio" ? "ratio" : "USDC");
  });

  it("is worked at least once", () => {
    const worked = new Set(
      WORKED.map(([metric, inputs]) => `${metric} ${explain(metric, { inputs, unit: "", sources: [] }).formula}`),
    );
    const all = METRIC_IDS.flatMap((id) => METRICS[id].variants.map((variant) => `${id} ${variant.formula}`));
    expect(all.filter((formula) => !worked.has(formula))).toEqual([]);
  });

  it("explains itself with the result `compute` gives, its inputs and its sources", () => {
    const inputs = { size: wad(3n), markPrice: wad(20n) };
    const sources = [{ kind: "event" as const, id: "901-000000000001-000002" }];
    expect(explain("POS.NOTIONAL", { inputs, unit: "USDC", sources })).toEqual({
      metric: "POS.NOTIONAL",
      formula: "|size| · markPrice",
      inputs,
      result: compute("POS.NOTIONAL", inputs, "USDC"),
      sources,
    });
  });
});

describe("inputs that are refused", () => {
  it.each<[MetricId, Inputs]>([
    ["POS.MARGIN_RATIO", { equity: 1n }],
    ["POS.MARGIN_RATIO", { equity: 1n, maintenance: 1n, more: 1n }],
    ["POS.NOTIONAL", {}],
    ["ACC.NET_EQUITY", { equity: 1n }],
    ["ACC.CLOSEOUT_RATIO", { equity: 1n, "notional.a": 1n }],
    ["ACC.CLOSEOUT_RATIO", { equity: 1n, "notional.a": 1n, "rate.b": 1n }],
    ["ACC.CLOSEOUT_RATIO", { equity: 1n, "notional.a": 1n, "rate.a": 1n, "rate.b": 1n }],
    ["ACC.CLOSEOUT_RATIO", { "notional.a": 1n, "rate.a": 1n }],
  ])("%s of %o", (metric, inputs) => {
    expect(() => compute(metric, inputs, "USDC")).toThrow(InputError);
    expect(() => compute(metric, inputs, "USDC")).toThrow(`${metric} cannot be evaluated from`);
  });

  it("are those of a metric nobody knows", () => {
    expect(() => metricId("POS.LUCK")).toThrow(InputError);
    expect(() => metricId("toString")).toThrow(InputError);
  });
});

describe("profit and loss over a whole book", () => {
  const trade = fc.record({
    size: fc.bigInt({ min: 1n, max: 10n ** 24n }),
    entryPrice: fc.bigInt({ min: 1n, max: 10n ** 23n }),
  });
  const markPrice = fc.bigInt({ min: 1n, max: 10n ** 23n });
  const pnl = (size: bigint, entryPrice: bigint, mark: bigint) =>
    compute("POS.UPNL", { size, entryPrice, markPrice: mark }, "USDC").value ?? 0n;

  it("is zero for a matched book, less what rounding takes from each side", () => {
    fc.assert(
      fc.property(fc.array(trade, { maxLength: 20 }), markPrice, (trades, mark) => {
        const sum = trades.reduce((s, t) => s + pnl(t.size, t.entryPrice, mark) + pnl(-t.size, t.entryPrice, mark), 0n);
        expect(sum <= 0n && sum >= -BigInt(trades.length)).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("is zero between a pool and its traders, where nothing has to be rounded", () => {
    const whole = fc.record({
      size: fc.bigInt({ min: -1000n, max: 1000n }).map(wad),
      entryPrice: fc.bigInt({ min: 1n, max: 10n ** 23n }),
    });
    fc.assert(
      fc.property(fc.array(whole, { minLength: 1, maxLength: 20 }), markPrice, (trades, mark) => {
        const traders = trades.reduce((s, t) => s + pnl(t.size, t.entryPrice, mark), 0n);
        const pool = trades.reduce((s, t) => s + pnl(-t.size, t.entryPrice, mark), 0n);
        expect(traders + pool).toBe(0n);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
