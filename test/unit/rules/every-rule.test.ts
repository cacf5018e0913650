import { describe, expect, it } from "vitest";
import type { Condition } from "../../../src/core/assessment.ts";
import type { Product } from "../../../src/core/margin-model.ts";
import { type MetricId, metricId } from "../../../src/core/metrics/catalogue.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import { unknown } from "../../../src/core/result.ts";
import { conditionOf } from "../../../src/core/rules/assess.ts";
import { inForce } from "../../../src/core/rules/day.ts";
import { judgeBy } from "../../../src/core/rules/judge.ts";
import { applies, inScope, type Rule } from "../../../src/core/rules/rule.ts";
import { validity } from "../../../src/core/rules/rule-check.ts";
import { compareTo } from "../../../src/core/rules/threshold.ts";
import { atThreshold, EXACTLY } from "./exact-inputs.ts";
import { BOOK } from "./figures.ts";

const NUMERIC = BOOK.rules.filter((rule) => rule.thresholdType === "number" && rule.jurisdiction !== "PROTOCOL");
const named = (rules: readonly Rule[]) => rules.map((rule): [string, Rule] => [nameOf(rule), rule]);
const nameOf = (rule: Rule) => `${rule.id} (${rule.metric} ${rule.operator} ${rule.threshold} ${rule.unit})`;

/** What each operator says of a value below, at and above the threshold. */
const CONDITIONS: Readonly<Record<string, readonly Condition[]>> = {
  "<=": ["met", "met", "not_met"],
  "<": ["met", "not_met", "not_met"],
  ">=": ["not_met", "met", "met"],
  ">": ["not_met", "not_met", "met"],
  "==": ["not_met", "met", "not_met"],
};
const STEPS = [-1n, 0n, 1n];

/** A loss that is made good twice over is no loss: nothing lies below a loss of zero. */
const NEVER_BELOW: ReadonlySet<string> = new Set(["BENCH-ADL-0"]);

describe("the truth table", () => {
  it("has 126 rules with a number for a threshold", () => {
    expect(new Set(NUMERIC.map((rule) => rule.id)).size).toBe(126);
  });
});

describe("one unit below, at and above the threshold", () => {
  it.each(named(NUMERIC))("%s: the value itself", (_, rule) => {
    const threshold = rule.thresholdWad ?? 0n;
    expect(STEPS.map((step) => compareTo(rule, threshold + step))).toEqual(CONDITIONS[rule.operator]);
  });

  const measured = NUMERIC.filter((rule) => rule.evaluation !== "not-yet").flatMap((rule) =>
    [rule.metric, rule.dailyMetric].flatMap((metric): [string, Rule, MetricId][] =>
      metric === undefined ? [] : [[`${nameOf(rule)} by ${metric}`, rule, metricId(metric)]],
    ),
  );

  it.each(measured)("%s: measured from inputs", (_, rule, metric) => {
    const exactly = EXACTLY[metric];
    if (exactly === null) return expect(["AST.RISK_WEIGHT", "CPT.SACCR_SF"]).toContain(metric);
    if (exactly === undefined) throw new Error(`${metric} has no inputs in this table.`);
    const conditions = STEPS.map((step) => {
      const inputs = atThreshold(rule, exactly, step);
      return conditionOf(rule, { metric, inputs, result: compute(metric, inputs, "USDC") });
    });
    const expected = [...(CONDITIONS[rule.operator] ?? [])];
    if (NEVER_BELOW.has(rule.id)) expected[0] = "met";
    expect(conditions).toEqual(expected);
  });

  it.each(measured)("%s: unknown when an input is", (_, rule, metric) => {
    const result = unknown("STALE_ORACLE", 18, "ratio");
    expect(conditionOf(rule, { metric, inputs: {}, result })).toBe("unknown");
  });
});

/** What each scope word covers, written down a second time. */
const KINDS: Readonly<Record<string, readonly Product["kind"][]>> = {
  "*": ["PERPETUAL", "DATED_FUTURE", "OPTION", "POWER_PERP", "SYNTHETIC_CFD", "SWAP_OTHER"],
  otc_uncleared: ["PERPETUAL", "DATED_FUTURE", "OPTION", "POWER_PERP", "SYNTHETIC_CFD", "SWAP_OTHER"],
  cleared_otc: ["PERPETUAL", "DATED_FUTURE", "OPTION", "POWER_PERP", "SYNTHETIC_CFD", "SWAP_OTHER"],
  cleared_etd: ["PERPETUAL", "DATED_FUTURE", "OPTION", "POWER_PERP", "SYNTHETIC_CFD", "SWAP_OTHER"],
  perpetual: ["PERPETUAL", "POWER_PERP"],
  cfd: ["SYNTHETIC_CFD"],
  future: ["DATED_FUTURE"],
  future_cash_settled: ["DATED_FUTURE"],
  option: ["OPTION"],
  swap: ["SWAP_OTHER"],
  rolling_spot: [],
  margin_trading: [],
  collateral_token: [],
};
const EVERY_CLASS: readonly Product["underlierClass"][] = [
  ...([
    "crypto",
    "fx_major",
    "fx_minor",
    "gold",
    "index_major",
    "index_minor",
    "commodity",
    "equity",
    "other",
  ] as const),
];
const CLASSES: Readonly<Record<string, readonly Product["underlierClass"][]>> = {
  "*": EVERY_CLASS,
  art: EVERY_CLASS,
  emt: EVERY_CLASS,
  emt_non_eu: EVERY_CLASS,
  payment_stablecoin: EVERY_CLASS,
  crypto: ["crypto"],
  crypto_group2: ["crypto"],
  crypto_group2a: ["crypto"],
  crypto_group2b: ["crypto"],
  fx_major: ["fx_major"],
  fx_minor: ["fx_minor"],
  fx_minor_gold_major_index: ["fx_minor", "gold", "index_major"],
  commodity_ex_gold_minor_index: ["commodity", "index_minor"],
  equity_other: ["equity", "other"],
  commodity: ["commodity", "gold"],
  equity: ["equity"],
  other: ["other"],
};

function covered<T>(words: readonly string[], meaning: Readonly<Record<string, readonly T[]>>): ReadonlySet<T> {
  return new Set(
    words.flatMap((word) => {
      const meant = meaning[word];
      if (meant === undefined) throw new Error(`"${word}" is not in this table.`);
      return meant;
    }),
  );
}

describe("in scope and out of it", () => {
  it.each(named(BOOK.rules))("%s covers the products and underliers it names and no others", (_, rule) => {
    const kinds = covered(rule.scope.products, KINDS);
    const classes = covered(rule.scope.underlierClasses, CLASSES);
    for (const kind of KINDS["*"] ?? []) {
      for (const underlierClass of EVERY_CLASS) {
        const expected = kinds.has(kind) && classes.has(underlierClass);
        expect([kind, underlierClass, inScope(rule, { kind, underlierClass })]).toEqual([
          kind,
          underlierClass,
          expected,
        ]);
      }
    }
  });

  const FAILED = { condition: "not_met", reason: null } as const;
  const factsFor = (rule: Rule) =>
    new Map<string, string>(
      rule.requiresFacts.map((predicate) => {
        const values = { jurisdiction: rule.covers, clientClass: rule.clientClasses, entityClass: rule.entityClasses };
        return [predicate, values[predicate]?.[0] ?? ""];
      }),
    );
  const breakable = NUMERIC.filter((rule) => ["limit", "benchmark"].includes(rule.kind));

  it.each(named(breakable))("%s: broken by whom it binds, and by nobody else", (_, rule) => {
    const facts = factsFor(rule);
    expect(judgeBy(rule, FAILED, facts)).toMatchObject(
      rule.exemption === undefined
        ? { outcome: "breach", missing: [] }
        : { outcome: "indeterminate", missing: ["rule.exemption"] },
    );
    expect(judgeBy(rule, { condition: "unknown", reason: "NO_PRICE" }, facts)).toMatchObject({
      outcome: "indeterminate",
      missing: ["figure.NO_PRICE"],
    });
    for (const predicate of rule.requiresFacts) {
      const free = rule.knownClientClasses.find((name) => !rule.clientClasses?.includes(name)) ?? "";
      const other = { jurisdiction: "ZZ", clientClass: free, entityClass: "other" }[predicate];
      expect(judgeBy(rule, FAILED, new Map([...facts, [predicate, other]])).outcome).toBe("not_applicable");
      const unsaid = new Map([...facts].filter(([name]) => name !== predicate));
      expect(judgeBy(rule, FAILED, unsaid)).toMatchObject({
        outcome: "indeterminate",
        missing: [`registry.${predicate}`, ...(rule.exemption === undefined ? [] : ["rule.exemption"])],
      });
    }
  });

  it.each(named(NUMERIC.filter((rule) => !breakable.includes(rule) && rule.kind !== "completeness")))(
    "%s: states when a duty begins or a number to reckon with, and is broken by nobody",
    (_, rule) => {
      expect(judgeBy(rule, FAILED, factsFor(rule)).outcome).toBe("not_applicable");
    },
  );
});

describe("before and after its days", () => {
  const shifted = (day: string, days: number) =>
    new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);

  it.each(named(NUMERIC))("%s", (_, rule) => {
    const [kind] = rule.productKinds;
    const [underlierClass] = rule.underlierClasses;
    // A rule about loans or tokens has no product in its scope, so only its days can be asked about.
    const isOn = (day: string) =>
      kind === undefined || underlierClass === undefined
        ? inForce(validity(rule), day)
        : applies(rule, { product: { kind, underlierClass }, day });
    const { effectiveFrom: from, effectiveTo: to } = rule;
    expect([isOn(from ?? "1900-01-01"), isOn(to ?? "2999-12-31")]).toEqual([true, true]);
    if (from !== null) expect(isOn(shifted(from, -1))).toBe(false);
    if (to !== null) expect(isOn(shifted(to, 1))).toBe(false);
  });
});
