import { divDown, max, WAD } from "../fixed.ts";
import { type Formula, type Fraction, type Inputs, largest, members, need, ratio, sum } from "./metric.ts";

/** A share of collateral. Its parts are collateral too, so each moves by no more than itself. */
function share(numerator: Fraction["of"]): Fraction {
  return { of: numerator, moves: { numerator: "own", denominator: "own" } };
}

/**
 * What an account's collateral is worth and made of, in one protocol. Families are by asset (`value.USDC`), issuer or
 * nothing; values are before any weight. An account that holds nothing of the kind has `NO_POSITION`.
 */
export const COLLATERAL_METRICS = {
  "ACC.COLLATERAL_ADJ": {
    title: "Collateral after the haircuts of a schedule",
    unit: "money",
    rounding: "down",
    authority: "regulatory text",
    fraction: null,
    variants: [
      {
        formula: "Σ value · max(0, 1 − haircut − currencyHaircut); what is owed counts in full",
        inputs: ["value.*", "haircut.*", "currencyHaircut.*"],
        evaluate: adjustedCollateral,
      },
    ],
  },
  "ACC.COLLATERAL_HAIRCUT": ratio({
    title: "Haircut the protocol really applies to the classes of collateral a rule names",
    authority: "regulatory text",
    formula: "(value − counted) / value",
    inputs: ["value", "counted"],
    rounding: "down",
    undefinedAs: "NO_POSITION",
    fraction: share((i) => ({ numerator: need(i, "value") - need(i, "counted"), denominator: need(i, "value") })),
  }),
  "ACC.FX_MISMATCH_HAIRCUT": ratio({
    title: "Lowest haircut the protocol applies to collateral not denominated in the settlement currency",
    authority: "regulatory text",
    formula: "min((value − counted) / value) over assets",
    inputs: ["value.*", "counted.*"],
    rounding: "down",
    undefinedAs: "NO_POSITION",
    fraction: share(lowestHaircut),
  }),
  "ACC.COLLATERAL_ISSUER_SHARE": ratio({
    title: "Largest share of one issuer in all collateral",
    authority: "regulatory text",
    formula: "max(issuer) / (Σ issuer + rest)",
    inputs: ["issuer.*", "rest"],
    rounding: "up",
    undefinedAs: "NO_POSITION",
    fraction: share((i) => ({ numerator: largest(i, "issuer"), denominator: sum(i, "issuer") + need(i, "rest") })),
  }),
  "ACC.COLLATERAL_CLASS_SHARE": ratio({
    title: "Share of the classes of collateral a rule names in all collateral",
    authority: "regulatory text",
    formula: "held / total",
    inputs: ["held", "total"],
    rounding: "up",
    undefinedAs: "NO_POSITION",
    fraction: share((i) => ({ numerator: need(i, "held"), denominator: need(i, "total") })),
  }),
  "ACC.COLLATERAL_HHI": {
    ...ratio({
      title: "Concentration of collateral by asset, 0 to 10,000",
      authority: "project definition",
      formula: "10000 · Σ value² / (Σ value)²",
      inputs: ["value.*"],
      rounding: "up",
      undefinedAs: "NO_POSITION",
      fraction: share((i) => ({ numerator: 10_000n * sumOfSquares(i, "value"), denominator: sum(i, "value") ** 2n })),
    }),
    unit: "points",
  },
  "ACC.WRONG_WAY_SHARE": ratio({
    title: "Share of collateral that loses value when the account's positions do",
    authority: "regulatory text",
    formula: "wrongWay / total",
    inputs: ["wrongWay", "total"],
    rounding: "up",
    undefinedAs: "NO_POSITION",
    fraction: share((i) => ({ numerator: need(i, "wrongWay"), denominator: need(i, "total") })),
  }),
  "ACC.INELIGIBLE_COLLATERAL_SHARE": ratio({
    title: "Share of collateral whose class is not on the rule's list",
    authority: "regulatory text",
    formula: "ineligible / total",
    inputs: ["ineligible", "total"],
    rounding: "up",
    undefinedAs: "NO_POSITION",
    fraction: share((i) => ({ numerator: need(i, "ineligible"), denominator: need(i, "total") })),
  }),
  "ACC.COLLATERAL_REVAL_AGE_H": {
    ...ratio({
      title: "Age of the oldest price the collateral is valued with",
      authority: "regulatory text",
      formula: "(now − min(pricedAt)) / 3600",
      inputs: ["now", "pricedAt.*"],
      rounding: "up",
      undefinedAs: "NO_POSITION",
      fraction: {
        of: (i) => ({ numerator: max(0n, need(i, "now") - earliest(i, "pricedAt")), denominator: SECONDS_PER_HOUR }),
        moves: { numerator: "fixed", denominator: "fixed" },
      },
    }),
    unit: "hours",
  },
} satisfies Record<string, Formula>;

const SECONDS_PER_HOUR = 3600n;

/** A negative value is a debt in the settlement asset: no haircut makes it smaller. */
function adjustedCollateral(i: Inputs): bigint {
  return members(i, "value").reduce((total, asset) => {
    const value = need(i, `value.${asset}`);
    const weight = max(0n, WAD - need(i, `haircut.${asset}`) - need(i, `currencyHaircut.${asset}`));
    return total + (value < 0n ? value : divDown(value * weight, WAD));
  }, 0n);
}

/** The smallest of the fractions, compared by their products so that rounding decides nothing. */
function lowestHaircut(i: Inputs): { numerator: bigint; denominator: bigint } {
  const fractions = members(i, "value").map((asset) => {
    const value = need(i, `value.${asset}`);
    return { numerator: value - need(i, `counted.${asset}`), denominator: value };
  });
  const none = { numerator: 0n, denominator: 0n };
  return fractions.reduce(
    (low, next) => (low === none || next.numerator * low.denominator < low.numerator * next.denominator ? next : low),
    none,
  );
}

function sumOfSquares(i: Inputs, family: string): bigint {
  return members(i, family).reduce((total, key) => total + need(i, `${family}.${key}`) ** 2n, 0n);
}

function earliest(i: Inputs, family: string): bigint {
  return members(i, family).reduce(
    (first, key) => {
      const at = need(i, `${family}.${key}`);
      return at < first ? at : first;
    },
    need(i, "now"),
  );
}
