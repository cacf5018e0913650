/** Collateral as a margin model and a deployment would state it. Amounts in whole settlement units. */
import type { AssetDeployment, Holding } from "../../../src/core/margin-model.ts";
import type { Posted } from "../../../src/core/metrics/collateral-inputs.ts";
import { known, wad } from "../rules/figures.ts";

const ADDRESS = "0x00000000000000000000000000000000000000cc";

/** What the deployment says of each asset. `GOV` is a claim on euros, `MYST` an asset it says nothing about. */
export const ASSETS: Readonly<Record<string, AssetDeployment>> = {
  USDC: asset("USDC", { feed: "USDC/USD", class: "FIAT_STABLE_REGULATED", issuer: "Circle", currency: "USD" }),
  WETH: asset("WETH", { feed: "ETH/USD", class: "NATIVE_MAJOR", issuer: null, currency: null }),
  GOV: asset("GOV", { feed: "GOV/USD", class: "TOKENISED_GOVT", issuer: "Treasury", currency: "EUR" }),
  BILL: asset("BILL", { feed: "BILL/USD", class: "TOKENISED_GOVT", issuer: "Treasury", currency: "USD" }),
  PERP: asset("PERP", { feed: "PERP/USD", class: "PROTOCOL_OWN_TOKEN", issuer: "Perpetual", currency: null }),
  MYST: asset("MYST", { feed: "MYST/USD" }),
};

/** A holding worth `value`, of which the protocol counts `counted`; the settlement asset counts in full. */
export function holding(symbol: string, value: bigint, counted = value): Holding {
  const isSettlement = symbol === "USDC";
  const price = known(wad(isSettlement ? 1n : 2n));
  const units = isSettlement ? wad(value) : wad(value) / 2n;
  return { asset: symbol, isSettlement, units, price, value: known(wad(value)), counted: known(wad(counted)) };
}

/** The collateral of an account at second 100,000; every feed answered ten minutes before, but `ETH/USD` an hour. */
export function posted(holdings: readonly Holding[], change: Partial<Posted> = {}): Posted {
  return {
    holdings: () => holdings,
    assetOf: (symbol) => ASSETS[symbol],
    pricedAt: (feed) => (feed === "ETH/USD" ? 96_400n : 99_400n),
    now: 100_000n,
    ...change,
  };
}

function asset(symbol: string, of: Partial<AssetDeployment> & { feed: string }): AssetDeployment {
  return { symbol, address: ADDRESS, decimals: 18, ...of };
}
