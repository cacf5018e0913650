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
import { WORKED, wad } from "./worked-metrics.ts";

/** Units a metric's result has by itself. */
const OWN_UNITS: ReadonlySet<string> = new Set(["ratio", "seconds", "hours", "points", "boolean"]);

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

  it.each([0n, -1n, 9n, 10n ** 70n])("are an exponent of %s", (power) => {
    const inputs = { size: 1n, markPrice: 2n, power, normFactor: 1n };
    for (const metric of ["POS.NOTIONAL", "POS.DELTA"] as const) {
      expect(() => compute(metric, inputs, "USDC")).toThrow(InputError);
    }
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
