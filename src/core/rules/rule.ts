/**
 * Rules as data. A rulebook is all files of a folder, one a jurisdiction; its hash is part of every assessment.
 */
import type { ZodError } from "zod";
import type { CollateralClass } from "../collateral-class.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import type { Product } from "../margin-model.ts";
import { isMetricId, METRICS } from "../metrics/catalogue.ts";
import type { Subject } from "../metrics/metric.ts";
import { compareKeys } from "../order.ts";
import type { Json } from "../proof/canonical.ts";
import { inForce } from "./day.ts";
import { filesOf, RULEBOOK_FORMAT, rulebookHash } from "./digest.ts";
import { checkLives, checkRow, setOf, thresholdOf, validity } from "./rule-check.ts";
import { type RulebookFile, type RuleRow, rulebookFile, ruleRow, scenarioFile } from "./rule-row.ts";
import {
  collateralOf,
  eligibleOf,
  type Fail,
  type Haircuts,
  haircutsOf,
  type Place,
  type Rates,
  ratesOf,
  type Shocks,
  scenariosOf,
  shocksOf,
} from "./tables.ts";
import { PRODUCT_WORDS, UNDERLIER_WORDS, type UnderlierClass } from "./words.ts";

/** Whom a rule is about: whatever its metric is measured of. */
export type SubjectKind = Subject;

/** A rule with what evaluating it needs, worked out once when the rulebook is read. */
export type Rule = Readonly<RuleRow> & {
  /** `POS`, `ACC`, …: the first part of the metric's id, also of one that is not in the catalogue. */
  level: string;
  /** Whom the metric is about; null for a metric that is not in the catalogue. */
  subjectKind: SubjectKind | null;
  /** The threshold with 18 decimals, `true` and membership of a set being 1; null where there is none to compare with. */
  thresholdWad: bigint | null;
  /** The members of a set threshold: underliers and classes of tokens. */
  set: ReadonlySet<string> | null;
  /** The table `initialMarginRates` names. */
  rates: Rates | null;
  /** The table `haircuts` names. */
  haircutRates: Haircuts | null;
  /** The classes in the table `eligible` names. */
  eligibleClasses: ReadonlySet<CollateralClass> | null;
  /** Classes of collateral, or of an asset, that the rule looks at; null for all. */
  collateralClasses: ReadonlySet<CollateralClass> | null;
  /** The shocks of the scenarios the rule names. */
  shocks: Shocks | null;
  /** Set of rules this one is judged in: `EU_RETAIL`. */
  profile: string;
  /** Product kinds and underlier classes in scope. */
  productKinds: ReadonlySet<Product["kind"]>;
  underlierClasses: ReadonlySet<UnderlierClass>;
  /** Values of the fact `jurisdiction` that mean this rule's, and every value `clientClass` can have there. */
  covers: readonly string[];
  knownClientClasses: readonly string[];
};

/** All rules, with the one JSON value they were read from and its hash, as `rulebookHash` has it. */
export type Rulebook = {
  /** Versions of the files: `ae-du 1, au 1, …`. */
  version: string;
  hash: Hex;
  rules: readonly Rule[];
  /** Stress scenarios by name, each a list of shocks. */
  scenarios: ReadonlyMap<string, Shocks>;
  source: Json;
};

/** How many rules are evaluated from chain data alone, how many need facts for a verdict, how many wait. */
export type EvaluationCounts = Record<RuleRow["evaluation"], number>;

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
  const sorted = files.map(withoutSchema).sort((a, b) => compareKeys(a.name, b.name));
  for (const [i, file] of sorted.entries()) {
    if (sorted[i - 1]?.name === file.name) throw new InputError(`There are two rulebook files "${file.name}".`);
  }
  const versions = new Map<string, string>();
  const scenarios = readScenarios(sorted.filter(hasScenarios), versions);
  const rules: { file: string; rule: Rule }[] = [];
  const places = new Map<string, string>();
  for (const { name, json } of sorted.filter((file) => !hasScenarios(file))) {
    const shape = rulebookFile.safeParse(json);
    if (!shape.success) throw new InputError(`Rulebook ${name}: ${firstIssue(shape.error)}.`);
    versions.set(name, shape.data.version);
    const { jurisdiction } = shape.data;
    const other = places.get(jurisdiction);
    if (other !== undefined) {
      const problem = `jurisdiction "${jurisdiction}" is that of ${other} too; expected one file a jurisdiction`;
      throw new InputError(`Rulebook ${name}: ${problem}.`);
    }
    places.set(jurisdiction, name);
    for (const rule of rulesOf(name, { file: shape.data, scenarios })) rules.push({ file: name, rule });
  }
  if (rules.length === 0) throw new InputError("A rulebook has at least one file with rules; none was given.");
  checkLives(rules);
  const source = { format: RULEBOOK_FORMAT, files: Object.fromEntries(sorted.map((f) => [f.name, f.json])) } as Json;
  return {
    version: sorted.map(({ name }) => `${name} ${versions.get(name)}`).join(", "),
    hash: rulebookHash(source),
    rules: rules.map(({ rule }) => rule),
    scenarios,
    source,
  };
}

/** Reads a rulebook from its `source`, under the hash its format has. @throws InputError as `parseRulebooks`. */
export function rulebookFrom(source: unknown): Rulebook {
  const { format, files } = filesOf(source);
  const rulebook = parseRulebooks(Object.entries(files).map(([name, json]) => ({ name, json })));
  if (format === RULEBOOK_FORMAT) return rulebook;
  const kept = { ...(rulebook.source as object), format };
  return { ...rulebook, hash: rulebookHash(kept), source: kept };
}

/** How many rules there are of each kind of evaluation. */
export function countByEvaluation(rulebook: Rulebook): EvaluationCounts {
  const counts: EvaluationCounts = { computed: 0, "needs-fact": 0, "not-yet": 0 };
  for (const rule of rulebook.rules) counts[rule.evaluation] += 1;
  return counts;
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
  return rule.productKinds.has(product.kind) && rule.underlierClasses.has(product.underlierClass);
}

/** Whether other rules are in force on one day than on another. */
export function changesBetween(rulebook: Rulebook, { from, to }: { from: string; to: string }): boolean {
  return rulebook.rules.some((rule) => inForce(validity(rule), from) !== inForce(validity(rule), to));
}

/** The rule called `id` as it stands on a day. @throws InputError when the book has none. */
export function ruleAt(rulebook: Rulebook, id: string, day: string): Rule {
  const rule = rulebook.rules.find((r) => r.id === id && inForce(validity(r), day));
  if (rule === undefined) throw new InputError(`Rulebook ${rulebook.hash} has no rule "${id}" in force on ${day}.`);
  return rule;
}

/** The schema a file names is for editors; it is no part of the rules. */
function withoutSchema({ name, json }: NamedJson): NamedJson {
  if (!isRecord(json)) return { name, json };
  const { $schema: _, ...rest } = json;
  return { name, json: rest };
}

function hasScenarios({ json }: NamedJson): boolean {
  return isRecord(json) && Object.hasOwn(json, "scenarios");
}

function readScenarios(files: readonly NamedJson[], versions: Map<string, string>): ReadonlyMap<string, Shocks> {
  const scenarios = new Map<string, Shocks>();
  for (const { name, json } of files) {
    const shape = scenarioFile.safeParse(json);
    if (!shape.success) throw new InputError(`Rulebook ${name}: ${firstIssue(shape.error)}.`);
    versions.set(name, shape.data.version);
    for (const [title, shocks] of scenariosOf(name, shape.data)) {
      if (scenarios.has(title))
        throw new InputError(`Rulebook ${name}: scenarios ${title}: another file has them too.`);
      scenarios.set(title, shocks);
    }
  }
  return scenarios;
}

function rulesOf(name: string, { file, scenarios }: Omit<Place, "fail">): Rule[] {
  const profileOf = profilesById(name, file);
  const rules = file.rules.map((json, i) => {
    const parsed = ruleRow.safeParse(json);
    const id = isRecord(json) && typeof json.id === "string" ? json.id : `number ${i + 1}`;
    const fail: Fail = (sentence) => {
      throw new InputError(`Rulebook ${name}: rule ${id}: ${sentence}.`);
    };
    if (!parsed.success) return fail(firstIssue(parsed.error));
    return ruleOf(parsed.data, { profile: profileOf.get(parsed.data.id), place: { file, scenarios, fail } });
  });
  for (const id of profileOf.keys()) {
    if (!rules.some((rule) => rule.id === id))
      throw new InputError(`Rulebook ${name}: a profile names "${id}", which is no rule.`);
  }
  return rules;
}

function ruleOf(row: RuleRow, { profile, place }: { profile: string | undefined; place: Place }): Rule {
  const { file, fail } = place;
  if (row.jurisdiction !== file.jurisdiction)
    fail(`jurisdiction is "${row.jurisdiction}"; expected "${file.jurisdiction}"`);
  checkRow(row, place);
  return {
    ...row,
    level: row.metric.slice(0, row.metric.indexOf(".")),
    subjectKind: isMetricId(row.metric) ? METRICS[row.metric].subject : null,
    thresholdWad: thresholdOf(row, fail),
    set: setOf(row, fail),
    rates: ratesOf(row, place),
    haircutRates: haircutsOf(row, place),
    eligibleClasses: eligibleOf(row, place),
    collateralClasses: collateralOf(row),
    shocks: shocksOf(row, place),
    profile: profile ?? `${row.jurisdiction}_${row.subject}`.toUpperCase().replaceAll("-", "_"),
    productKinds: new Set(row.scope.products.flatMap((word) => PRODUCT_WORDS[word] ?? [])),
    underlierClasses: new Set(row.scope.underlierClasses.flatMap((word) => UNDERLIER_WORDS[word] ?? [])),
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
