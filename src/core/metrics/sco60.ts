/**
 * Basel's groups of crypto-assets, as far as the collateral class tells them. Which group an asset is in rests on tests
 * a bank makes (classification conditions, hedging recognition criteria); a class names the group it is a candidate for.
 * @see Basel Framework SCO60, and Regulation (EU) 575/2013 Article 501d for the transitional weights
 */
import { COLLATERAL_CLASSES, type CollateralClass } from "../collateral-class.ts";
import { parseDecimal, WAD } from "../fixed.ts";

export type Sco60Group = "1a" | "1b" | "2a" | "2b";

/** Cash at a bank is no crypto-asset and has no group. */
const GROUPS: Readonly<Record<CollateralClass, Sco60Group | null>> = {
  CASH_BANK: null,
  TOKENISED_GOVT: "1a",
  TOKENISED_OTHER: "1a",
  FIAT_STABLE_REGULATED: "1b",
  FIAT_STABLE_OTHER: "2b",
  CRYPTO_BACKED_STABLE: "2b",
  NATIVE_MAJOR: "2a",
  LST: "2b",
  WRAPPED_BRIDGED: "2b",
  LP_SHARE: "2b",
  PROTOCOL_OWN_TOKEN: "2b",
  OTHER: "2b",
};

/**
 * Weights, 18 decimals. Group 1a is weighted as the asset it stands for, which the class does not name. Group 1b has the
 * 250 % of asset-referenced tokens; 2a and 2b the 1250 % of all others.
 */
const WEIGHTS: Readonly<Record<Sco60Group, bigint | null>> = {
  "1a": null,
  "1b": parseDecimal("2.5", 18),
  "2a": parseDecimal("12.5", 18),
  "2b": parseDecimal("12.5", 18),
};

/** Supervisory factor of the crypto-asset class in SA-CCR for group 2a, 18 decimals. */
export const SUPERVISORY_FACTOR_2A = (32n * WAD) / 100n;

/** Underliers whose hedged exposures can be group 2a: exchange-traded products on them exist. */
const UNDERLIERS_2A: ReadonlySet<string> = new Set(["BTC", "ETH"]);

/** The group a class is a candidate for; null for what is no crypto-asset. */
export function sco60Group(collateralClass: CollateralClass): Sco60Group | null {
  return GROUPS[collateralClass];
}

/** Whether an underlier is a candidate for group 2a. */
export function isGroup2a(underlier: string): boolean {
  return UNDERLIERS_2A.has(underlier);
}

/** Place of a class in `COLLATERAL_CLASSES`, from 0: how an assessment's input names it. */
export function classNumber(collateralClass: CollateralClass): bigint {
  return BigInt(COLLATERAL_CLASSES.indexOf(collateralClass));
}

/** Risk weight of the class with that number, 18 decimals; null where its group has no weight of its own. */
export function riskWeight(number: number): bigint | null {
  const collateralClass = COLLATERAL_CLASSES[number];
  const group = collateralClass === undefined ? null : GROUPS[collateralClass];
  return group === null ? null : WEIGHTS[group];
}
