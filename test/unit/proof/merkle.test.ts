import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError, InvariantError } from "../../../src/core/errors.ts";
import { fromBase64 } from "../../../src/core/proof/bytes.ts";
import {
  leafHash,
  MerkleTree,
  nodeHash,
  rootOf,
  rootsOfGrowth,
  verifyConsistency,
  verifyInclusion,
} from "../../../src/core/proof/merkle.ts";
import { growthFrom } from "../../../src/core/proof/merkle-paths.ts";
import { sha256 } from "../../../src/core/proof/sha256.ts";
import { isDataAbsent } from "../../support/require.ts";

type Inclusion = { leafIdx: number; treeSize: number; root: string; leafHash: string };
type Consistency = { size1: number; size2: number; root1: string; root2: string };
type Vector<T> = T & { proof: string[] | null; wantErr: boolean };
const VECTORS = JSON.parse(readFileSync(new URL("rfc6962.fixture.json", import.meta.url), "utf8")) as {
  inclusion: Record<string, Vector<Inclusion>>;
  consistency: Record<string, Vector<Consistency>>;
};

const DATA = { variable: "PLUMBLINE_TEST_DATA", folder: "rfc6962-vectors" };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const LEAVES = Array.from({ length: 601 }, (_, i) => leafHash(Uint8Array.of(i >> 8, i & 0xff)));
const TREE = MerkleTree.from(LEAVES);
const leafAt = (index: number): Uint8Array => LEAVES[index] as Uint8Array;

/** Every proof of every size up to here is made and checked: 180,000 of each kind. */
const LARGEST = 600;
const EVERY_PROOF_MS = 180_000;

/** RFC 6962, section 2.1, word for word. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array());
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  const k = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return nodeHash(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** The eight leaves and the roots of each size that the Certificate Transparency implementations test with. */
const CT_LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((text) => leafHash(Buffer.from(text, "hex")));
const CT_ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

describe("MerkleTree", () => {
  it("has the roots of the Certificate Transparency test tree", () => {
    const tree = MerkleTree.from(CT_LEAVES);
    expect(CT_ROOTS.map((_, size) => hex(tree.root(size)))).toEqual(CT_ROOTS);
    expect(CT_ROOTS.map((_, size) => hex(rootOf(CT_LEAVES.slice(0, size))))).toEqual(CT_ROOTS);
  });

  it("has the root of RFC 6962 at every size up to 600", () => {
    for (let size = 0; size <= LARGEST; size++) {
      const expected = hex(naiveRoot(LEAVES.slice(0, size)));
      expect(hex(TREE.root(size))).toBe(expected);
      expect(hex(rootOf(LEAVES.slice(0, size)))).toBe(expected);
    }
  });

  it("proves every leaf of every size up to 600", { timeout: EVERY_PROOF_MS }, () => {
    const failed: string[] = [];
    for (let size = 1; size <= LARGEST; size++) {
      const root = TREE.root(size);
      for (let index = 0; index < size; index++) {
        const proof = TREE.inclusionProof(index, size);
        if (!verifyInclusion({ index, size, leafHash: leafAt(index), proof, root })) failed.push(`${index} of ${size}`);
      }
    }
    expect(failed).toEqual([]);
  });

  it("proves every size consistent with every later one up to 600", { timeout: EVERY_PROOF_MS }, () => {
    const failed: string[] = [];
    const roots = Array.from({ length: LARGEST + 1 }, (_, size) => TREE.root(size));
    for (let second = 1; second <= LARGEST; second++) {
      for (let first = 1; first <= second; first++) {
        const proof = TREE.consistencyProof(first, second);
        const [firstRoot, secondRoot] = [roots[first], roots[second]] as [Uint8Array, Uint8Array];
        if (!verifyConsistency({ first, second, firstRoot, secondRoot, proof })) failed.push(`${first} to ${second}`);
      }
    }
    expect(failed).toEqual([]);
  });

  it("has inclusion proofs that fit no other leaf, place or root", () => {
    for (let size = 1; size <= 66; size++) {
      for (let index = 0; index < size; index++) {
        const proof = TREE.inclusionProof(index, size);
        const claim = { index, size, leafHash: leafAt(index), proof, root: TREE.root(size) };
        expect(verifyInclusion({ ...claim, leafHash: leafAt(size) })).toBe(false);
        expect(verifyInclusion({ ...claim, root: TREE.root(size + 1) })).toBe(false);
        if (size > 1) expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(false);
      }
    }
  });

  it("has consistency proofs that fit no other root", () => {
    for (let second = 1; second <= 66; second++) {
      for (let first = 1; first <= second; first++) {
        const proof = TREE.consistencyProof(first, second);
        const claim = { first, second, firstRoot: TREE.root(first), secondRoot: TREE.root(second), proof };
        expect(verifyConsistency({ ...claim, firstRoot: TREE.root(first + 1) })).toBe(false);
        expect(verifyConsistency({ ...claim, secondRoot: TREE.root(second + 1) })).toBe(false);
      }
    }
  });

  it("says by a path of growth alone what both roots are", () => {
    const nodeOf = (level: number, index: number) => TREE.node(level, index);
    const sizes = fc.tuple(fc.integer({ min: 1, max: LARGEST }), fc.integer({ min: 1, max: LARGEST }));
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat({ max: 7 }), ([a, b], at, bit) => {
        fc.pre(a !== b);
        const [first, second] = [Math.min(a, b), Math.max(a, b)];
        const path = growthFrom(nodeOf, { first, second });
        expect(rootsOfGrowth({ first, second, path })).toEqual({ first: TREE.root(first), second: TREE.root(second) });
        for (const changed of mutationsOf(path, at, bit)) {
          const roots = rootsOfGrowth({ first, second, path: changed });
          expect(roots !== null && hex(roots.second) === hex(TREE.root(second))).toBe(false);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
    const path = [leafAt(0)];
    for (const [first, second] of [
      [0, 1],
      [1, 1],
      [2, 1],
      [1, 2.5],
    ] as const) {
      expect(rootsOfGrowth({ first, second, path })).toBeNull();
    }
    expect(rootsOfGrowth({ first: 1, second: 2, path: [] })).toBeNull();
    expect(() => growthFrom(nodeOf, { first: 0, second: 2 })).toThrow(InputError);
    expect(() => growthFrom(nodeOf, { first: 2, second: 2 })).toThrow(InputError);
  });

  it("does not take a size that a logarithm rounds to a power of two for one", () => {
    // A tree of so many leaves cannot be built, but the hashes beside the way to its edge can be made up.
    const [first, second] = [2 ** 49 - 1, 2 ** 49];
    const others = Array.from({ length: 49 }, (_, i) => leafAt(i + 1));
    const roots = rootsOfGrowth({ first, second, path: [leafAt(0), leafAt(600), ...others.slice(1)] });
    expect(roots).not.toBeNull();
    const { first: firstRoot, second: secondRoot } = roots as { first: Uint8Array; second: Uint8Array };
    const claim = { first, second, firstRoot, secondRoot };
    expect(verifyConsistency({ ...claim, proof: [leafAt(0), leafAt(600), ...others.slice(1)] })).toBe(true);
    expect(verifyConsistency({ ...claim, proof: [leafAt(600), ...others.slice(1)] })).toBe(false);
  });

  it("refuses a proof with a bit changed, a node added or one left out", () => {
    const place = fc.record({ size: fc.integer({ min: 2, max: LARGEST }), at: fc.nat(), bit: fc.nat({ max: 7 }) });
    fc.assert(
      fc.property(place, ({ size, at, bit }) => {
        const index = at % size;
        const proof = TREE.inclusionProof(index, size);
        const claim = { index, size, leafHash: LEAVES[index] as Uint8Array, proof, root: TREE.root(size) };
        expect(verifyInclusion(claim)).toBe(true);
        for (const changed of mutationsOf(proof, at, bit)) {
          expect(verifyInclusion({ ...claim, proof: changed })).toBe(false);
        }
        const first = 1 + (at % (size - 1));
        const path = TREE.consistencyProof(first, size);
        const grown = { first, second: size, firstRoot: TREE.root(first), secondRoot: TREE.root(size), proof: path };
        expect(verifyConsistency(grown)).toBe(true);
        for (const changed of mutationsOf(path, at, bit)) {
          expect(verifyConsistency({ ...grown, proof: changed })).toBe(false);
        }
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("proves nothing of the empty tree", () => {
    const empty = { first: 0, second: 3, firstRoot: TREE.root(0), secondRoot: TREE.root(3) };
    expect(verifyConsistency({ ...empty, proof: [] })).toBe(false);
    expect(verifyConsistency({ ...empty, second: 0, secondRoot: TREE.root(0), proof: [] })).toBe(false);
    expect(() => TREE.consistencyProof(0, 3)).toThrow(InputError);
  });

  it("refuses indexes and sizes that are none", () => {
    const claim = { index: 0, size: 1, leafHash: LEAVES[0] as Uint8Array, proof: [], root: TREE.root(1) };
    expect(verifyInclusion(claim)).toBe(true);
    for (const index of [-1, 1, 0.5, Number.NaN, 2 ** 53]) expect(verifyInclusion({ ...claim, index })).toBe(false);
    for (const size of [0, -1, 1.5, Number.NaN, 2 ** 53]) expect(verifyInclusion({ ...claim, size })).toBe(false);
    expect(() => TREE.inclusionProof(5, 5)).toThrow(InputError);
    expect(() => TREE.root(602)).toThrow(InputError);
    expect(() => MerkleTree.from([Uint8Array.of(1)])).toThrow(InvariantError);
  });
});

describe("the vectors of transparency-dev/merkle", () => {
  it.each(Object.entries(VECTORS.inclusion))("inclusion: %s", (_, vector) => {
    const { leafIdx: index, treeSize: size } = vector;
    const hashes = { leafHash: fromBase64(vector.leafHash), root: fromBase64(vector.root) };
    const proof = (vector.proof ?? []).map(fromBase64);
    expect(verifyInclusion({ index, size, ...hashes, proof })).toBe(!vector.wantErr);
  });

  it.each(Object.entries(VECTORS.consistency))("consistency: %s", (_, vector) => {
    const { size1: first, size2: second } = vector;
    const roots = { firstRoot: fromBase64(vector.root1), secondRoot: fromBase64(vector.root2) };
    const proof = (vector.proof ?? []).map(fromBase64);
    expect(verifyConsistency({ first, second, ...roots, proof })).toBe(!vector.wantErr);
  });
});

/** The folder the fixture was made from, where it is at hand: a vector added there must not go unnoticed here. */
describe.skipIf(isDataAbsent("the folder of vectors", DATA))("the fixture of vectors", () => {
  it("holds every file of the folder, as it is", () => {
    const root = join(process.env[DATA.variable] as string, DATA.folder);
    for (const kind of ["inclusion", "consistency"] as const) {
      const files = readdirSync(join(root, kind), { recursive: true, encoding: "utf8" }).filter((file) =>
        file.endsWith(".json"),
      );
      const found = files.map((file) => {
        const { desc: _, ...vector } = JSON.parse(readFileSync(join(root, kind, file), "utf8"));
        return [file.slice(0, -".json".length), vector];
      });
      expect(VECTORS[kind]).toEqual(Object.fromEntries(found));
    }
  });
});

function mutationsOf(proof: readonly Uint8Array[], at: number, bit: number): Uint8Array[][] {
  if (proof.length === 0) return [[LEAVES[0] as Uint8Array]];
  const i = at % proof.length;
  const changed = (proof[i] as Uint8Array).slice();
  changed[at % 32] = (changed[at % 32] as number) ^ (1 << bit);
  return [
    proof.with(i, changed) as Uint8Array[],
    [...proof, LEAVES[0] as Uint8Array],
    [LEAVES[0] as Uint8Array, ...proof],
    proof.toSpliced(i, 1) as Uint8Array[],
    proof.with(i, (proof[i] as Uint8Array).slice(1)) as Uint8Array[],
  ];
}
