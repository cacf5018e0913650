import { WAD } from "../fixed.ts";
import { type Formula, need } from "./metric.ts";
import { SUPERVISORY_FACTOR_2A } from "./sco60.ts";

/** What a jurisdiction calls a contract: metrics of a market. `boolean` inputs are 1 or 0. */
export const MARKET_CLASSIFICATIONS = {
  "CLASS.IS_CFD": {
    title: "Whether the contract is a contract for differences: open-ended and settled in cash",
    unit: "boolean",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "openEnded · cashSettled",
        inputs: ["openEnded", "cashSettled"],
        evaluate: (i) => truth(need(i, "openEnded") === 1n && need(i, "cashSettled") === 1n),
      },
    ],
  },
  "CLASS.UNDERLIER_IN": {
    title: "Whether the contract's underlier is in the rule's set",
    unit: "boolean",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [{ formula: "member", inputs: ["member"], evaluate: (i) => truth(need(i, "member") === 1n) }],
  },
  "CPT.SACCR_SF": {
    title: "Supervisory factor of a crypto underlier for counterparty credit risk",
    unit: "ratio",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "0.32 for an underlier of group 2a; no factor is stated for others",
        inputs: ["group2a"],
        evaluate: (i) => (need(i, "group2a") === 1n ? SUPERVISORY_FACTOR_2A : "NO_RATE"),
      },
    ],
  },
} satisfies Record<string, Formula>;

/** What a jurisdiction calls an account's collateral. */
export const ACCOUNT_CLASSIFICATIONS = {
  "CLASS.COLLATERAL_IN": {
    title: "Whether all collateral is in the rule's set",
    unit: "boolean",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "outside = 0, of total",
        inputs: ["outside", "total"],
        evaluate: (i) => (need(i, "total") > 0n ? truth(need(i, "outside") === 0n) : "NO_POSITION"),
      },
    ],
  },
} satisfies Record<string, Formula>;

function truth(holds: boolean): bigint {
  return holds ? WAD : 0n;
}
