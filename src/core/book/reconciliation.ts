import type { Reading } from "../event.ts";
import type { MarketFigures } from "../margin-model.ts";
import { compute } from "../metrics/compute.ts";
import { type InputsOf, marketInputs } from "../metrics/figures.ts";
import type { Reason } from "../result.ts";
import type { Journal } from "./journal.ts";
import type { Venue } from "./venue.ts";

type Totals = { derived: MarketFigures; stored: { size: bigint; skew: bigint } | null; block: bigint };

/** Columns of `market` about the comparison of open interest by events with the totals in contract storage. */
export type ReconciliationColumns = {
  oiReconDiff: bigint | null;
  oiReconReason: Reason | null;
  oiReconBlock: bigint | null;
};

/**
 * MKT.OI_RECON_DIFF: total size and skew of all positions, folded from events, against what the protocol's own storage
 * says at the same block. Zero, or an event has been missed.
 */
export class Reconciliation {
  readonly #journal: Journal;
  readonly #totals = new Map<string, Totals>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes the readings of storage totals of one block, two a market (size, skew), beside the figures folded up to it. */
  learn(readings: readonly Reading[], venues: readonly Venue[]): void {
    for (let i = 0; i + 1 < readings.length; i += 2) {
      const [size, skew] = [integer(readings[i]), integer(readings[i + 1])];
      const { protocol, key, block } = readings[i] as Reading;
      const venue = venues.find((v) => v.config.protocol === protocol);
      const market = key.split(":")[1];
      if (venue === undefined || market === undefined) continue;
      this.#journal.set(this.#totals, `${venue.prefix}${market}`, {
        derived: venue.figures.market(market, block.timestamp),
        stored: size === null || skew === null ? null : { size, skew },
        block: block.number,
      });
    }
  }

  /** The inputs of the market's last comparison. */
  inputs(market: MarketFigures, venue: Venue): InputsOf {
    const totals = this.#totals.get(`${venue.prefix}${market.key}`);
    if (totals === undefined) {
      return { inputs: null, reason: venue.adapter.storageTotals === undefined ? "NO_STORAGE_TOTAL" : "NOT_YET_READ" };
    }
    const { derived, stored } = totals;
    return marketInputs("MKT.OI_RECON_DIFF", derived, { book: venue.model.book, liquidatable: [], stored });
  }

  /** A market's columns about its last comparison. */
  of(market: MarketFigures, venue: Venue): ReconciliationColumns {
    const oiReconBlock = this.#totals.get(`${venue.prefix}${market.key}`)?.block ?? null;
    const { inputs, reason } = this.inputs(market, venue);
    if (inputs === null) return { oiReconDiff: null, oiReconReason: reason, oiReconBlock };
    const { value } = compute("MKT.OI_RECON_DIFF", inputs, market.product.underlier);
    return { oiReconDiff: value, oiReconReason: null, oiReconBlock };
  }
}

/** Whether a reading is one of an adapter's `storageTotals`. */
export function isTotal({ key }: Reading): boolean {
  return key.startsWith("total:");
}

function integer(reading: Reading | undefined): bigint | null {
  const value = reading?.result?.[0];
  return typeof value === "bigint" ? value : null;
}
