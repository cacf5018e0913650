/**
 * What must hold within a rule beyond its form, before it may be evaluated.
 */
import { InputError } from "../errors.ts";
import { WAD } from "../fixed.ts";
import { isMetricId, METRICS, PLANNED_METRICS } from "../metrics/catalogue.ts";
import { overlap, type Validity } from "./day.ts";
import type { RuleRow } from "./rule-row.ts";
import { decimal, type Fail, type Place } from "./tables.ts";
import { NEVER_ASSESSED, UNITS_OF } from "./words.ts";

/** The operators that compare, by the type of threshold. */
const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  number: ["<=", "<", ">=", ">", "=="],
  boolean: ["=="],
  set: ["in"],
};

const SETS_SEPARATOR = "|";

/** Checks what one row says against the catalogue and its file. */
export function checkRow(row: RuleRow, place: Place): void {
  const { effectiveFrom: from, effectiveTo: to } = row;
  if (from !== null && to !== null && to < from) place.fail(`effectiveTo ${to} is before effectiveFrom ${from}`);
  if (row.source.trim() === "" && row.confidence !== "M")
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
    const units = UNITS_OF[METRICS[metric].unit];
    if (!units.includes(row.unit)) {
      fail(`unit is "${row.unit}"; ${metric} is measured in ${units.map((unit) => `"${unit}"`).join(" or ")}`);
    }
    if (isMetricId(row.metric) && METRICS[metric].subject !== METRICS[row.metric].subject)
      fail(`${metric} is about another subject than ${row.metric}`);
  }
  if (row.dailyMetric !== undefined && row.testPoint !== "open+daily")
    fail("dailyMetric needs the test point open+daily");
  if (NEVER_ASSESSED.has(row.testPoint)) return;
  if (row.testPoint === "epoch" && tested.some((metric) => isOfHolder(metric)))
    fail(`the test point epoch is not for positions and accounts, which ${row.metric} is about`);
  const operators = COMPARISONS[row.thresholdType];
  if (operators === undefined) throw fail(`threshold "${row.threshold}" is no number and cannot be evaluated`);
  if (!operators.includes(row.operator))
    fail(`operator "${row.operator}" cannot be evaluated; expected one of ${operators.join(" ")}`);
}

function isOfHolder(metric: string): boolean {
  return isMetricId(metric) && ["position", "account"].includes(METRICS[metric].subject);
}

function checkFacts(row: RuleRow, { file, fail }: Place): void {
  if ((row.evaluation === "needs-fact") !== row.requiresFacts.length > 0 && row.evaluation !== "not-yet") {
    fail(`evaluation is "${row.evaluation}" with ${row.requiresFacts.length} facts required`);
  }
  if (row.requiresFacts.includes("clientClass") !== (row.clientClasses !== undefined)) {
    fail("clientClasses and the required fact clientClass come together or not at all");
  }
  if (row.requiresFacts.includes("entityClass") !== (row.entityClasses !== undefined)) {
    fail("entityClasses and the required fact entityClass come together or not at all");
  }
  for (const name of row.clientClasses ?? []) {
    if (!file.clientClasses.includes(name)) fail(`client class "${name}" is not one of the file's clientClasses`);
  }
  if (row.requiresFacts.includes("jurisdiction") && file.covers.length === 0) {
    fail("the fact jurisdiction is required, but the file's covers is empty");
  }
}

/**
 * The threshold with 18 decimals: a number as it stands, `true` and membership of a set as 1; null where there is
 * nothing to compare with.
 */
export function thresholdOf(row: RuleRow, fail: Fail): bigint | null {
  switch (row.thresholdType) {
    case "number":
      return decimal(row.threshold, () => fail(`threshold "${row.threshold}" is not a decimal string like "0.50"`));
    case "boolean":
      if (row.threshold === "true") return WAD;
      return row.threshold === "false" ? 0n : fail(`threshold "${row.threshold}" is not "true" or "false"`);
    case "set":
      return WAD;
    default:
      return null;
  }
}

/** The members of a set threshold, `BTC|ETH`; null where the threshold is none. */
export function setOf(row: RuleRow, fail: Fail): ReadonlySet<string> | null {
  if (row.thresholdType !== "set") return null;
  const members = row.threshold.split(SETS_SEPARATOR);
  if (members.some((member) => member.trim() !== member || member === ""))
    fail(`threshold "${row.threshold}" is not a set like "BTC|ETH"`);
  return new Set(members);
}

/**
 * A rule may change over time, as rows of one id that follow each other; never two rows for one day.
 * @throws InputError naming the file, the rule and the days.
 */
export function checkLives(rows: readonly { file: string; rule: RuleRow }[]): void {
  const lives = new Map<string, RuleRow[]>();
  for (const { file, rule } of rows) {
    const others = lives.get(rule.id) ?? [];
    for (const other of others) {
      if (!overlap(validity(rule), validity(other))) continue;
      const same = rule.effectiveFrom === other.effectiveFrom && rule.effectiveTo === other.effectiveTo;
      const days = `${rule.effectiveFrom ?? "the beginning"} to ${rule.effectiveTo ?? "no end"}`;
      const problem = same
        ? "the id is there twice; expected one row"
        : `two rows are valid on the same days (one from ${days}); expected one to end before the next`;
      throw new InputError(`Rulebook ${file}: rule ${rule.id}: ${problem}.`);
    }
    others.push(rule);
    lives.set(rule.id, others);
  }
}
