import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Contract } from "../../devnet/kit.ts";
import { InputError } from "../../src/core/errors.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { encodeLeaf, LEAF_BYTES, parseLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash, MerkleTree, rootOf, verifyConsistency, verifyInclusion } from "../../src/core/proof/merkle.ts";
import { type AnchorWorld, deployAnchor, refusalOf, startAnchorWorld } from "./anchor-world.ts";
import { fieldsOf, SAMPLES } from "./leaf-samples.ts";

let world: AnchorWorld;
let anchor: Contract;

beforeAll(async () => {
  world = await startAnchorWorld();
  anchor = await deployAnchor(world.kit, world.owner);
});

afterAll(() => world?.anvil.stop());

const read = (functionName: string, args: readonly unknown[]) => world.kit.read(anchor, functionName, args);

describe("Solidity and TypeScript agree on a thousand seeded cases", () => {
  const LEAVES = Array.from({ length: 700 }, (_, i) => leafHash(Uint8Array.of(i >> 8, i & 0xff)));
  const TREE = MerkleTree.from(LEAVES);
  /** One case in three is left as it is. */
  const change = fc.record({
    what: fc.constantFrom("nothing", "nothing", "nothing", "bit", "drop", "add", "swap", "first", "second", "root"),
    at: fc.nat(),
    by: fc.constantFrom(-1, 1, 2, 64),
  });
  type Change = { what: string; at: number; by: number };
  const place = fc.record({ size: fc.integer({ min: 1, max: LEAVES.length }), at: fc.nat(), change });

  function flipped(bytes: Uint8Array, at: number): Uint8Array {
    const copy = bytes.slice();
    copy[at % copy.length] = (copy[at % copy.length] as number) ^ (1 << (at % 8));
    return copy;
  }

  function changed(proof: Uint8Array[], { what, at }: Change): Uint8Array[] {
    const i = proof.length === 0 ? 0 : at % proof.length;
    const copy = [...proof];
    if (what === "bit" && copy[i] !== undefined) copy[i] = flipped(copy[i], at);
    if (what === "drop") copy.splice(i, 1);
    if (what === "add") copy.splice(i, 0, LEAVES[at % LEAVES.length] as Uint8Array);
    if (what === "swap") copy.reverse();
    return copy;
  }

  const moved = (value: number, { what, by }: Change, which: string): number =>
    what === which ? Math.max(0, value + by) : value;

  /** Both outcomes must come often, or agreement says little. */
  function expectBoth(answers: readonly boolean[], runs: number): void {
    const held = answers.filter((answer) => answer).length;
    expect(answers.length).toBe(runs);
    expect(held).toBeGreaterThan(runs / 5);
    expect(held).toBeLessThan((runs * 4) / 5);
  }

  it("400 of inclusion", async () => {
    const answers: boolean[] = [];
    const property = fc.asyncProperty(place, async ({ size, at, change }) => {
      const index = at % size;
      const claim = {
        index: moved(index, change, "first"),
        size: moved(size, change, "second"),
        leafHash: LEAVES[index] as Uint8Array,
        proof: changed(TREE.inclusionProof(index, size), change),
        root: change.what === "root" ? flipped(TREE.root(size), at) : TREE.root(size),
      };
      const expected = verifyInclusion(claim);
      const { root, leafHash: leaf, proof } = claim;
      const args = [toHex(root), BigInt(claim.size), BigInt(claim.index), toHex(leaf), proof.map(toHex)];
      expect(await read("isIncluded", args)).toBe(expected);
      answers.push(expected);
    });
    await fc.assert(property, { seed: 1, numRuns: 400 });
    expectBoth(answers, 400);
  });

  it("400 of consistency", async () => {
    const answers: boolean[] = [];
    const property = fc.asyncProperty(place, async ({ size, at, change }) => {
      const old = 1 + (at % size);
      const claim = {
        first: moved(old, change, "first"),
        second: moved(size, change, "second"),
        firstRoot: change.what === "root" && at % 2 === 0 ? flipped(TREE.root(old), at) : TREE.root(old),
        secondRoot: change.what === "root" && at % 2 === 1 ? flipped(TREE.root(size), at) : TREE.root(size),
        proof: changed(TREE.consistencyProof(old, size), change),
      };
      const expected = verifyConsistency(claim);
      const { first, second, firstRoot, secondRoot, proof } = claim;
      const args = [BigInt(first), toHex(firstRoot), BigInt(second), toHex(secondRoot), proof.map(toHex)];
      expect(await read("isConsistent", args)).toBe(expected);
      answers.push(expected);
    });
    await fc.assert(property, { seed: 1, numRuns: 400 });
    expectBoth(answers, 400);
  });

  it("on a proof that goes on above the top of its tree", async () => {
    const at = (from: number, to: number): Uint8Array => rootOf(LEAVES.slice(from, to));
    const [first, second] = [TREE.root(7), TREE.root(8)];
    const path = [at(6, 7), at(7, 8), at(4, 6)];
    expect(await read("isConsistent", [3n, toHex(at(4, 7)), 4n, toHex(at(4, 8)), path.map(toHex)])).toBe(true);
    const longer = { first: 3, second: 4, firstRoot: first, secondRoot: second, proof: [...path, at(0, 4)] };
    expect(verifyConsistency(longer)).toBe(false);
    expect(await read("isConsistent", [3n, toHex(first), 4n, toHex(second), longer.proof.map(toHex)])).toBe(false);

    const claim = { index: 3, size: 4, leafHash: at(7, 8), proof: [at(6, 7), at(4, 6), at(0, 4)], root: second };
    expect(verifyInclusion(claim)).toBe(false);
    const hashes = claim.proof.map(toHex);
    expect(await read("isIncluded", [toHex(at(4, 8)), 4n, 3n, toHex(at(7, 8)), hashes.slice(0, 2)])).toBe(true);
    expect(await read("isIncluded", [toHex(second), 4n, 3n, toHex(at(7, 8)), hashes])).toBe(false);
    expect(await read("isIncluded", [toHex(second), 8n, 7n, toHex(at(7, 8)), hashes])).toBe(true);
  });

  it("200 of leaves", async () => {
    const answers: boolean[] = [];
    const header = fc.record({
      sample: fc.constantFrom(...SAMPLES),
      what: fc.constantFrom("nothing", "byte", "byte", "clear", "length"),
      /** Mostly where kinds differ: version, kind, ends of fields, outcome. */
      offset: fc.oneof(fc.constantFrom(0, 1, 9, 17, 49, 81, 113, 114), fc.nat({ max: LEAF_BYTES - 1 })),
      byte: fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 255 })),
    });
    const property = fc.asyncProperty(header, async ({ sample, what, offset, byte }) => {
      let leaf = encodeLeaf(sample);
      if (what === "byte") leaf[offset] = byte;
      if (what === "clear") leaf.fill(0, offset, offset + 32);
      if (what === "length") leaf = offset % 2 === 0 ? leaf.slice(0, offset) : Uint8Array.of(...leaf, byte);
      const expected = attempted(() => fieldsOf(parseLeaf(leaf)));
      const args = [toHex(leaf)];
      if (expected === null) {
        expect(await refusalOf(world.kit, anchor, { functionName: "parseLeaf", args })).not.toBeNull();
      } else expect(await read("parseLeaf", args)).toEqual(expected);
      answers.push(expected !== null);
    });
    await fc.assert(property, { seed: 1, numRuns: 200 });
    expectBoth(answers, 200);
  });
});

function attempted<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}
