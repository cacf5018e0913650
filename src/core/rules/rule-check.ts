/**
 * What must hold within a rule beyond its form, before it may be evaluated.
 */
import { InputError } from "../errors.ts";
import { parseDecimal } from "../fixed.ts";
import type { Product } from "../margin-model.ts";
import { isMetricId, METRICS, PLANNED_METRICS } from "../metrics/catalogue.ts";
import { overlap, type Validity } from "./day.ts";
import { type RulebookFile, type RuleRow, UNDERLIER_WORDS } from "./rule-row.ts";

const WAD_DECIMALS = 18;
const COMPARISONS: ReadonlySet<string> = new Set(["<=", "<", ">=", ">", "=="]);

/** A rate by underlier class, 18 decimals. */
export type Rates = ReadonlyMap<Product["underlierClass"], bigint>;

/** Throws an InputError that names file and rule before the sentence. */
export type Fail = (sentence: string) => never;

type Place = { file: RulebookFile; fail: Fail };

/** Checks what one row says against the catalogue and its file. */
export function checkRow(row: RuleRow, place: Place): void {
  const { effectiveFrom: from, effectiveTo: to } = row;
  if (from !== null && to !== null && to < from) place.fail(`effectiveTo ${to} is before effectiveFrom ${from}`);
  if (row.source === "" && row.confidence !== "M")
    place.fail(`source is empty; confidence ${row.confidence} needs one`);
  checkMetrics(row, place.fail);
  checkFacts(row, place);
}

/** First and last day of a rule. */
export function validity(rule: Pick<RuleRow, "effectiveFrom" | "effectiveTo">): Validity {
  return { from: rule.effectiveFrom, to: rule.effectiveTo };
}

function checkMetrics(row: RuleRow, fail: Fail): void {
  if (row.evaluation === "not-yet") {
    if (!isMetricId(row.metric) && !PLANNED_METRICS.has(row.metric)) fail(`metric "${row.metric}" is not known`);
    return;
  }
  const tested = [row.metric, ...(row.dailyMetric === undefined ? [] : [row.dailyMetric])];
  for (const metric of tested) {
    if (!isMetricId(metric)) throw fail(`metric "${metric}" is not in the catalogue`);
    const unit = METRICS[metric].unit === "ratio" ? "ratio" : "currency";
    if (row.unit !== unit) fail(`unit is "${row.unit}"; ${metric} is measured in "${unit}"`);
    if (metric.slice(0, 3) !== row.metric.slice(0, 3)) fail(`${metric} is about another subject than ${row.metric}`);
  }
  if (!COMPARISONS.has(row.operator))
    fail(`operator "${row.operator}" cannot be evaluated; expected one of <= < >= > ==`);
  if (row.dailyMetric !== undefined && row.testPoint !== "open+daily")
    fail("dailyMetric needs the test point open+daily");
}

function checkFacts(row: RuleRow, { file, fail }: Place): void {
  if ((row.evaluation === "needs-fact") !== row.requiresFacts.length > 0 && row.evaluation !== "not-yet") {
    fail(`evaluation is "${row.evaluation}" with ${row.requiresFacts.length} facts required`);
  }
  if (row.requiresFacts.includes("clientClass") !== (row.clientClasses !== undefined)) {
    fail("clientClasses and the required fact clientClass come together or not at all");
  }
  for (const name of row.clientClasses ?? []) {
    if (!file.clientClasses.includes(name)) fail(`client class "${name}" is not one of the file's clientClasses`);
  }
  if (row.requiresFacts.includes("jurisdiction") && file.covers.length === 0) {
    fail("the fact jurisdiction is required, but the file's covers is empty");
  }
}

/** The threshold with 18 decimals; null where it is no number. */
export function thresholdOf(row: RuleRow, fail: Fail): bigint | null {
  if (row.thresholdType !== "number") {
    if (row.evaluation !== "not-yet") fail(`threshold "${row.threshold}" is no number and cannot be evaluated`);
    return null;
  }
  return decimal(row.threshold, () => fail(`threshold "${row.threshold}" is not a decimal string like "0.50"`));
}

/** The initial-margin rates the rule names, by canonical underlier class; null where its metric takes none. */
export function ratesOf(row: RuleRow, { file, fail }: Place): Rates | null {
  const takesRates = isMetricId(row.metric) && METRICS[row.metric].variants[0].inputs.includes("rate.*");
  if (row.initialMarginRates === undefined) {
    return takesRates ? fail(`${row.metric} needs initialMarginRates`) : null;
  }
  const table = file.tables[row.initialMarginRates];
  if (table === undefined) return fail(`table "${row.initialMarginRates}" is not in the file`);
  const rates = new Map<Product["underlierClass"], bigint>();
  for (const [word, text] of Object.entries(table.rates)) {
    const rate = decimal(text, () => fail(`rate "${text}" of ${word} is not a decimal string like "0.50"`));
    for (const underlierClass of UNDERLIER_WORDS[word] ?? []) {
      if (rates.has(underlierClass)) fail(`table "${row.initialMarginRates}" has two rates for ${underlierClass}`);
      rates.set(underlierClass, rate);
    }
  }
  return rates;
}

function decimal(text: string, fail: () => never): bigint {
  try {
    return parseDecimal(text, WAD_DECIMALS);
  } catch {
    return fail();
  }
}

/** A rule may change over time, as rows of one id that follow each other; never two rows for one day. */
export function checkLives(rules: readonly RuleRow[]): void {
  const lives = new Map<string, RuleRow[]>();
  for (const rule of rules) {
    const others = lives.get(rule.id) ?? [];
    for (const other of others) {
      if (!overlap(validity(rule), validity(other))) continue;
      const same = rule.effectiveFrom === other.effectiveFrom && rule.effectiveTo === other.effectiveTo;
      const days = `${rule.effectiveFrom ?? "the beginning"} to ${rule.effectiveTo ?? "no end"}`;
      throw new InputError(
        same
          ? `Rule ${rule.id}: the id is there twice; expected one row.`
          : `Rule ${rule.id}: two rows are valid on the same days (one from ${days}); expected one to end before the next.`,
      );
    }
    others.push(rule);
    lives.set(rule.id, others);
  }
}
