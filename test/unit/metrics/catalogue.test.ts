import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  levelOf,
  METRIC_IDS,
  METRICS,
  type MetricId,
  metricId,
  PLANNED_METRICS,
  subjectOf,
} from "../../../src/core/metrics/catalogue.ts";
import { compute, explain } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";

const WAD = 10n ** 18n;
const wad = (whole: bigint) => whole * WAD;
const THIRD_UP = 333333333333333334n;
const THIRD_DOWN = 333333333333333333n;

/** The three largest losses of each scenario. */
function losses(...scenarios: [bigint, bigint, bigint][]): Inputs {
  const named = scenarios.flatMap((three, s) => three.map((loss, i) => [`loss${i + 1}.s${s}`, loss] as const));
  return Object.fromEntries(named);
}

/** Units a metric's result has by itself. */
const OWN_UNITS: ReadonlySet<string> = new Set(["ratio", "seconds", "hours", "points", "boolean"]);

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
  ["ACC.NON_ECP_OFFEXCHANGE_NOTIONAL", { "notional.eth": 3n, "notional.btc": 1n }, 4n],
  ["ACC.NON_ECP_OFFEXCHANGE_NOTIONAL", {}, 0n],
  ["ACC.RETAIL_MARGIN_NOTIONAL", { "notional.eth": 3n }, 3n],
  [
    "ACC.COLLATERAL_ADJ",
    {
      "value.USDC": wad(10n),
      "value.WETH": 3n,
      "haircut.USDC": 0n,
      "haircut.WETH": WAD / 5n,
      "currencyHaircut.USDC": 0n,
      "currencyHaircut.WETH": (WAD * 8n) / 100n,
    },
    wad(10n) + 2n,
  ],
  ["ACC.COLLATERAL_ADJ", { "value.A": wad(10n), "haircut.A": WAD, "currencyHaircut.A": WAD / 10n }, 0n],
  ["ACC.COLLATERAL_ADJ", { "value.A": -wad(10n), "haircut.A": WAD / 2n, "currencyHaircut.A": 0n }, -wad(10n)],
  ["ACC.COLLATERAL_ADJ", {}, 0n],
  ["ACC.COLLATERAL_HAIRCUT", { value: wad(3n), counted: wad(2n) }, THIRD_DOWN],
  ["ACC.COLLATERAL_HAIRCUT", { value: 0n, counted: 0n }, "NO_POSITION"],
  [
    "ACC.FX_MISMATCH_HAIRCUT",
    { "value.A": wad(3n), "value.B": wad(4n), "counted.A": wad(2n), "counted.B": wad(3n) },
    WAD / 4n,
  ],
  ["ACC.FX_MISMATCH_HAIRCUT", { "value.A": wad(3n), "counted.A": wad(2n) }, THIRD_DOWN],
  ["ACC.COLLATERAL_ISSUER_SHARE", { "issuer.A": wad(1n), "issuer.B": WAD / 2n, rest: (WAD * 3n) / 2n }, THIRD_UP],
  ["ACC.COLLATERAL_ISSUER_SHARE", { rest: 1n }, 0n],
  ["ACC.COLLATERAL_CLASS_SHARE", { held: 1n, total: 3n }, THIRD_UP],
  ["ACC.COLLATERAL_HHI", { "value.A": 1n, "value.B": 1n }, wad(5000n)],
  ["ACC.COLLATERAL_HHI", { "value.A": 1n, "value.B": 1n, "value.C": 1n }, 3333_333333333333333334n],
  ["ACC.WRONG_WAY_SHARE", { wrongWay: 1n, total: 3n }, THIRD_UP],
  ["ACC.INELIGIBLE_COLLATERAL_SHARE", { ineligible: 0n, total: 3n }, 0n],
  ["ACC.COLLATERAL_REVAL_AGE_H", { now: 10_000n, "pricedAt.A": 8_800n, "pricedAt.B": 9_999n }, THIRD_UP],
  ["ACC.COLLATERAL_REVAL_AGE_H", { now: 10_000n, "pricedAt.A": 10_001n }, 0n],
  // Gross 15, net-to-gross 1/2: 0.4 · 15 + 0.6 · 0.5 · 15.
  [
    "ACC.IM_REQ_REG",
    { "notional.crypto": wad(100n), "rate.crypto": (WAD * 15n) / 100n, netReplacement: 1n, grossReplacement: 2n },
    (wad(1n) * 105n) / 10n,
  ],
  ["ACC.IM_REQ_REG", { "notional.a": 1n, "rate.a": 1n, netReplacement: 0n, grossReplacement: 0n }, 1n],
  [
    "ACC.IM_REQ_REG",
    { "notional.a": wad(1n), "rate.a": wad(1n), netReplacement: 0n, grossReplacement: 7n },
    (WAD * 4n) / 10n,
  ],
  ["ACC.IM_REQ_REG", { netReplacement: 0n, grossReplacement: 0n }, 0n],
  ["ACC.REG_SHORTFALL", { required: 10n, adjusted: 4n }, 6n],
  ["ACC.REG_SHORTFALL", { required: 10n, adjusted: 11n }, 0n],
  ["POS.IM_RATE_STD", { collateral: wad(1n), notional: wad(3n) }, THIRD_DOWN],
  ["POS.IM_RATE_STD", { collateral: wad(1n), notional: 0n }, "UNDEFINED_AT_ZERO"],
  [
    "CPT.UNMARGINED_IM",
    { "notional.a": wad(10n), "rate.a": wad(1n), netReplacement: 0n, grossReplacement: 0n, collateral: wad(4n) },
    wad(6n),
  ],
  [
    "CPT.UNMARGINED_IM",
    { "notional.a": wad(10n), "rate.a": wad(1n), netReplacement: 0n, grossReplacement: 3n, collateral: wad(4n) },
    0n,
  ],
  [
    "CPT.UNMARGINED_IM",
    { "notional.a": 1n, "rate.a": wad(1n), netReplacement: 1n, grossReplacement: 3n, collateral: 0n },
    1n,
  ],
  ["AML.TRANSFER_AMOUNT", { units: wad(2n), price: wad(3n) }, wad(6n)],
  ["AML.TRAVEL_RULE_DATA_THRESHOLD", { units: 1n, price: 1n }, 1n],
  ["AML.SELF_HOSTED_TRANSFER", { units: 0n, price: wad(3n) }, 0n],
  ["MKT.HHI_OI", { "squares.long": 5n, "total.long": 3n, "squares.short": 9n, "total.short": 3n }, wad(10_000n)],
  ["MKT.HHI_OI", { "squares.long": 2n, "total.long": 2n, "squares.short": 3n, "total.short": 3n }, wad(5_000n)],
  [
    "MKT.HHI_OI",
    { "squares.long": 0n, "total.long": 0n, "squares.short": 3n, "total.short": 3n },
    3333_333333333333333334n,
  ],
  ["MKT.HHI_OI", { "squares.long": 0n, "total.long": 0n, "squares.short": 0n, "total.short": 0n }, "NO_POSITION"],
  ["MKT.TOP5_SHARE", { "top5.long": 1n, "total.long": 3n, "top5.short": 1n, "total.short": 4n }, THIRD_UP],
  ["MKT.TOP5_SHARE", { "top5.long": 1n, "total.long": 3n, "top5.short": 0n, "total.short": 0n }, THIRD_UP],
  ["MKT.ORACLE_AGE_S", { now: 100n, updatedAt: 40n }, wad(60n)],
  ["MKT.ORACLE_AGE_S", { now: 100n, updatedAt: 101n }, 0n],
  ["MKT.ORACLE_STALENESS_RATIO", { now: 100n, updatedAt: 99n, heartbeat: 3n }, THIRD_UP],
  ["MKT.ORACLE_STALENESS_RATIO", { now: 100n, updatedAt: 99n, heartbeat: 0n }, "UNDEFINED_AT_ZERO"],
  ["MKT.ORACLE_DEVIATION", { indexPrice: 2n, referencePrice: 3n }, THIRD_UP],
  ["MKT.ORACLE_DEVIATION", { indexPrice: 4n, referencePrice: 3n }, THIRD_UP],
  ["MKT.LIQUIDATION_LATENCY_P95_S", { p95: 60n, count: 1n }, wad(60n)],
  ["MKT.LIQUIDATION_LATENCY_P95_S", { p95: 0n, count: 0n }, "NO_POSITION"],
  ["PRT.COVER1", { prefunded: 1n, ...losses([3n, 2n, 1n], [1n, 1n, 1n]) }, THIRD_DOWN],
  ["PRT.COVER1", { prefunded: 1n, ...losses([0n, 0n, 0n]) }, "NO_POSITION"],
  ["PRT.COVER1", { prefunded: -1n, ...losses([3n, 2n, 1n]) }, -THIRD_UP],
  ["PRT.COVER2", { prefunded: 1n, ...losses([2n, 1n, 1n], [1n, 1n, 1n]) }, THIRD_DOWN],
  ["PRT.COVER2", { prefunded: 2n, ...losses([3n, 0n, 0n], [2n, 2n, 2n]) }, WAD / 2n],
  ["PRT.DF_COVER_EMIR", { prefunded: 1n, ...losses([2n, 2n, 1n]) }, THIRD_DOWN],
  ["PRT.DF_COVER_EMIR", { prefunded: 1n, ...losses([3n, 1n, 1n]) }, THIRD_DOWN],
  ["PRT.SOCIALISED_LOSS_30D", { badDebt: 5n, fundBorne: 3n }, 2n],
  ["PRT.SOCIALISED_LOSS_30D", { badDebt: 5n, fundBorne: 6n }, 0n],
  ["SYS.FINALITY_LAG_S", { now: 100n, finalTimestamp: 36n }, wad(64n)],
  ["AST.RISK_WEIGHT", { class: 6n }, (wad(1n) * 25n) / 2n],
  ["AST.RISK_WEIGHT", { class: 3n }, (wad(1n) * 5n) / 2n],
  ["AST.RISK_WEIGHT", { class: 1n }, "NO_RATE"],
  ["AST.RISK_WEIGHT", { class: 0n }, "NO_RATE"],
  ["AST.CUSTODY_COVERAGE", { held: wad(1n), "owed.alice": wad(1n), "owed.bob": wad(2n) }, THIRD_DOWN],
  ["AST.CUSTODY_COVERAGE", { held: wad(5n), "owed.alice": wad(4n) }, (wad(1n) * 5n) / 4n],
  ["AST.CUSTODY_COVERAGE", { held: 0n, "owed.alice": 1n }, 0n],
  ["AST.CUSTODY_COVERAGE", { held: wad(7n) }, "UNDEFINED_AT_ZERO"],
  ["AST.CUSTODY_COVERAGE", { held: wad(1n), owed: wad(3n) }, THIRD_DOWN],
  ["AST.CUSTODY_COVERAGE", { held: wad(1n), owed: 0n }, "UNDEFINED_AT_ZERO"],
  ["AST.RISK_WEIGHT", { class: 99n }, "NO_RATE"],
  ["CPT.SACCR_SF", { group2a: 1n }, (WAD * 32n) / 100n],
  ["CPT.SACCR_SF", { group2a: 0n }, "NO_RATE"],
  ["CLASS.IS_CFD", { openEnded: 1n, cashSettled: 1n }, WAD],
  ["CLASS.IS_CFD", { openEnded: 1n, cashSettled: 0n }, 0n],
  ["CLASS.UNDERLIER_IN", { member: 1n }, WAD],
  ["CLASS.UNDERLIER_IN", { member: 0n }, 0n],
  ["CLASS.COLLATERAL_IN", { outside: 0n, total: 1n }, WAD],
  ["CLASS.COLLATERAL_IN", { outside: 1n, total: 1n }, 0n],
  ["CLASS.COLLATERAL_IN", { outside: 0n, total: 0n }, "NO_POSITION"],
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
    const { unit } = METRICS[metric];
    expect(result.unit).toBe(OWN_UNITS.has(unit) ? unit : "USDC");
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

describe("the subject of a metric", () => {
  it.each<[MetricId, string]>([
    ["POS.IM_RATE_STD", "position"],
    ["ACC.IM_REQ_REG", "account"],
    ["CPT.UNMARGINED_IM", "account"],
    ["CPT.SACCR_SF", "market"],
    ["AML.TRANSFER_AMOUNT", "account"],
    ["MKT.HHI_OI", "market"],
    ["PRT.COVER2", "protocol"],
    ["AST.RISK_WEIGHT", "asset"],
    ["SYS.FINALITY_LAG_S", "chain"],
    ["CLASS.IS_CFD", "market"],
    ["CLASS.UNDERLIER_IN", "market"],
    ["CLASS.COLLATERAL_IN", "account"],
  ])("of %s is the %s", (metric, subject) => {
    expect(subjectOf(metric)).toBe(subject);
  });

  it("has a level, and no metric is both planned and there", () => {
    expect(METRIC_IDS.map(levelOf)).toEqual(METRIC_IDS.map((id) => id.split(".")[0]));
    expect(METRIC_IDS.filter((id) => PLANNED_METRICS.has(id))).toEqual([]);
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
    ["PRT.COVER1", { prefunded: 1n, "loss1.a": 1n, "loss2.a": 1n, "loss3.b": 1n }],
    ["MKT.HHI_OI", { "squares.long": 1n, "total.long": 1n, "squares.short": 1n }],
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
