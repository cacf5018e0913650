import { describe, expect, it } from "vitest";
import { MAX_CREDITORS, owedTo } from "../../../src/core/custody.ts";
import { custodyInputs } from "../../../src/core/metrics/subject-inputs.ts";

const claims = (count: number) => Array.from({ length: count }, (_, i) => [`c${i}`, 2n] as const);

describe("owedTo", () => {
  it("names who is owed something, in the order of keys", () => {
    const owed = owedTo([
      ["b", 3n],
      ["d", 0n],
      ["a", 1n],
      ["c", -5n],
    ]);
    expect(Object.entries(owed)).toEqual([
      ["a", 1n],
      ["b", 3n],
    ]);
  });

  it("is one total for more creditors than are named; those owed nothing do not count", () => {
    expect(Object.keys(owedTo([...claims(MAX_CREDITORS), ["zero", 0n]])).length).toBe(MAX_CREDITORS);
    expect(owedTo(claims(MAX_CREDITORS + 1))).toBe(2n * BigInt(MAX_CREDITORS + 1));
  });
});

describe("custodyInputs", () => {
  it("are the balance and each creditor, or the balance and the total", () => {
    expect(custodyInputs({ held: 5n, owed: { "0xa": 2n } }).inputs).toEqual({ held: 5n, "owed.0xa": 2n });
    expect(custodyInputs({ held: 5n, owed: 7n }).inputs).toEqual({ held: 5n, owed: 7n });
  });
});
