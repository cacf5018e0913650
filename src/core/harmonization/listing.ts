/**
 * The rulebook as a list to read: every row with everything it says, and how many of them are evaluated.
 */
import { InputError } from "../errors.ts";
import { inForce } from "../rules/day.ts";
import { type Rule, type Rulebook, unconfirmed } from "../rules/rule.ts";
import { validity } from "../rules/rule-check.ts";
import { type Citation, citationOf } from "./cell.ts";
import { selectJurisdictions } from "./roles.ts";

/** Which rules are listed; what is absent or empty excludes nothing. `date` keeps those in force on that UTC day. */
export type ListingQuery = {
  jurisdictions?: readonly string[] | undefined;
  evaluation?: string | undefined;
  metric?: string | undefined;
  ids?: readonly string[] | undefined;
  date?: string | undefined;
};

/** One rule as it is listed. */
export type ListedRule = {
  id: string;
  jurisdiction: string;
  authority: string;
  title: string;
  subject: string;
  subjectKind: string | null;
  citation: Citation;
  products: readonly string[];
  underlierClasses: readonly string[];
  protocols: readonly string[] | null;
  metric: string;
  operator: string;
  threshold: string;
  thresholdType: string;
  unit: string;
  kind: string;
  testPoint: string;
  effectiveFrom: string | null;
  effectiveTo: string | null;
  status: string;
  confidence: string;
  unconfirmed: boolean;
  evaluability: string;
  evaluation: string;
  requiresFacts: readonly string[];
  clientClasses: readonly string[] | null;
  entityClasses: readonly string[] | null;
  profile: string;
  consequence: string;
  note: string;
  reading: string | null;
};

/** Rules with the counts of their evaluation and of those not read in a primary text. */
export type Listing = {
  rulebookHash: string;
  version: string;
  total: number;
  computed: number;
  needsFact: number;
  notYet: number;
  unconfirmed: number;
  rules: readonly ListedRule[];
};

const EVALUATIONS: readonly string[] = ["computed", "needs-fact", "not-yet"];

/**
 * Lists rules in the rulebook's order.
 * @throws InputError for a jurisdiction, metric or id the rulebook does not have, or a word that is no evaluation.
 */
export function listRules(rulebook: Rulebook, query: ListingQuery): Listing {
  const { evaluation, metric, date } = query;
  if (evaluation !== undefined && !EVALUATIONS.includes(evaluation)) {
    throw new InputError(`"${evaluation}" is no evaluation; expected one of ${EVALUATIONS.join(", ")}.`);
  }
  if (metric !== undefined && !rulebook.rules.some((rule) => rule.metric === metric)) {
    throw new InputError(`No rule is about a metric "${metric}".`);
  }
  const stranger = query.ids?.find((id) => !rulebook.rules.some((rule) => rule.id === id));
  if (stranger !== undefined) throw new InputError(`There is no rule "${stranger}".`);
  const codes = query.jurisdictions?.length
    ? new Set(selectJurisdictions(rulebook, query.jurisdictions).map((j) => j.code))
    : null;
  const ids = query.ids?.length ? new Set(query.ids) : null;
  const rules = rulebook.rules.filter(
    (rule) =>
      (codes?.has(rule.jurisdiction) ?? true) &&
      (ids?.has(rule.id) ?? true) &&
      (evaluation === undefined || rule.evaluation === evaluation) &&
      (metric === undefined || rule.metric === metric) &&
      (date === undefined || inForce(validity(rule), date)),
  );
  const count = (word: string) => rules.filter((rule) => rule.evaluation === word).length;
  return {
    rulebookHash: rulebook.hash,
    version: rulebook.version,
    total: rules.length,
    computed: count("computed"),
    needsFact: count("needs-fact"),
    notYet: count("not-yet"),
    unconfirmed: rules.filter(unconfirmed).length,
    rules: rules.map(listed),
  };
}

function listed(rule: Rule): ListedRule {
  const { scope } = rule;
  return {
    id: rule.id,
    jurisdiction: rule.jurisdiction,
    authority: rule.authority,
    title: rule.title,
    subject: rule.subject,
    subjectKind: rule.subjectKind,
    citation: citationOf(rule),
    products: scope.products,
    underlierClasses: scope.underlierClasses,
    protocols: scope.protocols ?? null,
    metric: rule.metric,
    operator: rule.operator,
    threshold: rule.threshold,
    thresholdType: rule.thresholdType,
    unit: rule.unit,
    kind: rule.kind,
    testPoint: rule.testPoint,
    effectiveFrom: rule.effectiveFrom,
    effectiveTo: rule.effectiveTo,
    status: rule.status,
    confidence: rule.confidence,
    unconfirmed: unconfirmed(rule),
    evaluability: rule.evaluability,
    evaluation: rule.evaluation,
    requiresFacts: rule.requiresFacts,
    clientClasses: rule.clientClasses ?? null,
    entityClasses: rule.entityClasses ?? null,
    profile: rule.profile,
    consequence: rule.consequence,
    note: rule.note,
    reading: rule.reading ?? null,
  };
}
