import { describe, expect, test } from "vitest";
import type { Assessment, Condition, TestPoint } from "../../../src/core/assessment.ts";
import { type BlockRange, parseBound, parseRange, placeIn } from "../../../src/core/backtest/range.ts";
import { Tally } from "../../../src/core/backtest/tally.ts";
import type { BlockOutcome } from "../../../src/core/book/pending.ts";
import { InputError } from "../../../src/core/errors.ts";
import type { BlockRef } from "../../../src/core/event.ts";
import type { Rulebook } from "../../../src/core/rules/rule.ts";
import { readRulebooks } from "../../../src/files/rulebooks.ts";

const CAP = "EU-CFD-LEV-CRYPTO";
const CLOSE_OUT = "EU-CFD-CLOSEOUT-50";
const DAY = 86_400n;
const NOON = 1_775_131_200n; // 2026-04-02 12:00 UTC
const ALL: BlockRange = { from: null, to: null };
const RULEBOOK = readRulebooks("rulebooks");
const ACCOUNT = `eip155:901:0x${"ab".repeat(20)}`;

function blockAt(number: bigint, timestamp = NOON + number): BlockRef {
  return { number, hash: `0x${number.toString(16)}`, parentHash: "0x", timestamp };
}

type Said = { ruleId: string; condition: Condition; testPoint?: TestPoint; subject?: string; block?: BlockRef };

function said(block: BlockRef, items: readonly Said[], closed: readonly string[] = []): BlockOutcome {
  const assessments = items.map(({ ruleId, condition, testPoint = "end", subject = ACCOUNT, block: of = block }) => ({
    ...{ ruleId, condition, testPoint, subject, protocol: "eip155:901/perp-v2", account: ACCOUNT },
    ...{ blockNumber: of.number.toString(), blockTimestamp: of.timestamp.toString() },
  })) as unknown as Assessment[];
  const ended = closed.map((subject) => ({ protocol: "eip155:901/perp-v2", subject }));
  return { block, assessments, closed: ended } as unknown as BlockOutcome;
}

type Step = { block: BlockRef; tested: readonly Said[]; against: readonly Said[]; closed?: readonly string[] };

function tally(steps: readonly Step[], { range = ALL, tested = RULEBOOK, against = RULEBOOK, notional = 7n } = {}) {
  const result = new Tally(range, { tested, against });
  for (const step of steps) {
    const outcome = (items: readonly Said[]) => said(step.block, items, step.closed);
    result.compare({ tested: outcome(step.tested), against: outcome(step.against) }, () => notional);
  }
  const of = (ruleId: string) => {
    const { gained = 0, lost = 0 } = result.rules.get(ruleId) ?? {};
    return { gained, lost };
  };
  return { of, rules: result.rules };
}

const closeOut = (condition: Condition): Said => ({ ruleId: CLOSE_OUT, condition });
const opening = (condition: Condition, index = 3): Said => ({ ruleId: CAP, condition, testPoint: `log:${index}` });

describe("tests at one place", () => {
  test.each([
    ["not_met", "met", { gained: 1, lost: 0 }],
    ["not_met", "unknown", { gained: 1, lost: 0 }],
    ["met", "not_met", { gained: 0, lost: 1 }],
    ["not_met", "not_met", { gained: 0, lost: 0 }],
    ["met", "unknown", { gained: 0, lost: 0 }],
  ] as const)("%s against %s", (tested, against, expected) => {
    const { of } = tally([{ block: blockAt(1n), tested: [opening(tested)], against: [opening(against)] }]);
    expect(of(CAP)).toEqual(expected);
  });

  test("a rule that only one rulebook has fails where it fails", () => {
    const steps = [{ block: blockAt(1n), tested: [opening("not_met")], against: [] }];
    expect(tally(steps).of(CAP)).toEqual({ gained: 1, lost: 0 });
  });

  test("every opening counts, and two in one block are not mixed up", () => {
    const block = blockAt(1n);
    const tested = [opening("not_met", 3), opening("met", 9)];
    const against = [opening("met", 3), opening("not_met", 9)];
    expect(tally([{ block, tested, against }]).of(CAP)).toEqual({ gained: 1, lost: 1 });
  });

  test("a subject's notional is its largest at a change, and counted once", () => {
    const steps = [1n, 2n].map((n) => ({ block: blockAt(n), tested: [opening("not_met")], against: [opening("met")] }));
    const touched = [...(tally(steps).rules.get(CAP)?.touched.values() ?? [])];
    expect(touched).toEqual([{ account: ACCOUNT, notional: 7n }]);
  });
});

describe("conditions that stand", () => {
  test("a stretch of blocks counts once, whenever its rows were written", () => {
    const { of } = tally([
      { block: blockAt(1n), tested: [closeOut("met")], against: [closeOut("met")] },
      { block: blockAt(2n), tested: [closeOut("not_met")], against: [] },
      { block: blockAt(3n), tested: [], against: [] },
      { block: blockAt(4n), tested: [], against: [closeOut("not_met")] },
      { block: blockAt(5n), tested: [], against: [closeOut("met")] },
      { block: blockAt(6n), tested: [closeOut("met")], against: [] },
    ]);
    expect(of(CLOSE_OUT)).toEqual({ gained: 2, lost: 0 });
  });

  test("what changes in both in one block is no difference", () => {
    const both = (condition: Condition) => ({ tested: [closeOut(condition)], against: [closeOut(condition)] });
    const { of } = tally([
      { block: blockAt(1n), ...both("not_met") },
      { block: blockAt(2n), ...both("met") },
    ]);
    expect(of(CLOSE_OUT)).toEqual({ gained: 0, lost: 0 });
  });

  test("a subject that has ended is forgotten", () => {
    const { of } = tally([
      { block: blockAt(1n), tested: [closeOut("not_met")], against: [closeOut("not_met")], closed: [ACCOUNT] },
      { block: blockAt(2n), tested: [], against: [closeOut("not_met")] },
    ]);
    expect(of(CLOSE_OUT)).toEqual({ gained: 0, lost: 1 });
  });

  test("what stood before the range counts when the range begins", () => {
    const range = { from: parseBound("3"), to: null };
    const steps = [1n, 2n, 3n, 4n].map((n) => ({
      block: blockAt(n),
      tested: n === 1n ? [closeOut("not_met")] : [],
      against: [],
    }));
    expect(tally(steps, { range }).of(CLOSE_OUT)).toEqual({ gained: 1, lost: 0 });
    expect(tally(steps.slice(0, 2), { range }).of(CLOSE_OUT)).toEqual({ gained: 0, lost: 0 });
  });

  test("a rule out of force fails no longer", () => {
    const rules = RULEBOOK.rules.map((rule) => (rule.id === CLOSE_OUT ? { ...rule, effectiveTo: "2026-04-02" } : rule));
    const tested: Rulebook = { ...RULEBOOK, rules };
    const both = { tested: [closeOut("not_met")], against: [closeOut("not_met")] };
    const steps = [
      { block: blockAt(1n), ...both },
      { block: blockAt(2n, NOON + DAY), tested: [], against: [] },
    ];
    expect(tally(steps, { tested }).of(CLOSE_OUT)).toEqual({ gained: 0, lost: 1 });
    expect(tally(steps).of(CLOSE_OUT)).toEqual({ gained: 0, lost: 0 });
  });
});

describe("a range", () => {
  test("a day's own tests come with the next block and count all the same", () => {
    const [last, next] = [blockAt(1n), blockAt(2n, NOON + DAY)];
    const daily = (condition: Condition): Said => ({ ...opening(condition), testPoint: "day:2026-04-02", block: last });
    const steps = [
      { block: last, tested: [], against: [] },
      { block: next, tested: [daily("not_met")], against: [daily("met")] },
    ];
    expect(tally(steps, { range: { from: null, to: parseBound("2026-04-02") } }).of(CAP).gained).toBe(1);
    expect(tally(steps, { range: { from: parseBound("2026-04-03"), to: null } }).of(CAP).gained).toBe(0);
  });

  test("is of blocks or of days, both ends included", () => {
    const range = { from: parseBound("5"), to: parseBound("2026-04-02") };
    expect(placeIn(range, blockAt(4n))).toBe("before");
    expect(placeIn(range, blockAt(5n))).toBe("in");
    expect(placeIn(range, blockAt(6n, NOON + DAY))).toBe("after");
  });

  test.each(["-1", "1.5", "2026-02-30", "yesterday", ""])("%j is no bound", (text) => {
    expect(() => parseBound(text)).toThrow(InputError);
  });

  test("ends no sooner than it begins", () => {
    expect(parseRange({})).toEqual({ from: null, to: null });
    expect(parseRange({ from: "7", to: "7" })).toEqual({ from: { block: 7n }, to: { block: 7n } });
    expect(() => parseRange({ from: "300", to: "100" })).toThrow(InputError);
    expect(() => parseRange({ from: "2026-04-02", to: "2026-04-01" })).toThrow(InputError);
    // Which of the two comes first only a chain can tell.
    expect(parseRange({ from: "300", to: "2026-04-01" }).to).toEqual({ day: "2026-04-01" });
  });
});
