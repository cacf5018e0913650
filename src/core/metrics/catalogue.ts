/**
 * The metric catalogue: every figure Plumbline can state, by id. What is not here cannot be computed; `PLANNED_METRICS`
 * names what rules already cite.
 */
import { InputError } from "../errors.ts";
import { ACCOUNT_METRICS } from "./account-metrics.ts";
import { ASSET_METRICS } from "./asset-metrics.ts";
import { CHAIN_METRICS } from "./chain-metrics.ts";
import { ACCOUNT_CLASSIFICATIONS, MARKET_CLASSIFICATIONS } from "./classification-metrics.ts";
import { COLLATERAL_METRICS } from "./collateral-metrics.ts";
import { CONCENTRATION_METRICS } from "./concentration-metrics.ts";
import { COUNTERPARTY_METRICS } from "./counterparty-metrics.ts";
import { MARGIN_METRICS } from "./margin-metrics.ts";
import { MARKET_METRICS } from "./market-metrics.ts";
import type { Formula, Level, MetricDefinition, Subject } from "./metric.ts";
import { POSITION_METRICS } from "./position-metrics.ts";
import { PROTOCOL_METRICS } from "./protocol-metrics.ts";
import { REGULATORY_METRICS } from "./regulatory-metrics.ts";
import { TRANSFER_METRICS } from "./transfer-metrics.ts";

const { "POS.IM_RATE_STD": scheduleRate, ...REGULATORY_ACCOUNT_METRICS } = REGULATORY_METRICS;

const CATALOGUE = {
  ...about("position", { ...POSITION_METRICS, ...MARGIN_METRICS, "POS.IM_RATE_STD": scheduleRate }),
  ...about("account", {
    ...ACCOUNT_METRICS,
    ...COLLATERAL_METRICS,
    ...REGULATORY_ACCOUNT_METRICS,
    ...COUNTERPARTY_METRICS,
    ...TRANSFER_METRICS,
    ...ACCOUNT_CLASSIFICATIONS,
  }),
  ...about("market", { ...MARKET_METRICS, ...CONCENTRATION_METRICS, ...MARKET_CLASSIFICATIONS }),
  ...about("protocol", PROTOCOL_METRICS),
  ...about("asset", ASSET_METRICS),
  ...about("chain", CHAIN_METRICS),
};

/** Id of a metric that can be computed: `POS.EQUITY`, `ACC.CLOSEOUT_RATIO`, … */
export type MetricId = keyof typeof CATALOGUE;

export const METRICS: Readonly<Record<MetricId, MetricDefinition>> = CATALOGUE;

export const METRIC_IDS = Object.keys(CATALOGUE) as readonly MetricId[];

/** Metrics that rules may cite while they wait for them (`evaluation: "not-yet"`). */
export const PLANNED_METRICS: ReadonlySet<string> = new Set([
  "AST.MARKET_CAP",
  "AST.MEANS_OF_EXCHANGE_TX_DAY",
  "AST.MEANS_OF_EXCHANGE_VALUE_DAY",
  "AST.RESERVE_BANK_DEPOSIT_SHARE",
  "CPT.AANA",
  "CPT.CRYPTO_EXPOSURE_T1",
  "CPT.GROSS_NOTIONAL_OTC",
  "CPT.MTA",
  "CPT.SPOT_MONTH_SHARE",
  "CPT.UNMARGINED_IM_INTRAGROUP",
  "ENT.DPT_NETWORTH_HAIRCUT",
  "ENT.MONTHS_OPEX",
  "MKT.BACKTEST_AGE_H",
  "MKT.HAIRCUT_CONFIDENCE",
  "MKT.IM_BUFFER",
  "MKT.IM_COVERAGE",
  "MKT.MPOR_DAYS",
  "MKT.RETAIL_LOSS_SHARE",
  "PRT.ADMIN_THRESHOLD_SHARE",
  "PRT.AUDITED_CODE_VALUE_SHARE",
  "PRT.COLD_STORAGE_SHARE",
  "PRT.CONTROLLER_IDENTIFIED",
  "PRT.CUSTODY_COVER_RATIO",
  "PRT.CUSTODY_SHARE_MAX",
  "PRT.HOT_STORAGE_SHARE",
  "PRT.LIQUIDITY_COVER1",
  "PRT.OUTAGE_HOURS",
  "PRT.SINGLE_CLIENT_CREDIT_SHARE",
  "PRT.SITG_RATIO",
  "PRT.UPGRADE_DELAY_H",
  "REP.FIELD_2_12",
  "REP.LAG_BUSINESS_DAYS",
  "REP.PUBLIC_LAG_MIN",
]);

/** Whether `id` is in the catalogue. */
export function isMetricId(id: string): id is MetricId {
  return Object.hasOwn(CATALOGUE, id);
}

/** `id` as a catalogue id. @throws InputError when there is no such metric. */
export function metricId(id: string): MetricId {
  if (!isMetricId(id)) throw new InputError(`"${id}" is no metric of the catalogue.`);
  return id;
}

/** The level of a metric, the first part of its id. */
export function levelOf(id: MetricId): Level {
  return id.slice(0, id.indexOf(".")) as Level;
}

/** Whom a metric is about. */
export function subjectOf(id: MetricId): Subject {
  return METRICS[id].subject;
}

/** A family of metrics with the subject they share. */
function about<T extends Readonly<Record<string, Formula>>>(
  subject: Subject,
  formulas: T,
): { [Id in keyof T]: MetricDefinition } {
  const entries = Object.entries(formulas).map(([id, formula]) => [id, { subject, ...formula }]);
  return Object.fromEntries(entries) as { [Id in keyof T]: MetricDefinition };
}
