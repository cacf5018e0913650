import { beforeAll, describe, expect, it } from "vitest";
import { createFolder } from "../../../../bench/fold.ts";
import { chainDeployment } from "../../../../bench/workload/setting.ts";
import { type BlockPlan, createWorkload, QUICK } from "../../../../bench/workload/workload.ts";
import type { Assessment } from "../../../../src/core/assessment.ts";
import { endMark } from "../../../../src/core/book/marks.ts";
import type { BlockOutcome } from "../../../../src/core/book/pending.ts";
import type { Json } from "../../../../src/core/proof/canonical.ts";
import { type Rulebook, rulebookFrom } from "../../../../src/core/rules/rule.ts";
import { type Schedule, scheduleOf, withVersion } from "../../../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../../../src/files/rulebooks.ts";
import { fold, refOf, text } from "./folding.ts";

const OPTIONS = { ...QUICK, accounts: 40, blocks: 64, logsPerBlock: 14, liveBlocks: 1 };
const CHAIN = "eip155:903";
/** Short epochs, so that a short history has several. */
const SETTING = { ...chainDeployment(), epochBlocks: 16 };
const folderOf = (schedule: Schedule) => createFolder({ schedule, chain: SETTING });
const OLD = readRulebooks("rulebooks");
const NEW = withoutClosing(OLD);

/** The rulebook with half the European cap and without its negative-balance rule. */
function withoutClosing(rulebook: Rulebook): Rulebook {
  const source = structuredClone(rulebook.source) as { files: Record<string, Json> };
  const eu = source.files.eu as { profiles: Record<string, string[]>; rules: { id: string; threshold: string }[] };
  eu.rules = eu.rules.filter(({ id }) => id !== "EU-CFD-NBP");
  for (const rule of eu.rules) if (rule.id === "EU-CFD-LEV-CRYPTO") rule.threshold = "1";
  for (const [name, ids] of Object.entries(eu.profiles)) eu.profiles[name] = ids.filter((id) => id !== "EU-CFD-NBP");
  return rulebookFrom(source);
}

const texts = (outcomes: readonly BlockOutcome[]) => outcomes.map(text);

type Fold = { folder: ReturnType<typeof createFolder>; outcomes: BlockOutcome[] };

let history: readonly BlockPlan[];
/** The block the new version takes effect at, the first of an epoch. */
let change: bigint;
let old: Fold;
let changed: Fold;

async function folded(schedule: Schedule): Promise<Fold> {
  const folder = folderOf(schedule);
  return { folder, outcomes: await fold(history, folder) };
}

beforeAll(async () => {
  history = createWorkload(OPTIONS).history;
  const { epochBlocks } = SETTING;
  const middle = (history[0]?.number ?? 0n) + BigInt(OPTIONS.blocks) / 2n;
  change = (middle / BigInt(epochBlocks) + 1n) * BigInt(epochBlocks);
  old = await folded(scheduleOf(OLD));
  changed = await folded(withVersion(scheduleOf(OLD), { rulebook: NEW, from: { [CHAIN]: change } }));
}, 120_000);

const later = (fold: Fold) => fold.outcomes.filter(({ block }) => block.number >= change);
const earlier = (fold: Fold) => fold.outcomes.filter(({ block }) => block.number < change);

describe("a version of the rulebook that takes effect at a block", () => {
  it("changes nothing of the blocks before", () => {
    expect(earlier(changed).length).toBeGreaterThan(10);
    expect(texts(earlier(changed))).toEqual(texts(earlier(old)));
  });

  it("is the one every later assessment is under, but for tests of a day that was over before", () => {
    const made = later(changed).flatMap(({ assessments }) => assessments);
    expect(made.length).toBeGreaterThan(100);
    for (const a of made) {
      expect(a.rulebookHash).toBe(BigInt(a.blockNumber) >= change ? NEW.hash : OLD.hash);
    }
  });

  it("is named by the epochs from there on", () => {
    const hashes = (fold: BlockOutcome[]) =>
      new Set(fold.flatMap(({ epoch }) => (epoch === null ? [] : [epoch.rulebookHash])));
    expect(hashes(earlier(changed))).toEqual(new Set([OLD.hash]));
    expect(hashes(later(changed))).toEqual(new Set([NEW.hash]));
  });

  it("assesses everything anew at its first block, as if it had been in force all along", async () => {
    const always = folderOf(scheduleOf(NEW));
    const started = folderOf(withVersion(scheduleOf(OLD), { rulebook: NEW, from: { [CHAIN]: change } }));
    for (const plan of history) {
      if (plan.number > change) break;
      await always.fold(plan, refOf(plan));
      await started.fold(plan, refOf(plan));
    }
    const standing = ({ book }: ReturnType<typeof createFolder>) =>
      [...book.conditions.keys()]
        .map((key) => book.conditions.get(key) as Assessment)
        .filter(({ testPoint }) => testPoint === "end");
    // When a condition was found, and so what was measured, may differ; the condition itself may not.
    const conditions = (all: Assessment[]) => all.map((a) => `${a.subject} ${a.ruleId} ${a.condition}`).sort();
    const [now, expected] = [conditions(standing(started)), conditions(standing(always))];
    expect(now.length).toBeGreaterThan(100);
    expect(now).toEqual(expected);
    expect(standing(started).every(({ blockNumber }) => BigInt(blockNumber) === change)).toBe(true);
    // Someone who holds nothing any more and owes something is among them.
    const empty = standing(started).filter(
      ({ ruleId, condition }) => ruleId === "AU-CFD-NBP" && condition === "not_met",
    );
    expect(empty.length).toBeGreaterThan(0);
  });

  it("leaves no trace of a rule it does not have", () => {
    const { book } = changed.folder;
    expect(later(changed).some(({ assessments }) => assessments.some(({ ruleId }) => ruleId === "EU-CFD-NBP"))).toBe(
      false,
    );
    expect([...book.conditions.keys()].some((key) => key.endsWith("EU-CFD-NBP"))).toBe(false);
    expect([...old.folder.book.conditions.keys()].some((key) => key.endsWith("EU-CFD-NBP"))).toBe(true);
  });

  it("is taken back and comes again with its block", async () => {
    const folder = folderOf(withVersion(scheduleOf(OLD), { rulebook: NEW, from: { [CHAIN]: change } }));
    const outcomes: BlockOutcome[] = [];
    for (const plan of history) {
      const { number } = plan;
      if (number === change + 3n) {
        const back = change - 2n;
        expect(folder.book.journal.reaches(endMark(back))).toBe(true);
        folder.book.undoToEndOf(back);
        for (const again of history.filter((p) => p.number > back && p.number < number)) {
          outcomes[Number(again.number - (history[0]?.number ?? 0n))] = (
            await folder.fold(again, refOf(again))
          ).outcome;
        }
      }
      outcomes.push((await folder.fold(plan, refOf(plan))).outcome);
    }
    expect(texts(outcomes)).toEqual(texts(changed.outcomes));
  });
});
