import { divDown, WAD } from "../fixed.ts";
import { type Formula, type Inputs, need, sum, type Value } from "./metric.ts";
import { riskWeight } from "./sco60.ts";

/** Metrics of a collateral asset. */
export const ASSET_METRICS = {
  "AST.RISK_WEIGHT": {
    title: "Risk weight of a bank's exposure to the asset",
    unit: "ratio",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "by SCO60 group of the collateral class, counted from 0 in the order they are listed",
        inputs: ["class"],
        evaluate: (i) => riskWeight(Number(need(i, "class"))) ?? "NO_RATE",
      },
    ],
  },
  "AST.CUSTODY_COVERAGE": {
    title: "What the protocol's contracts hold of the asset, over what they owe their customers in it",
    unit: "ratio",
    rounding: "down",
    authority: "project definition",
    fraction: { of: coverage, moves: { numerator: "fixed", denominator: "fixed" } },
    variants: [
      { formula: "held / Σ owed, by creditor", inputs: ["held", "owed.*"], evaluate: covered },
      { formula: "held / owed, of more than 256 creditors", inputs: ["held", "owed"], evaluate: covered },
    ],
  },
} satisfies Record<string, Formula>;

function coverage(i: Inputs): { numerator: bigint; denominator: bigint } {
  return { numerator: need(i, "held"), denominator: i.owed ?? sum(i, "owed") };
}

function covered(i: Inputs): Value {
  const { numerator, denominator } = coverage(i);
  return denominator > 0n ? divDown(numerator * WAD, denominator) : "UNDEFINED_AT_ZERO";
}
