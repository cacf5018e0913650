import type { BlockRef } from "../event.ts";
import type { AccountFigures } from "../margin-model.ts";
import type { HeldPosition } from "../metrics/figures.ts";
import type { Stretch } from "./lifecycle.ts";
import type { Venue } from "./venue.ts";

/** An account in one protocol at a block. `account` is its CAIP-10 id, `date` the UTC day of the block. */
export type Scene = { venue: Venue; block: BlockRef; figures: AccountFigures; account: string; date: string };

/** An open position, with the stretch it belongs to. */
export type Held = HeldPosition & { stretch: Stretch };

/** The account's positions among its open stretches, which are given by market id. */
export function heldIn({ venue, block, figures }: Scene, open: ReadonlyMap<string, Stretch>): Held[] {
  const held: Held[] = [];
  for (const group of figures.groups) {
    for (const position of group.positions) {
      const stretch = open.get(`${venue.prefix}${position.market}`);
      if (stretch === undefined) continue;
      held.push({ group, position, stretch, market: venue.figures.market(position.market, block.timestamp) });
    }
  }
  return held;
}

/** Whether the account owes in the settlement asset and holds other collateral, so that prices alone can ruin it. */
export function isInDebt({ venue, block, figures }: Scene): boolean {
  if (!figures.groups.some((group) => group.restless)) return false;
  const holdings = venue.model.holdings(figures.address, block.timestamp);
  return holdings.some((holding) => holding.isSettlement && holding.units < 0n);
}
