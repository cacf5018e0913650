/** What an account has posted, and what would be left of it after a shock. All margin is sUSD, and isolated by market. */
import { InputError } from "../../core/errors.ts";
import { divDown, WAD } from "../../core/fixed.ts";
import type { Figure, Holding } from "../../core/margin-model.ts";
import { sumOf } from "../../core/metrics/inputs.ts";
import { accruedFunding, type Position } from "./arithmetic.ts";
import type { Moment } from "./moment.ts";

/** One position or margin without one, and the moment of its market. */
export type Held = { position: Position; moment: Moment };

/** The account's sUSD over all markets, funding included; nothing where it has no margin. */
export function holdingsOf(asset: string, held: readonly Held[]): readonly Holding[] {
  const value = sumOf(held.map(collateralOf));
  const units = value.value ?? held.reduce((total, { position }) => total + position.margin, 0n);
  if (units === 0n && value.value !== null) return [];
  return [{ asset, isSettlement: true, units, price: known(WAD), value, counted: value }];
}

/**
 * Equity after every price has moved by `shock`, rounded down. A market whose margin does not cover its loss leaves that
 * loss to the pool whatever other markets hold, so one such market makes the answer the sum of their shortfalls.
 * @throws InputError for a shock below −1.
 */
export function equityUnder(held: readonly Held[], shock: bigint): Figure {
  if (WAD + shock < 0n) {
    throw new InputError(`A shock of ${shock} would make prices negative; expected −1 or more.`);
  }
  let equity = 0n;
  let shortfall = 0n;
  for (const one of held) {
    const left = equityAfter(one, WAD + shock);
    if (left.value === null) return left;
    equity += left.value;
    if (left.value < 0n) shortfall += left.value;
  }
  return known(shortfall < 0n ? shortfall : equity);
}

function equityAfter(held: Held, factor: bigint): Figure {
  const { position, moment } = held;
  const collateral = collateralOf(held);
  if (collateral.value === null || position.size === 0n) return collateral;
  const gain = divDown(position.size * (moment.price * factor - position.lastPrice * WAD), WAD * WAD);
  return known(collateral.value + gain);
}

/** Margin and accrued funding. Margin without a position needs no price. */
function collateralOf({ position, moment }: Held): Figure {
  if (position.size === 0n) return known(position.margin);
  const { terms, reason } = moment;
  if (reason !== null) return { value: null, reason };
  const funding = terms && accruedFunding(position, terms.funding.nextEntry);
  return funding === null ? { value: null, reason: "PROTOCOL_HIDES_STATE" } : known(position.margin + funding);
}

function known(value: bigint): Figure {
  return { value, reason: null };
}
