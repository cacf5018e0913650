/** Rows of the tables that a block's end writes anew: what a book's figures come to, each exact at its own block. */
import type { BlockRef } from "../event.ts";
import type { Hex } from "../ids.ts";
import type { Reason } from "../result.ts";

/** The block that a row is of. */
export type BlockColumns = { blockNumber: bigint; blockHash: Hex; blockTimestamp: bigint };

/** A position's row, exact at its own block; money in `unit` with `decimals`. */
export type PositionRow = BlockColumns & {
  id: string;
  chain: string;
  protocol: string;
  market: string;
  account: string;
  epoch: number;
  marginMode: string;
  isMaker: boolean;
  side: "long" | "short" | "flat";
  size: bigint;
  takerSize: bigint;
  delta: bigint | null;
  entryPrice: bigint | null;
  markPrice: bigint | null;
  notional: bigint | null;
  unrealizedPnl: bigint | null;
  fundingAccrued: bigint | null;
  collateral: bigint | null;
  equity: bigint | null;
  maintenanceMargin: bigint | null;
  marginRatio: bigint | null;
  marginShortfall: bigint | null;
  leverage: bigint | null;
  openingLeverage: bigint | null;
  liquidationPrice: bigint | null;
  liquidationPriceReason: Reason | null;
  liquidationDistance: bigint | null;
  unit: string;
  decimals: number;
  reason: Reason | null;
  openedAtBlock: bigint;
  closedAtBlock: bigint | null;
};

/** An account's row over all protocols of its chain, in USD with 18 decimals. */
export type AccountRow = BlockColumns & {
  id: string;
  chain: string;
  address: Hex;
  grossNotional: bigint | null;
  netEquity: bigint | null;
  leverage: bigint | null;
  positionCount: number;
  unit: string;
  decimals: number;
  reason: Reason | null;
};

/** A market's row. Open interest and bad debt are money in `unit`; prices 18 decimals; rates 18 decimals. */
export type MarketRow = BlockColumns & {
  id: string;
  chain: string;
  protocol: string;
  key: string;
  symbol: string;
  kind: string;
  payoff: string;
  underlier: string;
  underlierClass: string;
  status: string;
  markPrice: bigint | null;
  indexPrice: bigint | null;
  openInterestLong: bigint | null;
  openInterestShort: bigint | null;
  openInterestTotal: bigint | null;
  skew: bigint | null;
  fundingRate: bigint | null;
  liquidatableNow: bigint | null;
  badDebt: bigint | null;
  /** Base units by which events and storage disagreed at `oiReconBlock`; null with a reason. */
  oiReconDiff: bigint | null;
  oiReconReason: Reason | null;
  oiReconBlock: bigint | null;
  unit: string;
  decimals: number;
  reason: Reason | null;
};

/** The block that a row is of, as its columns. */
export function blockColumns(block: BlockRef): BlockColumns {
  return { blockNumber: block.number, blockHash: block.hash, blockTimestamp: block.timestamp };
}
