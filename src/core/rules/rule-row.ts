/**
 * The form of one rule in a rulebook file, and the words it may use.
 */
import * as z from "zod";
import type { Product } from "../margin-model.ts";
import { isDay } from "./day.ts";

/** Operators. The first five are evaluated; the others belong to rules that wait (`not-yet`). */
export const OPERATORS = ["<=", "<", ">=", ">", "==", "in", "formula", "report"] as const;

/** When a rule is tested. `continuous` is the end of every block. */
export const TEST_POINTS = [
  "open",
  "daily",
  "open+daily",
  "continuous",
  "scoping",
  "reporting",
  "parameter",
  "per_transfer",
  "classification",
  "completeness",
  "formula",
  "qualitative",
] as const;

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

const KINDS = [
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

type ProductKind = Product["kind"];
type UnderlierClass = Product["underlierClass"];

/** What a rule's product words mean in the canonical taxonomy. Empty: no product an adapter can have yet. */
export const PRODUCT_WORDS: Readonly<Record<string, readonly ProductKind[]>> = {
  "*": ["PERPETUAL", "DATED_FUTURE", "OPTION", "POWER_PERP", "SYNTHETIC_CFD", "SWAP_OTHER"],
  perpetual: ["PERPETUAL", "POWER_PERP"],
  cfd: ["SYNTHETIC_CFD"],
  future: ["DATED_FUTURE"],
  future_cash_settled: ["DATED_FUTURE"],
  option: ["OPTION"],
  swap: ["SWAP_OTHER"],
  rolling_spot: [],
  margin_trading: [],
  otc_uncleared: [],
  cleared_otc: [],
  cleared_etd: [],
  collateral_token: [],
};

/** What a rule's underlier words mean in the canonical taxonomy. Empty: classes of tokens, not of underliers. */
export const UNDERLIER_WORDS: Readonly<Record<string, readonly UnderlierClass[]>> = {
  "*": ["crypto", "fx_major", "fx_minor", "gold", "index_major", "index_minor", "commodity", "equity", "other"],
  crypto: ["crypto"],
  fx_major: ["fx_major"],
  fx_minor: ["fx_minor"],
  fx_minor_gold_major_index: ["fx_minor", "gold", "index_major"],
  commodity_ex_gold_minor_index: ["commodity", "index_minor"],
  equity_other: ["equity", "other"],
  commodity: ["commodity", "gold"],
  equity: ["equity"],
  other: ["other"],
  art: [],
  emt: [],
  emt_non_eu: [],
  payment_stablecoin: [],
  crypto_group2: [],
  crypto_group2a: [],
  crypto_group2b: [],
};

const word = (words: Readonly<Record<string, unknown>>, kind: string) =>
  z.string().refine((w) => Object.hasOwn(words, w), `expected a known ${kind}: ${Object.keys(words).join(", ")}`);

const day = z.string().refine(isDay, "expected a day like 2026-04-01");
const text = z.string().trim().min(1, "expected text");

export const ruleRow = z.strictObject({
  id: z.string().regex(/^[A-Z0-9][A-Z0-9_-]*$/, "expected an id like EU-CFD-LEV-CRYPTO"),
  jurisdiction: text,
  authority: text,
  legalBasis: z.strictObject({ instrument: text, provision: text }),
  title: text,
  subject: text,
  scope: z.strictObject({
    products: z.array(word(PRODUCT_WORDS, "product")).min(1),
    underlierClasses: z.array(word(UNDERLIER_WORDS, "underlier class")).min(1),
    /** Protocols the rule is part of; absent for law, which binds whatever the protocol. */
    protocols: z.array(text).min(1).optional(),
  }),
  metric: text,
  operator: z.enum(OPERATORS),
  threshold: z.string(),
  unit: z.enum(UNITS),
  kind: z.enum(KINDS),
  effectiveFrom: day.nullable(),
  effectiveTo: day.nullable(),
  status: text,
  confidence: z.enum(["P", "S", "T", "M", "B"]),
  source: z.string(),
  evaluability: z.enum(["onchain", "onchain+registry", "registry", "offchain"]),
  consequence: z.string(),
  note: z.string(),
  testPoint: z.enum(TEST_POINTS),
  thresholdType: z.enum(["number", "boolean", "set", "expression", "policy"]),
  /** Whether the condition can be assessed, and whether a verdict needs facts on top. */
  evaluation: z.enum(["computed", "needs-fact", "not-yet"]),
  /** Predicates a verdict needs. */
  requiresFacts: z.array(z.enum(["clientClass", "jurisdiction"])),
  /** Client classes the rule protects, in the file's own vocabulary; absent where it does not ask. */
  clientClasses: z.array(text).min(1).optional(),
  /** Name of the table of initial-margin rates by underlier class that the metric takes. */
  initialMarginRates: text.optional(),
  /** Metric of the daily test where the opening metric does not fit: losses count by then. */
  dailyMetric: text.optional(),
});

/** One rule as its file has it. */
export type RuleRow = z.infer<typeof ruleRow>;

const rateTable = z.strictObject({
  title: text,
  legalBasis: z.strictObject({ instrument: text, provision: text }),
  source: z.string(),
  note: z.string(),
  rates: z.record(word(UNDERLIER_WORDS, "underlier class"), z.string()),
});

export const rulebookFile = z.strictObject({
  version: text,
  jurisdiction: text,
  name: text,
  /** Values of the fact `jurisdiction` that mean this one: its own code and, for a union, its members'. */
  covers: z.array(text),
  /** Every value the fact `clientClass` can have here; any other value is not understood, and so unknown. */
  clientClasses: z.array(text),
  tables: z.record(z.string(), rateTable),
  /** Named sets of rules; a rule is in one at most. */
  profiles: z.record(z.string(), z.array(z.string())),
  rules: z.array(z.unknown()).min(1),
});

/** One rulebook file, its rules not yet read. */
export type RulebookFile = z.infer<typeof rulebookFile>;
