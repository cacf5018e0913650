import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { fromBase64, toBase64 } from "../../../src/core/proof/bytes.ts";

describe("base64", () => {
  it("is what everybody writes, and reads back", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = toBase64(bytes);
        expect(text).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(text)).toEqual(bytes);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each(["A", "AA", "AAA", "AA=", "AB==", "AAB=", "AAAA=", "=", "AA=A", "AA A", "A-_A", "AAAé", "AAA\n"])(
    "refuses %j, which is not its one form",
    (text) => {
      expect(() => fromBase64(text)).toThrow(InputError);
    },
  );
});
