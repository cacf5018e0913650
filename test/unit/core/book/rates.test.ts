import { describe, expect, it } from "vitest";
import { Journal } from "../../../../src/core/book/journal.ts";
import { Prices } from "../../../../src/core/book/prices.ts";
import { rateOf } from "../../../../src/core/book/rates.ts";
import type { CanonicalEvent } from "../../../../src/core/event.ts";

const WAD = 10n ** 18n;
const FEEDS = ["USDC/USD", "EUR/USD"].map((pair, i) => ({
  pair,
  aggregator: `0x${String(i).repeat(40)}` as const,
  decimals: 8,
  heartbeatSeconds: 100,
}));

/** Feeds whose answers, in cents, were given at second 1000 in block 7. */
function prices(cents: Record<string, bigint>): Prices {
  const found = new Prices(FEEDS, new Journal());
  for (const { pair, aggregator } of FEEDS) {
    if (cents[pair] === undefined) continue;
    const payload = { event: "AnswerUpdated", current: cents[pair] * 1_000_000n, updatedAt: 1000n };
    found.apply({ id: pair, address: aggregator, block: { number: 7n }, payload } as unknown as CanonicalEvent);
  }
  return found;
}

const at = (cents: Record<string, bigint>, now = 1000n) => ({ feed: "USDC/USD", prices: prices(cents), now });
const BOTH = { "USDC/USD": 100n, "EUR/USD": 108n };

describe("rates of currencies", () => {
  it("are the settlement asset's price over the currency's, with the blocks of both", () => {
    expect(rateOf({ currency: "EUR", bound: "above" }, at(BOTH))).toEqual({
      rate: { numerator: { price: WAD, block: 7n }, denominator: { price: (108n * WAD) / 100n, block: 7n } },
      currency: "EUR",
      reason: null,
    });
  });

  it("take a dollar for one dollar, whenever", () => {
    const { rate } = rateOf({ currency: "USD", bound: "above" }, at({ "USDC/USD": 99n }));
    expect(rate).toEqual({
      numerator: { price: (99n * WAD) / 100n, block: 7n },
      denominator: { price: WAD, block: 0n },
    });
  });

  it.each([
    [108n, "above", "USD"],
    [108n, "below", "EUR"],
    [92n, "above", "EUR"],
    [92n, "below", "USD"],
  ] as const)("with the euro at %s cents a bound from %s is reached first in %s", (euro, bound, currency) => {
    expect(rateOf({ currency: "USD_or_EUR", bound }, at({ ...BOTH, "EUR/USD": euro })).currency).toBe(currency);
  });

  it("are unknown without a feed, and past its heartbeat", () => {
    const missing = at({ "USDC/USD": 100n });
    expect(rateOf({ currency: "EUR", bound: "above" }, missing)).toMatchObject({ rate: null, reason: "NO_PRICE" });
    expect(rateOf({ currency: "USD_or_EUR", bound: "above" }, missing)).toMatchObject({ rate: null });
    expect(rateOf({ currency: "CHF", bound: "above" }, at(BOTH))).toMatchObject({ rate: null, reason: "NO_PRICE" });
    const stale = rateOf({ currency: "EUR", bound: "above" }, at(BOTH, 1101n));
    expect(stale).toMatchObject({ rate: null, reason: "STALE_ORACLE" });
  });
});
