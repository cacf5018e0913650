import { divUp, WAD } from "../fixed.ts";
import { EQUITY_OVER_MAINTENANCE } from "./margin-metrics.ts";
import { type Formula, type Inputs, need, ratio, sum } from "./metric.ts";

/** Metrics of one account in one protocol. Families are by market (`notional.*`), margin group (`equity.*`) or class. */
export const ACCOUNT_METRICS = {
  "ACC.GROSS_NOTIONAL": {
    title: "Gross notional",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [{ formula: "Σ notional over positions", inputs: ["notional.*"], evaluate: (i) => sum(i, "notional") }],
  },
  "ACC.NET_EQUITY": {
    title: "Net equity; negative is a negative-balance event",
    unit: "money",
    rounding: "down",
    authority: "regulatory text",
    fraction: {
      of: (i) => ({ numerator: sum(i, "equity"), denominator: WAD }),
      moves: { numerator: "exposure", denominator: "fixed" },
    },
    variants: [{ formula: "Σ equity over margin groups", inputs: ["equity.*"], evaluate: (i) => sum(i, "equity") }],
  },
  "ACC.LEVERAGE": ratio({
    title: "Account leverage",
    authority: "project definition",
    formula: "gross notional / net equity",
    inputs: ["notional", "equity"],
    rounding: "up",
    undefinedAs: "NON_POSITIVE_EQUITY",
    fraction: {
      of: (i) => ({ numerator: need(i, "notional"), denominator: need(i, "equity") }),
      moves: { numerator: "own", denominator: "exposure" },
    },
  }),
  "ACC.CLOSEOUT_RATIO": ratio({
    title: "Account funds and unrealised net profit over the initial margin a jurisdiction requires",
    authority: "regulatory text",
    formula: "equity / Σ notional · rate over underlier classes",
    inputs: ["equity", "notional.*", "rate.*"],
    rounding: "down",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: {
      of: (i) => ({ numerator: need(i, "equity"), denominator: requiredInitialMargin(i) }),
      moves: { numerator: "exposure", denominator: "own" },
    },
  }),
  "ACC.MARGIN_RATIO": ratio({
    title: "Equity over the maintenance requirement of all positions sharing it",
    authority: "project definition",
    formula: "equity / maintenance",
    inputs: ["equity", "maintenance"],
    rounding: "down",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: EQUITY_OVER_MAINTENANCE,
  }),
  "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL": banned(
    "Notional in crypto derivatives, measured for every account; whether the holder is retail is for `judge`",
    "Σ notional over crypto positions",
  ),
  "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL": banned(
    "Notional in products a rule keeps for eligible contract participants, measured for every account",
    "Σ notional over positions in the rule's scope",
  ),
  "ACC.RETAIL_MARGIN_NOTIONAL": banned(
    "Notional in margin trading, measured for every account; no protocol followed offers it",
    "Σ notional over margin-traded positions",
  ),
} satisfies Record<string, Formula>;

/** What some clients may not hold at all: a rule on it asks whether there is any. */
function banned(title: string, formula: string): Formula {
  return {
    title,
    unit: "money",
    rounding: "up",
    authority: "regulatory text",
    // A price move changes the amount but never whether there is one, which is all its rules ask.
    fraction: {
      of: (i) => ({ numerator: sum(i, "notional"), denominator: WAD }),
      moves: { numerator: "fixed", denominator: "fixed" },
    },
    variants: [{ formula, inputs: ["notional.*"], evaluate: (i) => sum(i, "notional") }],
  };
}

/** Read at every assessment of an account, so by a plain loop. */
function requiredInitialMargin(i: Inputs): bigint {
  let total = 0n;
  for (const name in i) {
    if (!name.startsWith("notional.")) continue;
    total += divUp(need(i, name) * need(i, `rate.${name.slice("notional.".length)}`), WAD);
  }
  return total;
}
