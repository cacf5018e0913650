import type { CollateralState, EpochLeaf } from "../assessment.ts";
import { assetId, type Hex } from "../ids.ts";
import type { AccountFigures, AssetDeployment, Holding } from "../margin-model.ts";
import type { Venue } from "./venue.ts";

/**
 * What an account has of each asset of the deployment in one protocol and must have, at `now`: a leaf for each asset, gone
 * where it has none and need not. Whatever a protocol requires, it requires in its settlement asset.
 */
export function collateralLeaves(
  address: Hex,
  { venue, chainId, now }: { venue: Venue; chainId: number; now: bigint },
): EpochLeaf[] {
  const { settlement, collateral = [] } = venue.config;
  const holdings = venue.model.holdings(address, now);
  const required = requiredOf(venue.figures.account(address, now));
  return [settlement, ...collateral].map((asset) => {
    const state = {
      held: heldOf(asset, holdings).toString(),
      required: asset === settlement ? required : "0",
    };
    const key = `${venue.id}|${assetId(chainId, asset.address)}|${address}`;
    return { tree: "collateral", key, state: isNothing(state) ? null : state };
  });
}

function isNothing({ held, required }: CollateralState): boolean {
  return held === "0" && required === "0";
}

/** Units with 18 decimals; a debt is nothing held. */
function heldOf({ symbol }: AssetDeployment, holdings: readonly Holding[]): bigint {
  const units = holdings.reduce((sum, { asset, units }) => (asset === symbol ? sum + units : sum), 0n);
  return units > 0n ? units : 0n;
}

/** The maintenance requirements of all open positions, null where one is unknown. Without a position nothing is required. */
function requiredOf({ groups }: AccountFigures): string | null {
  let sum = 0n;
  for (const { positions, maintenance } of groups) {
    if (positions.length === 0) continue;
    if (maintenance.value === null) return null;
    if (maintenance.value > 0n) sum += maintenance.value;
  }
  return sum.toString();
}
