import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../../src/core/errors.ts";
import { leafHash, nodeHash, rootOf } from "../../../src/core/proof/merkle.ts";
import { getHash, HASH_WORDS, hashBytes, hashPair, hashWords, putHash } from "../../../src/core/proof/node-hash.ts";
import { sha256 } from "../../../src/core/proof/sha256.ts";
import { SortedTree } from "../../../src/core/proof/sorted-tree.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const hashOf = (value: number): Uint8Array => leafHash(Uint8Array.of(value >> 8, value & 0xff));

/** The root from scratch: sorted by bytes, hashed by the general hash function. */
function expectedRoot(entries: ReadonlyMap<string, number>): string {
  const keys = [...entries.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return hex(rootOf(keys.map((key) => hashOf(entries.get(key) as number))));
}

describe("hashPair", () => {
  it("is the node hash of the general hash function, for every last byte too", () => {
    const below = new Int32Array(4 * HASH_WORDS);
    const above = new Int32Array(2 * HASH_WORDS);
    const check = (left: Uint8Array, right: Uint8Array): void => {
      putHash(below, 2, left);
      putHash(below, 3, right);
      expect(hex(getHash(below, 3))).toBe(hex(right));
      hashPair(below, above, 1);
      const expected = hex(sha256(Uint8Array.of(1, ...left, ...right)));
      expect(hex(getHash(above, 1))).toBe(expected);
      expect(hex(nodeHash(left, right))).toBe(expected);
    };
    for (let byte = 0; byte < 256; byte++) check(hashOf(byte), hashOf(byte + 256).with(31, byte));
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(fc.property(hash, hash, check), { seed: 1, numRuns: 200 });
  });
});

describe("hashBytes", () => {
  it("is the general hash function over a prefix and data of every length", () => {
    for (let length = 0; length <= 300; length++) {
      const data = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff);
      expect(hex(hashBytes(length & 0xff, data))).toBe(hex(sha256(Uint8Array.of(length & 0xff, ...data))));
    }
    const long = new Uint8Array(1_000_003).fill(0xa5);
    expect(hex(hashBytes(0, long.subarray(1)))).toBe(hex(sha256(long.fill(0, 0, 1))));
  });
});

describe("hashWords", () => {
  it("is the general hash function over a one byte and the words, wherever they stand and however many", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const counts = Array.from({ length: 70 }, (_, i) => i).filter((count) => count % 16 <= 13);
    const bytes = fc.constantFrom(...counts).chain((n) => fc.array(byte, { minLength: 4 * n, maxLength: 4 * n }));
    fc.assert(
      fc.property(bytes, fc.nat(5), fc.nat(5), (data, from, at) => {
        const words = Array.from({ length: data.length / 4 }, (_, i) => Buffer.from(data).readInt32BE(4 * i));
        const input = Int32Array.from([...new Array(from).fill(7), ...words, 9]);
        const output = new Int32Array(at + HASH_WORDS);
        hashWords(input, { from, count: words.length }, { output, at });
        const written = Buffer.alloc(32);
        for (let i = 0; i < HASH_WORDS; i++) written.writeInt32BE(output[at + i] as number, 4 * i);
        expect(hex(written)).toBe(hex(sha256(Uint8Array.of(1, ...data))));
      }),
      { seed: 1, numRuns: 400 },
    );
  });
});

describe("SortedTree", () => {
  const key = fc.nat({ max: 40 }).map((i) => `eip155:901/perp-v2/${i}`);
  const step = fc.oneof(
    fc.record({ op: fc.constant("set" as const), key, value: fc.nat({ max: 5 }) }),
    fc.record({ op: fc.constant("delete" as const), key }),
    fc.record({ op: fc.constant("root" as const) }),
  );

  it("has the root of a tree built anew, after any changes in any order", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const tree = new SortedTree();
        const entries = new Map<string, number>();
        for (const change of steps) {
          if (change.op === "set") {
            tree.set(change.key, hashOf(change.value));
            entries.set(change.key, change.value);
          } else if (change.op === "delete") {
            tree.delete(change.key);
            entries.delete(change.key);
          } else {
            expect(hex(tree.root())).toBe(expectedRoot(entries));
            expect(tree.size).toBe(entries.size);
          }
        }
        expect(hex(tree.root())).toBe(expectedRoot(entries));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("has the right root at every size while it grows and while it shrinks, from either end", () => {
    for (const order of [(i: number) => i, (i: number) => 99 - i]) {
      const tree = new SortedTree();
      const entries = new Map<string, number>();
      const name = (i: number): string => order(i).toString().padStart(3, "0");
      for (let i = 0; i < 100; i++) {
        tree.set(name(i), hashOf(i));
        entries.set(name(i), i);
        expect(hex(tree.root())).toBe(expectedRoot(entries));
      }
      for (let i = 0; i < 100; i++) {
        tree.delete(name(i));
        entries.delete(name(i));
        expect(hex(tree.root())).toBe(expectedRoot(entries));
      }
    }
  });

  it("refuses a hash that is none", () => {
    expect(() => new SortedTree().set("a", new Uint8Array(31))).toThrow(InvariantError);
  });
});
