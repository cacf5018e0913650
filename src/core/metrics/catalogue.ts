/**
 * The metric catalogue: every figure Plumbline can state, by id. What is not here cannot be computed; `PLANNED_METRICS`
 * names what rules already cite.
 */
import { InputError } from "../errors.ts";
import { ACCOUNT_METRICS } from "./account-metrics.ts";
import { COUNTERPARTY_METRICS } from "./counterparty-metrics.ts";
import { MARGIN_METRICS } from "./margin-metrics.ts";
import { MARKET_METRICS } from "./market-metrics.ts";
import type { Level, MetricDefinition } from "./metric.ts";
import { POSITION_METRICS } from "./position-metrics.ts";

const CATALOGUE = {
  ...POSITION_METRICS,
  ...MARGIN_METRICS,
  ...ACCOUNT_METRICS,
  ...MARKET_METRICS,
  ...COUNTERPARTY_METRICS,
};

/** Id of a metric that can be computed: `POS.EQUITY`, `ACC.CLOSEOUT_RATIO`, … */
export type MetricId = keyof typeof CATALOGUE;

export const METRICS: Readonly<Record<MetricId, MetricDefinition>> = CATALOGUE;

export const METRIC_IDS = Object.keys(CATALOGUE) as readonly MetricId[];

/** Metrics that rules may cite while they wait for them (`evaluation: "not-yet"`). */
export const PLANNED_METRICS: ReadonlySet<string> = new Set([
  "ACC.COLLATERAL_ADJ",
  "ACC.COLLATERAL_CLASS_SHARE",
  "ACC.COLLATERAL_HAIRCUT",
  "ACC.COLLATERAL_ISSUER_SHARE",
  "ACC.COLLATERAL_REVAL_AGE_H",
  "ACC.FX_MISMATCH_HAIRCUT",
  "ACC.INELIGIBLE_COLLATERAL_SHARE",
  "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL",
  "ACC.RETAIL_MARGIN_NOTIONAL",
  "ACC.WRONG_WAY_SHARE",
  "AML.SELF_HOSTED_TRANSFER",
  "AML.TRANSFER_AMOUNT",
  "AML.TRAVEL_RULE_DATA_THRESHOLD",
  "AST.MARKET_CAP",
  "AST.MEANS_OF_EXCHANGE_TX_DAY",
  "AST.MEANS_OF_EXCHANGE_VALUE_DAY",
  "AST.RESERVE_BANK_DEPOSIT_SHARE",
  "AST.RISK_WEIGHT",
  "CLASS.COLLATERAL_IN",
  "CLASS.IS_CFD",
  "CLASS.UNDERLIER_IN",
  "CPT.AANA",
  "CPT.CRYPTO_EXPOSURE_T1",
  "CPT.GROSS_NOTIONAL_OTC",
  "CPT.MTA",
  "CPT.SACCR_SF",
  "CPT.SPOT_MONTH_SHARE",
  "CPT.UNMARGINED_IM",
  "CPT.UNMARGINED_IM_INTRAGROUP",
  "ENT.DPT_NETWORTH_HAIRCUT",
  "ENT.MONTHS_OPEX",
  "MKT.BACKTEST_AGE_H",
  "MKT.HAIRCUT_CONFIDENCE",
  "MKT.HHI_OI",
  "MKT.IM_BUFFER",
  "MKT.IM_COVERAGE",
  "MKT.LIQUIDATION_LATENCY_P95_S",
  "MKT.MPOR_DAYS",
  "MKT.ORACLE_DEVIATION",
  "MKT.ORACLE_STALENESS_RATIO",
  "MKT.RETAIL_LOSS_SHARE",
  "POS.IM_RATE_STD",
  "PRT.ADMIN_THRESHOLD_SHARE",
  "PRT.AUDITED_CODE_VALUE_SHARE",
  "PRT.COLD_STORAGE_SHARE",
  "PRT.CONTROLLER_IDENTIFIED",
  "PRT.COVER1",
  "PRT.COVER2",
  "PRT.CUSTODY_COVER_RATIO",
  "PRT.CUSTODY_SHARE_MAX",
  "PRT.DF_COVER_EMIR",
  "PRT.HOT_STORAGE_SHARE",
  "PRT.LIQUIDITY_COVER1",
  "PRT.OUTAGE_HOURS",
  "PRT.SINGLE_CLIENT_CREDIT_SHARE",
  "PRT.SITG_RATIO",
  "PRT.SOCIALISED_LOSS_30D",
  "PRT.UPGRADE_DELAY_H",
  "REP.FIELD_2_12",
  "REP.LAG_BUSINESS_DAYS",
  "REP.PUBLIC_LAG_MIN",
  "SYS.FINALITY_LAG_S",
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
  return id.slice(0, 3) as Level;
}
