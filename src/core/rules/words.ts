/**
 * The words a rulebook may use, and what they mean in the canonical taxonomy.
 */
import type { CollateralClass } from "../collateral-class.ts";
import type { Product } from "../margin-model.ts";
import type { UnitKind } from "../metrics/metric.ts";

/** Operators. `in` asks whether the metric says "in the set"; `formula` and `report` compare nothing. */
export const OPERATORS = ["<=", "<", ">=", ">", "==", "in", "formula", "report"] as const;

/** When a rule is tested. `continuous` is the end of every block, `epoch` every epoch's last block. */
export const TEST_POINTS = [
  "open",
  "daily",
  "open+daily",
  "continuous",
  "epoch",
  "scoping",
  "reporting",
  "parameter",
  "per_transfer",
  "classification",
  "completeness",
  "formula",
  "qualitative",
] as const;

/** Test points at which nothing is assessed: the rule states a formula, a duty of another kind or whom it is about. */
export const NEVER_ASSESSED: ReadonlySet<string> = new Set([
  "scoping",
  "reporting",
  "completeness",
  "formula",
  "qualitative",
]);

/** Units of thresholds. `currency` is the settlement asset of whatever is measured. */
export const UNITS = [
  "ratio",
  "currency",
  "EUR",
  "USD",
  "CHF",
  "GBP",
  "USD_or_EUR",
  "EUR_per_day",
  "tx_per_day",
  "hhi_points",
  "seconds",
  "minutes",
  "hours",
  "days",
  "business_days",
  "months",
  "boolean",
  "set",
  "formula",
] as const;

/** The units a rule may state a threshold in, by what its metric counts. */
export const UNITS_OF: Readonly<Record<UnitKind, readonly string[]>> = {
  ratio: ["ratio"],
  money: ["currency", "EUR", "USD", "CHF", "GBP", "USD_or_EUR", "formula"],
  price: ["currency"],
  base: [],
  seconds: ["seconds"],
  hours: ["hours"],
  points: ["hhi_points"],
  boolean: ["boolean", "set"],
};

export const KINDS = [
  "limit",
  "benchmark",
  "completeness",
  "parameter",
  "scoping",
  "duty_trigger",
  "classification",
  "formula",
  "reporting",
  "qualitative",
] as const;

/** Facts a verdict can need. */
export const PREDICATES = ["clientClass", "jurisdiction", "entityClass"] as const;

/**
 * Every value the fact `entityClass` can have, in any jurisdiction; any other value is not understood, and so unknown.
 * Client classes differ from place to place and are in each file.
 */
export const ENTITY_CLASSES = [
  "fi",
  "bank",
  "nfc_plus",
  "nfc_minus",
  "ccp",
  "swap_dealer",
  "fcm",
  "casp",
  "issuer",
  "fmi",
  "other",
] as const;

type ProductKind = Product["kind"];
export type UnderlierClass = Product["underlierClass"];

const EVERY_PRODUCT: readonly ProductKind[] = [
  "PERPETUAL",
  "DATED_FUTURE",
  "OPTION",
  "POWER_PERP",
  "SYNTHETIC_CFD",
  "SWAP_OTHER",
];

const EVERY_UNDERLIER: readonly UnderlierClass[] = [
  "crypto",
  "fx_major",
  "fx_minor",
  "gold",
  "index_major",
  "index_minor",
  "commodity",
  "equity",
  "other",
];

/**
 * Product words. Whether a venue is a clearing house, or a trade cleared, is a fact about the venue and not a property
 * of the product, so the words about clearing cover every derivative. An empty list: tokens and loans, which no protocol
 * followed has as products.
 */
export const PRODUCT_WORDS: Readonly<Record<string, readonly ProductKind[]>> = {
  "*": EVERY_PRODUCT,
  perpetual: ["PERPETUAL", "POWER_PERP"],
  cfd: ["SYNTHETIC_CFD"],
  future: ["DATED_FUTURE"],
  future_cash_settled: ["DATED_FUTURE"],
  option: ["OPTION"],
  swap: ["SWAP_OTHER"],
  rolling_spot: [],
  margin_trading: [],
  otc_uncleared: EVERY_PRODUCT,
  cleared_otc: EVERY_PRODUCT,
  cleared_etd: EVERY_PRODUCT,
  collateral_token: [],
};

/**
 * Underlier words. Those that name tokens and not underliers say by `TOKEN_WORDS` which, and leave the underlier open but
 * for Basel's groups, which are of crypto-assets.
 */
export const UNDERLIER_WORDS: Readonly<Record<string, readonly UnderlierClass[]>> = {
  "*": EVERY_UNDERLIER,
  crypto: ["crypto"],
  fx_major: ["fx_major"],
  fx_minor: ["fx_minor"],
  gold: ["gold"],
  index_major: ["index_major"],
  index_minor: ["index_minor"],
  fx_minor_gold_major_index: ["fx_minor", "gold", "index_major"],
  commodity_ex_gold_minor_index: ["commodity", "index_minor"],
  equity_other: ["equity", "other"],
  commodity: ["commodity", "gold"],
  equity: ["equity"],
  other: ["other"],
  art: EVERY_UNDERLIER,
  emt: EVERY_UNDERLIER,
  emt_non_eu: EVERY_UNDERLIER,
  payment_stablecoin: EVERY_UNDERLIER,
  crypto_group2: ["crypto"],
  crypto_group2a: ["crypto"],
  crypto_group2b: ["crypto"],
};

const GROUP_2A: readonly CollateralClass[] = ["NATIVE_MAJOR"];
const GROUP_2B: readonly CollateralClass[] = [
  "FIAT_STABLE_OTHER",
  "CRYPTO_BACKED_STABLE",
  "LST",
  "WRAPPED_BRIDGED",
  "LP_SHARE",
  "PROTOCOL_OWN_TOKEN",
  "OTHER",
];

/** The classes of collateral that words for tokens select. Nothing followed today is an asset-referenced token. */
export const TOKEN_WORDS: Readonly<Record<string, readonly CollateralClass[]>> = {
  art: [],
  emt: ["FIAT_STABLE_REGULATED"],
  emt_non_eu: ["FIAT_STABLE_REGULATED"],
  payment_stablecoin: ["FIAT_STABLE_REGULATED"],
  crypto_group2: [...GROUP_2A, ...GROUP_2B],
  crypto_group2a: GROUP_2A,
  crypto_group2b: GROUP_2B,
};
