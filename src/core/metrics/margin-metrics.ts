import { divUp, max, WAD } from "../fixed.ts";
import { type Formula, type Fraction, need, ratio, stated } from "./metric.ts";

const NOTIONAL_OVER_EQUITY: Fraction = {
  of: (i) => ({ numerator: need(i, "notional"), denominator: need(i, "equity") }),
  moves: { numerator: "own", denominator: "exposure" },
};

/** Equity over the maintenance requirement, the fraction behind the margin ratio of positions and of accounts. */
export const EQUITY_OVER_MAINTENANCE: Fraction = {
  of: (i) => ({ numerator: need(i, "equity"), denominator: need(i, "maintenance") }),
  moves: { numerator: "exposure", denominator: "own" },
};

/** Collateral over notional, the fraction behind every rate of margin held. */
export const COLLATERAL_OVER_NOTIONAL: Fraction = {
  of: (i) => ({ numerator: need(i, "collateral"), denominator: need(i, "notional") }),
  moves: { numerator: "exposure", denominator: "own" },
};

/**
 * How a position stands against its margin. Under cross margin collateral, equity and requirement are those of the pool
 * it shares, and leverage and rates put the pool's gross notional against them.
 */
export const MARGIN_METRICS = {
  "POS.LEVERAGE_EFFECTIVE": ratio({
    title: "Effective leverage",
    authority: "project definition",
    formula: "notional / equity",
    inputs: ["notional", "equity"],
    rounding: "up",
    undefinedAs: "NON_POSITIVE_EQUITY",
    fraction: NOTIONAL_OVER_EQUITY,
  }),
  "POS.LEVERAGE_OPEN": ratio({
    title: "Leverage just after an opening or increase",
    authority: "regulatory text",
    formula: "notional / collateral, just after the opening or increase",
    inputs: ["notional", "collateral"],
    rounding: "up",
    undefinedAs: "NON_POSITIVE_EQUITY",
    fraction: {
      of: (i) => ({ numerator: need(i, "notional"), denominator: need(i, "collateral") }),
      moves: { numerator: "own", denominator: "exposure" },
    },
  }),
  "POS.MARGIN_RATE": ratio({
    title: "Margin posted per notional",
    authority: "regulatory text",
    formula: "collateral / notional",
    inputs: ["collateral", "notional"],
    rounding: "down",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: COLLATERAL_OVER_NOTIONAL,
  }),
  "POS.EQUITY_RATE": ratio({
    title: "Margin maintained per notional, unrealised losses deducted",
    authority: "project definition",
    formula: "equity / notional",
    inputs: ["equity", "notional"],
    rounding: "down",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: {
      of: (i) => ({ numerator: need(i, "equity"), denominator: need(i, "notional") }),
      moves: { numerator: "exposure", denominator: "own" },
    },
  }),
  "POS.MM_REQ": {
    title: "Maintenance margin requirement",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      stated("maintenance"),
      {
        formula: "notional · maintenanceRate + minimum",
        inputs: ["notional", "maintenanceRate", "minimum"],
        evaluate: (i) => divUp(need(i, "notional") * need(i, "maintenanceRate"), WAD) + need(i, "minimum"),
      },
    ],
  },
  "POS.MARGIN_RATIO": ratio({
    title: "Equity over maintenance requirement",
    authority: "project definition",
    formula: "equity / maintenance",
    inputs: ["equity", "maintenance"],
    rounding: "down",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: EQUITY_OVER_MAINTENANCE,
  }),
  "POS.MARGIN_SHORTFALL": {
    title: "Shortfall against the maintenance requirement",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "max(0, maintenance − equity)",
        inputs: ["equity", "maintenance"],
        evaluate: (i) => max(0n, need(i, "maintenance") - need(i, "equity")),
      },
    ],
  },
} satisfies Record<string, Formula>;
