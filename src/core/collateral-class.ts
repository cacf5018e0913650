/**
 * Classes of what is posted as collateral, by what stands behind it. A deployment states them per asset; haircuts,
 * eligibility and Basel SCO60 groups go by them.
 */
export const COLLATERAL_CLASSES = [
  "CASH_BANK",
  "TOKENISED_GOVT",
  "TOKENISED_OTHER",
  "FIAT_STABLE_REGULATED",
  "FIAT_STABLE_OTHER",
  "CRYPTO_BACKED_STABLE",
  "NATIVE_MAJOR",
  "LST",
  "WRAPPED_BRIDGED",
  "LP_SHARE",
  "PROTOCOL_OWN_TOKEN",
  "OTHER",
] as const;

export type CollateralClass = (typeof COLLATERAL_CLASSES)[number];
