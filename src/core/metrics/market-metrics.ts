import { abs, divUp, WAD } from "../fixed.ts";
import { divAway, type Formula, need, stated, sum } from "./metric.ts";

const PERIODS_OF_8H_PER_DAY = 3n;
const DAYS_PER_YEAR = 365n;

/** Metrics of one market. Sizes are base units with 18 decimals. */
export const MARKET_METRICS = {
  "MKT.OI_LONG": {
    title: "Open interest, long side",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [openInterest("longSize")],
  },
  "MKT.OI_SHORT": {
    title: "Open interest, short side",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [openInterest("shortSize")],
  },
  "MKT.OI_TOTAL": {
    title: "Open interest; one side of a matched book, both sides of a pool",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "(longSize + shortSize) · markPrice (pool)",
        inputs: ["longSize", "shortSize", "markPrice"],
        evaluate: (i) => divUp((need(i, "longSize") + need(i, "shortSize")) * need(i, "markPrice"), WAD),
      },
      openInterest("matchedSize"),
    ],
  },
  "MKT.SKEW": {
    title: "Imbalance of open interest, −1 to 1",
    unit: "ratio",
    rounding: "away from zero",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "(longSize − shortSize) / (longSize + shortSize)",
        inputs: ["longSize", "shortSize"],
        evaluate: (i) => {
          const [long, short] = [need(i, "longSize"), need(i, "shortSize")];
          return long + short > 0n ? divAway((long - short) * WAD, long + short) : "UNDEFINED_AT_ZERO";
        },
      },
    ],
  },
  "MKT.FUNDING_RATE": {
    title: "Funding rate per 8 hours; longs pay when positive",
    unit: "ratio",
    rounding: "away from zero",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "ratePerDay / 3",
        inputs: ["ratePerDay"],
        evaluate: (i) => divAway(need(i, "ratePerDay"), PERIODS_OF_8H_PER_DAY),
      },
    ],
  },
  "MKT.FUNDING_RATE_ANNUAL": {
    title: "Funding rate per year of 365 days, not compounded",
    unit: "ratio",
    rounding: "exact",
    authority: "project definition",
    fraction: null,
    variants: [
      { formula: "ratePerDay · 365", inputs: ["ratePerDay"], evaluate: (i) => need(i, "ratePerDay") * DAYS_PER_YEAR },
    ],
  },
  "MKT.LIQUIDATABLE_NOW": {
    title: "Notional whose margin ratio has reached the protocol's liquidation condition, not yet closed",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "Σ notional over liquidatable positions",
        inputs: ["notional.*"],
        evaluate: (i) => sum(i, "notional"),
      },
    ],
  },
  "MKT.BAD_DEBT": {
    title: "Loss realised beyond margin, cumulative",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [stated("badDebt")],
  },
  "MKT.OI_RECON_DIFF": {
    title: "Open interest from events against contract storage; 0 when they agree",
    unit: "base",
    rounding: "exact",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "|derivedSize − storedSize| + |derivedSkew − storedSkew|",
        inputs: ["derivedSize", "storedSize", "derivedSkew", "storedSkew"],
        evaluate: (i) =>
          abs(need(i, "derivedSize") - need(i, "storedSize")) + abs(need(i, "derivedSkew") - need(i, "storedSkew")),
      },
    ],
  },
} satisfies Record<string, Formula>;

function openInterest(size: "longSize" | "shortSize" | "matchedSize"): Formula["variants"][0] {
  return {
    formula: size === "matchedSize" ? "matchedSize · markPrice (matched book)" : `${size} · markPrice`,
    inputs: [size, "markPrice"],
    evaluate: (i) => divUp(need(i, size) * need(i, "markPrice"), WAD),
  };
}
