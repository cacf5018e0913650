import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { orderedTrie, verifyIndex } from "../../../../src/core/proof/chain/ordered-trie.ts";
import { filled, LONG, NOTHING } from "./tries.ts";

describe("an ordered trie", () => {
  it("proves every element of lists of many lengths, and that nothing follows", () => {
    const element = (i: number): Uint8Array => filled(1 + (i % 60), 1 + (i % 255));
    for (const size of [0, 1, 2, 3, 16, 17, 127, 128, 129, 255, 256, 257, 300]) {
      const trie = orderedTrie(Array.from({ length: size }, (_, i) => element(i)));
      for (let index = 0; index < size; index++) {
        expect(verifyIndex({ root: trie.root, index, proof: trie.prove(index) })).toEqual(element(index));
      }
      expect(verifyIndex({ root: trie.root, index: size, proof: trie.prove(size) })).toBeNull();
    }
  });

  it("gives no element for another", () => {
    const trie = orderedTrie(Array.from({ length: 20 }, (_, i) => filled(40, i)));
    fc.assert(
      fc.property(fc.nat({ max: 19 }), fc.nat({ max: 19 }), (index, other) => {
        fc.pre(index !== other);
        const proof = trie.prove(index);
        expect(() => verifyIndex({ root: trie.root, index: other, proof })).toThrow(InputError);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("refuses what is not an index, and an empty element", () => {
    const trie = orderedTrie([LONG]);
    for (const index of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => verifyIndex({ root: trie.root, index, proof: trie.prove(0) })).toThrow(InputError);
    }
    expect(() => orderedTrie([NOTHING])).toThrow(InputError);
  });
});
