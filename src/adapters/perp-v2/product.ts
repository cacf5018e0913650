import type { Product } from "../../core/margin-model.ts";

/** Every market of the protocol is a linear perpetual on a crypto-asset. */
export function productOf(underlier: string): Product {
  return {
    kind: "PERPETUAL",
    payoff: "LINEAR",
    underlierClass: "crypto",
    underlier,
    power: 1,
    expirySeconds: null,
    strike: null,
  };
}
