import { WAD } from "../fixed.ts";
import type { FxPrice, FxRate } from "../metrics/convert.ts";
import type { Reason } from "../result.ts";
import type { Currency, Parameters } from "../rules/parameters.ts";
import type { Prices } from "./prices.ts";

/** A rate of a currency; null with the reason where a feed does not give it. */
export type Rate = { rate: FxRate; currency: string; reason: null } | { rate: null; currency: string; reason: Reason };

/** Feeds are in dollars: the dollar's own price is one, whenever it is. */
const DOLLAR: FxPrice = { price: WAD, block: 0n };

type Settlement = { feed: string; prices: Prices; now: bigint };

/**
 * What money in the settlement asset of `feed` is converted by. Of two currencies the one is taken in which a bound is
 * reached first: for a bound from above, the one in which the amount is larger.
 */
export function rateOf({ currency, bound }: Pick<Parameters, "bound"> & { currency: Currency }, at: Settlement): Rate {
  if (currency !== "USD_or_EUR") return between(currency, at);
  const [dollars, euros] = [between("USD", at), between("EUR", at)];
  if (dollars.rate === null || euros.rate === null) return dollars.rate === null ? dollars : euros;
  const isDollarLarger = dollars.rate.denominator.price <= euros.rate.denominator.price;
  return isDollarLarger === (bound === "above") ? dollars : euros;
}

function between(currency: string, { feed, prices, now }: Settlement): Rate {
  const numerator = priceOf(feed, prices, now);
  if (numerator.reason !== null) return { rate: null, currency, reason: numerator.reason };
  const denominator = currency === "USD" ? { price: DOLLAR, reason: null } : priceOf(`${currency}/USD`, prices, now);
  if (denominator.reason !== null) return { rate: null, currency, reason: denominator.reason };
  return { rate: { numerator: numerator.price, denominator: denominator.price }, currency, reason: null };
}

function priceOf(
  pair: string,
  prices: Prices,
  now: bigint,
): { price: FxPrice; reason: null } | { price: null; reason: Reason } {
  const { value, reason } = prices.at(pair, now);
  if (value === null) return { price: null, reason };
  return { price: { price: value, block: prices.latest(pair)?.block ?? 0n }, reason: null };
}
