import { divUp, max, WAD } from "../fixed.ts";
import { COLLATERAL_OVER_NOTIONAL } from "./margin-metrics.ts";
import { type Formula, type Fraction, type Inputs, members, need, ratio } from "./metric.ts";

const SCHEDULE_INPUTS = ["notional.*", "rate.*", "netReplacement", "grossReplacement"] as const;
const SCHEDULE = "0.4 · Gross + 0.6 · NGR · Gross, Gross = Σ notional · rate, NGR = netReplacement / grossReplacement";

/** A safe answer to how far the terms move: these metrics are tested once a day, never between prices. */
const MOVES: Fraction["moves"] = { numerator: "exposure", denominator: "exposure" };

/**
 * Margin as regulations for uncleared derivatives require it, from the standard schedule. `notional.*` and `rate.*` are
 * by underlier class, the replacement costs those of the venue that collects the margin.
 * @see Commission Delegated Regulation (EU) 2016/2251, Article 11 and Annex IV; 12 CFR part 45, Appendix A
 */
export const REGULATORY_METRICS = {
  "ACC.IM_REQ_REG": {
    title: "Initial margin by the standard schedule, netted",
    unit: "money",
    rounding: "up",
    authority: "regulatory text",
    fraction: { of: scheduleMargin, moves: MOVES },
    variants: [{ formula: SCHEDULE, inputs: SCHEDULE_INPUTS, evaluate: (i) => roundedUp(scheduleMargin(i)) }],
  },
  "ACC.REG_SHORTFALL": {
    title: "Shortfall of collateral after haircuts against the schedule's initial margin",
    unit: "money",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "max(0, required − adjusted): ACC.IM_REQ_REG less ACC.COLLATERAL_ADJ",
        inputs: ["required", "adjusted"],
        evaluate: (i) => max(0n, need(i, "required") - need(i, "adjusted")),
      },
    ],
  },
  "POS.IM_RATE_STD": ratio({
    title: "Collateral held before haircuts per notional, to be compared with the schedule's rate",
    authority: "regulatory text",
    formula: "collateral / notional",
    inputs: ["collateral", "notional"],
    rounding: "down",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: COLLATERAL_OVER_NOTIONAL,
  }),
  "CPT.UNMARGINED_IM": {
    title: "Initial margin required by the schedule and not collected",
    unit: "money",
    rounding: "up",
    authority: "regulatory text",
    fraction: { of: unmargined, moves: MOVES },
    variants: [
      {
        formula: `max(0, IM − collateral), IM = ${SCHEDULE}`,
        inputs: [...SCHEDULE_INPUTS, "collateral"],
        evaluate: (i) => roundedUp(unmargined(i)),
      },
    ],
  },
} satisfies Record<string, Formula>;

/**
 * The netted margin as one fraction of integers. Without a gross replacement cost the net-to-gross ratio is 1.
 * @see 12 CFR part 45, Appendix A
 */
function scheduleMargin(i: Inputs): { numerator: bigint; denominator: bigint } {
  let gross = 0n;
  for (const key of members(i, "notional")) gross += need(i, `notional.${key}`) * need(i, `rate.${key}`);
  const [netReplacement, grossReplacement] = [need(i, "netReplacement"), need(i, "grossReplacement")];
  if (grossReplacement <= 0n) return { numerator: gross, denominator: WAD * WAD };
  return {
    numerator: gross * (4n * grossReplacement + 6n * netReplacement),
    denominator: WAD * WAD * 10n * grossReplacement,
  };
}

function unmargined(i: Inputs): { numerator: bigint; denominator: bigint } {
  const { numerator, denominator } = scheduleMargin(i);
  // The denominator is a multiple of 1e36, so this division is exact.
  return { numerator: max(0n, numerator - need(i, "collateral") * (denominator / WAD)), denominator };
}

function roundedUp({ numerator, denominator }: { numerator: bigint; denominator: bigint }): bigint {
  return divUp(numerator * WAD, denominator);
}
