/**
 * From what a margin model states to the named inputs of each metric.
 */
import { abs, divUp, WAD } from "../fixed.ts";
import type { AccountFigures, Figure, MarginGroup, MarketFigures, PositionFigures, Product } from "../margin-model.ts";
import type { Reason } from "../result.ts";
import type { MetricId } from "./catalogue.ts";
import type { Inputs } from "./metric.ts";

/** The inputs of a metric, or why one of them is unknown. */
export type InputsOf = { inputs: Inputs; reason: null } | { inputs: null; reason: Reason };

/** Metric ids of one level. */
export type MetricOf<L extends string> = Extract<MetricId, `${L}.${string}`>;

/** A position, the pool of collateral it shares, and its market. */
export type HeldPosition = { group: MarginGroup; position: PositionFigures; market: MarketFigures };

/** An account in one protocol. `marketOf` gives the figures of the market keys its positions name. */
export type HeldAccount = { account: AccountFigures; marketOf: (key: string) => MarketFigures };

/** Required initial margin per notional by underlier class, 18 decimals. */
export type RatesByClass = ReadonlyMap<Product["underlierClass"], bigint>;

/**
 * The inputs of a position's metric. Collateral, equity and requirement are the pool's, and leverage and margin rates
 * put its gross notional over them; for an isolated position the pool is its own.
 */
export function positionInputs(metric: MetricOf<"POS">, { group, position, market }: HeldPosition): InputsOf {
  switch (metric) {
    case "POS.NOTIONAL":
      return notionalInputs(position);
    case "POS.DELTA":
      // The figures carry no option delta and no norm factor yet, and a delta of 1 would be a guess.
      return isLinear(market.product) ? gather({ size: position.size }) : { inputs: null, reason: "NO_RATE" };
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
 * The inputs of an account's metric. An account without a position has no close-out or margin ratio: `NO_POSITION`.
 * @param rates the jurisdiction's own rates for the close-out ratio; a class held without one is `NO_RATE`.
 * @param counts which products the crypto notional counts; all crypto where absent.
 */
export function accountInputs(
  metric: MetricOf<"ACC">,
  held: HeldAccount & { rates?: RatesByClass | null; counts?: (product: Product) => boolean },
): InputsOf {
  const { groups } = held.account;
  switch (metric) {
    case "ACC.GROSS_NOTIONAL":
      return notionalByMarket(held, () => true);
    case "ACC.RETAIL_CRYPTO_DERIV_NOTIONAL":
      return notionalByMarket(
        held,
        (product) => product.underlierClass === "crypto" && held.counts?.(product) !== false,
      );
    case "ACC.NET_EQUITY":
      return gather(Object.fromEntries(groups.map((g) => [`equity.${g.key === "" ? "cross" : g.key}`, g.equity])));
    case "ACC.LEVERAGE":
      return gather({ notional: total(groups, "grossNotional"), equity: total(groups, "equity") });
    case "ACC.MARGIN_RATIO":
      if (!groups.some((g) => g.positions.length > 0)) return { inputs: null, reason: "NO_POSITION" };
      return gather({ equity: total(groups, "equity"), maintenance: total(groups, "maintenance") });
    case "ACC.CLOSEOUT_RATIO":
      if (!groups.some((g) => g.positions.length > 0)) return { inputs: null, reason: "NO_POSITION" };
      return closeOutInputs(held, held.rates ?? new Map());
  }
}

/** What a market's metrics need beside its figures, each for the metric that takes it. */
export type MarketContext = {
  /** Whether every contract has both its sides among the accounts (`matched`) or the pool takes the rest (`pool`). */
  book: "matched" | "pool";
  /** Liquidatable positions by id, with their notional. */
  liquidatable: readonly { id: string; notional: Figure }[];
  /** Totals read from contract storage at the same block; null where the read failed. */
  stored: { size: bigint; skew: bigint } | null;
};

/** The inputs of a market's metric. */
export function marketInputs(metric: MetricOf<"MKT">, market: MarketFigures, context: MarketContext): InputsOf {
  const { longSize, shortSize, markPrice } = market;
  switch (metric) {
    case "MKT.OI_LONG":
      return gather({ longSize, markPrice });
    case "MKT.OI_SHORT":
      return gather({ shortSize, markPrice });
    case "MKT.OI_TOTAL":
      if (context.book === "pool") return gather({ longSize, shortSize, markPrice });
      return gather({ matchedSize: longSize > shortSize ? longSize : shortSize, markPrice });
    case "MKT.SKEW":
      return gather({ longSize, shortSize });
    case "MKT.FUNDING_RATE":
    case "MKT.FUNDING_RATE_ANNUAL":
      return gather({ ratePerDay: market.fundingRatePerDay });
    case "MKT.LIQUIDATABLE_NOW":
      return gather(Object.fromEntries(context.liquidatable.map((p) => [`notional.${p.id}`, p.notional])));
    case "MKT.BAD_DEBT":
      return gather({ badDebt: market.badDebt });
    case "MKT.OI_RECON_DIFF": {
      const { storageTotals } = market;
      if (storageTotals === null) return { inputs: null, reason: "NO_STORAGE_TOTAL" };
      if (context.stored === null) return { inputs: null, reason: "READ_REVERTED" };
      return gather({
        derivedSize: storageTotals.size,
        storedSize: context.stored.size,
        derivedSkew: storageTotals.skew,
        storedSkew: context.stored.skew,
      });
    }
  }
}

/** One part of an owner's exposure: a settlement account (gross) or netting set (net), with its price in USD. */
export type ExposurePart = { key: string; amount: Figure; price: Figure };

/** The inputs of an owner's exposure: notionals and rates for gross, net deltas and prices for net. */
export function counterpartyInputs(metric: MetricOf<"CPT">, parts: readonly ExposurePart[]): InputsOf {
  const [amount, price] = metric === "CPT.GROSS_EXPOSURE" ? ["notional", "rate"] : ["delta", "price"];
  const amounts = parts.map((part) => [`${amount}.${part.key}`, part.amount] as const);
  const prices = parts.map((part) => [`${price}.${part.key}`, part.price] as const);
  return gather(Object.fromEntries([...amounts, ...prices]));
}

/** Turns figures into inputs; the first unknown one is the reason for all. */
function gather(figures: Readonly<Record<string, Figure | bigint>>): InputsOf {
  const inputs: Record<string, bigint> = {};
  for (const name in figures) {
    const figure = figures[name] as Figure | bigint;
    if (typeof figure === "bigint") inputs[name] = figure;
    else if (figure.value === null) return { inputs: null, reason: figure.reason };
    else inputs[name] = figure.value;
  }
  return { inputs, reason: null };
}

/** Size and price where they give the stated notional to the last digit, else the notional as stated. */
function notionalInputs(position: PositionFigures): InputsOf {
  const { size, markPrice, notional } = position;
  if (markPrice.value === null || notional.value === null) return gather({ notional });
  const product = divUp(abs(size) * markPrice.value, WAD);
  return product === notional.value ? gather({ size, markPrice }) : gather({ notional });
}

/** Collateral and PnL where they add up to the stated equity, else the equity as stated. */
function equityInputs(group: MarginGroup): InputsOf {
  let unrealizedPnl = 0n;
  for (const position of group.positions) {
    if (position.unrealizedPnl.value === null) return gather({ equity: group.equity });
    unrealizedPnl += position.unrealizedPnl.value;
  }
  const adds = group.collateral.value !== null && group.collateral.value + unrealizedPnl === group.equity.value;
  return adds ? gather({ collateral: group.collateral, unrealizedPnl }) : gather({ equity: group.equity });
}

function total(groups: readonly MarginGroup[], figure: "equity" | "maintenance" | "grossNotional"): Figure {
  let value = 0n;
  for (const group of groups) {
    const part = group[figure];
    if (part.value === null) return part;
    value += part.value;
  }
  return { value, reason: null };
}

function notionalByMarket({ account, marketOf }: HeldAccount, counts: (product: Product) => boolean): InputsOf {
  const inputs: Record<string, bigint> = {};
  for (const group of account.groups) {
    for (const { market, notional } of group.positions) {
      if (!counts(marketOf(market).product)) continue;
      if (notional.value === null) return { inputs: null, reason: notional.reason };
      const name = `notional.${market}`;
      inputs[name] = (inputs[name] ?? 0n) + notional.value;
    }
  }
  return { inputs, reason: null };
}

function closeOutInputs({ account, marketOf }: HeldAccount, rates: RatesByClass): InputsOf {
  const figures: Record<string, Figure | bigint> = { equity: total(account.groups, "equity") };
  const notionals = new Map<Product["underlierClass"], bigint>();
  for (const group of account.groups) {
    for (const { market, notional } of group.positions) {
      if (notional.value === null) return { inputs: null, reason: notional.reason };
      const { underlierClass } = marketOf(market).product;
      notionals.set(underlierClass, (notionals.get(underlierClass) ?? 0n) + notional.value);
    }
  }
  for (const [underlierClass, notional] of notionals) {
    const rate = rates.get(underlierClass);
    if (rate === undefined) return { inputs: null, reason: "NO_RATE" };
    figures[`notional.${underlierClass}`] = notional;
    figures[`rate.${underlierClass}`] = rate;
  }
  return gather(figures);
}

function isLinear(product: Product): boolean {
  return product.payoff === "LINEAR" || product.payoff === "INVERSE" || product.payoff === "QUANTO";
}
