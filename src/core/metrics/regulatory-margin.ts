/** From positions to the inputs of margin by the standard schedule. */
import { max } from "../fixed.ts";
import type { Figure, Holding, Product } from "../margin-model.ts";
import { gather, type InputsOf, type StatedAccount, type StatedMarket, sumOf, without } from "./inputs.ts";

/** Required initial margin per notional by underlier class, 18 decimals. */
export type RatesByClass = ReadonlyMap<Product["underlierClass"], bigint>;

type Context = {
  account: StatedAccount;
  marketOf: (key: string) => StatedMarket;
  rates?: RatesByClass | null;
  counts?: (product: Product) => boolean;
};

/**
 * Notional and rate by underlier class, and the replacement costs. The protocol collects the margin, so a position is
 * worth to it what the holder has lost: `netReplacement` is max(0, Σ value), `grossReplacement` Σ max(0, value), over
 * the account's positions in the protocol, which are one netting set.
 */
export function scheduleInputs({ account, marketOf, rates, counts }: Context): InputsOf {
  const inputs: Record<string, bigint> = {};
  let [net, gross] = [0n, 0n];
  for (const group of account.groups) {
    for (const { market, notional, unrealizedPnl } of group.positions) {
      const { product } = marketOf(market);
      if (counts?.(product) === false) continue;
      if (notional.value === null) return without(notional.reason);
      if (unrealizedPnl.value === null) return without(unrealizedPnl.reason);
      const rate = rates?.get(product.underlierClass);
      if (rate === undefined) return without("NO_RATE");
      const name = `notional.${product.underlierClass}`;
      inputs[name] = (inputs[name] ?? 0n) + notional.value;
      inputs[`rate.${product.underlierClass}`] = rate;
      net -= unrealizedPnl.value;
      gross += max(0n, -unrealizedPnl.value);
    }
  }
  return gather({ ...inputs, netReplacement: max(0n, net), grossReplacement: gross });
}

/** The same with the collateral held, before any haircut. */
export function unmarginedInputs(context: Context & { holdings: () => readonly Holding[] }): InputsOf {
  const required = scheduleInputs(context);
  if (required.inputs === null) return required;
  return gather({ ...required.inputs, collateral: grossCollateral(context.holdings()) });
}

/** The value of all collateral before any weight, a debt in the settlement asset deducted. */
export function grossCollateral(holdings: readonly Holding[]): Figure {
  return sumOf(holdings.map((holding) => holding.value));
}
