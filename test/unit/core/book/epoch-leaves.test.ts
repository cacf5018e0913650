import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CollateralState, EpochLeaf } from "../../../../src/core/assessment.ts";
import { EpochLeaves } from "../../../../src/core/book/epoch-leaves.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import { InputError } from "../../../../src/core/errors.ts";
import { EpochTrees } from "../../../../src/core/proof/epoch-trees.ts";
import { type AllLeaves, apply, noLeaves, rootsOf } from "../../../support/epoch-from-nothing.ts";

const ACCOUNTS = [1, 2, 3, 4].map((n) => `0x${n.toString(16).padStart(40, "0")}`);
const account = fc.constantFrom(...ACCOUNTS);
const protocol = fc.constantFrom("eip155:901/perp-v2", "eip155:901/synthetix-perps-v2");
const figure = fc.bigInt({ min: 0n, max: 3n }).map(String);

const state: fc.Arbitrary<EpochLeaf> = fc.record({
  tree: fc.constant("state" as const),
  key: fc.tuple(protocol, account).map(([of, address]) => `${of}/account:${address}`),
  state: fc.option(fc.record({ margin: figure })),
});
const assessment: fc.Arbitrary<EpochLeaf> = fc.record({
  tree: fc.constant("assessment" as const),
  key: fc
    .tuple(protocol, account, fc.constantFrom("R1", "R2"), fc.constantFrom("account", "first", "second", "market"))
    .map(([of, address, rule, kind]) => {
      const position = `${of}/0xfeed/${address}/${kind === "first" ? 1 : 2}`;
      const subject = { account: `eip155:901:${address}`, market: `${of}/${address}` }[kind as string] ?? position;
      return `${of}|${subject}|${rule}`;
    }),
  state: fc.option(fc.record({ condition: fc.constantFrom("met", "not_met"), measured: figure })),
});
const held: fc.Arbitrary<CollateralState> = fc.record({ held: figure, required: fc.option(figure) });
const collateral: fc.Arbitrary<EpochLeaf> = fc.record({
  tree: fc.constant("collateral" as const),
  key: fc
    .tuple(protocol, fc.constantFrom("0xaa", "0xbb"), account)
    .map(([of, token, address]) => `${of}|eip155:901/erc20:${token}|${address}`),
  state: fc.option(held),
});
const leaf = fc.oneof(state, assessment, collateral);

/** The leaves that differ between two epochs, in the order they are told in. */
function differences(before: AllLeaves, now: AllLeaves): EpochLeaf[] {
  return (["state", "assessment", "collateral"] as const).flatMap((tree) =>
    [...new Set([...before[tree].keys(), ...now[tree].keys()])].sort().flatMap((key) => {
      const said = now[tree].get(key) ?? null;
      return JSON.stringify(before[tree].get(key) ?? null) === JSON.stringify(said) ? [] : [{ tree, key, state: said }];
    }),
  );
}

const copied = (all: AllLeaves): AllLeaves => structuredClone(all);

describe("the trees of an epoch", () => {
  it("have the roots of trees built anew, whatever leaves have come, changed and gone", () => {
    const step = fc.oneof(leaf, fc.constant("roots" as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const trees = new EpochTrees();
        const all = noLeaves();
        for (const one of steps) {
          if (one === "roots") expect(trees.roots()).toEqual(rootsOf(all));
          else {
            trees.put(one);
            apply(all, one);
          }
        }
        expect(trees.roots()).toEqual(rootsOf(all));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("have a position's assessments with those of its account", () => {
    const [of, address] = ["eip155:901/perp-v2", ACCOUNTS[0] as string];
    const keys = [`${of}|eip155:901:${address}|R1`, `${of}|${of}/0xfeed/${address}/1|R1`, `${of}|${of}/0xfeed|R1`];
    const trees = new EpochTrees();
    for (const key of keys) trees.put({ tree: "assessment", key, state: "said" });
    expect(trees.assessments.group(`${of}|eip155:901:${address}`)?.keys()).toEqual([keys[1], keys[0]]);
    expect(trees.assessments.group(`${of}|${of}/0xfeed`)?.keys()).toEqual([keys[2]]);
    expect([trees.assessments.tree.size, trees.assessments.leafCount]).toEqual([2, 3]);
  });

  it("refuse collateral that is none", () => {
    const key = "eip155:901/perp-v2|eip155:901/erc20:0xaa|0x01";
    const wrong = ["1", [], true, {}, { held: "1" }, { required: "1" }, { held: null, required: "1" }];
    const odd = [
      { held: "1", required: "1", more: "1" },
      { held: "-1", required: "1" },
      { held: "1", required: "01" },
    ];
    for (const said of [...wrong, ...odd]) {
      expect(() => new EpochTrees().put({ tree: "collateral", key, state: said as never })).toThrow(InputError);
    }
  });
});

describe("what changes with an epoch", () => {
  it("is what differs from the epoch before, whatever was looked at, undone and done again", () => {
    const epoch = fc.record({ changes: fc.array(leaf, { maxLength: 8 }), looks: fc.array(leaf, { maxLength: 4 }) });
    const step = fc.oneof({ weight: 3, arbitrary: epoch }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const journal = new Journal();
        journal.mark(markOf(0));
        const leaves = new EpochLeaves(journal);
        const epochs: AllLeaves[] = [noLeaves()];
        for (const one of steps) {
          if (typeof one === "number") {
            const left = Math.max(1, epochs.length - one);
            if (left === epochs.length) continue;
            epochs.length = left;
            journal.undoTo(markOf(left - 1));
            expect(leaves.trees.roots()).toEqual(rootsOf(epochs.at(-1) as AllLeaves));
            continue;
          }
          const before = epochs.at(-1) as AllLeaves;
          const now = copied(before);
          for (const change of one.changes) apply(now, change);
          const looked = [...one.changes, ...one.looks].map(({ tree, key }) => ({
            tree,
            key,
            state: now[tree].get(key) ?? null,
          }));
          const mark = markOf(epochs.length);
          journal.mark(mark);
          expect(leaves.take(looked, mark)).toEqual(differences(before, now));
          expect(leaves.trees.roots()).toEqual(rootsOf(now));
          epochs.push(now);
        }
      }),
      { seed: 1, numRuns: 400 },
    );
  });
});

function markOf(epoch: number): string {
  return epoch.toString().padStart(3, "0");
}
