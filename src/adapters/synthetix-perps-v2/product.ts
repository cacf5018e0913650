import type { Hex } from "../../core/ids.ts";
import type { Product } from "../../core/margin-model.ts";
import type { Names, Setting } from "./state.ts";
import { nameOf } from "./text.ts";

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
function underlierOf(asset: string): string {
  return /^s[A-Z0-9]+$/.test(asset) ? asset.slice(1) : asset;
}

/** Every market of the protocol is a linear perpetual settled in sUSD. */
function productOf(underlier: string): Product {
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

/** What an announced market is called. */
export function namesOf(setting: Setting, of: { key: Hex; marketKey: Hex; asset: Hex }): Names {
  const { key, marketKey, asset } = of;
  const symbol = nameOf(marketKey);
  const underlier = setting.underliers[key] ?? setting.underliers[symbol] ?? underlierOf(nameOf(asset));
  const subjects = { market: `market:${marketKey}`, synth: `synth:${asset}` };
  return { marketKey, asset, symbol, product: productOf(underlier), subjects };
}
