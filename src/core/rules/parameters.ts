/**
 * What a metric takes from the rule that asks for it. Two rules whose parameters for a metric are the same measure the
 * same, and the work is done once.
 */
import type { CollateralClass } from "../collateral-class.ts";
import type { Product } from "../margin-model.ts";
import { METRICS, type MetricId } from "../metrics/catalogue.ts";
import { inScope, type Rule } from "./rule.ts";
import type { Haircuts, Rates, Shocks } from "./tables.ts";

const CURRENCIES = ["EUR", "USD", "CHF", "GBP", "USD_or_EUR"] as const;

/** A currency of a threshold. `USD_or_EUR` is whichever is stricter at the time. */
export type Currency = (typeof CURRENCIES)[number];

/** A parameter the rule does not have is null. */
export type Parameters = {
  rates: Rates | null;
  haircuts: Haircuts | null;
  eligible: ReadonlySet<CollateralClass> | null;
  /** Classes of collateral looked at; null for all. */
  collateral: ReadonlySet<CollateralClass> | null;
  /** Underliers looked at; null for all. */
  underliers: ReadonlySet<string> | null;
  set: ReadonlySet<string> | null;
  shocks: Shocks | null;
  /** Whether a metric that sums over products counts one. */
  counts: (product: Product) => boolean;
  /** The currency money is converted to; null for the settlement asset. */
  currency: Currency | null;
  /** Which way the threshold bounds money, where the stricter of two currencies is asked for. */
  bound: "above" | "below";
  /** Equal for equal parameters; `inputs` leaves out the currency, which the inputs are converted to and not taken from. */
  key: string;
  inputs: string;
};

/** Metrics that count only the products in the rule's scope. */
const SCOPED: ReadonlySet<MetricId> = new Set<MetricId>([
  "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL",
  "ACC.RETAIL_MARGIN_NOTIONAL",
  "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL",
  "ACC.IM_REQ_REG",
  "ACC.REG_SHORTFALL",
  "CPT.UNMARGINED_IM",
]);

const known = new WeakMap<Rule, Map<MetricId, Parameters>>();

/** What `metric` takes from `rule`. A rule never changes, so the answer is worked out once. */
export function parametersOf(rule: Rule, metric: MetricId): Parameters {
  let ofRule = known.get(rule);
  if (ofRule === undefined) {
    ofRule = new Map();
    known.set(rule, ofRule);
  }
  let parameters = ofRule.get(metric);
  if (parameters === undefined) {
    parameters = gatherParameters(rule, metric);
    ofRule.set(metric, parameters);
  }
  return parameters;
}

function gatherParameters(rule: Rule, metric: MetricId): Parameters {
  const isScoped = SCOPED.has(metric);
  const isMoney = METRICS[metric].unit === "money";
  const parts = {
    rates: rule.rates,
    haircuts: rule.haircutRates,
    eligible: rule.eligibleClasses,
    collateral: rule.collateralClasses,
    underliers: rule.underliers === undefined ? null : new Set(rule.underliers),
    set: rule.set,
    shocks: rule.shocks,
    currency: isMoney ? (CURRENCIES.find((currency) => currency === rule.unit) ?? null) : null,
    bound: rule.operator === ">=" ? "below" : "above",
  } as const;
  const scope = isScoped ? [[...rule.productKinds].sort(), [...rule.underlierClasses].sort()] : null;
  const { currency, bound, ...taken } = parts;
  const inputs = JSON.stringify([metric, ...Object.values(taken).map(listed), scope]);
  const key = `${inputs} ${currency}${currency === "USD_or_EUR" ? ` from ${bound}` : ""}`;
  return { ...parts, counts: isScoped ? (product) => inScope(rule, product) : () => true, key, inputs };
}

/** Sets and maps as sorted lists, integers as text. */
function listed(part: unknown): unknown {
  if (part instanceof Map) return [...part].map(([name, value]) => `${name} ${value}`).sort();
  return part instanceof Set ? [...part].sort() : part;
}
