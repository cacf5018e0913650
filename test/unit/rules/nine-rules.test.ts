/** The nine rules whose threshold is no number, one by one. */
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../../src/core/errors.ts";
import { type MetricId, metricId } from "../../../src/core/metrics/catalogue.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import { unknown } from "../../../src/core/result.ts";
import { conditionOf, isEverTested } from "../../../src/core/rules/assess.ts";
import { judgeBy } from "../../../src/core/rules/judge.ts";
import { applies } from "../../../src/core/rules/rule.ts";
import { compareTo } from "../../../src/core/rules/threshold.ts";
import { BOOK, ruleOf, wad } from "./figures.ts";

const FAILED = { condition: "not_met", reason: null } as const;
const TRUE = wad(1n);

function conditionFor(id: string, inputs: Inputs) {
  const metric: MetricId = metricId(ruleOf(id).metric);
  return conditionOf(ruleOf(id), { metric, inputs, result: compute(metric, inputs, "USDC") });
}

function conditionOfUnknown(id: string) {
  const metric: MetricId = metricId(ruleOf(id).metric);
  return conditionOf(ruleOf(id), { metric, inputs: {}, result: unknown("NO_REGISTRY", 18, "boolean") });
}

describe("the nine rules without a number", () => {
  it("are nine", () => {
    expect(BOOK.rules.filter((rule) => rule.thresholdType !== "number").map((rule) => rule.id)).toEqual([
      "AE-VARA-RETAIL-OUTCOMES",
      "CH-UMR-WWR",
      "EU-PERP-IS-CFD",
      "EU-UMR-HAIRCUT-FORMULA",
      "EU-EMIR-CRYPTO-FLAG",
      "HK-PERP-UNDERLIER",
      "INT-IOSCO-DEFI-1",
      "JP-CRYPTO-IM-CORP",
      "US-FCM-PILOT-ASSETS",
    ]);
  });

  it("EU-PERP-IS-CFD calls an open-ended contract settled in cash a CFD, from the day of the statement", () => {
    expect(conditionFor("EU-PERP-IS-CFD", { openEnded: 1n, cashSettled: 1n })).toBe("met");
    expect(conditionFor("EU-PERP-IS-CFD", { openEnded: 0n, cashSettled: 1n })).toBe("not_met");
    expect(conditionFor("EU-PERP-IS-CFD", { openEnded: 1n, cashSettled: 0n })).toBe("not_met");
    expect(conditionOfUnknown("EU-PERP-IS-CFD")).toBe("unknown");
    const rule = ruleOf("EU-PERP-IS-CFD");
    const product = { kind: "PERPETUAL", underlierClass: "crypto" } as const;
    expect(applies(rule, { product, day: "2026-02-23" })).toBe(false);
    expect(applies(rule, { product, day: "2026-02-24" })).toBe(true);
    expect(applies(rule, { product: { ...product, underlierClass: "gold" }, day: "2026-02-24" })).toBe(false);
    expect(applies(rule, { product: { ...product, kind: "OPTION" }, day: "2026-02-24" })).toBe(false);
    expect(judgeBy(rule, FAILED, new Map()).outcome).toBe("not_applicable");
  });

  it("EU-UMR-HAIRCUT-FORMULA shows C·(1 − HC − HFX) and compares it with nothing", () => {
    const rule = ruleOf("EU-UMR-HAIRCUT-FORMULA");
    const [haircut, currency] = [wad(15n) / 100n, wad(8n) / 100n];
    const inputs = { "value.BOND": wad(100n), "haircut.BOND": haircut, "currencyHaircut.BOND": currency };
    expect(compute("ACC.COLLATERAL_ADJ", inputs, "EUR").value).toBe(wad(77n));
    expect(rule.haircutRates?.get("TOKENISED_GOVT")).toBe(haircut);
    expect(rule.eligibleClasses?.has("NATIVE_MAJOR")).toBe(false);
    expect(rule.thresholdWad).toBeNull();
    expect(isEverTested(rule)).toBe(false);
    expect(() => compareTo(rule, wad(77n))).toThrow(InvariantError);
  });

  it("EU-EMIR-CRYPTO-FLAG asks that the flag is filled, and waits for reports to look at", () => {
    const rule = ruleOf("EU-EMIR-CRYPTO-FLAG");
    expect(compareTo(rule, TRUE)).toBe("met");
    expect(compareTo(rule, 0n)).toBe("not_met");
    expect([rule.evaluation, rule.subjectKind, isEverTested(rule)]).toEqual(["not-yet", null, false]);
  });

  it("JP-CRYPTO-IM-CORP waits for the published risk ratio, and 50 % alone decides nothing", () => {
    const rule = ruleOf("JP-CRYPTO-IM-CORP");
    expect([rule.evaluation, rule.threshold, rule.thresholdWad]).toEqual(["not-yet", "min(0.50,hist_vol_ratio)", null]);
    expect(() => compareTo(rule, wad(1n))).toThrow(InvariantError);
  });

  it("HK-PERP-UNDERLIER lets a Hong Kong platform offer perpetuals on bitcoin and ether only", () => {
    const rule = ruleOf("HK-PERP-UNDERLIER");
    expect([...(rule.set ?? [])]).toEqual(["BTC", "ETH"]);
    expect(conditionFor("HK-PERP-UNDERLIER", { member: 1n })).toBe("met");
    expect(conditionFor("HK-PERP-UNDERLIER", { member: 0n })).toBe("not_met");
    expect(conditionOfUnknown("HK-PERP-UNDERLIER")).toBe("unknown");
    const platform = { jurisdiction: "HK", entityClass: "casp" };
    expect(judgeBy(rule, FAILED, new Map(Object.entries(platform))).outcome).toBe("breach");
    expect(judgeBy(rule, FAILED, new Map(Object.entries({ ...platform, jurisdiction: "SG" }))).outcome).toBe(
      "not_applicable",
    );
    expect(judgeBy(rule, FAILED, new Map()).missing).toEqual(["registry.entityClass", "registry.jurisdiction"]);
  });

  it("AE-VARA-RETAIL-OUTCOMES asks for a report, sets no limit and waits", () => {
    const rule = ruleOf("AE-VARA-RETAIL-OUTCOMES");
    expect([rule.evaluation, rule.operator, rule.thresholdWad]).toEqual(["not-yet", "report", null]);
    expect(judgeBy(rule, FAILED, new Map()).outcome).toBe("not_applicable");
    expect(() => compareTo(rule, 0n)).toThrow(InvariantError);
  });

  it("CH-UMR-WWR has no number in law: the wrong-way share is shown and compared with nothing", () => {
    const rule = ruleOf("CH-UMR-WWR");
    expect(compute("ACC.WRONG_WAY_SHARE", { wrongWay: wad(1n), total: wad(4n) }, "USDC").value).toBe(wad(1n) / 4n);
    expect([rule.thresholdWad, isEverTested(rule)]).toEqual([null, false]);
    expect(judgeBy(rule, FAILED, new Map()).outcome).toBe("not_applicable");
    expect(() => compareTo(rule, 0n)).toThrow(InvariantError);
  });

  it("US-FCM-PILOT-ASSETS lets a futures commission merchant take bitcoin, ether and payment stablecoins only", () => {
    const rule = ruleOf("US-FCM-PILOT-ASSETS");
    expect([...(rule.set ?? [])]).toEqual(["BTC", "ETH", "PAYMENT_STABLECOIN"]);
    expect(conditionFor("US-FCM-PILOT-ASSETS", { outside: 0n, total: wad(5n) })).toBe("met");
    expect(conditionFor("US-FCM-PILOT-ASSETS", { outside: 1n, total: wad(5n) })).toBe("not_met");
    expect(conditionFor("US-FCM-PILOT-ASSETS", { outside: 0n, total: 0n })).toBe("met");
    expect(conditionOfUnknown("US-FCM-PILOT-ASSETS")).toBe("unknown");
    const merchant = new Map(Object.entries({ jurisdiction: "US", entityClass: "fcm" }));
    expect(judgeBy(rule, FAILED, merchant).outcome).toBe("breach");
    expect(judgeBy(rule, FAILED, new Map([...merchant, ["entityClass", "bank"]])).outcome).toBe("not_applicable");
  });

  it("INT-IOSCO-DEFI-1 asks that somebody responsible is identified, and waits for a register of them", () => {
    const rule = ruleOf("INT-IOSCO-DEFI-1");
    expect(compareTo(rule, TRUE)).toBe("met");
    expect(compareTo(rule, 0n)).toBe("not_met");
    expect([rule.evaluation, isEverTested(rule)]).toEqual(["not-yet", false]);
  });
});
