/** From what a margin model states of a market, and what the book knows beside it, to the inputs of its metrics. */
import { InputError } from "../errors.ts";
import type { Figure, MarketFigures, Product } from "../margin-model.ts";
import { type Concentration, p95 } from "./concentration.ts";
import { gather, type InputsOf, type MetricOf, without } from "./inputs.ts";
import { isGroup2a } from "./sco60.ts";

/** Metrics of one market. */
export type MarketMetric = MetricOf<"MKT"> | "CLASS.IS_CFD" | "CLASS.UNDERLIER_IN" | "CPT.SACCR_SF";

/** The deployment's feed of a market's underlier as it stands: `price` unknown past its heartbeat. Times are seconds. */
export type FeedState = { price: Figure; updatedAt: bigint; heartbeat: bigint };

/** What a market's metrics need beside its figures, each for the metric that takes it. */
export type MarketContext = {
  /** Whether every contract has both its sides among the accounts (`matched`) or the pool takes the rest (`pool`). */
  book: "matched" | "pool";
  /** Liquidatable positions by id, with their notional. */
  liquidatable: readonly { id: string; notional: Figure }[];
  /** Totals read from contract storage at the same block; null where the read failed. */
  stored: { size: bigint; skew: bigint } | null;
  /** The block's time, seconds. */
  now?: bigint;
  /** How open interest is spread: `concentrationOf` the holders' sizes. */
  holders?: Concentration;
  /** Null where the deployment has no feed of the underlier, or it never answered. */
  feed?: FeedState | null;
  /** Seconds from the first block end below maintenance to the liquidation, of the market's last liquidations. */
  latencies?: readonly bigint[];
  /** The rule's set of underliers. */
  set?: ReadonlySet<string> | null;
};

/** The inputs of a market's metric. @throws InputError when the context lacks what the metric takes. */
export function marketInputs(metric: MarketMetric, market: MarketFigures, context: MarketContext): InputsOf {
  const { longSize, shortSize, markPrice, product } = market;
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
    case "MKT.OI_RECON_DIFF":
      return reconciliationInputs(market, context.stored);
    case "CLASS.IS_CFD":
      return gather(contractInputs(product));
    case "CLASS.UNDERLIER_IN":
      return gather({ member: truth(need(context.set ?? undefined, "set").has(product.underlier)) });
    case "CPT.SACCR_SF":
      return product.underlierClass === "crypto"
        ? gather({ group2a: truth(isGroup2a(product.underlier)) })
        : without("NO_POSITION");
    default:
      return observedInputs(metric, market, context);
  }
}

type Observed = Extract<
  MarketMetric,
  "MKT.HHI_OI" | "MKT.TOP5_SHARE" | `MKT.ORACLE_${string}` | "MKT.LIQUIDATION_LATENCY_P95_S"
>;

/** Metrics of what the book has seen of a market: its holders, its feed, its liquidations. */
function observedInputs(metric: Observed, market: MarketFigures, context: MarketContext): InputsOf {
  switch (metric) {
    case "MKT.HHI_OI": {
      const { long, short } = need(context.holders, "holders");
      return gather({
        "squares.long": long.squares,
        "total.long": long.total,
        "squares.short": short.squares,
        "total.short": short.total,
      });
    }
    case "MKT.TOP5_SHARE": {
      const { long, short } = need(context.holders, "holders");
      const totals = { "total.long": long.total, "total.short": short.total };
      return gather({ "top5.long": long.top5, "top5.short": short.top5, ...totals });
    }
    case "MKT.LIQUIDATION_LATENCY_P95_S": {
      const latencies = need(context.latencies, "latencies");
      return gather({ p95: p95(latencies), count: BigInt(latencies.length) });
    }
    case "MKT.ORACLE_DEVIATION": {
      const feed = need(context.feed, "feed");
      return feed === null
        ? without("NO_PRICE")
        : gather({ indexPrice: market.indexPrice, referencePrice: feed.price });
    }
    case "MKT.ORACLE_AGE_S":
    case "MKT.ORACLE_STALENESS_RATIO": {
      const feed = need(context.feed, "feed");
      if (feed === null) return without("NO_PRICE");
      const times = { now: need(context.now, "now"), updatedAt: feed.updatedAt };
      return gather(metric === "MKT.ORACLE_AGE_S" ? times : { ...times, heartbeat: feed.heartbeat });
    }
  }
}

function reconciliationInputs({ storageTotals }: MarketFigures, stored: MarketContext["stored"]): InputsOf {
  if (storageTotals === null) return without("NO_STORAGE_TOTAL");
  if (stored === null) return without("READ_REVERTED");
  return gather({
    derivedSize: storageTotals.size,
    storedSize: stored.size,
    derivedSkew: storageTotals.skew,
    storedSkew: stored.skew,
  });
}

/**
 * No protocol followed delivers an underlier: perpetuals and synthetic contracts are settled in the settlement asset by
 * their construction. Of what expires the product does not say how it is settled.
 */
function contractInputs({ kind }: Product): Record<string, bigint> {
  const openEnded = kind === "PERPETUAL" || kind === "POWER_PERP" || kind === "SYNTHETIC_CFD";
  return { openEnded: truth(openEnded), cashSettled: truth(openEnded) };
}

function truth(holds: boolean): bigint {
  return holds ? 1n : 0n;
}

function need<T>(given: T | undefined, name: string): T {
  if (given === undefined) throw new InputError(`The market's metric needs "${name}", which was not given.`);
  return given;
}
