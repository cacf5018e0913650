import { abs, max, WAD } from "../fixed.ts";
import { type Formula, type Fraction, type Inputs, need, ratio } from "./metric.ts";

const FIXED: Fraction["moves"] = { numerator: "fixed", denominator: "fixed" };
const SIDES = ["long", "short"] as const;

/**
 * How concentrated a market is, how fresh and right its prices are, and how late it liquidates. Sums over accounts are
 * inputs, not the accounts.
 */
export const CONCENTRATION_METRICS = {
  "MKT.HHI_OI": {
    ...ratio({
      title: "Concentration of open interest by holder on the more concentrated side, 0 to 10,000",
      authority: "project definition",
      formula: "max over sides of 10000 · squares / total²",
      inputs: ["squares.long", "total.long", "squares.short", "total.short"],
      rounding: "up",
      undefinedAs: "NO_POSITION",
      fraction: {
        of: (i) =>
          worstSide((side) => ({
            numerator: 10_000n * need(i, `squares.${side}`),
            denominator: need(i, `total.${side}`) ** 2n,
          })),
        moves: FIXED,
      },
    }),
    unit: "points",
  },
  "MKT.TOP5_SHARE": ratio({
    title: "Share of the five largest holders in one side's open interest, of the more concentrated side",
    authority: "regulatory text",
    formula: "max over sides of top5 / total",
    inputs: ["top5.long", "total.long", "top5.short", "total.short"],
    rounding: "up",
    undefinedAs: "NO_POSITION",
    fraction: {
      of: (i) => worstSide((side) => ({ numerator: need(i, `top5.${side}`), denominator: need(i, `total.${side}`) })),
      moves: FIXED,
    },
  }),
  "MKT.ORACLE_AGE_S": {
    title: "Age of the price feed's last answer",
    unit: "seconds",
    rounding: "exact",
    authority: "regulatory text",
    fraction: null,
    variants: [{ formula: "now − updatedAt", inputs: ["now", "updatedAt"], evaluate: (i) => age(i) * WAD }],
  },
  "MKT.ORACLE_STALENESS_RATIO": ratio({
    title: "Age of the price feed's last answer over its heartbeat",
    authority: "regulatory text",
    formula: "(now − updatedAt) / heartbeat",
    inputs: ["now", "updatedAt", "heartbeat"],
    rounding: "up",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: { of: (i) => ({ numerator: age(i), denominator: need(i, "heartbeat") }), moves: FIXED },
  }),
  "MKT.ORACLE_DEVIATION": ratio({
    title: "Distance of the protocol's index price from the reference feed of the underlier",
    authority: "project definition",
    formula: "|indexPrice − referencePrice| / referencePrice",
    inputs: ["indexPrice", "referencePrice"],
    rounding: "up",
    undefinedAs: "UNDEFINED_AT_ZERO",
    fraction: {
      of: (i) => {
        const reference = need(i, "referencePrice");
        return { numerator: abs(need(i, "indexPrice") - reference), denominator: reference };
      },
      moves: { numerator: "exposure", denominator: "own" },
    },
  }),
  "MKT.LIQUIDATION_LATENCY_P95_S": {
    title: "95th percentile of the time from the first block end below maintenance to the liquidation",
    unit: "seconds",
    rounding: "up",
    authority: "project definition",
    fraction: null,
    variants: [
      {
        formula: "p95: nearest rank among the last `count` liquidations",
        inputs: ["p95", "count"],
        evaluate: (i) => (need(i, "count") > 0n ? need(i, "p95") * WAD : "NO_POSITION"),
      },
    ],
  },
} satisfies Record<string, Formula>;

type Parts = { numerator: bigint; denominator: bigint };

/** The larger of both sides' fractions, by their products. A side nobody holds does not count. */
function worstSide(of: (side: (typeof SIDES)[number]) => Parts): Parts {
  const [long, short] = [of("long"), of("short")];
  if (long.denominator <= 0n) return short;
  if (short.denominator <= 0n) return long;
  return long.numerator * short.denominator >= short.numerator * long.denominator ? long : short;
}

/** Seconds; never negative, for a feed may state a time after the block's. */
function age(i: Inputs): bigint {
  return max(0n, need(i, "now") - need(i, "updatedAt"));
}
