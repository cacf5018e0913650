/**
 * The form of a rulebook file: one rule, one table, one scenario, and the file around them. The JSON Schema beside the
 * files is generated from here.
 */
import * as z from "zod";
import { COLLATERAL_CLASSES } from "../collateral-class.ts";
import { isDay } from "./day.ts";
import {
  ENTITY_CLASSES,
  KINDS,
  OPERATORS,
  PREDICATES,
  PRODUCT_WORDS,
  TEST_POINTS,
  UNDERLIER_WORDS,
  UNITS,
} from "./words.ts";

/** One of a record's keys. */
function word(words: Readonly<Record<string, unknown>>, kind: string) {
  return z.enum(Object.keys(words) as [string, ...string[]], {
    error: `expected a known ${kind}: ${Object.keys(words).join(", ")}`,
  });
}

const day = z.string().refine(isDay, "expected a day like 2026-04-01").meta({ format: "date" });
const text = z.string().trim().min(1, "expected text");
const decimal = z.string();
const collateralClass = z.enum(COLLATERAL_CLASSES, {
  error: `expected a class of collateral: ${COLLATERAL_CLASSES.join(", ")}`,
});
const citation = z.strictObject({ instrument: text, provision: text });

export const ruleRow = z.strictObject({
  id: z.string().regex(/^[A-Z0-9][A-Z0-9_-]*$/, "expected an id like EU-CFD-LEV-CRYPTO"),
  jurisdiction: text,
  authority: text,
  legalBasis: citation,
  title: text,
  subject: text,
  scope: z.strictObject({
    products: z.array(word(PRODUCT_WORDS, "product")).min(1),
    underlierClasses: z.array(word(UNDERLIER_WORDS, "underlier class")).min(1),
    protocols: z
      .array(text)
      .min(1)
      .optional()
      .describe("Protocols the rule is part of; absent for law, which binds whatever the protocol."),
  }),
  metric: text,
  operator: z.enum(OPERATORS),
  threshold: decimal,
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
  evaluation: z
    .enum(["computed", "needs-fact", "not-yet"])
    .describe("Whether the condition can be assessed, and whether a verdict needs facts on top."),
  requiresFacts: z.array(z.enum(PREDICATES)).describe("Predicates a verdict needs."),
  clientClasses: z
    .array(text)
    .min(1)
    .optional()
    .describe("Client classes the rule protects, in the file's own vocabulary; absent where it does not ask."),
  entityClasses: z
    .array(z.enum(ENTITY_CLASSES))
    .min(1)
    .optional()
    .describe("Entity classes the rule binds; absent where it does not ask."),
  reading: text
    .optional()
    .describe("How evaluation reads the rule where its text leaves that open, and what it leaves out."),
  exemption: text
    .optional()
    .describe(
      "What may allow what fails the condition and is not tested: a failed condition is then indeterminate, no breach.",
    ),
  initialMarginRates: text
    .optional()
    .describe("Name of the table of initial-margin rates by underlier class that the metric takes."),
  haircuts: text.optional().describe("Name of the table of haircuts by class of collateral that the metric takes."),
  eligible: text.optional().describe("Name of the table of eligible classes of collateral that the metric takes."),
  collateral: z
    .array(collateralClass)
    .min(1)
    .optional()
    .describe("Classes of collateral, or for a rule about an asset of assets, that the rule looks at; absent for all."),
  scenarios: text.optional().describe("Name of the stress scenarios that the metric takes."),
  underliers: z
    .array(text)
    .min(1)
    .optional()
    .describe("Underliers by symbol that the rule looks at; absent for all of its classes."),
  dailyMetric: text
    .optional()
    .describe("Metric of the daily test where the opening metric does not fit: losses count by then."),
});

/** One rule as its file has it. */
export type RuleRow = z.infer<typeof ruleRow>;

const cell = z.union([z.string(), z.null()]);

/** A table: what evaluation takes from it (`rates`, `haircuts`, `eligible`), and the text's own rows to read. */
const table = z
  .strictObject({
    title: text,
    legalBasis: citation,
    source: text,
    note: z.string(),
    rates: z.partialRecord(word(UNDERLIER_WORDS, "underlier class"), decimal).optional(),
    haircuts: z.partialRecord(collateralClass, decimal).optional(),
    eligible: z.array(collateralClass).optional(),
    columns: z.array(text).min(1).optional(),
    rows: z.record(text, z.union([z.string(), z.array(cell)])).optional(),
  })
  .refine(
    (t) => [t.rates, t.haircuts, t.eligible, t.rows].some((part) => part !== undefined),
    "expected rates, haircuts, eligible or rows",
  );

export const rulebookFile = z.strictObject({
  $schema: z.string().optional(),
  version: text,
  jurisdiction: text,
  name: text,
  covers: z
    .array(text)
    .describe("Values of the fact `jurisdiction` that mean this one: its own code and, for a union, its members'."),
  clientClasses: z
    .array(text)
    .describe("Every value the fact `clientClass` can have here; any other value is not understood, and so unknown."),
  tables: z.record(z.string(), table),
  profiles: z.record(z.string(), z.array(z.string())).describe("Named sets of rules; a rule is in one at most."),
  rules: z.array(z.unknown()).min(1),
});

/** One rulebook file, its rules not yet read. */
export type RulebookFile = z.infer<typeof rulebookFile>;

/** The file of stress scenarios: named shocks of every price but the settlement asset's. */
export const scenarioFile = z.strictObject({
  $schema: z.string().optional(),
  version: text,
  scenarios: z.record(
    z.string().regex(/^[A-Z0-9][A-Z0-9_]*$/, "expected a name like UNIFORM_1"),
    z.strictObject({
      title: text,
      source: text,
      shocks: z.record(z.string().regex(/^[a-z0-9][a-z0-9-]*$/, "expected a name like down-20"), decimal),
    }),
  ),
});

export type ScenarioFile = z.infer<typeof scenarioFile>;
