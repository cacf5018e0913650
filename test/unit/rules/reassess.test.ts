import { describe, expect, it } from "vitest";
import type { Assessment, TestPoint } from "../../../src/core/assessment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import { conditionOf, type Measured, momentOf } from "../../../src/core/rules/assess.ts";
import { reassess } from "../../../src/core/rules/reassess.ts";
import { type Rule, type Rulebook, rulebookFrom } from "../../../src/core/rules/rule.ts";
import { account, BOOK, group, known, market, position, ruleOf, unknown, wad } from "./figures.ts";
import { measureAccount, measurePosition } from "./measure.ts";

/** The day of the block below. */
const DAY = "day:2026-04-02";
const ADJUSTED = "EU-UMR-HAIRCUT-FORMULA";

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
    deploymentHash: `0x${"de".repeat(32)}`,
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

/** The book with a daily rule about collateral after haircuts, which none of its own is. */
function withAdjusted(): Rulebook {
  const source = structuredClone(BOOK.source) as { files: { eu: { rules: Record<string, unknown>[] } } };
  const row = source.files.eu.rules.find(({ id }) => id === ADJUSTED) as object;
  const threshold = { operator: ">=", threshold: "0", thresholdType: "number", unit: "currency" };
  Object.assign(row, { ...threshold, kind: "limit", testPoint: "daily" });
  return rulebookFrom(source);
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
        [rule.id, "day:2026-04-02"],
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
    const broke = measure("JP-CRYPTO-LEV-IND", DAY, group({ equity: known(-1n) }));
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

  it("refuses the test of another day than the block's", () => {
    const daily = measure("JP-CRYPTO-LEV-IND", "day:2026-04-02");
    expect(reassess(BOOK, daily).condition).toBe("met");
    expect(() => reassess(BOOK, { ...daily, testPoint: "day:2026-04-01" })).toThrow(InputError);
  });

  it("refuses an age counted from another time than the block's", () => {
    const inputs = { now: 1_775_088_000n, "pricedAt.USDC": 1_775_088_000n - 25n * 3600n };
    const result = compute("ACC.COLLATERAL_REVAL_AGE_H", inputs, "USDC");
    const old = recorded("CH-UMR-DAILY-REVAL", { metric: "ACC.COLLATERAL_REVAL_AGE_H", inputs, result }, DAY);
    expect(reassess(BOOK, old).condition).toBe("not_met");
    const earlier = { ...old.inputs, now: (inputs.now - 7200n).toString() };
    expect(() => reassess(BOOK, { ...old, inputs: earlier })).toThrow(InputError);
  });

  it.each<[string, Record<string, bigint>, boolean]>([
    ["the table's haircut", { value: 100n, haircut: 150_000_000_000_000_000n, currencyHaircut: 0n }, true],
    ["no haircut of the table", { value: 100n, haircut: 1n, currencyHaircut: 0n }, false],
    ["a haircut of a currency", { value: 100n, haircut: 0n, currencyHaircut: 1n }, false],
    ["a debt in full", { value: -100n, haircut: 0n, currencyHaircut: 0n }, true],
    ["a debt with a haircut", { value: -100n, haircut: 150_000_000_000_000_000n, currencyHaircut: 0n }, false],
  ])("takes of adjusted collateral %s: %o, %s", (_, of, isFine) => {
    const book = withAdjusted();
    const inputs = Object.fromEntries(Object.entries(of).map(([name, value]) => [`${name}.BOND`, value]));
    const measured: Measured = {
      metric: "ACC.COLLATERAL_ADJ",
      inputs,
      result: compute("ACC.COLLATERAL_ADJ", inputs, "USDC"),
    };
    const assessment = { ...recorded("EU-CFD-NBP", measured, DAY), ruleId: ADJUSTED, rulebookHash: book.hash };
    if (isFine) expect(reassess(book, assessment).metric).toBe("ACC.COLLATERAL_ADJ");
    else expect(() => reassess(book, assessment)).toThrow(InputError);
  });
});
