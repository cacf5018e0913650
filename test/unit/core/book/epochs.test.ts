import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createFolder } from "../../../../bench/fold.ts";
import { chainDeployment } from "../../../../bench/workload/setting.ts";
import { type BlockPlan, createWorkload, QUICK } from "../../../../bench/workload/workload.ts";
import type { EpochLeaf } from "../../../../src/core/assessment.ts";
import type { BlockOutcome } from "../../../../src/core/book/pending.ts";
import { EpochTrees } from "../../../../src/core/proof/epoch-trees.ts";
import { type AllLeaves, apply, leavesOf, noLeaves, rootsOf } from "../../../support/epoch-from-nothing.ts";
import { fold, text } from "./folding.ts";

const OPTIONS = { ...QUICK, accounts: 40, blocks: 72, logsPerBlock: 12, liveBlocks: 1 };
const CHAIN = { ...chainDeployment(), epochBlocks: 8 };

const ofEpoch = ({ epoch, leaves, collateral }: BlockOutcome) => text({ epoch, leaves, collateral });

let history: readonly BlockPlan[];
let outcomes: BlockOutcome[];
/** All leaves at the end of each epoch, worked out from the book as it stood there. */
let epochs: { outcome: BlockOutcome; all: AllLeaves }[];

beforeAll(async () => {
  history = createWorkload(OPTIONS).history;
  const folder = createFolder({ chain: CHAIN });
  epochs = [];
  outcomes = await fold(history, folder, (outcome) => {
    if (outcome.epoch !== null) epochs.push({ outcome, all: leavesOf(folder.book) });
  });
}, 120_000);

describe("an epoch", () => {
  it("has the roots of everything that stands, at its last block and no other", () => {
    expect(epochs.length).toBeGreaterThan(7);
    for (const { outcome, all } of epochs) {
      expect((outcome.block.number + 1n) % 8n).toBe(0n);
      expect(outcome.epoch).toMatchObject(rootsOf(all));
      for (const tree of ["state", "assessment", "collateral"] as const) expect(all[tree].size).toBeGreaterThan(5);
    }
    for (const { epoch, leaves, collateral } of outcomes)
      if (epoch === null) expect([leaves, collateral]).toEqual([[], []]);
  });

  it("tells every leaf that has changed since the one before and no other, by tree and key", () => {
    const before = noLeaves();
    const trees = new EpochTrees();
    for (const { outcome, all } of epochs) {
      const { epoch, leaves } = outcome;
      for (const { tree, key, state } of leaves) expect(text(before[tree].get(key) ?? null)).not.toBe(text(state));
      expect(leaves.map(placeOf)).toEqual([...new Set(leaves.map(placeOf))].sort());
      for (const leaf of leaves) {
        apply(before, leaf);
        trees.put(leaf);
      }
      for (const tree of ["state", "assessment", "collateral"] as const) {
        expect(new Map([...before[tree]].sort())).toEqual(new Map([...all[tree]].sort()));
      }
      expect(epoch).toMatchObject(trees.roots());
    }
    const gone = epochs.flatMap(({ outcome }) => outcome.leaves.filter(({ state }) => state === null));
    expect(new Set(gone.map(({ tree }) => tree))).toContain("assessment");
  });

  it("tells few leaves where little has changed", () => {
    const counts = epochs.map(({ outcome, all }) => [outcome.leaves.length, all.state.size + all.assessment.size]);
    for (const [changed, all] of counts.slice(2) as [number, number][]) expect(changed).toBeLessThan(all);
  });

  it("sums up what accounts hold and must hold, by protocol and asset", () => {
    for (const { outcome, all } of epochs) {
      expect(outcome.collateral.length).toBe(Number(outcome.epoch?.collateralCount));
      for (const totals of outcome.collateral) {
        const prefix = `${totals.protocol}|${totals.asset}|`;
        const own = [...all.collateral].filter(([key]) => key.startsWith(prefix)).map(([, state]) => state);
        const parts = own as { held: string; required: string | null }[];
        expect(totals.accounts).toBe(`${own.length}`);
        expect(BigInt(totals.held)).toBe(parts.reduce((sum, { held }) => sum + BigInt(held), 0n));
        expect(BigInt(totals.required)).toBe(parts.reduce((sum, { required }) => sum + BigInt(required ?? "0"), 0n));
        expect(totals.unknown).toBe(`${parts.filter(({ required }) => required === null).length}`);
      }
    }
    const last = epochs.at(-1)?.outcome.collateral ?? [];
    expect(last.some(({ held }) => BigInt(held) > 0n)).toBe(true);
    expect(last.some(({ required }) => BigInt(required) > 0n)).toBe(true);
  });

  it("comes out the same, its changed leaves too, however often blocks are undone and folded again", async () => {
    const expected = outcomes.map(ofEpoch);
    const journeys = fc.array(
      fc.record({ on: fc.integer({ min: 1, max: 30 }), back: fc.integer({ min: 1, max: 40 }) }),
      {
        minLength: 2,
        maxLength: 6,
      },
    );
    await fc.assert(
      fc.asyncProperty(journeys, async (journey) => {
        const folder = createFolder({ chain: CHAIN });
        let at = 0;
        const goTo = async (end: number) => {
          const folded = await fold(history.slice(at, end), folder);
          expect(folded.map(ofEpoch)).toEqual(expected.slice(at, at + folded.length));
          at += folded.length;
        };
        for (const { on, back } of journey) {
          await goTo(Math.min(at + on, history.length));
          at = Math.max(1, at - back);
          folder.book.undoToEndOf(history[at - 1]?.number as bigint);
        }
        await goTo(history.length);
      }),
      { seed: 1, numRuns: 5 },
    );
  }, 120_000);
});

const ORDER = { state: 0, assessment: 1, collateral: 2 };

function placeOf({ tree, key }: EpochLeaf): string {
  return `${ORDER[tree]}${key}`;
}
