import { describe, expect, it } from "vitest";
import type { Assessment, TestPoint } from "../../../src/core/assessment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { conditionOf, type Measured, momentOf } from "../../../src/core/rules/assess.ts";
import { reassess } from "../../../src/core/rules/reassess.ts";
import { type Rule, rulebookFrom } from "../../../src/core/rules/rule.ts";
import { account, BOOK, group, known, market, position, ruleOf, unknown, wad } from "./figures.ts";
import { measureAccount, measurePosition } from "./measure.ts";

function recorded(id: string, measured: Measured, testPoint: TestPoint): Assessment {
  const rule = ruleOf(id);
  return {
    id: "0".repeat(64),
    chain: "eip155:901",
    protocol: "perp-v2",
    subject: "eip155:901:0x00000000000000000000000000000000000000aa",
    account: "eip155:901:0x00000000000000000000000000000000000000aa",
    ruleId: id,
    rulebookHash: BOOK.hash,
    kernel: "plumbline-kernel/1",
    testPoint,
    condition: conditionOf(rule, measured),
    metric: measured.metric,
    inputs: Object.fromEntries(Object.entries(measured.inputs).map(([name, value]) => [name, value.toString()])),
    measured: measured.result.value?.toString() ?? null,
    decimals: measured.result.decimals.toString(),
    unit: measured.result.unit,
    reason: measured.result.reason,
    operator: rule.operator,
    threshold: rule.threshold,
    blockNumber: "7",
    blockHash: `0x${"00".repeat(32)}`,
    blockTimestamp: "1775088000",
  };
}

function measure(id: string, testPoint: TestPoint, pool = group()): Assessment {
  const rule = ruleOf(id);
  const unit = "USDC";
  const at = { group: pool, position: position(), market: market(), testPoint: momentOf(testPoint, rule), unit };
  const measured =
    rule.level === "POS"
      ? measurePosition(rule, at)
      : measureAccount(rule, { account: account(pool), marketOf: () => market(), unit });
  return recorded(id, measured, testPoint);
}

/** Rules about positions and accounts that their figures alone decide. */
function isMeasuredHere({ evaluation, level, testPoint }: Rule): boolean {
  const tested = testPoint === "open" || testPoint === "open+daily" || testPoint === "continuous";
  return evaluation !== "not-yet" && tested && (level === "POS" || level === "ACC");
}

const SAMPLES: [string, TestPoint, Assessment][] = [
  ...BOOK.rules.filter(isMeasuredHere).flatMap((rule): [string, TestPoint][] => {
    if (rule.testPoint === "open+daily")
      return [
        [rule.id, "log:3"],
        [rule.id, "day:2026-04-01"],
      ];
    return [[rule.id, rule.testPoint === "open" ? "log:3" : "end"]];
  }),
].map(([id, testPoint]) => [id, testPoint, measure(id, testPoint)]);

const CLOSE_OUT = measure("EU-CFD-CLOSEOUT-50", "end");

describe("the rule applied again to what was recorded", () => {
  it.each(SAMPLES)("%s at %s says the same", (_id, _testPoint, assessment) => {
    const { metric, measured, decimals, unit, reason, condition, operator, threshold } = assessment;
    const again = reassess(rulebookFrom(BOOK.source), assessment);
    expect(again).toEqual({ metric, measured, decimals, unit, reason, condition, operator, threshold });
  });

  it("says the same of what was unknown, and of an equity that leaves leverage undefined", () => {
    const stale = measure("PERP-V2-MAINTENANCE", "end", group({ equity: unknown("STALE_ORACLE") }));
    expect(reassess(BOOK, stale)).toMatchObject({ measured: null, reason: "STALE_ORACLE", condition: "unknown" });
    const broke = measure("JP-CRYPTO-LEV-IND", "day:2026-04-01", group({ equity: known(-1n) }));
    expect(reassess(BOOK, broke)).toMatchObject({
      measured: null,
      reason: "NON_POSITIVE_EQUITY",
      condition: "not_met",
    });
  });

  it("shows another measure and condition when an input was changed", () => {
    const inputs = { ...CLOSE_OUT.inputs, equity: wad(499n).toString() };
    expect(CLOSE_OUT.condition).toBe("met");
    expect(reassess(BOOK, { ...CLOSE_OUT, inputs })).toMatchObject({
      measured: "499000000000000000",
      condition: "not_met",
    });
  });

  it("takes nothing but the assessment's own words for condition and measure", () => {
    expect(reassess(BOOK, { ...CLOSE_OUT, condition: "not_met", measured: "1", threshold: "9" })).toMatchObject({
      condition: "met",
      measured: "1000000000000000000",
      threshold: "0.50",
    });
  });

  const { equity: _equity, ...withoutEquity } = CLOSE_OUT.inputs;
  it.each<[string, Partial<Assessment>]>([
    ["another rulebook", { rulebookHash: `0x${"11".repeat(32)}` }],
    ["a rule that is not in the book", { ruleId: "EU-X" }],
    ["a block before the rule began", { blockTimestamp: "1500000000" }],
    ["a test point the rule does not have", { testPoint: "log:1" }],
    ["text that is no test point", { testPoint: "day:soon" as TestPoint }],
    ["an input too few", { inputs: withoutEquity }],
    ["an input too many", { inputs: { ...CLOSE_OUT.inputs, luck: "1" } }],
    ["a class without its rate", { inputs: { ...CLOSE_OUT.inputs, "notional.gold": "1" } }],
    ["a rate that is not the rulebook's", { inputs: { ...CLOSE_OUT.inputs, "rate.crypto": "1" } }],
    ["a rate the rulebook does not have", { inputs: { ...CLOSE_OUT.inputs, "notional.x": "1", "rate.x": "1" } }],
    ["an input that is no integer", { inputs: { ...CLOSE_OUT.inputs, equity: "1.5" } }],
    ["an input in another form", { inputs: { ...CLOSE_OUT.inputs, equity: "01" } }],
    ["an input of a thousand digits", { inputs: { ...CLOSE_OUT.inputs, equity: "9".repeat(1000) } }],
    ["no inputs and no reason", { inputs: {} }],
    ["a reason that needs inputs", { inputs: {}, measured: null, reason: "NON_POSITIVE_EQUITY" }],
    ["a reason that is none", { inputs: {}, measured: null, reason: "BAD_LUCK" as never }],
  ])("refuses %s", (_, change) => {
    expect(() => reassess(BOOK, { ...CLOSE_OUT, ...change })).toThrow(InputError);
  });
});
