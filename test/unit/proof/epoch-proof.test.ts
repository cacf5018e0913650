import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import type { StateJson } from "../../../src/core/margin-model.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import {
  type Absence,
  type Presence,
  proveAssessments,
  proveKey,
  type SubjectProof,
  summaryOf,
  verifyAssessments,
  verifyNoAssessments,
  verifyNoState,
  verifyState,
} from "../../../src/core/proof/epoch-proof.ts";
import { type EpochRoots, EpochTrees, holderKeyOf } from "../../../src/core/proof/epoch-trees.ts";
import { leafHash, MerkleTree, rootOf } from "../../../src/core/proof/merkle.ts";
import { SortedTree } from "../../../src/core/proof/sorted-tree.ts";

/** Keys with gaps between them: even numbers are there, odd ones are not. */
const keyAt = (i: number): string => `eip155:901:perp-v2/account:0x${(2 * i).toString(16).padStart(4, "0")}`;
const gapAt = (i: number): string => `eip155:901:perp-v2/account:0x${(2 * i - 1).toString(16).padStart(4, "0")}`;
const stateOf = (key: string): Json => ({ figure: key.slice(-4) });

/** An epoch over accounts, its root struck by the indexer's own code, with the tree proofs are made from. */
function epochOf(keys: readonly string[]): { epoch: EpochRoots; tree: SortedTree } {
  const trees = new EpochTrees();
  const tree = new SortedTree();
  for (const key of keys) {
    trees.put({ tree: "state", key, state: stateOf(key) as StateJson });
    tree.set(key, leafHash(canonicalBytes([key, stateOf(key)])));
  }
  return { epoch: trees.roots(), tree };
}

/** Whether a proof of absence holds against a root, whatever size of the tree it names. */
function holds(root: Hex, proof: Absence): boolean {
  try {
    verifyNoAssessments({ assessmentRoot: root }, proof);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return false;
  }
}

const accounts = (count: number) => epochOf(Array.from({ length: count }, (_, i) => keyAt(i + 1)));

/** Subjects with one assessment more than their number. */
function assessed(count: number) {
  const keys = Array.from({ length: count }, (_, i) =>
    Array.from({ length: i + 1 }, (_, rule) => `perp-v2|eip155:901:0x${10 + i}|RULE-${10 + rule}`),
  ).flat();
  const trees = new EpochTrees();
  for (const key of keys) trees.put({ tree: "assessment", key, state: stateOf(key) as StateJson });
  const assessmentsOf = (subject: string) =>
    keys.filter((key) => holderKeyOf(key) === subject).map((key) => ({ key, state: stateOf(key) }));
  const subjects = new SortedTree();
  for (const subject of new Set(keys.map(holderKeyOf))) {
    subjects.set(subject, leafHash(canonicalBytes([subject, summaryOf(assessmentsOf(subject))])));
  }
  return { epoch: trees.roots(), prove: (subject: string) => proveAssessments(subjects, { subject, assessmentsOf }) };
}

const subjectAt = (i: number): string => `perp-v2|eip155:901:0x${10 + i}`;

describe("a sorted tree", () => {
  it("proves every leaf as RFC 6962 does, at every size up to 66", () => {
    for (let size = 1; size <= 66; size++) {
      const { tree } = accounts(size);
      const hashes = Array.from({ length: size }, (_, i) =>
        leafHash(canonicalBytes([keyAt(i + 1), stateOf(keyAt(i + 1))])),
      );
      const expected = MerkleTree.from(hashes);
      for (let index = 0; index < size; index++) {
        expect(tree.inclusionProof(index).map(toHex)).toEqual(expected.inclusionProof(index).map(toHex));
        expect([tree.indexOf(keyAt(index + 1)), tree.keyAt(index)]).toEqual([index, keyAt(index + 1)]);
      }
      expect(tree.keyAt(size)).toBeNull();
      expect(() => tree.inclusionProof(size)).toThrow(InputError);
    }
  });
});

describe("an account's state in an epoch", () => {
  it("is proven, and that of an account that is not there is proven to be none", () => {
    for (let size = 0; size <= 40; size++) {
      const { epoch, tree } = accounts(size);
      for (let i = 1; i <= size; i++) {
        const found = proveKey(tree, { key: keyAt(i), stateOf }) as Presence;
        expect(verifyState(epoch, found)).toEqual(stateOf(keyAt(i)));
        expect(() => verifyState({ ...epoch, stateCount: String(size + 1) }, found)).toThrow(InputError);
      }
      for (let i = 1; i <= size + 1; i++) {
        const absent = proveKey(tree, { key: gapAt(i), stateOf }) as Absence;
        expect(() => verifyNoState(epoch, absent)).not.toThrow();
        expect(() => verifyNoState(accounts(size + 1).epoch, absent)).toThrow(InputError);
      }
    }
  });

  it("cannot be denied: no two leaves that are not neighbours can be made to look like it, at any size", () => {
    for (let size = 2; size <= 10; size++) {
      const { epoch, tree } = accounts(size);
      const leafOf = (i: number) => (proveKey(tree, { key: keyAt(i + 1), stateOf }) as Presence).leaf;
      const leaves = Array.from({ length: size }, (_, i) => leafOf(i));
      const taken: string[] = [];
      for (const [left, before] of leaves.entries()) {
        for (const after of leaves.slice(left + 2)) {
          for (let claimed = 2; claimed <= 17; claimed++) {
            for (let index = 0; index + 1 < claimed; index++) {
              const claim = { before: { ...before, index: `${index}` }, after: { ...after, index: `${index + 1}` } };
              const proof = { size: `${claimed}`, key: keyAt(left + 2), ...claim };
              if (holds(epoch.stateRoot, proof)) taken.push(JSON.stringify(proof));
            }
          }
          const proof = { size: `${size}`, key: keyAt(left + 2), before, after };
          if (holds(epoch.stateRoot, proof)) taken.push(JSON.stringify(proof));
        }
      }
      expect(taken).toEqual([]);
    }
  });

  it("cannot be denied at the ends: only the first leaf is first, only the last is last, and only nothing is empty", () => {
    for (let size = 1; size <= 12; size++) {
      const { epoch, tree } = accounts(size);
      const leafOf = (i: number) => (proveKey(tree, { key: keyAt(i + 1), stateOf }) as Presence).leaf;
      for (let at = 0; at < size; at++) {
        for (let claimed = 1; claimed <= 20; claimed++) {
          const first = { size: `${claimed}`, key: gapAt(1), before: null, after: { ...leafOf(at), index: "0" } };
          const last = { ...leafOf(at), index: `${claimed - 1}` };
          const end = { size: `${claimed}`, key: gapAt(size + 1), before: last, after: null };
          if (at > 0) expect(holds(epoch.stateRoot, first)).toBe(false);
          if (at < size - 1) expect(holds(epoch.stateRoot, end)).toBe(false);
        }
      }
      const empty: Absence = { size: "0", key: keyAt(1), before: null, after: null };
      expect(holds(epoch.stateRoot, empty)).toBe(false);
      expect(holds(epoch.stateRoot, { ...empty, size: `${size}` })).toBe(false);
      expect(holds(toHex(rootOf([])), empty)).toBe(true);
    }
  });

  it("is proven by nothing else: any part of a proof changed, left out, doubled or swapped is refused", () => {
    const { epoch, tree } = accounts(21);
    const present = proveKey(tree, { key: keyAt(7), stateOf }) as Presence;
    checkMutations(present, (changed) => verifyState(epoch, changed as Presence));
    for (const gap of [1, 8, 21, 22]) {
      const absent = proveKey(tree, { key: gapAt(gap), stateOf }) as Absence;
      checkMutations(absent, (changed) => {
        verifyNoState(epoch, changed as Absence);
        // Another key of the same gap is as absent as this one.
        if ((changed as Absence).key !== absent.key) throw new InputError("another key");
      });
    }
  });

  it("is not shown by a proof about a key that is there", () => {
    const { epoch, tree } = accounts(9);
    const absent = proveKey(tree, { key: gapAt(5), stateOf }) as Absence;
    for (let i = 1; i <= 9; i++) expect(() => verifyNoState(epoch, { ...absent, key: keyAt(i) })).toThrow(InputError);
  });
});

describe("a subject's assessments in an epoch", () => {
  it("are proven to be all there are, and none where there is none", () => {
    for (let count = 0; count <= 9; count++) {
      const { epoch, prove } = assessed(count);
      for (let i = 0; i < count; i++) {
        const proof = prove(subjectAt(i)) as SubjectProof;
        expect(proof.assessments).toHaveLength(i + 1);
        expect(() => verifyAssessments(epoch, proof)).not.toThrow();
      }
      const absent = prove(subjectAt(count)) as Absence;
      expect(() => verifyNoAssessments(epoch, absent)).not.toThrow();
    }
  });

  it("are not proven by fewer, more, others, or in another order", () => {
    const { epoch, prove } = assessed(6);
    const proof = prove(subjectAt(4)) as SubjectProof;
    const { assessments } = proof;
    const extra = { key: `${proof.subject}|RULE-99`, state: stateOf("RULE-99") };
    const other = (prove(subjectAt(3)) as SubjectProof).assessments;
    const wrong = [[], assessments.slice(1), assessments.slice(0, -1), [...assessments, extra], other];
    wrong.push(assessments.toReversed(), [...assessments, assessments[4] as typeof extra]);
    for (const list of wrong) {
      expect(() => verifyAssessments(epoch, { ...proof, assessments: list })).toThrow(InputError);
    }
    expect(() => verifyAssessments(epoch, { ...proof, subject: subjectAt(3) })).toThrow(InputError);
  });

  it("are not proven by a subject's own assessments under another's name, twice or in disorder, though the roots agree", () => {
    const keys = ["a|x|R1", "a|x|R2", "b|x|R1"];
    const list = keys.map((key) => ({ key, state: stateOf(key) }));
    const tree = new SortedTree();
    tree.set("a|x", leafHash(canonicalBytes(["a|x", summaryOf(list)])));
    const proof = proveAssessments(tree, { subject: "a|x", assessmentsOf: () => list }) as SubjectProof;
    const epoch = { assessmentRoot: toHex(tree.root()) };
    expect(() => verifyAssessments(epoch, proof)).toThrow(InputError);
    const nested = [{ key: "a|x|R1|more", state: "s" }];
    const doubled = [list[0], list[0]] as typeof list;
    const falling = [list[1], list[0]] as typeof list;
    for (const wrong of [nested, doubled, falling]) {
      tree.set("a|x", leafHash(canonicalBytes(["a|x", summaryOf(wrong)])));
      const again = proveAssessments(tree, { subject: "a|x", assessmentsOf: () => wrong }) as SubjectProof;
      expect(() => verifyAssessments({ assessmentRoot: toHex(tree.root()) }, again)).toThrow(InputError);
    }
  });

  it("are proven by nothing else: any part of a proof changed, left out, doubled or swapped is refused", () => {
    const { epoch, prove } = assessed(7);
    const proof = prove(subjectAt(3)) as SubjectProof;
    checkMutations(proof, (changed) => verifyAssessments(epoch, changed as SubjectProof), true);
    const noOther = (changed: unknown) => {
      verifyNoAssessments(epoch, changed as Absence);
      if ((changed as Absence).key !== subjectAt(7)) throw new InputError("another subject");
    };
    checkMutations(prove(subjectAt(7)), noOther, true);
  });
});

/**
 * A proof that differs from this one in one place must be refused. Where the number of leaves is not committed to, another
 * size that leads to the same place by the same turns says the same.
 */
function checkMutations(proof: object, verify: (changed: unknown) => unknown, isSizeFree = false): void {
  expect(() => verify(proof)).not.toThrow();
  const withoutSize = (value: object) => JSON.stringify({ ...value, size: null });
  const choice = fc.record({ at: fc.nat(), way: fc.nat(), to: fc.constantFrom("0", "1", "f", "x") });
  fc.assert(
    fc.property(choice, (chosen) => {
      const changed = mutate(structuredClone(proof), chosen);
      if (JSON.stringify(changed) === JSON.stringify(proof)) return;
      if (isSizeFree && withoutSize(changed) === withoutSize(proof)) return;
      expect(() => verify(changed), JSON.stringify(changed)).toThrow();
    }),
    { seed: 1, numRuns: 600 },
  );
}

/** Changes one character, drops, doubles or swaps items of one list, or leaves one part out. */
function mutate(proof: object, { at, way, to }: { at: number; way: number; to: string }): object {
  const places: { holder: Record<string, unknown>; name: string }[] = [];
  const visit = (holder: Record<string, unknown>): void => {
    for (const name of Object.keys(holder)) {
      places.push({ holder, name });
      if (typeof holder[name] === "object" && holder[name] !== null) visit(holder[name] as Record<string, unknown>);
    }
  };
  visit(proof as Record<string, unknown>);
  const { holder, name } = places[at % places.length] as (typeof places)[number];
  const value = holder[name];
  if (typeof value === "string") {
    const i = way % (value.length + 1);
    holder[name] = value.slice(0, i) + to + value.slice(i + 1);
  } else if (Array.isArray(value)) {
    const i = way % (value.length + 1);
    holder[name] = [value.toSpliced(i, 1), value.toSpliced(i, 0, value[0]), value.toReversed()][way % 3];
  } else holder[name] = value === null ? { key: "", state: null, index: "0", proof: [] } : null;
  return proof;
}
