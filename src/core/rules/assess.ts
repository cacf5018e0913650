/**
 * Which rules are asked, and whether their condition holds. Called for every account that may have changed at every
 * block, so nothing is parsed here.
 */
import type { Condition, TestPoint } from "../assessment.ts";
import type { CollateralClass } from "../collateral-class.ts";
import { InputError } from "../errors.ts";
import type { Product } from "../margin-model.ts";
import { type MetricId, metricId } from "../metrics/catalogue.ts";
import { fractionOf, type Terms } from "../metrics/compute.ts";
import type { Inputs } from "../metrics/metric.ts";
import type { Metric, Reason } from "../result.ts";
import { inForce } from "./day.ts";
import { parametersOf } from "./parameters.ts";
import { applies, type Rule, type Rulebook, type SubjectKind } from "./rule.ts";
import { validity } from "./rule-check.ts";
import { compareFraction, compareTo, isUpperBound } from "./threshold.ts";

/**
 * When rules are tested: at an opening or increase, at a UTC day's last block, at the end of any block, at an epoch's last
 * block, at a deposit or withdrawal.
 */
export type Moment = "open" | "daily" | "end" | "epoch" | "transfer";

/**
 * What a rule measured. `inputs` is empty where a figure they need is unknown; `result.reason` says which way. `terms`
 * is kept after its first use, since several rules are decided on one measurement.
 */
export type Measured = { metric: MetricId; inputs: Inputs; result: Metric; terms?: Terms | null };

/**
 * One rule to ask. Questions of one list with the same `share` measure the same thing by the same parameters, and those
 * with the same `twin` compare it with the same threshold as well.
 */
export type Question = { rule: Rule; metric: MetricId; share: number; twin: number };

/** What came of one question. */
export type Answer = { rule: Rule; measured: Measured; condition: Condition };

/** A product as far as scope goes. */
export type ScopedProduct = Pick<Product, "kind" | "underlierClass">;

/**
 * A question for `questionsFor`. `date` is a UTC day like `2026-04-02`; `protocol` the adapter's name, null for what is
 * about a chain. `products` are those the subject is in; for an asset or a transfer, which is in none, `asset` is its
 * class, null where the deployment states none.
 */
export type RuleQuery = {
  subject: SubjectKind;
  moment: Moment;
  protocol: string | null;
  products: readonly ScopedProduct[];
  asset?: CollateralClass | null;
  date: string;
};

const MOMENTS: Readonly<Record<string, readonly Moment[]>> = {
  open: ["open"],
  daily: ["daily"],
  "open+daily": ["open", "daily"],
  continuous: ["end"],
  epoch: ["epoch"],
  per_transfer: ["transfer"],
  classification: ["daily"],
  parameter: ["daily"],
};

/** Answers of `questionsFor` by rulebook. The same question always has the same answer, so remembering changes nothing. */
const answers = new WeakMap<Rulebook, Map<string, readonly Question[]>>();
const MAX_ANSWERS = 4096;

/** The rules to assess, in the rulebook's order: those in force on the day that cover what is asked about. */
export function questionsFor(rulebook: Rulebook, query: RuleQuery): readonly Question[] {
  let known = answers.get(rulebook);
  if (known === undefined) {
    known = new Map();
    answers.set(rulebook, known);
  }
  let key = `${query.subject} ${query.moment} ${query.protocol} ${query.date} ${query.asset}`;
  for (const product of query.products) key += ` ${product.kind}/${product.underlierClass}`;
  let questions = known.get(key);
  if (questions === undefined) {
    const asked = rulebook.rules.filter((rule) => isTestedAt(rule, query.moment) && isAsked(rule, query));
    questions = asQuestions(asked, query.moment);
    if (known.size >= MAX_ANSWERS) known.clear();
    known.set(key, questions);
  }
  return questions;
}

/** Rules as questions of one list, in their order. None of them may wait for its metric (`not-yet`). */
export function asQuestions(rules: readonly Rule[], moment: Moment): Question[] {
  const shares = new Map<string, number>();
  const twins = new Map<string, number>();
  const numberIn = (map: Map<string, number>, key: string) => {
    const number = map.get(key) ?? map.size;
    map.set(key, number);
    return number;
  };
  return rules.map((rule) => {
    const metric = testedMetric(rule, moment);
    const share = numberIn(shares, parametersOf(rule, metric).key);
    return { rule, metric, share, twin: numberIn(twins, `${share} ${rule.operator} ${rule.thresholdWad}`) };
  });
}

/** Asks the questions of one list about one subject, each thing being measured and compared once. */
export function answer(questions: readonly Question[], measure: (question: Question) => Measured): Answer[] {
  const measurements: Measured[] = [];
  const conditions: Condition[] = [];
  const given: Answer[] = [];
  for (const question of questions) {
    const { rule, share, twin } = question;
    measurements[share] ??= measure(question);
    const measured = measurements[share];
    conditions[twin] ??= conditionOf(rule, measured);
    given.push({ rule, measured, condition: conditions[twin] });
  }
  return given;
}

/** The moment a test point of an assessment by `rule` stands for. @throws InputError for text that is no test point. */
export function momentOf(testPoint: TestPoint, rule: Pick<Rule, "testPoint">): Moment {
  if (testPoint === "end") return "end";
  if (/^day:\d{4}-\d{2}-\d{2}$/.test(testPoint)) return "daily";
  if (/^epoch:(0|[1-9]\d*)$/.test(testPoint)) return "epoch";
  if (/^log:(0|[1-9]\d*)$/.test(testPoint)) return rule.testPoint === "per_transfer" ? "transfer" : "open";
  throw new InputError(`"${testPoint}" is no test point; expected end, day:2026-04-02, epoch:4 or log:17.`);
}

/** Whether a rule is tested at such a moment. */
export function isTestedAt(rule: Pick<Rule, "testPoint">, moment: Moment): boolean {
  return MOMENTS[rule.testPoint]?.includes(moment) ?? false;
}

/** Whether the rule is tested at all: not one that states a formula, a duty to report or whom other rules are about. */
export function isEverTested(rule: Pick<Rule, "testPoint">): boolean {
  return MOMENTS[rule.testPoint] !== undefined;
}

/** Whether a rule only says what something is: it has news when that changes, and none on other days. */
export function isClassifying(rule: Pick<Rule, "testPoint">): boolean {
  return rule.testPoint === "classification" || rule.testPoint === "parameter";
}

/** The metric a rule is tested by at such a moment. */
export function testedMetric(rule: Rule, moment: Moment): MetricId {
  return metricId(moment === "daily" && rule.dailyMetric !== undefined ? rule.dailyMetric : rule.metric);
}

/** Whether a rule in force is about such a thing, whenever it is tested. */
export function isAsked(rule: Rule, { subject, moment, protocol, products, asset, date }: RuleQuery): boolean {
  if (rule.evaluation === "not-yet" || rule.subjectKind !== subject) return false;
  if (rule.scope.protocols !== undefined && (protocol === null || !rule.scope.protocols.includes(protocol)))
    return false;
  if (subject !== "asset" && moment !== "transfer") {
    return products.some((product) => applies(rule, { product, day: date }));
  }
  const { collateralClasses } = rule;
  const isOfClass = collateralClasses === null || (asset != null && collateralClasses.has(asset));
  return isOfClass && inForce(validity(rule), date);
}

/**
 * Whether a rule's condition holds. It is decided on the exact fraction behind the metric, so that rounding, which never
 * understates risk in what is shown, cannot change it at the boundary.
 *
 * Of the reasons for a null, two still decide: `NON_POSITIVE_EQUITY` fails an upper bound (leverage without bound), and
 * `NO_POSITION` meets every rule (there is nothing to bite on). With a zero requirement (`UNDEFINED_AT_ZERO`) the sign
 * of the equity decides. Every other reason is `unknown`.
 */
export function conditionOf(rule: Rule, measured: Measured): Condition {
  const { result } = measured;
  if (result.value === null) {
    if (result.reason === "NO_POSITION") return "met";
    if (result.reason === "NON_POSITIVE_EQUITY") return isUpperBound(rule) ? "not_met" : "unknown";
    if (result.reason !== "UNDEFINED_AT_ZERO" || termsOf(measured) === null) return "unknown";
  }
  const terms = termsOf(measured);
  return terms === null ? compareTo(rule, result.value ?? 0n) : compareFraction(rule, terms);
}

/** The fraction behind a measurement; null where the metric is none, or an input was unknown. */
export function termsOf(measured: Measured): Terms | null {
  if (measured.terms === undefined) {
    measured.terms = isEmpty(measured.inputs) && measured.result.reason !== null ? null : fractionOf(measured);
  }
  return measured.terms ?? null;
}

/** The reason a figure is unknown for, where it was known before any formula was applied. */
export function isFigureReason(reason: Reason): boolean {
  return reason !== "NON_POSITIVE_EQUITY" && reason !== "UNDEFINED_AT_ZERO";
}

function isEmpty(inputs: Inputs): boolean {
  for (const _ in inputs) return false;
  return true;
}
