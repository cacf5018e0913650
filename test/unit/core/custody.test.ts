import { describe, expect, it } from "vitest";
import { MAX_CREDITORS, owedTo } from "../../../src/core/custody.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import { custodyInputs } from "../../../src/core/metrics/subject-inputs.ts";
import { conditionOf } from "../../../src/core/rules/assess.ts";
import { ruleOf } from "../rules/figures.ts";

const WAD = 10n ** 18n;
const RULE = ruleOf("COLLATERAL-CUSTODY");
const claims = (count: number) => Array.from({ length: count }, (_, i) => [`c${i}`, 2n] as const);

function condition(held: bigint, owed: ReturnType<typeof owedTo>) {
  const { inputs } = custodyInputs({ held, owed });
  if (inputs === null) throw new Error("What is held and owed is known here.");
  const metric = "AST.CUSTODY_COVERAGE";
  return conditionOf(RULE, { metric, inputs, result: compute(metric, inputs, "USDC") });
}

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

describe("COLLATERAL-CUSTODY", () => {
  it.each([
    [10n * WAD - 1n, "not_met"],
    [10n * WAD, "met"],
    [10n * WAD + 1n, "met"],
    [0n, "not_met"],
  ])("with %s held of ten owed is %s, creditors named or not", (held, expected) => {
    expect(
      condition(
        held,
        owedTo([
          ["alice", 4n * WAD],
          ["bob", 6n * WAD],
        ]),
      ),
    ).toBe(expected);
    expect(condition(held, 10n * WAD)).toBe(expected);
  });

  it("is met where nobody is owed anything", () => {
    expect(condition(0n, owedTo([]))).toBe("met");
  });
});
