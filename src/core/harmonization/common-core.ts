/**
 * The common core: what several jurisdictions all require of one role, metric by metric, and on which parameters they
 * disagree. A function of rulebook and day.
 */
import type { CollateralClass } from "../collateral-class.ts";
import { compareKeys } from "../order.ts";
import { inForce } from "../rules/day.ts";
import { type Rule, type Rulebook, unconfirmed } from "../rules/rule.ts";
import { validity } from "../rules/rule-check.ts";
import { UNDERLIER_WORDS, type UnderlierClass } from "../rules/words.ts";
import { type Citation, citationOf } from "./cell.ts";
import { isBan } from "./leverage.ts";
import { type Role, rulesOf, suppose } from "./roles.ts";

/** What one jurisdiction requires. */
export type Requirement = {
  jurisdiction: string;
  ruleId: string;
  title: string;
  operator: string;
  threshold: string;
  unit: string;
  citation: Citation;
  unconfirmed: boolean;
  evaluation: string;
};

/**
 * One metric over the classes of underliers and collateral for which the same rules require something of it. `strictest` is the requirement that
 * keeps all of them, null with `reason` where they cannot be compared: units that differ need a rate of exchange, and
 * equalities with different values contradict each other.
 */
export type CoreEntry = {
  metric: string;
  underlierClasses: readonly UnderlierClass[];
  /** Classes of collateral or assets the rules look at; null for all. */
  collateralClasses: readonly CollateralClass[] | null;
  requirements: readonly Requirement[];
  strictest: Requirement | null;
  reason: "UNITS_DIFFER" | "CONTRADICTORY" | "NOT_COMPARABLE" | null;
  /** Whether every selected jurisdiction requires something of this metric. */
  isCommon: boolean;
  /** Whether all that require something require the same. */
  isAgreed: boolean;
  /** Selected jurisdictions in which the same product is prohibited to the role, so that no limit matters. */
  prohibitedIn: readonly string[];
};

/** Entries in the rulebook's order of metrics. `common` of them are required everywhere, `disputed` with different parameters. */
export type CommonCore = { entries: readonly CoreEntry[]; common: number; disputed: number };

const ALL_CLASSES = UNDERLIER_WORDS["*"] as readonly UnderlierClass[];
/** Kinds of rules that ask something of a position or account; the others classify, trigger or describe. */
const REQUIRING: ReadonlySet<string> = new Set(["limit", "benchmark", "parameter", "completeness"]);

/** The common core of roles, one a jurisdiction, under the rules of a day. */
export function commonCoreOf(rulebook: Rulebook, { roles, day }: { roles: readonly Role[]; day: string }): CommonCore {
  const rules = roles.flatMap((role) =>
    rulesOf(rulebook, role).filter(
      (rule) =>
        REQUIRING.has(rule.kind) &&
        inForce(validity(rule), day) &&
        suppose({ rule, condition: "met", reason: null }, role)?.outcome !== "not_applicable",
    ),
  );
  const metrics = [...new Set(rules.map((rule) => rule.metric))];
  const entries = metrics.flatMap((metric) => entriesOf(metric, { rules, roles }));
  const common = entries.filter((entry) => entry.isCommon);
  return { entries, common: common.length, disputed: entries.filter((entry) => !entry.isAgreed).length };
}

type Scene = { rules: readonly Rule[]; roles: readonly Role[] };

/** One entry for each group of classes that has the same rules. */
function entriesOf(metric: string, { rules, roles }: Scene): CoreEntry[] {
  const groups = new Map<string, Group>();
  for (const underlierClass of ALL_CLASSES) {
    const covering = rules.filter((rule) => rule.underlierClasses.has(underlierClass));
    for (const own of byCollateral(covering.filter((rule) => rule.metric === metric))) {
      const bans = covering.filter((rule) => isBan(rule) && rule.metric !== metric && shareProducts(rule, own));
      const key = [...own, ...bans].map((rule) => rule.id).join(" ");
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { classes: [underlierClass], rules: own, bans });
      else group.classes.push(underlierClass);
    }
  }
  return [...groups.values()].map((group) => entryOf(metric, { ...group, roles }));
}

type Group = { classes: UnderlierClass[]; rules: Rule[]; bans: Rule[] };

/** Rules that look at the same classes of collateral, together. */
function byCollateral(rules: readonly Rule[]): Rule[][] {
  const groups = new Map<string, Rule[]>();
  for (const rule of rules) {
    const key = classesOf(rule)?.join(" ") ?? "all";
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rule]);
    else group.push(rule);
  }
  return [...groups.values()];
}

/** Whether a rule is about a kind of product that any of the others is about. */
function shareProducts(rule: Rule, others: readonly Rule[]): boolean {
  return others.some((other) => [...other.productKinds].some((kind) => rule.productKinds.has(kind)));
}

function classesOf({ collateralClasses }: Rule): CollateralClass[] | null {
  return collateralClasses === null ? null : [...collateralClasses].sort(compareKeys);
}

function entryOf(metric: string, { classes, rules, bans, roles }: Group & { roles: readonly Role[] }): CoreEntry {
  const found = strictestOf(rules);
  const asking = new Set(rules.map((rule) => rule.jurisdiction));
  const distinct = new Set(rules.map((rule) => `${rule.operator} ${rule.thresholdWad ?? rule.threshold} ${rule.unit}`));
  return {
    metric,
    underlierClasses: classes,
    collateralClasses: classesOf(rules[0] as Rule),
    requirements: rules.map(requirementOf),
    strictest: found.rule === null ? null : requirementOf(found.rule),
    reason: found.reason,
    isCommon: roles.every((role) => asking.has(role.jurisdiction)),
    isAgreed: distinct.size === 1,
    prohibitedIn: [...new Set(bans.map((rule) => rule.jurisdiction))],
  };
}

type Strictest = { rule: Rule; reason: null } | { rule: null; reason: NonNullable<CoreEntry["reason"]> };

function strictestOf(rules: readonly Rule[]): Strictest {
  const [first] = rules as [Rule, ...Rule[]];
  if (
    rules.every(
      (rule) => rule.operator === first.operator && rule.threshold === first.threshold && rule.unit === first.unit,
    )
  )
    return { rule: first, reason: null };
  if (rules.some((rule) => rule.unit !== first.unit)) return { rule: null, reason: "UNITS_DIFFER" };
  if (rules.some((rule) => rule.thresholdWad === null)) return { rule: null, reason: "NOT_COMPARABLE" };
  const directions = new Set(rules.map((rule) => directionOf(rule)));
  if (directions.size > 1 || directions.has(null)) return { rule: null, reason: "CONTRADICTORY" };
  return { rule: rules.reduce((a, b) => (isStricter(b, a) ? b : a)), reason: null };
}

function directionOf({ operator }: Rule): "at most" | "at least" | null {
  if (operator === "<=" || operator === "<") return "at most";
  return operator === ">=" || operator === ">" ? "at least" : null;
}

/** Of two bounds in one direction; at the same value the one that excludes the value itself. */
function isStricter(rule: Rule, than: Rule): boolean {
  const difference = (rule.thresholdWad as bigint) - (than.thresholdWad as bigint);
  if (difference === 0n) return rule.operator.length < than.operator.length;
  return directionOf(rule) === "at most" ? difference < 0n : difference > 0n;
}

function requirementOf(rule: Rule): Requirement {
  const { jurisdiction, id, title, operator, threshold, unit, evaluation } = rule;
  const citation = citationOf(rule);
  return {
    jurisdiction,
    ruleId: id,
    title,
    operator,
    threshold,
    unit,
    citation,
    unconfirmed: unconfirmed(rule),
    evaluation,
  };
}
