/**
 * Rules as data. A rulebook is all files of a folder, one a jurisdiction; its hash is part of every assessment.
 */
import type { ZodError } from "zod";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import type { Product } from "../margin-model.ts";
import { isMetricId, type MetricId } from "../metrics/catalogue.ts";
import { compareKeys } from "../order.ts";
import { toHex } from "../proof/bytes.ts";
import { canonicalBytes, type Json } from "../proof/canonical.ts";
import { sha256 } from "../proof/sha256.ts";
import { inForce } from "./day.ts";
import { checkLives, checkRow, type Fail, type Rates, ratesOf, thresholdOf, validity } from "./rule-check.ts";
import { PRODUCT_WORDS, type RulebookFile, type RuleRow, rulebookFile, ruleRow, UNDERLIER_WORDS } from "./rule-row.ts";

const FORMAT = "plumbline-rulebook/1";

/** A rule with what evaluating it needs, worked out once when the rulebook is read. */
export type Rule = Readonly<RuleRow> & {
  /** `POS`, `ACC`, …: the first part of the metric's id. */
  level: string;
  /** The threshold with 18 decimals; null where it is no number. */
  thresholdWad: bigint | null;
  /** The table `initialMarginRates` names. */
  rates: Rates | null;
  /** Set of rules this one is judged in: `EU_RETAIL`. */
  profile: string;
  /** Product kinds and underlier classes in scope. */
  productKinds: ReadonlySet<Product["kind"]>;
  underliers: ReadonlySet<Product["underlierClass"]>;
  /** Values of the fact `jurisdiction` that mean this rule's, and every value `clientClass` can have there. */
  covers: readonly string[];
  knownClientClasses: readonly string[];
};

/** All rules, with the one JSON value they were read from and its hash (SHA-256 of the RFC 8785 form). */
export type Rulebook = {
  /** Versions of the files: `ae-du 1, au 1, …`. */
  version: string;
  hash: Hex;
  rules: readonly Rule[];
  source: Json;
};

/** A rulebook file: its name without ending and its parsed JSON. */
export type NamedJson = { name: string; json: unknown };

/** What a rule is asked about: products in scope on a UTC day. */
export type Occasion = { product: Pick<Product, "kind" | "underlierClass">; day: string };

/**
 * Reads the files of a rulebook. The order they are given in does not matter.
 * @throws InputError naming the file, the rule and what was expected.
 */
export function parseRulebooks(files: readonly NamedJson[]): Rulebook {
  if (files.length === 0) throw new InputError("A rulebook has at least one file; none was given.");
  const sorted = [...files].sort((a, b) => compareKeys(a.name, b.name));
  const rules: Rule[] = [];
  const versions: string[] = [];
  for (const [i, file] of sorted.entries()) {
    if (sorted[i - 1]?.name === file.name) throw new InputError(`There are two rulebook files "${file.name}".`);
    const shape = rulebookFile.safeParse(file.json);
    if (!shape.success) throw new InputError(`Rulebook ${file.name}: ${firstIssue(shape.error)}.`);
    versions.push(`${file.name} ${shape.data.version}`);
    rules.push(...rulesOf(file.name, shape.data));
  }
  checkLives(rules);
  const source = { format: FORMAT, files: Object.fromEntries(sorted.map((f) => [f.name, f.json])) } as Json;
  return { version: versions.join(", "), hash: toHex(sha256(canonicalBytes(source))), rules, source };
}

/** Reads a rulebook from its `source`, as a proof bundle carries it. @throws InputError as `parseRulebooks`. */
export function rulebookFrom(source: unknown): Rulebook {
  const { format, files, ...rest } = isRecord(source) ? source : {};
  if (format !== FORMAT || !isRecord(files) || Object.keys(rest).length > 0) {
    throw new InputError(`This is no rulebook: expected an object of format "${FORMAT}" with files.`);
  }
  return parseRulebooks(Object.entries(files).map(([name, json]) => ({ name, json })));
}

/** Whether the rule was not read in a primary text, nor is a benchmark of our own. It is marked so wherever it shows. */
export function unconfirmed(rule: Pick<Rule, "confidence">): boolean {
  return rule.confidence !== "P" && rule.confidence !== "B";
}

/** Whether a rule covers a product on a day. */
export function applies(rule: Rule, { product, day }: Occasion): boolean {
  return inScope(rule, product) && inForce(validity(rule), day);
}

/** Whether a product is in a rule's scope, whatever the day. */
export function inScope(rule: Rule, product: Occasion["product"]): boolean {
  return rule.productKinds.has(product.kind) && rule.underliers.has(product.underlierClass);
}

/** The rule called `id` as it stands on a day. @throws InputError when the book has none. */
export function ruleAt(rulebook: Rulebook, id: string, day: string): Rule {
  const rule = rulebook.rules.find((r) => r.id === id && inForce(validity(r), day));
  if (rule === undefined) throw new InputError(`Rulebook ${rulebook.hash} has no rule "${id}" in force on ${day}.`);
  return rule;
}

function rulesOf(name: string, file: RulebookFile): Rule[] {
  const profileOf = profilesById(name, file);
  const rules = file.rules.map((json, i) => {
    const parsed = ruleRow.safeParse(json);
    const id = isRecord(json) && typeof json.id === "string" ? json.id : `number ${i + 1}`;
    const fail: Fail = (sentence) => {
      throw new InputError(`Rulebook ${name}: rule ${id}: ${sentence}.`);
    };
    if (!parsed.success) return fail(firstIssue(parsed.error));
    return ruleOf(parsed.data, { file, profile: profileOf.get(parsed.data.id), fail });
  });
  for (const id of profileOf.keys()) {
    if (!rules.some((rule) => rule.id === id))
      throw new InputError(`Rulebook ${name}: a profile names "${id}", which is no rule.`);
  }
  return rules;
}

type RowContext = { file: RulebookFile; profile: string | undefined; fail: Fail };

function ruleOf(row: RuleRow, { file, profile, fail }: RowContext): Rule {
  if (row.jurisdiction !== file.jurisdiction)
    fail(`jurisdiction is "${row.jurisdiction}"; expected "${file.jurisdiction}"`);
  checkRow(row, { file, fail });
  return {
    ...row,
    level: row.metric.slice(0, row.metric.indexOf(".")),
    thresholdWad: thresholdOf(row, fail),
    rates: ratesOf(row, { file, fail }),
    profile: profile ?? `${row.jurisdiction}_${row.subject}`.toUpperCase().replaceAll("-", "_"),
    productKinds: new Set(row.scope.products.flatMap((word) => PRODUCT_WORDS[word] ?? [])),
    underliers: new Set(row.scope.underlierClasses.flatMap((word) => UNDERLIER_WORDS[word] ?? [])),
    covers: file.covers,
    knownClientClasses: file.clientClasses,
  };
}

function profilesById(name: string, file: RulebookFile): Map<string, string> {
  const byId = new Map<string, string>();
  for (const [profile, ids] of Object.entries(file.profiles)) {
    for (const id of ids) {
      if (byId.has(id))
        throw new InputError(`Rulebook ${name}: rule ${id}: it is in two profiles, ${byId.get(id)} and ${profile}.`);
      byId.set(id, profile);
    }
  }
  return byId;
}

function firstIssue(error: ZodError): string {
  const issue = error.issues[0];
  const path = issue?.path.join(".") ?? "";
  return `${path === "" ? "" : `${path}: `}${issue?.message ?? "malformed"}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Metric of a rule that is evaluated. `parseRulebooks` lets no other metric through. */
export function metricOf(rule: Rule): MetricId {
  if (!isMetricId(rule.metric)) throw new InputError(`Rule ${rule.id} waits for the metric ${rule.metric}.`);
  return rule.metric;
}
