import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { equalBytes, fromHex, toHex } from "../../../src/core/proof/bytes.ts";
import { packBytes, unpackBytes } from "../../../src/core/proof/packing.ts";

/** Bytes of few values, which repeat themselves. */
const repetitive = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.constantFrom("00".repeat(300), "6080604052", "5b50565b")), {
    maxLength: 40,
  })
  .map((parts) =>
    Uint8Array.from(parts.flatMap((part) => [...(typeof part === "string" ? fromHex(`0x${part}`) : part)])),
  );

const isBack = (bytes: Uint8Array) => equalBytes(unpackBytes(packBytes(bytes), bytes.length), bytes);

describe("packed bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        const packed = packBytes(bytes);
        expect(unpackBytes(packed, bytes.length)).toEqual(bytes);
        expect(packed.length).toBeLessThanOrEqual(bytes.length + Math.ceil(bytes.length / 128));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([
    ["nothing", "0x", "0x"],
    ["what does not repeat", "0x010203", "0x02010203"],
    ["what repeats", "0x0102030401020304", "0x0301020304800003"],
    ["what repeats itself at once", `0x${"07".repeat(10)}`, "0x0007850000"],
    ["three bytes again, which are said", "0x010203090102030a", "0x07010203090102030a"],
    ["as much as one reference can have, and more", `0x${"00".repeat(140)}`, "0x0000ff0000840000"],
    ["the later of two places", "0x01020304aa01020304bb01020304", "0x0401020304aa80000400bb800004"],
  ])("are for %s", (_, bytes, packed) => {
    expect(toHex(packBytes(fromHex(bytes)))).toBe(packed);
    expect(toHex(unpackBytes(fromHex(packed), 1_000))).toBe(bytes);
  });

  it("refer back to 65,536 bytes before, and not farther", () => {
    const start = [1, 2, 3, 4];
    const between = (count: number) => new Array<number>(count).fill(5);
    const near = Uint8Array.from([...start, ...between(65_532), ...start]);
    const far = Uint8Array.from([...start, ...between(65_533), ...start]);
    expect([...packBytes(near).slice(-3)]).toEqual([128, 255, 255]);
    expect([...packBytes(far).slice(-4)]).toEqual(start);
    for (const bytes of [near, far]) expect(isBack(bytes)).toBe(true);
  });

  it.each([
    ["a run that is cut off", "0x0201", 9],
    ["a reference that is cut off", "0x0001800", 9],
    ["a reference without its place", "0x000180", 9],
    ["a reference to before the beginning", "0x000180ffff", 9],
    ["a reference before anything", "0x800000", 9],
    ["more than there may be", "0x0301020304", 3],
    ["more than there may be, by reference", "0x0007850000", 9],
  ])("are refused with %s", (_, packed, most) => {
    expect(() => unpackBytes(fromHex(packed.length % 2 === 0 ? packed : `${packed}0`), most)).toThrow(InputError);
  });

  it("take time in proportion, whatever they are", () => {
    const bytes = Uint8Array.from({ length: 131_072 }, (_, i) => (i % 5 === 4 ? (i / 5) & 0xff : 0));
    const began = process.cpuUsage();
    for (const one of [bytes, new Uint8Array(131_072)]) expect(isBack(one)).toBe(true);
    // Time of the processor, because other tests use the machine too; a search of all that came before takes far longer.
    const { user, system } = process.cpuUsage(began);
    expect((user + system) / 1_000).toBeLessThan(5_000);
  });
});
