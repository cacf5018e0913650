/**
 * From what a margin model states to the named inputs of each metric.
 */
import { abs, divUp, WAD } from "../fixed.ts";
import type { Figure, Holding, MarginGroup, MarketFigures, PositionFigures, Product } from "../margin-model.ts";
import type { MetricId } from "./catalogue.ts";
import { type CollateralMetric, type CollateralTerms, collateralInputs, type Posted } from "./collateral-inputs.ts";
import { compute } from "./compute.ts";
import {
  gather,
  type InputsOf,
  type MetricOf,
  type StatedAccount,
  type StatedGroup,
  type StatedMarket,
  type StatedPosition,
  totalOf,
  without,
} from "./inputs.ts";
import { grossCollateral, type RatesByClass, scheduleInputs, unmarginedInputs } from "./regulatory-margin.ts";

export type { InputsOf, MetricOf } from "./inputs.ts";
export { type MarketContext, type MarketMetric, marketInputs } from "./market-inputs.ts";
export type { RatesByClass } from "./regulatory-margin.ts";

/** Metrics of one account in one protocol; not those of its transfers, nor of an owner over protocols. */
export type AccountMetric = MetricOf<"ACC"> | "CPT.UNMARGINED_IM" | "CLASS.COLLATERAL_IN";

/** Metrics of a beneficial owner over protocols and chains. */
export type OwnerMetric = "CPT.GROSS_EXPOSURE" | "CPT.NET_EXPOSURE";

/** A position, the pool of collateral it shares, and its market. */
export type HeldPosition = {
  group: MarginGroup;
  position: PositionFigures;
  market: MarketFigures;
  /** `MarginModel.holdings` of the account, for what is measured before the protocol's weights. */
  holdings?: () => readonly Holding[];
};

/** As much of a held position as its metrics take. */
export type StatedHolding = Omit<HeldPosition, "group" | "position" | "market"> & {
  group: StatedGroup;
  position: StatedPosition;
  market: StatedMarket;
};

/** An account in one protocol. `marketOf` gives the markets its positions name by their keys. */
export type HeldAccount = { account: StatedAccount; marketOf: (key: string) => StatedMarket };

/** What an account's metrics take beside its figures; each for the metrics that need it. */
export type AccountTerms = CollateralTerms & {
  /** The jurisdiction's own rates by underlier class. A class held without one is `NO_RATE`. */
  rates?: RatesByClass | null;
  /** Which products notionals and scheduled margin count; all where absent. */
  counts?: (product: Product) => boolean;
  /** The account's collateral. Metrics that need it are `NO_COLLATERAL` without. */
  posted?: Posted;
};

/**
 * The inputs of a position's metric. Collateral, equity and requirement are the pool's, and leverage and margin rates
 * put its gross notional over them; for an isolated position the pool is its own.
 */
export function positionInputs(metric: MetricOf<"POS">, held: StatedHolding): InputsOf {
  const { group, position, market } = held;
  switch (metric) {
    case "POS.NOTIONAL":
      return notionalInputs(position);
    case "POS.DELTA":
      // The figures carry no option delta and no norm factor yet, and a delta of 1 would be a guess.
      return isLinear(market.product) ? gather({ size: position.size }) : without("NO_RATE");
    case "POS.UPNL":
      return gather({ unrealizedPnl: position.unrealizedPnl });
    case "POS.FUNDING_ACCRUED":
      return gather({ fundingAccrued: position.fundingAccrued });
    case "POS.COLLATERAL_GROSS":
      return gather({ collateral: group.collateral });
    case "POS.EQUITY":
      return equityInputs(group);
    case "POS.LEVERAGE_EFFECTIVE":
      return gather({ notional: group.grossNotional, equity: group.equity });
    case "POS.LEVERAGE_OPEN":
      return gather({ notional: group.grossNotional, collateral: group.collateral });
    case "POS.MARGIN_RATE":
      return gather({ collateral: group.collateral, notional: group.grossNotional });
    case "POS.EQUITY_RATE":
      return gather({ equity: group.equity, notional: group.grossNotional });
    case "POS.IM_RATE_STD":
      return gather({ collateral: collateralBeforeHaircuts(held), notional: group.grossNotional });
    case "POS.MM_REQ":
      return gather({ maintenance: position.maintenance });
    case "POS.MARGIN_RATIO":
    case "POS.MARGIN_SHORTFALL":
      return gather({ equity: group.equity, maintenance: group.maintenance });
    case "POS.LIQ_PRICE":
      return gather({ liquidationPrice: position.liquidationPrice });
    case "POS.LIQ_DISTANCE": {
      const { size, markPrice, liquidationPrice } = position;
      return gather({ size, markPrice, liquidationPrice });
    }
  }
}

/**
 * The inputs of an account's metric. An account without a position has no close-out or margin ratio, and one that holds
 * no collateral of the kind asked for no figure of it: `NO_POSITION`.
 */
export function accountInputs(metric: AccountMetric, held: HeldAccount & AccountTerms): InputsOf {
  const { groups } = held.account;
  switch (metric) {
    case "ACC.GROSS_NOTIONAL":
      return notionalByMarket(held, () => true);
    case "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL":
      return notionalByMarket(
        held,
        (product) => product.underlierClass === "crypto" && held.counts?.(product) !== false,
      );
    case "ACC.NON_ECP_OFFEXCHANGE_NOTIONAL":
    case "ACC.RETAIL_MARGIN_NOTIONAL":
      return notionalByMarket(held, (product) => held.counts?.(product) !== false);
    case "ACC.NET_EQUITY":
      return gather(Object.fromEntries(groups.map((g) => [`equity.${g.key === "" ? "cross" : g.key}`, g.equity])));
    case "ACC.LEVERAGE":
      return gather({ notional: totalOf(groups, "grossNotional"), equity: totalOf(groups, "equity") });
    case "ACC.MARGIN_RATIO":
      if (!groups.some((g) => g.positions.length > 0)) return without("NO_POSITION");
      return gather({ equity: totalOf(groups, "equity"), maintenance: totalOf(groups, "maintenance") });
    case "ACC.CLOSEOUT_RATIO":
      if (!groups.some((g) => g.positions.length > 0)) return without("NO_POSITION");
      return closeOutInputs(held, held.rates ?? new Map());
    case "ACC.IM_REQ_REG":
      return scheduleInputs(held);
    default:
      return postedInputs(metric, held);
  }
}

/** One part of an owner's exposure: a settlement account (gross) or netting set (net), with its price in USD. */
export type ExposurePart = { key: string; amount: Figure; price: Figure };

/** The inputs of an owner's exposure: notionals and rates for gross, net deltas and prices for net. */
export function counterpartyInputs(metric: OwnerMetric, parts: readonly ExposurePart[]): InputsOf {
  const [amount, price] = metric === "CPT.GROSS_EXPOSURE" ? ["notional", "rate"] : ["delta", "price"];
  const amounts = parts.map((part) => [`${amount}.${part.key}`, part.amount] as const);
  const prices = parts.map((part) => [`${price}.${part.key}`, part.price] as const);
  return gather(Object.fromEntries([...amounts, ...prices]));
}

/** Metrics of what the account has posted. */
function postedInputs(
  metric: CollateralMetric | "ACC.REG_SHORTFALL" | "CPT.UNMARGINED_IM",
  held: HeldAccount & AccountTerms,
): InputsOf {
  const { posted } = held;
  if (posted === undefined) return without("NO_COLLATERAL");
  if (metric === "CPT.UNMARGINED_IM") return unmarginedInputs({ ...held, holdings: posted.holdings });
  const context = { ...held, posted };
  if (metric !== "ACC.REG_SHORTFALL") return collateralInputs(metric, context);
  const required = evaluated("ACC.IM_REQ_REG", scheduleInputs(held));
  return gather({
    required,
    adjusted: evaluated("ACC.COLLATERAL_ADJ", collateralInputs("ACC.COLLATERAL_ADJ", context)),
  });
}

function evaluated(metric: MetricId, { inputs, reason }: InputsOf): Figure {
  if (inputs === null) return { value: null, reason };
  return compute(metric, inputs, "");
}

/** All the account holds under cross margin; the margin of an isolated position carries no weight. */
function collateralBeforeHaircuts({ group, holdings }: StatedHolding): Figure {
  if (group.key !== "") return group.collateral;
  return holdings === undefined ? { value: null, reason: "NO_COLLATERAL" } : grossCollateral(holdings());
}

/** Size and price where they give the stated notional to the last digit, else the notional as stated. */
function notionalInputs(position: StatedPosition): InputsOf {
  const { size, markPrice, notional } = position;
  if (markPrice.value === null || notional.value === null) return gather({ notional });
  const product = divUp(abs(size) * markPrice.value, WAD);
  return product === notional.value ? gather({ size, markPrice }) : gather({ notional });
}

/** Collateral and PnL where they add up to the stated equity, else the equity as stated. */
function equityInputs(group: StatedGroup): InputsOf {
  let unrealizedPnl = 0n;
  for (const position of group.positions) {
    if (position.unrealizedPnl.value === null) return gather({ equity: group.equity });
    unrealizedPnl += position.unrealizedPnl.value;
  }
  const adds = group.collateral.value !== null && group.collateral.value + unrealizedPnl === group.equity.value;
  return adds ? gather({ collateral: group.collateral, unrealizedPnl }) : gather({ equity: group.equity });
}

function notionalByMarket({ account, marketOf }: HeldAccount, counts: (product: Product) => boolean): InputsOf {
  const inputs: Record<string, bigint> = {};
  for (const group of account.groups) {
    for (const { market, notional } of group.positions) {
      if (!counts(marketOf(market).product)) continue;
      if (notional.value === null) return without(notional.reason);
      const name = `notional.${market}`;
      inputs[name] = (inputs[name] ?? 0n) + notional.value;
    }
  }
  return { inputs, reason: null };
}

function closeOutInputs({ account, marketOf }: HeldAccount, rates: RatesByClass): InputsOf {
  const figures: Record<string, Figure | bigint> = { equity: totalOf(account.groups, "equity") };
  const notionals = new Map<Product["underlierClass"], bigint>();
  for (const group of account.groups) {
    for (const { market, notional } of group.positions) {
      if (notional.value === null) return without(notional.reason);
      const { underlierClass } = marketOf(market).product;
      notionals.set(underlierClass, (notionals.get(underlierClass) ?? 0n) + notional.value);
    }
  }
  for (const [underlierClass, notional] of notionals) {
    const rate = rates.get(underlierClass);
    if (rate === undefined) return without("NO_RATE");
    figures[`notional.${underlierClass}`] = notional;
    figures[`rate.${underlierClass}`] = rate;
  }
  return gather(figures);
}

function isLinear(product: Product): boolean {
  return product.payoff === "LINEAR" || product.payoff === "INVERSE" || product.payoff === "QUANTO";
}
