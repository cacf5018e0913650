import type { Hex } from "../../core/ids.ts";
import type { Product } from "../../core/margin-model.ts";
import type { Names, Setting } from "./state.ts";
import { nameOf } from "./text.ts";

/** Assets of each class, by the protocol's names for them. */
const BY_CLASS: Readonly<Partial<Record<Product["underlierClass"], readonly string[]>>> = {
  fx_major: ["EUR", "GBP", "JPY", "CAD", "CHF"],
  fx_minor: ["AUD", "NZD", "INR", "KRW"],
  gold: ["XAU"],
  index_major: ["US500", "FTSE100", "NIKKEI225"],
  commodity: ["XAG", "OIL"],
  equity: ["AAPL", "AMZN", "COIN", "FB", "GOOG", "MSFT", "NFLX", "TSLA"],
};

/**
 * Underliers that are no crypto-asset, as ESMA's product intervention measures sort them: a pair is major only if both
 * currencies are among USD, EUR, JPY, GBP, CAD and CHF; indices are major that its list names.
 */
const CLASSES: ReadonlyMap<string, Product["underlierClass"]> = new Map(
  Object.entries(BY_CLASS).flatMap(([name, assets]) =>
    assets.map((asset) => [asset, name as Product["underlierClass"]] as const),
  ),
);

/** The underlier in an asset's name: `sETH` and `ETH` are both ETH. */
function underlierOf(asset: string): string {
  return /^s[A-Z0-9]+$/.test(asset) ? asset.slice(1) : asset;
}

/** Every market of the protocol is a linear perpetual settled in sUSD. */
function productOf(underlier: string): Product {
  return {
    kind: "PERPETUAL",
    payoff: "LINEAR",
    underlierClass: CLASSES.get(underlier) ?? "crypto",
    underlier,
    power: 1,
    expirySeconds: null,
    strike: null,
  };
}

/** What an announced market is called. */
export function namesOf(setting: Setting, of: { key: Hex; marketKey: Hex; asset: Hex }): Names {
  const { marketKey, asset } = of;
  const subjects = { market: `market:${marketKey}`, synth: `synth:${asset}` };
  return { marketKey, asset, symbol: nameOf(marketKey), product: productIn(setting.underliers, of), subjects };
}

/** What a market is on. `underliers` is the deployment's, by market address or symbol. */
export function productIn(
  underliers: Readonly<Record<string, string>>,
  { key, marketKey, asset }: { key: Hex; marketKey: Hex; asset: Hex },
): Product {
  return productOf(underliers[key] ?? underliers[nameOf(marketKey)] ?? underlierOf(nameOf(asset)));
}
