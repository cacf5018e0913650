/**
 * One rule's answer about one subject, as it would be if the holder were in a role; and how several of them compose.
 */
import type { Condition } from "../assessment.ts";
import { abs } from "../fixed.ts";
import { METRIC_DECIMALS } from "../metrics/metric.ts";
import type { Reason } from "../result.ts";
import type { Outcome } from "../rules/judge.ts";
import { type Rule, unconfirmed } from "../rules/rule.ts";
import { NEVER_ASSESSED } from "../rules/words.ts";
import type { HypotheticalFinding } from "./finding.ts";
import { isBan } from "./leverage.ts";
import { type Role, suppose } from "./roles.ts";

/** Why there is no headroom although something was measured: the threshold is no number, or a yes or no. */
export type HeadroomReason = Reason | "NOT_COMPARABLE";

/**
 * What one rule says. `measured` and `headroom` are integers with `decimals` digits in `unit`, or null with a reason;
 * `threshold` is the rule's own decimal string. Headroom is what is left until the rule is broken, negative beyond it.
 */
export type Cell = {
  ruleId: string;
  title: string;
  jurisdiction: string;
  clientClass: string | null;
  entityClass: string | null;
  subject: string;
  protocol: string;
  outcome: Outcome;
  /** What would decide an indeterminate outcome. */
  missing: readonly string[];
  /** The rule prohibits the product, and there is some. */
  prohibited: boolean;
  condition: Condition;
  metric: string;
  operator: string;
  threshold: string;
  measured: string | null;
  reason: Reason | null;
  headroom: string | null;
  headroomReason: HeadroomReason | null;
  decimals: number;
  unit: string;
  citation: Citation;
  status: string;
  confidence: string;
  unconfirmed: boolean;
  evaluation: string;
  testPoint: string;
};

/** Where a rule stands: the instrument, the place in it, and where it was read. */
export type Citation = { instrument: string; provision: string; source: string };

/** Worst first. A row or a composition has the worst outcome of its parts. */
const SEVERITY: readonly Outcome[] = ["breach", "indeterminate", "compliant", "not_applicable"];

/** The citation of a rule. */
export function citationOf(rule: Pick<Rule, "legalBasis" | "source">): Citation {
  return { ...rule.legalBasis, source: rule.source };
}

/**
 * What a finding means if the holder were in a role; null where the role has nothing to do with the rule, and for rules
 * that no position can break: duties to report, formulas, thresholds of scope.
 */
export function cellOf(finding: HypotheticalFinding, role: Role): Cell | null {
  if (NEVER_ASSESSED.has(finding.rule.testPoint)) return null;
  const judgement = suppose(finding, role);
  if (judgement === null) return null;
  const { rule, measured, condition, subject, protocol } = finding;
  const left = headroom(finding);
  return {
    ruleId: rule.id,
    title: rule.title,
    jurisdiction: rule.jurisdiction,
    clientClass: role.clientClass,
    entityClass: role.entityClass,
    subject,
    protocol,
    outcome: judgement.outcome,
    missing: judgement.missing,
    prohibited: isBan(rule) && judgement.outcome === "breach",
    condition,
    metric: measured?.metric ?? rule.metric,
    operator: rule.operator,
    threshold: rule.threshold,
    measured: measured?.result.value?.toString() ?? null,
    reason: measured === null ? finding.reason : measured.result.reason,
    headroom: left.value?.toString() ?? null,
    headroomReason: left.reason,
    decimals: measured?.result.decimals ?? METRIC_DECIMALS,
    unit: measured?.result.unit ?? rule.unit,
    citation: citationOf(rule),
    status: rule.status,
    confidence: rule.confidence,
    unconfirmed: unconfirmed(rule),
    evaluation: rule.evaluation,
    testPoint: rule.testPoint,
  };
}

/**
 * What is left until the rule is broken, in the metric's unit with 18 decimals: to the threshold from below or above, and
 * for equality minus the distance. It is taken from what is shown, which never understates risk, so it is never too much.
 */
export function headroom({ rule, measured, reason }: Pick<HypotheticalFinding, "rule" | "measured" | "reason">): {
  value: bigint | null;
  reason: HeadroomReason | null;
} {
  const value = measured?.result.value ?? null;
  if (value === null) return { value: null, reason: measured?.result.reason ?? reason ?? "NOT_COMPARABLE" };
  const { thresholdWad, operator } = rule;
  if (thresholdWad === null || rule.unit === "boolean" || rule.unit === "set") {
    return { value: null, reason: "NOT_COMPARABLE" };
  }
  if (operator === "<=" || operator === "<") return { value: thresholdWad - value, reason: null };
  if (operator === ">=" || operator === ">") return { value: value - thresholdWad, reason: null };
  if (operator === "==") return { value: -abs(value - thresholdWad), reason: null };
  return { value: null, reason: "NOT_COMPARABLE" };
}

/** What several cells come to: the worst outcome, the cell that binds, and the tightest cell of every metric. */
export type Composition = {
  outcome: Outcome;
  prohibited: boolean;
  missing: readonly string[];
  /** The cell that decides the outcome; null where nothing applies. */
  binding: Cell | null;
  /** The worst cell of every metric, by headroom within the metric; metrics are not compared with each other. */
  tightest: readonly Cell[];
};

/**
 * Composes cells: breach before indeterminate before compliant before not applicable. Within one metric and unit the
 * least headroom comes first; between metrics nothing can be compared, so a prohibition binds before any limit, and
 * otherwise the one whose rule stands first in the rulebook.
 * @param cells in the rulebook's order.
 */
export function compose(cells: readonly Cell[]): Composition {
  const byMetric = new Map<string, Cell>();
  for (const cell of cells) {
    const key = `${cell.metric} ${cell.unit} ${direction(cell)}`;
    const known = byMetric.get(key);
    if (known === undefined || isTighter(cell, known)) byMetric.set(key, cell);
  }
  const tightest = [...byMetric.values()];
  const outcome = worst(cells.map((cell) => cell.outcome));
  const deciding = outcome === "not_applicable" ? [] : tightest.filter((cell) => cell.outcome === outcome);
  const binding = deciding.find((cell) => cell.prohibited) ?? deciding[0] ?? null;
  const missing = outcome === "indeterminate" ? cells.flatMap((cell) => cell.missing) : [];
  const prohibited = cells.some((cell) => cell.prohibited);
  return { outcome, prohibited, missing: [...new Set(missing)].sort(), binding, tightest };
}

/** The worst of several outcomes. */
function worst(outcomes: readonly Outcome[]): Outcome {
  return SEVERITY.find((outcome) => outcomes.includes(outcome)) ?? "not_applicable";
}

function isTighter(cell: Cell, than: Cell): boolean {
  const [a, b] = [SEVERITY.indexOf(cell.outcome), SEVERITY.indexOf(than.outcome)];
  if (a !== b) return a < b;
  // A prohibition is broken by any amount; the amount itself says nothing about which is the tighter one.
  if (cell.prohibited !== than.prohibited) return cell.prohibited;
  // A null headroom is leverage without bound, or unknown: no number is tighter.
  if (cell.headroom === null || than.headroom === null) return cell.headroom === null && than.headroom !== null;
  return BigInt(cell.headroom) < BigInt(than.headroom);
}

function direction({ operator, threshold }: Cell): string {
  if (operator === "<=" || operator === "<") return "at most";
  if (operator === ">=" || operator === ">") return "at least";
  return `${operator} ${threshold}`;
}
