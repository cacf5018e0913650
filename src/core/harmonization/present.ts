/**
 * The JSON forms of what is compared here: integers as decimal strings, rules by id. Amounts are US dollars with 18
 * decimals, leverage a plain decimal string (`"2"` is 2:1).
 */
import { formatDecimal } from "../fixed.ts";
import { METRIC_DECIMALS } from "../metrics/metric.ts";
import type { Metric } from "../result.ts";
import { unconfirmed } from "../rules/rule.ts";
import { citationOf } from "./cell.ts";
import type { Divergence, Standing, Tally, UnderlierGap } from "./divergence.ts";
import type { Allowance } from "./leverage.ts";
import type { OpenPosition } from "./matrix.ts";
import type { RegulatoryMargin } from "./regulatory-margin.ts";
import type { Role } from "./roles.ts";

/** JSON form of a divergence. */
export function presentDivergence(divergence: Divergence) {
  return {
    positions: tally(divergence.positions),
    divergent: tally(divergence.divergent),
    jurisdictions: divergence.jurisdictions.map((item) => ({
      jurisdiction: item.jurisdiction,
      clientClass: item.clientClass,
      compliant: tally(item.compliant),
      breach: tally(item.breach),
      indeterminate: tally(item.indeterminate),
      notApplicable: tally(item.notApplicable),
    })),
    pairs: divergence.pairs.map(({ passesIn, failsIn, ...amounts }) => ({ passesIn, failsIn, ...tally(amounts) })),
    largest: divergence.largest.map(standing),
    gaps: divergence.gaps.map(gap),
    unit: "USD",
    decimals: METRIC_DECIMALS,
  };
}

/** JSON form of an open position. */
export function presentPosition({ product, notional, ...position }: OpenPosition) {
  const { kind, underlierClass } = product;
  return { ...position, kind, underlierClass, notional: notional?.toString() ?? null };
}

/** JSON form of regulatory margin in one protocol. */
export function presentMargin({ unit, collateral, treatments }: RegulatoryMargin) {
  return {
    ...{ unit, decimals: METRIC_DECIMALS },
    collateral: collateral.value?.toString() ?? null,
    collateralReason: collateral.reason,
    treatments: treatments.map(({ required, adjusted, shortfall, assets, ...rest }) => ({
      ...rest,
      assets: assets.map(({ haircut, ...asset }) => ({ ...asset, haircut: decimal(haircut) })),
      required: text(required),
      requiredReason: required.reason,
      adjusted: text(adjusted),
      adjustedReason: adjusted.reason,
      shortfall: text(shortfall),
      shortfallReason: shortfall.reason,
    })),
  };
}

function text(metric: Metric): string | null {
  return metric.value?.toString() ?? null;
}

function standing({ position, outcomes }: Standing) {
  return { ...presentPosition(position), outcomes };
}

function gap({ underlier, product, open, allowances, min, max, gap, history }: UnderlierGap) {
  return {
    underlier,
    underlierClass: product.underlierClass,
    kind: product.kind,
    open: tally(open),
    min: decimal(min),
    max: decimal(max),
    gap: decimal(gap),
    uncapped: allowances.filter((a) => a.allowance.leverage === null).length,
    allowances: allowances.map(allowance),
    history: history.map((step) => ({
      from: step.from,
      min: decimal(step.min),
      max: decimal(step.max),
      gap: decimal(step.gap),
    })),
  };
}

function allowance({ role, allowance: found }: { role: Role; allowance: Allowance }) {
  const { rule } = found;
  return {
    jurisdiction: role.jurisdiction,
    clientClass: role.clientClass,
    allowedLeverage: decimal(found.leverage),
    prohibited: found.prohibited,
    reason: found.reason,
    ruleId: rule?.id ?? null,
    citation: rule === null ? null : citationOf(rule),
    unconfirmed: rule === null ? null : unconfirmed(rule),
  };
}

function tally({ count, unpriced, notional }: Tally) {
  return { count, unpriced, notional: notional.toString() };
}

function decimal(value: bigint | null): string | null {
  return value === null ? null : formatDecimal(value, METRIC_DECIMALS);
}
