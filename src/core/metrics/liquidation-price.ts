/**
 * The price at which an isolated position's equity equals its maintenance requirement, in closed form.
 *
 * Equity less requirement is `slope · P − level` for linear payoffs (and `level − slope / P` for inverse ones). It is
 * rounded toward the mark: up where a falling price liquidates, down where a rising one does, so that the position is
 * never shown safer than it is. Sizes, prices, money and rates have 18 decimals; `owed` is funding and fees the holder
 * owes; `maintenanceRate` includes the liquidation fee.
 */
import { abs, divDown, divUp, WAD } from "../fixed.ts";
import type { Value } from "./metric.ts";

type Position = { entryPrice: bigint; owed: bigint; maintenanceRate: bigint };

/** Collateral in the quote asset: (s·q·Pe + A − C) / (q·(s − m)). */
export function linearLiquidationPrice(position: Position & { size: bigint; collateral: bigint }): Value {
  const { size, entryPrice, collateral, owed, maintenanceRate } = position;
  const level = size * entryPrice + (owed - collateral) * WAD;
  const slope = size * WAD - abs(size) * maintenanceRate;
  return crossing(level, slope, WAD);
}

/** Collateral of `collateralUnits` base units valued at a haircut: (s·q·Pe + A) / (c·(1 − h) + q·(s − m)). */
export function baseCollateralLiquidationPrice(
  position: Position & { size: bigint; collateralUnits: bigint; haircut: bigint },
): Value {
  const { size, entryPrice, collateralUnits, haircut, owed, maintenanceRate } = position;
  const level = size * entryPrice + owed * WAD;
  const slope = collateralUnits * (WAD - haircut) + size * WAD - abs(size) * maintenanceRate;
  return crossing(level, slope, WAD);
}

/**
 * Inverse contract of signed quote value `contracts`, margined in the coin: (s + m)·N / (c − a + s·N/Pe).
 * `owed` and `collateralUnits` are in coins.
 */
export function inverseLiquidationPrice(position: Position & { contracts: bigint; collateralUnits: bigint }): Value {
  const { contracts, entryPrice, collateralUnits, owed, maintenanceRate } = position;
  const level = contracts * WAD + abs(contracts) * maintenanceRate;
  const slope = (collateralUnits - owed) * entryPrice + contracts * WAD;
  return crossing(level, slope, entryPrice);
}

/** level / slope, times `scale`; undefined where no positive price is the boundary. */
function crossing(level: bigint, slope: bigint, scale: bigint): Value {
  if (slope > 0n && level > 0n) return divUp(level * scale, slope);
  if (slope < 0n && level < 0n) return divDown(-level * scale, -slope);
  return "UNDEFINED_AT_ZERO";
}
