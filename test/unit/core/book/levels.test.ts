import { beforeAll, describe, expect, it } from "vitest";
import { createFolder } from "../../../../bench/fold.ts";
import { type BlockPlan, createWorkload, QUICK } from "../../../../bench/workload/workload.ts";
import type { Assessment } from "../../../../src/core/assessment.ts";
import { assessNow } from "../../../../src/core/book/assess-now.ts";
import type { BlockOutcome } from "../../../../src/core/book/pending.ts";
import { InputError } from "../../../../src/core/errors.ts";
import { reassess } from "../../../../src/core/rules/reassess.ts";
import { rulebookFrom } from "../../../../src/core/rules/rule.ts";
import { scheduleOf } from "../../../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../../../src/files/rulebooks.ts";
import { refOf, text } from "./folding.ts";

const OPTIONS = { ...QUICK, accounts: 40, blocks: 60, logsPerBlock: 14, liveBlocks: 1 };
const TICK_BLOCKS = 10n;
/** 2026-04-03T00:00:00Z, within the history. */
const MIDNIGHT = 1_775_174_400n;
const RULEBOOK = readRulebooks("rulebooks");
const CHAIN = "eip155:903";

type World = { folder: ReturnType<typeof createFolder>; outcomes: BlockOutcome[] };

let history: readonly BlockPlan[];
let world: World;
let all: Assessment[];

/** Folds the history anew; `before` is called ahead of each block. */
async function folded(
  before: (folder: World["folder"], index: number) => void = () => {},
  folder = createFolder(),
): Promise<World> {
  const outcomes: BlockOutcome[] = [];
  for (const [index, plan] of history.entries()) {
    before(folder, index);
    outcomes.push((await folder.fold(plan, refOf(plan))).outcome);
  }
  return { folder, outcomes };
}

const ruleOf = (a: Assessment) => RULEBOOK.rules.find((rule) => rule.id === a.ruleId);
const kindOf = (a: Assessment) => ruleOf(a)?.subjectKind;

beforeAll(async () => {
  history = createWorkload(OPTIONS).history;
  world = await folded();
  all = world.outcomes.flatMap((outcome) => outcome.assessments);
}, 60_000);

describe("what is assessed", () => {
  it("is every kind of subject, each named as its kind is", () => {
    const subjects: [string, RegExp][] = [
      ["position", /^eip155:903\/[a-z0-9-]+\/0x[0-9a-f]{40}\/0x[0-9a-f]{40}\/\d+$/],
      ["account", /^eip155:903:0x[0-9a-f]{40}$/],
      ["market", /^eip155:903\/[a-z0-9-]+\/0x[0-9a-f]{40}$/],
      ["protocol", /^eip155:903\/[a-z0-9-]+$/],
      ["asset", /^eip155:903\/erc20:0x[0-9a-f]{40}$/],
      ["chain", /^eip155:903$/],
    ];
    for (const [kind, form] of subjects) {
      const made = all.filter((a) => kindOf(a) === kind);
      expect(made.length, kind).toBeGreaterThan(0);
      for (const a of made) expect(a.subject).toMatch(form);
      const hasHolder = kind === "position" || kind === "account";
      expect(made.every((a) => (a.account !== null) === hasHolder)).toBe(true);
    }
  });

  it("is no rule that waits for its metric, and none that is never tested", () => {
    expect(new Set(all.map((a) => ruleOf(a)?.evaluation))).toEqual(new Set(["computed", "needs-fact"]));
    const points = new Set(all.map((a) => ruleOf(a)?.testPoint));
    for (const never of ["scoping", "reporting", "completeness", "formula", "qualitative"]) {
      expect(points.has(never as never)).toBe(false);
    }
  });

  it("says the same when its rule is applied again to its inputs", () => {
    expect(all.length).toBeGreaterThan(1_000);
    for (const a of all) {
      const { metric, measured, decimals, unit, reason, condition, operator, threshold } = a;
      expect(reassess(RULEBOOK, a)).toEqual({
        metric,
        measured,
        decimals,
        unit,
        reason,
        condition,
        operator,
        threshold,
      });
    }
  });
});

describe("when it is assessed", () => {
  const AROUND = new Set(["market", "protocol", "asset", "chain"]);

  it("markets, protocols, assets and the chain: continuous rules at ticks, when the condition changes", () => {
    const ticked = all.filter((a) => AROUND.has(kindOf(a) ?? "") && a.testPoint === "end");
    expect(ticked.length).toBeGreaterThan(0);
    const last = new Map<string, string>();
    for (const a of ticked) {
      expect(BigInt(a.blockNumber) % TICK_BLOCKS).toBe(0n);
      const key = `${a.protocol} ${a.subject} ${a.ruleId}`;
      expect(last.get(key)).not.toBe(a.condition);
      last.set(key, a.condition);
    }
  });

  it("daily rules at the day's last block, of every account that has something, once", () => {
    const daily = all.filter((a) => a.testPoint.startsWith("day:"));
    expect(new Set(daily.map((a) => a.testPoint))).toEqual(new Set(["day:2026-04-02"]));
    const [block] = new Set(daily.map((a) => a.blockNumber));
    const next = world.outcomes.find((o) => o.block.number === BigInt(block as string) + 1n);
    expect(next?.block.timestamp).toBeGreaterThanOrEqual(MIDNIGHT);
    expect(daily.every((a) => BigInt(a.blockTimestamp) < MIDNIGHT)).toBe(true);
    expect(new Set(daily.map((a) => a.id)).size).toBe(daily.length);
    const accounts = new Set(daily.filter((a) => kindOf(a) === "account").map((a) => a.subject));
    expect(accounts.size).toBeGreaterThan(20);
    const asked = daily.filter((a) => a.ruleId === "EU-UMR-IM-THRESHOLD").map((a) => `${a.protocol} ${a.subject}`);
    const others = daily.filter((a) => a.ruleId === "CH-UMR-DAILY-REVAL").map((a) => `${a.protocol} ${a.subject}`);
    expect(asked).toEqual(others);
  });

  it("a rule from its first day on, of everybody with a position, whether anything touched them or not", async () => {
    const source = structuredClone(RULEBOOK.source) as { files: { eu: { rules: Record<string, unknown>[] } } };
    for (const rule of source.files.eu.rules) if (rule.id === "EU-CFD-NBP") rule.effectiveFrom = "2026-04-03";
    const schedule = scheduleOf(rulebookFrom(source));
    const { outcomes } = await folded(undefined, createFolder({ schedule }));
    const restless = await folded(({ book }) => book.appraiser.bands.clear(), createFolder({ schedule }));
    expect(text(outcomes.map((o) => o.assessments))).toBe(text(restless.outcomes.map((o) => o.assessments)));
    const made = outcomes.flatMap((o) => o.assessments.filter((a) => a.ruleId === "EU-CFD-NBP").map(() => o.block));
    expect(made.every(({ timestamp }) => timestamp >= MIDNIGHT)).toBe(true);
    const first = outcomes.find(({ block }) => block.timestamp >= MIDNIGHT)?.block.number;
    expect(made.filter(({ number }) => number === first).length).toBeGreaterThan(15);
  });

  it("transfer rules at each deposit and withdrawal, by the log that states it", () => {
    const transfers = all.filter((a) => a.ruleId === "EU-TFR-SELFHOSTED-1000");
    const stated = history
      .flatMap(({ transactions }) => transactions.flat())
      .filter(({ name, args }) => {
        return (
          name === "Deposited" || name === "Withdrawn" || (name === "MarginTransferred" && args.marginDelta !== 0n)
        );
      });
    expect(transfers.length).toBe(stated.length);
    for (const a of transfers) expect(a.testPoint).toMatch(/^log:\d+$/);
    for (const a of transfers) {
      const isLarge = BigInt(a.inputs.units as string) * 100n > 1000n * 108n * 10n ** 18n;
      expect(a).toMatchObject({ condition: isLarge ? "met" : "not_met", unit: "EUR" });
    }
  });

  it("in one order: by subject, and for a subject in the rulebook's order", () => {
    const daily = all.filter((a) => a.testPoint.startsWith("day:") && AROUND.has(kindOf(a) ?? ""));
    const keys = daily.map((a) => `${a.protocol}|${a.subject}`);
    expect(keys).toEqual([...keys].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
    const place = (a: Assessment) => RULEBOOK.rules.findIndex((rule) => rule.id === a.ruleId);
    for (const [i, a] of daily.entries()) {
      const before = daily[i - 1];
      if (before !== undefined && keys[i - 1] === keys[i]) expect(place(before)).toBeLessThan(place(a));
    }
  });
});

describe("money in other currencies", () => {
  it("is converted by the feeds, whose prices and blocks are inputs", () => {
    const [a] = all.filter(({ ruleId }) => ruleId === "CH-UMR-IM-THRESHOLD");
    expect(a?.unit).toBe("CHF");
    expect(a?.inputs).toMatchObject({
      "fx.numerator": (10n ** 18n).toString(),
      "fx.numeratorBlock": "2",
      "fx.denominator": (112n * 10n ** 16n).toString(),
      "fx.denominatorBlock": "2",
    });
  });
});

describe("the fold", () => {
  it("gives the same whenever bands are drawn", async () => {
    const restless = await folded(({ book }) => book.appraiser.bands.clear());
    expect(text(restless.outcomes.map((o) => o.assessments))).toBe(text(world.outcomes.map((o) => o.assessments)));
  }, 60_000);

  it("gives the same after an undo, across midnight as well", async () => {
    const { folder, outcomes } = await folded();
    for (const back of [3, 40, 61]) {
      folder.book.undoToEndOf((history.at(-1 - back) as BlockPlan).number);
      for (const [i, plan] of history.slice(-back).entries()) {
        const again = (await folder.fold(plan, refOf(plan))).outcome;
        const expected = outcomes.at(i - back) as BlockOutcome;
        for (const part of ["assessments", "closed", "epoch", "strikes"] as const) {
          expect(text(again[part])).toBe(text(expected[part]));
        }
      }
    }
  }, 60_000);
});

describe("what every rule finds now", () => {
  it("is asked of each position, the account and what is around it, whatever the test point", () => {
    const { book } = world.folder;
    const holder = book.venues
      .flatMap((venue) => venue.model.marketKeys().flatMap((key) => [...venue.model.holders(key)]))
      .map((address) => `${CHAIN}:${address}`)
      .at(-1) as string;
    const findings = assessNow(book, { account: holder, date: "2026-04-03" });
    const kinds = new Set(findings.map((f) => f.rule.subjectKind));
    for (const kind of ["position", "account", "market", "protocol", "asset", "chain"])
      expect(kinds.has(kind as never)).toBe(true);
    const waiting = findings.filter((f) => f.rule.evaluation === "not-yet");
    expect(waiting.length).toBeGreaterThan(10);
    for (const f of waiting) expect(f).toMatchObject({ measured: null, condition: "unknown", reason: "NOT_YET" });
    expect(findings.some((f) => f.rule.testPoint === "per_transfer")).toBe(false);
  });

  it("is under the rules of the day asked about", () => {
    const { book } = world.folder;
    const position = world.folder.book.venues.flatMap((venue) => venue.model.addresses().map((a) => `${CHAIN}:${a}`));
    const dubai = (date: string) =>
      position
        .flatMap((account) => assessNow(book, { account, date }))
        .filter((f) => f.rule.id === "AE-VARA-ETD-LEV-RETAIL").length;
    expect(dubai("2026-03-30")).toBe(0);
    expect(dubai("2026-03-31")).toBeGreaterThan(0);
  });

  it("is nothing for a stranger, and an error for what is no account", () => {
    const { book } = world.folder;
    expect(assessNow(book, { account: `${CHAIN}:0x${"ab".repeat(20)}`, date: "2026-04-03" })).toEqual([]);
    expect(() => assessNow(book, { account: "somebody", date: "2026-04-03" })).toThrow(InputError);
  });
});
