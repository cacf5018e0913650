/**
 * Inputs that give a metric exactly the value asked for, or that value and one unit of its last digit more or less: a
 * unit of 10^-18, or a second where a metric counts whole seconds.
 */
import type { MetricId } from "../../../src/core/metrics/catalogue.ts";
import { withRate } from "../../../src/core/metrics/convert.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import type { Rule } from "../../../src/core/rules/rule.ts";

const WAD = 10n ** 18n;
const HEARTBEAT = 3600n;

/** What reckons a metric to `value` (18 decimals) and `step` units more. */
type Exactly = (value: bigint, step: bigint) => Inputs;

/** A fraction whose denominator is 1, of inputs of those names. */
const over =
  (numerator: string, denominator: string): Exactly =>
  (value, step) => ({ [numerator]: value + step, [denominator]: WAD });

const amount =
  (name: string): Exactly =>
  (value, step) => ({ [name]: value + step });

const cover: Exactly = (value, step) => ({
  prefunded: value + step,
  ...{ "loss1.down": WAD, "loss2.down": 0n, "loss3.down": 0n },
});

const transfer: Exactly = (value, step) => ({ units: value + step, price: WAD });

/** By metric. `null`: the value comes from a table of the standard, which has no neighbours to reckon. */
export const EXACTLY: Readonly<Partial<Record<MetricId, Exactly | null>>> = {
  "POS.LEVERAGE_OPEN": over("notional", "collateral"),
  "POS.LEVERAGE_EFFECTIVE": over("notional", "equity"),
  "POS.MARGIN_RATE": over("collateral", "notional"),
  "POS.EQUITY_RATE": over("equity", "notional"),
  "POS.IM_RATE_STD": over("collateral", "notional"),
  "ACC.CLOSEOUT_RATIO": (value, step) => ({ equity: value + step, "notional.crypto": WAD, "rate.crypto": WAD }),
  "ACC.NET_EQUITY": amount("equity.one"),
  "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL": amount("notional.one"),
  "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL": amount("notional.one"),
  "ACC.RETAIL_MARGIN_NOTIONAL": amount("notional.one"),
  "ACC.COLLATERAL_HAIRCUT": (value, step) => ({ value: WAD, counted: WAD - value - step }),
  "ACC.FX_MISMATCH_HAIRCUT": (value, step) => ({ "value.WETH": WAD, "counted.WETH": WAD - value - step }),
  "ACC.COLLATERAL_ISSUER_SHARE": (value, step) => ({ "issuer.Circle": value + step, rest: WAD - value - step }),
  "ACC.COLLATERAL_CLASS_SHARE": over("held", "total"),
  "ACC.INELIGIBLE_COLLATERAL_SHARE": over("ineligible", "total"),
  "ACC.COLLATERAL_REVAL_AGE_H": (value, step) => ({ now: (value * 3600n) / WAD + step, "pricedAt.WETH": 0n }),
  "CPT.UNMARGINED_IM": (value, step) => ({
    ...{ "notional.other": value + step, "rate.other": WAD },
    ...{ netReplacement: 0n, grossReplacement: 0n, collateral: 0n },
  }),
  // 10,000 times the squares over (10^11)², so that the squares are the index with its 18 decimals.
  "MKT.HHI_OI": (value, step) => ({
    ...{ "squares.long": value + step, "total.long": 10n ** 11n },
    ...{ "squares.short": 0n, "total.short": 0n },
  }),
  "MKT.ORACLE_STALENESS_RATIO": (value, step) => ({
    now: (value * HEARTBEAT) / WAD + step,
    updatedAt: 0n,
    heartbeat: HEARTBEAT,
  }),
  "MKT.ORACLE_DEVIATION": (value, step) => ({ indexPrice: WAD + value + step, referencePrice: WAD }),
  "MKT.LIQUIDATION_LATENCY_P95_S": (value, step) => ({ p95: value / WAD + step, count: 1n }),
  "PRT.COVER1": cover,
  "PRT.COVER2": cover,
  "PRT.DF_COVER_EMIR": cover,
  "PRT.SOCIALISED_LOSS_30D": (value, step) => ({ badDebt: value + step, fundBorne: 0n }),
  "SYS.FINALITY_LAG_S": (value, step) => ({ now: value / WAD + step, finalTimestamp: 0n }),
  "AML.TRANSFER_AMOUNT": transfer,
  "AML.TRAVEL_RULE_DATA_THRESHOLD": transfer,
  "AML.SELF_HOSTED_TRANSFER": transfer,
  "AST.RISK_WEIGHT": null,
  "CPT.SACCR_SF": null,
};

/** One settlement unit is worth half a unit of the rule's currency, so that a conversion that is left out shows. */
const HALF = { numerator: { price: WAD, block: 7n }, denominator: { price: 2n * WAD, block: 9n } };

const CURRENCIES: ReadonlySet<string> = new Set(["EUR", "CHF", "GBP", "USD", "USD_or_EUR"]);

/**
 * Inputs that put `metric` at `rule`'s threshold, or `step` units from it: settlement units for an amount of money,
 * which is twice the threshold where the rule counts another currency.
 */
export function atThreshold(rule: Rule, exactly: Exactly, step: bigint): Inputs {
  const threshold = rule.thresholdWad ?? 0n;
  if (!CURRENCIES.has(rule.unit)) return exactly(threshold, step);
  return withRate(exactly(2n * threshold, step), HALF);
}
