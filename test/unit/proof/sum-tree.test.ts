import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CollateralState } from "../../../src/core/assessment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { verifyState } from "../../../src/core/proof/epoch-proof.ts";
import { keyedLeafHash } from "../../../src/core/proof/epoch-trees.ts";
import { SortedTree } from "../../../src/core/proof/sorted-tree.ts";
import { verifyTotals } from "../../../src/core/proof/sum-proof.ts";
import { isSameNode, rootOfSumPath, type SumNode, SumTree, sumLeaf } from "../../../src/core/proof/sum-tree.ts";
import { noLeaves, rootsOf } from "../../support/epoch-from-nothing.ts";

const PREFIX = "eip155:901/perp-v2|eip155:901/erc20:0xaa|";
const keyOf = (i: number): string => `${PREFIX}0x${i.toString(16).padStart(40, "0")}`;
const LARGEST = (1n << 224n) - 1n;

const amount = fc.oneof(fc.bigInt({ min: 0n, max: 9n }), fc.bigInt({ min: 0n, max: LARGEST })).map(String);
const state: fc.Arbitrary<CollateralState> = fc.record({ held: amount, required: fc.option(amount) });
const entries = (max: number) => fc.array(state, { minLength: 1, maxLength: max });

function treeOf(states: readonly CollateralState[]): SumTree {
  const tree = new SumTree();
  for (const [i, one] of states.entries()) tree.set(keyOf(i), sumLeaf(keyOf(i), one));
  return tree;
}

/** The root of an epoch's tree of collateral over one asset, worked out by other code. */
function rootFromNothing(states: ReadonlyMap<string, CollateralState>): string {
  return rootsOf({ ...noLeaves(), collateral: new Map(states) }).collateralRoot;
}

function rootInEpoch(tree: SumTree): string {
  const { hash, sums } = tree.root();
  const said = { held: `${sums.held}`, required: `${sums.required}`, unknown: `${sums.unknown}` };
  const totals = { ...said, accounts: `${tree.size}`, root: toHex(hash) };
  return toHex(keyedLeafHash(PREFIX.slice(0, -1), totals));
}

const states = (count: number): CollateralState[] =>
  Array.from({ length: count }, (_, i) => ({ held: `${i * 7}`, required: i % 3 === 2 ? null : `${i * 5}` }));

describe("a sum tree", () => {
  it("has the root and the sums of a tree built anew, after any changes", () => {
    const change = fc.tuple(fc.nat(20), fc.option(state));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 6 }), (rounds) => {
        const tree = new SumTree();
        const all = new Map<string, CollateralState>();
        for (const round of rounds) {
          for (const [i, said] of round) {
            const key = keyOf(i);
            if (said === null) {
              tree.delete(key);
              all.delete(key);
            } else {
              tree.set(key, sumLeaf(key, said));
              all.set(key, said);
            }
          }
          const list = [...all.values()];
          expect(tree.root().sums).toEqual({
            held: list.reduce((sum, { held }) => sum + BigInt(held), 0n),
            required: list.reduce((sum, { required }) => sum + BigInt(required ?? "0"), 0n),
            unknown: BigInt(list.filter(({ required }) => required === null).length),
          });
          if (all.size > 0) expect(rootInEpoch(tree)).toBe(rootFromNothing(all));
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("without leaves sums up to nothing", () => {
    const nothing = "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const { hash, sums } = new SumTree().root();
    expect([toHex(hash), sums]).toEqual([nothing, { held: 0n, required: 0n, unknown: 0n }]);
  });

  it("proves every leaf at every size up to 40, and no other leaf, place or size by its path", () => {
    for (let size = 1; size <= 40; size++) {
      const list = states(size);
      const tree = treeOf(list);
      const root = tree.root();
      for (let index = 0; index < size; index++) {
        const leaf = sumLeaf(keyOf(index), list[index] as CollateralState);
        const claim = { index, size, leaf, path: tree.path(index) };
        expect(rootOfSumPath(claim)).toEqual(root);
        const other = sumLeaf(keyOf((index + 1) % size), list[(index + 1) % size] as CollateralState);
        if (size > 1) expect(leadsTo({ ...claim, leaf: other }, root)).toBe(false);
        if (size > 1) expect(leadsTo({ ...claim, index: index ^ 1 }, root)).toBe(false);
        expect(leadsTo({ ...claim, index: size }, root)).toBe(false);
      }
      expect(tree.keyAt(size)).toBeNull();
      expect(() => tree.path(size)).toThrow(InputError);
    }
  });

  it("is not proven by a path with anything changed: a hash, a sum, one node more, one less, two swapped", () => {
    fc.assert(
      fc.property(entries(24), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (list, i, at, by) => {
        const tree = treeOf(list);
        const index = i % list.length;
        const path = tree.path(index);
        const leaf = sumLeaf(keyOf(index), list[index] as CollateralState);
        const claim = { index, size: list.length, leaf };
        expect(leadsTo({ ...claim, path }, tree.root())).toBe(true);
        expect(leadsTo({ ...claim, path: [...path, leaf] }, tree.root())).toBe(false);
        for (const changed of ["held", "required", "unknown"] as const) {
          const sums = { ...leaf.sums, [changed]: leaf.sums[changed] + BigInt(by) };
          expect(leadsTo({ ...claim, leaf: { ...leaf, sums }, path }, tree.root())).toBe(false);
        }
        if (path.length === 0) return;
        const place = at % path.length;
        const node = path[place] as SumNode;
        const flipped = node.hash.slice();
        flipped[at % 32] = (flipped[at % 32] as number) ^ by;
        const others: SumNode[] = [{ ...node, hash: flipped }];
        for (const sum of ["held", "required", "unknown"] as const) {
          others.push({ ...node, sums: { ...node.sums, [sum]: node.sums[sum] + BigInt(by) } });
        }
        for (const other of others)
          expect(leadsTo({ ...claim, path: path.with(place, other) }, tree.root())).toBe(false);
        expect(leadsTo({ ...claim, path: path.toSpliced(place, 1) }, tree.root())).toBe(false);
        const next = path[place + 1];
        if (next === undefined) return;
        expect(leadsTo({ ...claim, path: path.with(place, next).with(place + 1, node) }, tree.root())).toBe(false);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("has no two leaves of one hash and other figures, nor of other keys", () => {
    const said = [
      { held: "1", required: "0" },
      { held: "0", required: "1" },
      { held: "1", required: null },
      { held: "10", required: "0" },
    ];
    const hashes = said.flatMap((one) => [sumLeaf("a|b|c", one), sumLeaf("a|b|d", one)]).map(({ hash }) => toHex(hash));
    expect(new Set(hashes).size).toBe(8);
  });

  it("refuses figures that are none, negative or too large for a leaf", () => {
    const good = { held: "0", required: `${LARGEST}` };
    expect(sumLeaf("a", good).sums).toEqual({ held: 0n, required: LARGEST, unknown: 0n });
    for (const wrong of ["-1", "01", "", "1.0", "1e3", " 1", "0x1", `${LARGEST + 1n}`, "9".repeat(300)]) {
      expect(() => sumLeaf("a", { ...good, held: wrong }), wrong).toThrow(InputError);
      expect(() => sumLeaf("a", { ...good, required: wrong }), wrong).toThrow(InputError);
    }
  });

  it("refuses sums on a path that are negative or too large, and those that add up to too much", () => {
    const leaf = sumLeaf(keyOf(0), { held: "1", required: "1" });
    const beside = sumLeaf(keyOf(1), { held: "1", required: null });
    const lead = (sums: Partial<SumNode["sums"]>) =>
      rootOfSumPath({ index: 0, size: 2, leaf, path: [{ ...beside, sums: { ...beside.sums, ...sums } }] });
    const most = (1n << 256n) - 1n;
    expect(lead({ held: most - 1n })?.sums.held).toBe(most);
    const wrong = [{ held: most }, { required: most }, { held: most + 1n }, { held: -1n }, { required: -1n }];
    for (const sums of [...wrong, { unknown: -1n }, { unknown: 1n << 64n }])
      expect(() => lead(sums)).toThrow(InputError);
    expect(lead({ unknown: (1n << 64n) - 1n })?.sums.unknown).toBe((1n << 64n) - 1n);
    expect(() => rootOfSumPath({ index: 0, size: 2, leaf, path: [{ ...beside, hash: new Uint8Array(31) }] })).toThrow(
      InputError,
    );
  });
});

describe("the totals of an asset", () => {
  const nothing = toHex(new SumTree().root().hash);
  const said = { accounts: "1", held: "1000", required: "0", root: nothing, unknown: "0" };

  it.each([
    ["said of nobody", "0"],
    ["over no number of accounts", "all"],
    ["over a number with another form", "01"],
  ])("are not believed when they are %s", (_, accounts) => {
    const key = PREFIX.slice(0, -1);
    const tree = new SortedTree();
    const state = { ...said, accounts };
    tree.set(key, keyedLeafHash(key, state));
    const epoch = { collateralRoot: toHex(tree.root()), collateralCount: "1" };
    const proof = { size: "1", leaf: { key, state, index: "0", proof: [] } };
    expect(() => verifyTotals(epoch, proof)).toThrow(InputError);
    expect(verifyState({ stateRoot: epoch.collateralRoot, stateCount: "1" }, proof)).toEqual(state);
  });
});

/** Whether a path leads from a leaf to this very root; a path that no tree can have leads nowhere. */
function leadsTo(claim: Parameters<typeof rootOfSumPath>[0], root: SumNode): boolean {
  try {
    const found = rootOfSumPath(claim);
    return found !== null && isSameNode(found, root);
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}
