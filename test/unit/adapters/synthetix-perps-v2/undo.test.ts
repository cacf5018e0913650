import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SOURCE } from "../../../../src/adapters/synthetix-perps-v2/sources.ts";
import type { CanonicalEvent } from "../../../../src/core/event.ts";
import {
  ALICE,
  ASSET,
  address,
  BOB,
  eventOf,
  log,
  MARKET,
  MARKET_KEY,
  readingOf,
  readyModel,
  START,
  said,
  stateOf,
  WAD,
} from "./world.ts";

const account = fc.constantFrom(ALICE, BOB, address(0xca401));
const amount = fc.bigInt({ min: 0n, max: 1000n * WAD });
const size = fc.oneof(fc.constant(0n), fc.bigInt({ min: -50n * WAD, max: 50n * WAD }));

const event: fc.Arbitrary<CanonicalEvent> = fc.oneof(
  fc
    .record({
      account,
      margin: fc.oneof(fc.constant(0n), amount),
      size,
      tradeSize: size,
      skew: size,
      index: fc.bigInt(0n, 3n),
    })
    .map((p) => said.position(p.account, p)),
  fc.record({ index: fc.bigInt(0n, 3n), funding: size, rate: size }).map(({ index, ...of }) => said.funding(index, of)),
  account.map(said.flagged),
  fc.record({ who: account, size, price: amount }).map(({ who, ...of }) => said.liquidated(who, of)),
  fc.bigInt(0n, 5000n).map((p) => said.price(p)),
  fc.constantFrom("skewScale", "maxLeverage").chain((name) => amount.map((value) => said.parameter(name, value))),
  amount.map((sUSD) => eventOf(log(SOURCE.settings, "MinKeeperFeeUpdated", { sUSD }))),
  amount.map(said.stalePeriod),
  fc.constantFrom(address(0x77), address(0xfe)).map(said.aggregator),
  fc
    .constantFrom("SynthSuspended", "SynthResumed")
    .map((name) => eventOf(log(SOURCE.status, name, { currencyKey: ASSET, reason: 1n }))),
  fc
    .constantFrom("MarketAdded", "MarketRemoved")
    .map((name) => eventOf(log(SOURCE.manager, name, { market: MARKET, asset: ASSET, marketKey: MARKET_KEY }))),
  fc
    .bigInt(1n, 9n)
    .map((n) =>
      eventOf(
        log(SOURCE.manager, "MarketAdded", { market: address(0xd0 + Number(n)), asset: ASSET, marketKey: MARKET_KEY }),
      ),
    ),
);

/** A position opened, closed by a keeper and told as liquidated: the only way to bad debt. */
const liquidation = fc
  .record({ who: account, opened: fc.bigInt(1n, 50n * WAD), price: amount })
  .map(({ who, opened, price }) => [
    said.position(who, { margin: WAD, size: opened, index: 0n }),
    said.position(who, { margin: 0n, size: 0n, tradeSize: 0n, skew: 0n }),
    said.liquidated(who, { size: opened, price }),
  ]);

const events = fc
  .array(fc.oneof({ weight: 9, arbitrary: event.map((e) => [e]) }, { weight: 1, arbitrary: liquidation }), {
    maxLength: 15,
  })
  .map((groups) => groups.flat());

describe("undoing", () => {
  it("restores state and figures exactly, wherever it goes back to", () => {
    const sequence = fc.record({ before: events, after: events });
    fc.assert(
      fc.property(sequence, ({ before, after }) => {
        const { model, journal } = readyModel();
        journal.mark("a");
        for (const e of before) model.apply(e);
        const state = stateOf(model);
        const figures = model.addresses().map((a) => model.account(a, START + 500n));
        journal.mark("b");
        for (const e of after) model.apply(e);
        // Asking for figures in between fills the model's cache with what is about to be undone.
        for (const a of model.addresses()) model.account(a, START + 500n);
        journal.undoTo("a");
        expect(stateOf(model)).toEqual(state);
        expect(model.addresses().map((a) => model.account(a, START + 500n))).toEqual(figures);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("takes readings back as well", () => {
    const { model, journal } = readyModel();
    const before = stateOf(model);
    journal.mark("a");
    journal.mark("b");
    const at = said.marketAdded(10n);
    for (const view of [
      "marketSize",
      "marketSkew",
      "fundingSequenceLength",
      "fundingSequence",
      "fundingLastRecomputed",
    ]) {
      model.applyReading(readingOf(at, `market:${MARKET}:${view}`, [5n]));
    }
    model.applyReading(readingOf(at, "global:minKeeperFee", [7n]));
    model.applyReading(readingOf(at, "rateStalePeriod", [7n]));
    model.applyReading(readingOf(at, "suspension:system", [true]));
    model.applyReading(readingOf(at, `aggregator:${ASSET}`, [address(9)]));
    expect(stateOf(model)).not.toEqual(before);
    journal.undoTo("a");
    expect(stateOf(model)).toEqual(before);
  });
});
