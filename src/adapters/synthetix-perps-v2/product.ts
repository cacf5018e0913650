import type { Product } from "../../core/margin-model.ts";

/**
 * Underliers that are no crypto-asset, as ESMA's product intervention measures sort them: a pair is major only if both
 * currencies are among USD, EUR, JPY, GBP, CAD and CHF.
 */
const CLASSES: Readonly<Record<string, Product["underlierClass"]>> = {
  EUR: "fx_major",
  GBP: "fx_major",
  JPY: "fx_major",
  CAD: "fx_major",
  CHF: "fx_major",
  AUD: "fx_minor",
  XAU: "gold",
  XAG: "commodity",
};

/** The underlier in an asset's name: `sETH` and `ETH` are both ETH. */
export function underlierOf(asset: string): string {
  return /^s[A-Z0-9]+$/.test(asset) ? asset.slice(1) : asset;
}

/** Every market of the protocol is a linear perpetual settled in sUSD. */
export function productOf(underlier: string): Product {
  return {
    kind: "PERPETUAL",
    payoff: "LINEAR",
    underlierClass: CLASSES[underlier] ?? "crypto",
    underlier,
    power: 1,
    expirySeconds: null,
    strike: null,
  };
}
