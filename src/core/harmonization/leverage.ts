/**
 * How much leverage a jurisdiction allows a role in a product: a function of rulebook and day alone.
 */
import { divDown, WAD } from "../fixed.ts";
import type { Product } from "../margin-model.ts";
import { dayOf, SECONDS_PER_DAY } from "../rules/day.ts";
import { applies, type Rule, type Rulebook } from "../rules/rule.ts";
import { type Role, rulesOf, suppose } from "./roles.ts";

/** A product as far as scope goes. */
export type ScopedProduct = Pick<Product, "kind" | "underlierClass">;

/**
 * The most leverage allowed, with 18 decimals, and the rule that says so. 0 where the product is prohibited to the role;
 * null where no rule caps it (`NO_CAP`) or the only rule that does waits for its metric (`NOT_YET`).
 */
export type Allowance =
  | { leverage: bigint; prohibited: boolean; rule: Rule; reason: null }
  | { leverage: null; prohibited: false; rule: Rule | null; reason: "NO_CAP" | "NOT_YET" };

/** Metrics that are notional over what stands behind it, and those that are the reverse. */
const LEVERAGES: ReadonlySet<string> = new Set(["POS.LEVERAGE_OPEN", "POS.LEVERAGE_EFFECTIVE", "ACC.LEVERAGE"]);
const MARGIN_RATES: ReadonlySet<string> = new Set(["POS.MARGIN_RATE", "POS.EQUITY_RATE"]);

/** Whether a rule forbids the product altogether: its condition is that there is none of it. */
export function isBan(rule: Pick<Rule, "kind" | "operator" | "thresholdWad" | "unit">): boolean {
  return rule.kind === "limit" && rule.operator === "==" && rule.thresholdWad === 0n && rule.unit === "currency";
}

/** Whether a rule is about leverage, as a cap or as a margin rate. */
function isLeverageRule(rule: Pick<Rule, "metric">): boolean {
  return LEVERAGES.has(rule.metric) || MARGIN_RATES.has(rule.metric);
}

/** The leverage allowed to a role in a product on a day: the least of all rules that apply. A rate's reciprocal is rounded down. */
export function allowedLeverage(
  rulebook: Rulebook,
  { role, product, day }: { role: Role; product: ScopedProduct; day: string },
): Allowance {
  let found: Allowance = { leverage: null, prohibited: false, rule: null, reason: "NO_CAP" };
  for (const rule of rulesOf(rulebook, role)) {
    if (!(isBan(rule) || isLeverageRule(rule)) || !applies(rule, { product, day })) continue;
    if (suppose({ rule, condition: "met", reason: null }, role)?.outcome === "not_applicable") continue;
    const leverage = capOf(rule);
    if (leverage === null) {
      if (found.leverage === null) found = { leverage, prohibited: false, rule, reason: "NOT_YET" };
    } else if (found.leverage === null || leverage < found.leverage) {
      found = { leverage, prohibited: isBan(rule), rule, reason: null };
    }
  }
  return found;
}

/** How far the jurisdictions are apart over one product. `gap` is null where fewer than two of them state a cap. */
export type LeverageGap = {
  allowances: readonly { role: Role; allowance: Allowance }[];
  min: bigint | null;
  max: bigint | null;
  gap: bigint | null;
};

/** The arbitrage gap: the most minus the least leverage allowed, a prohibition counting as 0 and no cap as nothing. */
export function leverageGap(
  rulebook: Rulebook,
  { roles, product, day }: { roles: readonly Role[]; product: ScopedProduct; day: string },
): LeverageGap {
  const allowances = roles.map((role) => ({ role, allowance: allowedLeverage(rulebook, { role, product, day }) }));
  const stated = allowances.flatMap(({ allowance }) => (allowance.leverage === null ? [] : [allowance.leverage]));
  if (stated.length === 0) return { allowances, min: null, max: null, gap: null };
  const min = stated.reduce((a, b) => (a < b ? a : b));
  const max = stated.reduce((a, b) => (a > b ? a : b));
  return { allowances, min, max, gap: stated.length < 2 ? null : max - min };
}

/** The gap from a day on, until the next step. */
export type GapStep = { from: string; min: bigint | null; max: bigint | null; gap: bigint | null };

/**
 * The gap over time as the rules' lives make it: one step for every day on which it changes, the earliest first. Before
 * the first step no rule with a date was in force.
 */
export function gapHistory(
  rulebook: Rulebook,
  { roles, product }: { roles: readonly Role[]; product: ScopedProduct },
): GapStep[] {
  const days = new Set<string>();
  for (const rule of roles.flatMap((role) => rulesOf(rulebook, role))) {
    if (!(isBan(rule) || isLeverageRule(rule))) continue;
    if (rule.effectiveFrom !== null) days.add(rule.effectiveFrom);
    if (rule.effectiveTo !== null) days.add(dayAfter(rule.effectiveTo));
  }
  const steps: GapStep[] = [];
  for (const from of [...days].sort()) {
    const { min, max, gap } = leverageGap(rulebook, { roles, product, day: from });
    const last = steps.at(-1) ?? { min: null, max: null, gap: null };
    if (last.min !== min || last.max !== max || last.gap !== gap) steps.push({ from, min, max, gap });
  }
  return steps;
}

/** The UTC day after a day. */
export function dayAfter(day: string): string {
  return dayOf(BigInt(Date.parse(`${day}T00:00:00Z`) / 1000) + SECONDS_PER_DAY);
}

function capOf(rule: Rule): bigint | null {
  const { thresholdWad } = rule;
  if (thresholdWad === null) return null;
  if (isBan(rule)) return 0n;
  if (LEVERAGES.has(rule.metric)) return thresholdWad;
  return thresholdWad > 0n ? divDown(WAD * WAD, thresholdWad) : null;
}
