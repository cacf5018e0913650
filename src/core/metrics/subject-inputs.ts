/** The inputs of metrics about single transfers, collateral assets and whole chains. */
import type { Custody, CustodyFigure } from "../custody.ts";
import type { CanonicalEvent } from "../event.ts";
import { abs, divUp } from "../fixed.ts";
import type { AssetDeployment, Figure, ProtocolDeployment } from "../margin-model.ts";
import { gather, type InputsOf, type MetricOf, without } from "./inputs.ts";
import { classNumber } from "./sco60.ts";

/**
 * What a deposit or withdrawal moves: the deployment's entry of the asset, which events name by symbol or by address, and
 * the amount with 18 decimals, rounded up; as it stands where the asset is unknown, and so has no price. `null` for an
 * event that is none, or names no amount.
 */
export function transferOf(
  { kind, account, amount, asset: name }: CanonicalEvent,
  { settlement, collateral }: ProtocolDeployment,
): { asset: AssetDeployment | undefined; units: bigint } | null {
  if (kind !== "COLLATERAL_CHANGE" || account === null || amount === null || amount === 0n) return null;
  const named = name?.toLowerCase();
  const asset = [settlement, ...(collateral ?? [])].find(
    ({ symbol, address }) => symbol.toLowerCase() === named || address.toLowerCase() === named,
  );
  const decimals = asset?.decimals ?? 18;
  const size = abs(amount);
  const units = decimals <= 18 ? size * 10n ** BigInt(18 - decimals) : divUp(size, 10n ** BigInt(decimals - 18));
  return { asset, units };
}

/**
 * A deposit or withdrawal of `units` (18 decimals, either sign) of an asset at a price in the settlement asset: one for
 * the settlement asset itself. The same for every metric of transfers.
 */
export function transferInputs({ units, price }: { units: bigint; price: Figure }): InputsOf {
  return gather({ units: units < 0n ? -units : units, price });
}

/** A collateral asset, and what of it is in custody. `NO_REGISTRY` where the deployment does not say what it is. */
export function assetInputs(
  metric: MetricOf<"AST">,
  { asset, custody }: { asset: AssetDeployment; custody: () => CustodyFigure },
): InputsOf {
  switch (metric) {
    case "AST.RISK_WEIGHT":
      return asset.class === undefined ? without("NO_REGISTRY") : gather({ class: classNumber(asset.class) });
    case "AST.CUSTODY_COVERAGE": {
      const found = custody();
      return found.custody === null ? without(found.reason) : custodyInputs(found.custody);
    }
  }
}

/** What is held of an asset, and owed: by creditor, or in all where they are too many to name. */
export function custodyInputs({ held, owed }: Custody): InputsOf {
  if (typeof owed === "bigint") return gather({ held, owed });
  return gather({ held, ...Object.fromEntries(Object.entries(owed).map(([key, amount]) => [`owed.${key}`, amount])) });
}

/**
 * The last block's time and that of the block `finalityBlocks` before it, seconds: undefined where the deployment states
 * no such number (`NO_REGISTRY`), or the block is before the first one followed (`NOT_YET_READ`).
 */
export function finalityInputs(at: {
  now: bigint;
  finalityBlocks: number | undefined;
  finalTimestamp: bigint | undefined;
}): InputsOf {
  if (at.finalityBlocks === undefined) return without("NO_REGISTRY");
  if (at.finalTimestamp === undefined) return without("NOT_YET_READ");
  return gather({ now: at.now, finalTimestamp: at.finalTimestamp });
}
