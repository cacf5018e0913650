import type { BlockRef } from "../event.ts";
import { divDown, divUp, WAD } from "../fixed.ts";
import { caip2, caip10, type Hex } from "../ids.ts";
import type { AccountFigures, Figure, MarginGroup, PositionFigures } from "../margin-model.ts";
import type { MetricId } from "../metrics/catalogue.ts";
import { compute } from "../metrics/compute.ts";
import { type InputsOf, type MetricOf, marketInputs, positionInputs } from "../metrics/figures.ts";
import { type Metric, type Reason, unknown } from "../result.ts";
import type { Appraiser } from "./appraiser.ts";
import { type AccountRow, blockColumns, type MarketRow, type PositionRow } from "./figure-rows.ts";
import { type Health, isUnderwater } from "./health.ts";
import type { Stretch } from "./lifecycle.ts";
import type { Prices } from "./prices.ts";
import type { Reconciliation } from "./reconciliation.ts";
import type { Venue } from "./venue.ts";

type Parts = {
  chainId: number;
  prices: Prices;
  venues: readonly Venue[];
  appraiser: Appraiser;
  health: Health;
  reconciliation: Reconciliation;
};
type Scene = { venue: Venue; block: BlockRef };

/** Turns figures into rows: the only place where the shape of tables meets the shape of figures. */
export class Projection {
  readonly #parts: Parts;
  readonly #chain: string;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#chain = caip2(parts.chainId);
  }

  /** Keys of the venue's markets in which the account has something open. */
  marketsHeld(address: Hex, venue: Venue): string[] {
    return [...this.#parts.appraiser.lifecycle.of(address).keys()]
      .filter((id) => id.startsWith(venue.prefix))
      .map((id) => id.slice(venue.prefix.length));
  }

  /** Rows of the account's open positions in one venue. */
  positions(address: Hex, { venue, block }: Scene): PositionRow[] {
    const open = this.#parts.appraiser.lifecycle.of(address);
    const figures = venue.figures.account(address, block.timestamp);
    return figures.groups.flatMap((group) =>
      group.positions.flatMap((position) => {
        const stretch = open.get(`${venue.prefix}${position.market}`);
        return stretch === undefined ? [] : [this.#position(position, { group, stretch, address, venue, block })];
      }),
    );
  }

  /** The last row of a position that went flat. */
  ended(stretch: Stretch, { venue, block }: Scene): PositionRow {
    const [address] = stretch.id.split("/").slice(-2) as [Hex];
    const market = stretch.id.slice(0, stretch.id.length - `/${address}/${stretch.epoch}`.length);
    const { model } = venue;
    return {
      id: stretch.id,
      chain: this.#chain,
      protocol: venue.id,
      market,
      account: caip10(this.#parts.chainId, address),
      epoch: stretch.epoch,
      marginMode: model.marginMode,
      isMaker: stretch.sign === 0,
      side: "flat",
      size: 0n,
      takerSize: 0n,
      delta: 0n,
      entryPrice: null,
      markPrice: null,
      notional: 0n,
      unrealizedPnl: 0n,
      fundingAccrued: 0n,
      collateral: null,
      equity: null,
      maintenanceMargin: null,
      marginRatio: null,
      marginShortfall: null,
      leverage: null,
      openingLeverage: this.#parts.appraiser.openingLeverage(stretch.id),
      liquidationPrice: null,
      liquidationPriceReason: "NO_POSITION",
      liquidationDistance: null,
      unit: model.unit,
      decimals: 18,
      reason: "NO_POSITION",
      openedAtBlock: stretch.openedAt,
      closedAtBlock: block.number,
      ...blockColumns(block),
    };
  }

  /** The account over all of its chain's venues, converted to USD by each venue's settlement feed. */
  account(address: Hex, block: BlockRef): AccountRow {
    let gross = 0n;
    let equity = 0n;
    let count = 0;
    let reason: Reason | null = null;
    for (const venue of this.#parts.venues) {
      const figures = venue.figures.account(address, block.timestamp);
      if (figures.groups.length === 0) continue;
      count += figures.groups.reduce((n, g) => n + g.positions.length, 0);
      const rate = this.#parts.prices.at(venue.config.settlement.feed, block.timestamp);
      const sums = sumGroups(figures);
      reason ??= rate.reason ?? sums.reason;
      if (rate.value === null) continue;
      gross += divUp(sums.gross * rate.value, WAD);
      equity += divDown(sums.equity * rate.value, WAD);
    }
    return {
      id: caip10(this.#parts.chainId, address),
      chain: this.#chain,
      address,
      grossNotional: reason === null ? gross : null,
      netEquity: reason === null ? equity : null,
      leverage: reason === null ? compute("ACC.LEVERAGE", { notional: gross, equity }, "USD").value : null,
      positionCount: count,
      unit: "USD",
      decimals: 18,
      reason,
      ...blockColumns(block),
    };
  }

  /** A market's row at a block. */
  market(key: string, { venue, block }: Scene): MarketRow {
    const figures = venue.figures.market(key, block.timestamp);
    const { unit } = venue.model;
    const metric = (id: MetricOf<"MKT">) =>
      measured(id, { gathered: this.marketInputs(key, { metric: id, venue, block }), unit }).value;
    const { product } = figures;
    return {
      id: `${venue.prefix}${key}`,
      chain: this.#chain,
      protocol: venue.id,
      key,
      symbol: figures.symbol,
      kind: product.kind,
      payoff: product.payoff,
      underlier: product.underlier,
      underlierClass: product.underlierClass,
      status: figures.status,
      markPrice: figures.markPrice.value,
      indexPrice: figures.indexPrice.value,
      openInterestLong: metric("MKT.OI_LONG"),
      openInterestShort: metric("MKT.OI_SHORT"),
      openInterestTotal: metric("MKT.OI_TOTAL"),
      skew: metric("MKT.SKEW"),
      fundingRate: metric("MKT.FUNDING_RATE"),
      liquidatableNow: metric("MKT.LIQUIDATABLE_NOW"),
      badDebt: metric("MKT.BAD_DEBT"),
      ...this.#parts.reconciliation.of(figures, venue),
      unit: venue.model.unit,
      decimals: 18,
      reason: figures.markPrice.reason,
      ...blockColumns(block),
    };
  }

  /** The inputs of a market's metric; for open interest against storage, those of the last comparison. */
  marketInputs(key: string, { metric, venue, block }: Scene & { metric: MetricOf<"MKT"> }): InputsOf {
    const figures = venue.figures.market(key, block.timestamp);
    if (metric === "MKT.OI_RECON_DIFF") return this.#parts.reconciliation.inputs(figures, venue);
    const liquidatable = metric === "MKT.LIQUIDATABLE_NOW" ? this.#liquidatable(key, { venue, block }) : [];
    return marketInputs(metric, figures, { book: venue.model.book, liquidatable, stored: null });
  }

  /** Positions in one market of all groups the protocol may liquidate now. */
  #liquidatable(key: string, { venue, block }: Scene): { id: string; notional: Figure }[] {
    return [...this.#parts.health.underwater(venue)].flatMap((address) =>
      venue.figures
        .account(address, block.timestamp)
        .groups.filter(isUnderwater)
        .flatMap((group) => group.positions.filter((p) => p.market === key))
        .map((position) => ({ id: address, notional: position.notional })),
    );
  }

  #position(
    position: PositionFigures,
    { group, stretch, address, venue, block }: Scene & { group: MarginGroup; stretch: Stretch; address: Hex },
  ): PositionRow {
    const market = venue.figures.market(position.market, block.timestamp);
    const { model } = venue;
    const metric = (id: MetricOf<"POS">) =>
      measured(id, { gathered: positionInputs(id, { group, position, market }), unit: model.unit }).value;
    // Written out: rows are many, and spreading parts into an object of this size is slower than everything in it.
    return {
      id: stretch.id,
      chain: this.#chain,
      protocol: venue.id,
      market: `${venue.prefix}${position.market}`,
      account: caip10(this.#parts.chainId, address),
      epoch: stretch.epoch,
      marginMode: model.marginMode,
      isMaker: position.isMaker,
      side: position.size > 0n ? "long" : position.size < 0n ? "short" : "flat",
      size: position.size < 0n ? -position.size : position.size,
      takerSize: position.takerSize,
      delta: metric("POS.DELTA"),
      entryPrice: position.entryPrice.value,
      markPrice: position.markPrice.value,
      notional: position.notional.value,
      unrealizedPnl: position.unrealizedPnl.value,
      fundingAccrued: position.fundingAccrued.value,
      collateral: group.collateral.value,
      equity: group.equity.value,
      maintenanceMargin: group.maintenance.value,
      marginRatio: metric("POS.MARGIN_RATIO"),
      marginShortfall: metric("POS.MARGIN_SHORTFALL"),
      leverage: metric("POS.LEVERAGE_EFFECTIVE"),
      openingLeverage: this.#parts.appraiser.openingLeverage(stretch.id),
      liquidationPrice: position.liquidationPrice.value,
      liquidationPriceReason: position.liquidationPrice.reason,
      liquidationDistance: metric("POS.LIQ_DISTANCE"),
      unit: model.unit,
      decimals: 18,
      reason: group.equity.reason,
      openedAtBlock: stretch.openedAt,
      closedAtBlock: null,
      blockNumber: block.number,
      blockHash: block.hash,
      blockTimestamp: block.timestamp,
    };
  }
}

/** A metric from gathered inputs, or unknown with the reason they could not be gathered. */
function measured(id: MetricId, { gathered, unit }: { gathered: InputsOf; unit: string }): Metric {
  return gathered.inputs === null ? unknown(gathered.reason, 18, unit) : compute(id, gathered.inputs, unit);
}

function sumGroups(figures: AccountFigures): { gross: bigint; equity: bigint; reason: Reason | null } {
  const sums = { gross: 0n, equity: 0n, reason: null as Reason | null };
  const add = (figure: Figure): bigint => {
    sums.reason ??= figure.reason;
    return figure.value ?? 0n;
  };
  for (const group of figures.groups) {
    sums.gross += add(group.grossNotional);
    sums.equity += add(group.equity);
  }
  return sums;
}
