/**
 * Which rules apply, what they measure, and whether their condition holds. Called for every account that may have
 * changed at every block, so nothing is parsed here.
 */
import type { Condition, TestPoint } from "../assessment.ts";
import { InputError, InvariantError } from "../errors.ts";
import { WAD } from "../fixed.ts";
import type { AccountFigures, MarginGroup, MarketFigures, PositionFigures, Product } from "../margin-model.ts";
import { METRICS, type MetricId, metricId } from "../metrics/catalogue.ts";
import { compute, unitOf } from "../metrics/compute.ts";
import { accountInputs, type InputsOf, type MetricOf, positionInputs } from "../metrics/figures.ts";
import { type Inputs, METRIC_DECIMALS } from "../metrics/metric.ts";
import { type Metric, type Reason, type Unit, unknown } from "../result.ts";
import { applies, inScope, type Rule, type Rulebook } from "./rule.ts";

/** When rules are tested: at an opening or increase, at a UTC day's last block, at the end of any block. */
export type Moment = "open" | "daily" | "end";

/** What a rule measured. `inputs` is empty where a figure they need is unknown; `result.reason` says which way. */
export type Measured = { metric: MetricId; inputs: Inputs; result: Metric };

/** A product as far as scope goes. */
export type ScopedProduct = Pick<Product, "kind" | "underlierClass">;

/** A question for `rulesFor`. `date` is a UTC day like `2026-04-02`; `protocol` the adapter's name. */
export type RuleQuery = {
  level: "POS" | "ACC";
  testPoint: Moment;
  protocol: string;
  products: readonly ScopedProduct[];
  date: string;
};

const MOMENTS: Readonly<Record<string, readonly Moment[]>> = {
  open: ["open"],
  daily: ["daily"],
  "open+daily": ["open", "daily"],
  continuous: ["end"],
};

/** Answers of `rulesFor` by rulebook. The same question always has the same answer, so remembering changes nothing. */
const answers = new WeakMap<Rulebook, Map<string, readonly Rule[]>>();
const MAX_ANSWERS = 4096;

/** The rules to assess, in the rulebook's order: those in force on the day that cover at least one of the products. */
export function rulesFor(rulebook: Rulebook, query: RuleQuery): readonly Rule[] {
  let known = answers.get(rulebook);
  if (known === undefined) {
    known = new Map();
    answers.set(rulebook, known);
  }
  let key = `${query.level} ${query.testPoint} ${query.protocol} ${query.date}`;
  for (const product of query.products) key += ` ${product.kind}/${product.underlierClass}`;
  let rules = known.get(key);
  if (rules === undefined) {
    rules = rulebook.rules.filter((rule) => isAsked(rule, query));
    if (known.size >= MAX_ANSWERS) known.clear();
    known.set(key, rules);
  }
  return rules;
}

/** The moment a test point of an assessment stands for. @throws InputError for text that is no test point. */
export function momentOf(testPoint: TestPoint): Moment {
  if (testPoint === "end") return "end";
  if (/^day:\d{4}-\d{2}-\d{2}$/.test(testPoint)) return "daily";
  if (/^log:(0|[1-9]\d*)$/.test(testPoint)) return "open";
  throw new InputError(`"${testPoint}" is no test point; expected end, day:2026-04-02 or log:17.`);
}

/** Whether a rule is tested at such a moment. */
export function isTestedAt(rule: Rule, moment: Moment): boolean {
  return MOMENTS[rule.testPoint]?.includes(moment) ?? false;
}

/** The metric a rule is tested by at such a moment. */
export function testedMetric(rule: Rule, moment: Moment): MetricId {
  return metricId(moment === "daily" && rule.dailyMetric !== undefined ? rule.dailyMetric : rule.metric);
}

/**
 * Measures a POS rule. Under cross margin leverage and margin rates are the whole pool's.
 * @param unit the protocol's settlement asset.
 */
export function measurePosition(
  rule: Rule,
  at: { group: MarginGroup; position: PositionFigures; market: MarketFigures; testPoint: Moment; unit: Unit },
): Measured {
  const metric = testedMetric(rule, at.testPoint) as MetricOf<"POS">;
  return measured(metric, at.unit, positionInputs(metric, at));
}

/**
 * Measures an ACC rule over an account's positions in one protocol.
 * @param unit the protocol's settlement asset.
 */
export function measureAccount(
  rule: Rule,
  at: { account: AccountFigures; marketOf: (key: string) => MarketFigures; unit: Unit },
): Measured {
  const metric = metricId(rule.metric) as MetricOf<"ACC">;
  const { account, marketOf, unit } = at;
  const held = { account, marketOf, rates: rule.rates, counts: (product: Product) => inScope(rule, product) };
  return measured(metric, unit, accountInputs(metric, held));
}

/**
 * Whether a rule's condition holds. It is decided on the exact fraction behind the metric, so that rounding, which never
 * understates risk in what is shown, cannot change it at the boundary.
 *
 * Of the reasons for a null, two still decide: `NON_POSITIVE_EQUITY` fails an upper bound (leverage without bound), and
 * `NO_POSITION` meets every rule (there is nothing to bite on). With a zero requirement (`UNDEFINED_AT_ZERO`) the sign
 * of the equity decides. Every other reason is `unknown`.
 */
export function conditionOf(rule: Rule, { metric, inputs, result }: Measured): Condition {
  if (rule.thresholdWad === null) throw new InvariantError(`Rule ${rule.id} has no numeric threshold to compare with.`);
  const { fraction } = METRICS[metric];
  if (result.value === null) {
    if (result.reason === "NO_POSITION") return "met";
    if (result.reason === "NON_POSITIVE_EQUITY") return isUpperBound(rule) ? "not_met" : "unknown";
    if (result.reason !== "UNDEFINED_AT_ZERO" || fraction === null || isEmpty(inputs)) return "unknown";
  }
  if (fraction === null) return compare(rule, (result.value ?? 0n) - rule.thresholdWad);
  const { numerator, denominator } = fraction.of(inputs);
  return compare(rule, numerator * WAD - rule.thresholdWad * denominator);
}

/** The reason a figure is unknown for, where it was known before any formula was applied. */
export function isFigureReason(reason: Reason): boolean {
  return reason !== "NON_POSITIVE_EQUITY" && reason !== "UNDEFINED_AT_ZERO";
}

function isAsked(rule: Rule, { level, testPoint, protocol, products, date }: RuleQuery): boolean {
  if (rule.evaluation === "not-yet" || rule.level !== level || !isTestedAt(rule, testPoint)) return false;
  if (rule.scope.protocols !== undefined && !rule.scope.protocols.includes(protocol)) return false;
  return products.some((product) => applies(rule, { product, day: date }));
}

function measured(metric: MetricId, unit: Unit, { inputs, reason }: InputsOf): Measured {
  if (inputs === null) return { metric, inputs: {}, result: unknown(reason, METRIC_DECIMALS, unitOf(metric, unit)) };
  return { metric, inputs, result: compute(metric, inputs, unit) };
}

function compare(rule: Rule, difference: bigint): Condition {
  switch (rule.operator) {
    case "<=":
      return difference <= 0n ? "met" : "not_met";
    case "<":
      return difference < 0n ? "met" : "not_met";
    case ">=":
      return difference >= 0n ? "met" : "not_met";
    case ">":
      return difference > 0n ? "met" : "not_met";
    case "==":
      return difference === 0n ? "met" : "not_met";
    default:
      throw new InvariantError(`Rule ${rule.id} has the operator ${rule.operator}, which compares nothing.`);
  }
}

function isUpperBound(rule: Rule): boolean {
  return rule.operator === "<=" || rule.operator === "<";
}

function isEmpty(inputs: Inputs): boolean {
  for (const _ in inputs) return false;
  return true;
}
