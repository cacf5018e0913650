import { RLP } from "@ethereumjs/rlp";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import {
  asBytes,
  asFixed,
  asInteger,
  asList,
  decodeRlp,
  encodeInteger,
  encodeRlp,
  type Rlp,
  rlpLength,
} from "../../../../src/core/proof/chain/rlp.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const LIMITS = { bytes: 1000, depth: 3, items: 10 };

/** Byte strings and lists of every kind of length, nested. */
const items = fc.letrec<{ item: Rlp }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.uint8Array({ maxLength: 3 }),
    fc.uint8Array({ minLength: 54, maxLength: 58 }),
    fc.uint8Array({ minLength: 254, maxLength: 258 }),
    fc.array(tie("item"), { maxLength: 6 }),
  ),
})).item;

describe("RLP", () => {
  it.each<[string, Rlp, string]>([
    ["the empty string", new Uint8Array(), "80"],
    ["a byte that stands for itself", Uint8Array.of(0x7f), "7f"],
    ["the byte zero", Uint8Array.of(0), "00"],
    ["the first byte that does not", Uint8Array.of(0x80), "8180"],
    ["a short string", text("dog"), "83646f67"],
    ["the empty list", [], "c0"],
    ["a list of strings", [text("cat"), text("dog")], "c88363617483646f67"],
    ["the set theoretical three", [[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"],
    ["the longest short string", new Uint8Array(55), `b7${"00".repeat(55)}`],
    ["the shortest long string", new Uint8Array(56), `b838${"00".repeat(56)}`],
    ["a string of 256 bytes", new Uint8Array(256), `b90100${"00".repeat(256)}`],
    ["the longest short list", Array.from({ length: 55 }, () => new Uint8Array()), `f7${"80".repeat(55)}`],
    ["the shortest long list", Array.from({ length: 56 }, () => new Uint8Array()), `f838${"80".repeat(56)}`],
  ])("writes and reads %s", (_, item, encoded) => {
    expect(hex(encodeRlp(item))).toBe(encoded);
    expect(rlpLength(item)).toBe(encoded.length / 2);
    expect(decodeRlp(bytes(encoded))).toEqual(item);
  });

  it("writes what @ethereumjs/rlp writes, and reads it back", () => {
    fc.assert(
      fc.property(items, (item) => {
        const encoded = encodeRlp(item);
        expect(hex(encoded)).toBe(hex(RLP.encode(item as Uint8Array)));
        expect(decodeRlp(encoded)).toEqual(item);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("writes again every byte string that it reads", () => {
    const likely = fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0, 1, 0x80, 0x81, 0xb8, 0xc0, 0xc1, 0xf8),
    );
    let read = 0;
    fc.assert(
      fc.property(fc.array(likely, { maxLength: 6 }), (data) => {
        const encoded = Uint8Array.from(data);
        let item: Rlp;
        try {
          item = decodeRlp(encoded);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          return;
        }
        read++;
        expect(hex(encodeRlp(item))).toBe(hex(encoded));
      }),
      { seed: 1, numRuns: 5000 },
    );
    expect(read).toBeGreaterThan(300);
  });

  it.each([
    ["nothing", ""],
    ["a byte behind the item", "0000"],
    ["a list behind the item", "c0c0"],
    ["a string cut off", "83646f"],
    ["a string without its length", "b8"],
    ["a length cut off", "b901"],
    ["a list cut off", "c883636174"],
    ["an item longer than its list", "c283646f67"],
    ["a list longer than its list", "c2c58180"],
    ["a single byte with a length", "8100"],
    ["a single byte with a length, in a list", "c2817f"],
    ["a short string in the long form", `b837${"00".repeat(55)}`],
    ["a short list in the long form", `f837${"80".repeat(55)}`],
    ["no bytes in the long form", "b800"],
    ["a length with a leading zero", `b90038${"00".repeat(56)}`],
    ["a list's length with a leading zero", `f90038${"80".repeat(56)}`],
    ["a length beyond all memory", "bfffffffffffffffff00"],
    ["a list's length beyond all memory", "ffffffffffffffffff00"],
  ])("refuses non-canonical or broken RLP: %s", (_, encoded) => {
    expect(() => decodeRlp(bytes(encoded))).toThrow(InputError);
  });

  it("refuses a depth bomb without running out of stack", () => {
    // A list in a list in a list …, each with its right length, as an attacker would make it.
    let bomb: Uint8Array = Uint8Array.of(0xc0);
    for (let i = 0; i < 55; i++) bomb = Uint8Array.from([0xc0 + bomb.length, ...bomb]);
    expect(() => decodeRlp(bomb)).toThrow(InputError);
    expect(() => decodeRlp(new Uint8Array(1 << 20).fill(0xc1))).toThrow(InputError);
    const long = new Uint8Array(1 << 22);
    for (let at = 0; at + 5 < long.length; at += 5) {
      new DataView(long.buffer).setUint32(at + 1, long.length - at - 5);
      long[at] = 0xfb;
    }
    expect(() => decodeRlp(long)).toThrow(InputError);
  });

  it("takes lists as deep as the limit and no deeper", () => {
    expect(decodeRlp(encodeRlp([[[]]]), LIMITS)).toEqual([[[]]]);
    expect(() => decodeRlp(encodeRlp([[[[]]]]), LIMITS)).toThrow(InputError);
  });

  it("takes as many bytes and items as the limits and no more", () => {
    const strings = (count: number): Uint8Array => encodeRlp(Array.from({ length: count }, () => new Uint8Array()));
    expect(decodeRlp(strings(9), LIMITS)).toHaveLength(9);
    expect(() => decodeRlp(strings(10), LIMITS)).toThrow(InputError);
    expect(decodeRlp(encodeRlp(new Uint8Array(997)), LIMITS)).toHaveLength(997);
    expect(() => decodeRlp(encodeRlp(new Uint8Array(998)), LIMITS)).toThrow(InputError);
  });
});

describe("parts of RLP", () => {
  it("writes integers without leading zeros, and reads them back", () => {
    expect(["", "01", "ff", "0100"]).toEqual([0, 1, 255, 256].map((value) => hex(encodeInteger(value))));
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (value) => {
        expect(asInteger(encodeInteger(value), { name: "value", bytes: 32 })).toBe(value);
      }),
      { seed: 1, numRuns: 200 },
    );
    expect(() => encodeInteger(-1n)).toThrow(InputError);
  });

  it("refuses an integer with a leading zero, one that is too long, and a list", () => {
    const form = { name: "value", bytes: 2 };
    expect(asInteger(bytes("ffff"), form)).toBe(65535n);
    for (const item of [bytes("00"), bytes("0001"), bytes("010000"), [], undefined]) {
      expect(() => asInteger(item, form)).toThrow(InputError);
    }
  });

  it("tells byte strings from lists, and one length from another", () => {
    expect(asList([], "list")).toEqual([]);
    expect(asBytes(bytes("00"), "string")).toEqual(bytes("00"));
    expect(asFixed(bytes("0102"), { name: "string", bytes: 2 })).toEqual(bytes("0102"));
    expect(() => asList(bytes("00"), "list")).toThrow(InputError);
    expect(() => asList(undefined, "list")).toThrow(InputError);
    expect(() => asBytes([], "string")).toThrow(InputError);
    expect(() => asBytes(undefined, "string")).toThrow(InputError);
    expect(() => asFixed(bytes("01"), { name: "string", bytes: 2 })).toThrow(InputError);
  });
});
