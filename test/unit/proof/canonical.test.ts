import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  canonicalBytes,
  canonicalText,
  type Json,
  MAX_DEPTH,
  parseCanonical,
} from "../../../src/core/proof/canonical.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const nested = (depth: number): Json => {
  let value: Json = "x";
  for (let i = 0; i < depth; i++) value = [value];
  return value;
};

const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: "grapheme" }),
    fc.array(tie("value")),
    fc.dictionary(
      fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__"),
      tie("value"),
    ),
  ),
})).value;

describe("canonicalText", () => {
  it("sorts keys by UTF-16 code units and escapes as RFC 8785, section 3.2.3", () => {
    const keys = {
      "\u20ac": "1",
      "\r": "2",
      "\ufb33": "3",
      "1": "4",
      "\ud83d\ude00": "5",
      "\u0080": "6",
      "\u00f6": "7",
    };
    const expected = '{"\\r":"2","1":"4","\u0080":"6","\u00f6":"7","\u20ac":"1","\ud83d\ude00":"5","\ufb33":"3"}';
    expect(canonicalText(keys)).toBe(expected);
  });

  it("escapes control characters, quote and backslash as RFC 8785, section 3.2.2.2", () => {
    expect(canonicalText('€$\n\u000fA\'B"\\\\"/')).toBe(`"€$\\n\\u000fA'B\\"\\\\\\\\\\"/"`);
  });

  it.each([
    ["a number", { a: [1] }],
    ["a large integer", { a: 2 ** 53 }],
    ["NaN", Number.NaN],
    ["a bigint", { a: 1n }],
    ["undefined", undefined],
    ["an undefined value", { a: undefined }],
    ["a hole in a list", new Array(2)],
    ["a function", { a: () => "x" }],
    ["half a surrogate pair", ["a\ud800b"]],
    ["half a surrogate pair in a key", { "\udc00": "x" }],
    ["a date", { a: new Date(0) }],
    ["a map", new Map([["a", "b"]])],
    ["an object with toJSON", { toJSON: (): string => "x" }],
    ["a key __proto__", JSON.parse('{"__proto__":"x"}')],
    ["what is too deep", nested(MAX_DEPTH + 1)],
  ])("refuses %s", (_, value) => {
    expect(() => canonicalText(value as Json)).toThrow(InputError);
  });

  it("takes what is just deep enough", () => {
    expect(canonicalText(nested(MAX_DEPTH))).toBe(`${"[".repeat(MAX_DEPTH)}"x"${"]".repeat(MAX_DEPTH)}`);
  });
});

describe("parseCanonical", () => {
  it("reads back what canonicalBytes writes", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseCanonical(canonicalBytes(value))).toEqual(value);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([
    ["a space", '{"a": "b"}'],
    ["a final newline", '{"a":"b"}\n'],
    ["keys out of order", '{"b":"x","a":"y"}'],
    ["a key twice", '{"a":"b","a":"b"}'],
    ["a needless escape", '{"a":"\\u0062"}'],
    ["an escaped slash", '"\\/"'],
    ["a number", '{"a":1}'],
    ["an escaped half of a surrogate pair", '"\\ud800"'],
    ["a byte order mark", '\ufeff"a"'],
    ["a key __proto__", '{"__proto__":"x"}'],
    ["no JSON", "{"],
    ["nothing", ""],
    ["too much depth", "[".repeat(100_000)],
    ["depth that is closed", "[".repeat(5_000) + "]".repeat(5_000)],
  ])("refuses %s", (_, text) => {
    expect(() => parseCanonical(bytes(text))).toThrow(InputError);
  });

  it("refuses bytes that are no UTF-8, and more than it would read", () => {
    expect(() => parseCanonical(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(InputError);
    expect(() => parseCanonical(bytes(`"${"a".repeat(4_194_303)}"`))).toThrow(InputError);
  });

  it("refuses every text but the canonical one, whatever single byte is changed, or changes what it means", () => {
    fc.assert(
      fc.property(json, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, at, xor) => {
        const original = canonicalBytes(value);
        const changed = original.slice();
        const i = at % changed.length;
        changed[i] = (changed[i] as number) ^ xor;
        let read: Json;
        try {
          read = parseCanonical(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          return;
        }
        expect(canonicalBytes(read)).toEqual(changed);
        expect(canonicalBytes(read)).not.toEqual(original);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
