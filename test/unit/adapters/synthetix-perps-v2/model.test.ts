import { describe, expect, it } from "vitest";
import { marketViews, views } from "../../../../src/adapters/synthetix-perps-v2/model.ts";
import { SOURCE } from "../../../../src/adapters/synthetix-perps-v2/sources.ts";
import { InvariantError } from "../../../../src/core/errors.ts";
import type { MarginGroup, MarginModel } from "../../../../src/core/margin-model.ts";
import {
  ALICE,
  ASSET,
  address,
  BOB,
  configuration,
  ETH_FEED,
  emptyModel,
  eventOf,
  log,
  MARKET,
  MARKET_KEY,
  PARAMETERS,
  readingOf,
  readyModel,
  START,
  said,
  stateOf,
  WAD,
} from "./world.ts";

const NOW = START + 100n;

function groupOf(model: MarginModel, now = NOW): MarginGroup | undefined {
  return model.account(ALICE, now).groups[0];
}

/** A long of 10 at 2,000 on a margin of 1,000. */
function withLong(): MarginModel {
  const { model } = readyModel();
  model.apply(said.funding(1n));
  model.apply(said.position(ALICE, { margin: 1000n * WAD, size: 10n * WAD }));
  return model;
}

describe("an isolated position", () => {
  it("states equity before the floor, and maintenance with fees and premium", () => {
    const model = withLong();
    model.apply(said.price(1890n));
    const group = groupOf(model) as MarginGroup;
    expect(group.key).toBe(MARKET);
    expect(group.equity).toEqual({ value: -100n * WAD, reason: null });
    expect(group.collateral).toEqual({ value: 1000n * WAD, reason: null });
    // Buffer 141.75, flagger's fee 66.15, keeper's fee 2, premium 18,900 · 0.0002 · 1.5.
    expect(group.maintenance.value).toBe(215_57n * 10n ** 16n);
    expect(group.positions[0]?.entryPrice.value).toBe(2000n * WAD);
    expect(views(model, MARKET, { address: ALICE, now: NOW })).toMatchObject({
      remainingMargin: 0n,
      accessibleMargin: 0n,
      canLiquidate: true,
      liquidationFee: 66_15n * 10n ** 16n,
    });
  });

  it("may be liquidated at equality, and not a wei above", () => {
    const { model } = readyModel();
    const requirement = 150n * WAD + 70n * WAD + 2n * WAD + 6n * WAD;
    const at = (margin: bigint): boolean | undefined => {
      model.apply(said.position(ALICE, { margin, size: 10n * WAD, index: 0n }));
      const group = groupOf(model) as MarginGroup;
      expect(group.maintenance.value).toBe(requirement);
      expect(group.liquidatableAtEquality).toBe(true);
      return views(model, MARKET, { address: ALICE, now: NOW })?.canLiquidate;
    };
    expect(at(requirement)).toBe(true);
    expect(at(requirement + 1n)).toBe(false);
  });

  it("rounds notional up where the view truncates", () => {
    const { model } = readyModel();
    model.apply(said.funding(1n));
    model.apply(said.position(ALICE, { margin: 1000n * WAD, size: -1n }));
    model.apply(said.price(1999n));
    expect(groupOf(model)?.grossNotional.value).toBe(1999n);
    model.apply(eventOf(log("ChainlinkAggregator8", "AnswerUpdated", ANSWER, { address: ETH_FEED })));
    expect(groupOf(model)?.grossNotional.value).toBe(1n);
    expect(views(model, MARKET, { address: ALICE, now: NOW })?.notionalValue).toBe(0n);
  });

  it("knows margin without a position, whatever the price, and forgets neither account nor market when empty", () => {
    const { model } = emptyModel();
    model.apply(said.marketAdded());
    model.apply(said.position(ALICE, { margin: 5n, size: 0n }));
    const group = groupOf(model);
    expect(group?.equity.value).toBe(5n);
    expect(group?.maintenance.value).toBe(0n);
    expect(group?.positions).toEqual([]);
    expect([...model.holders(MARKET)]).toEqual([]);
    model.apply(said.position(ALICE, { margin: 0n, size: 0n }));
    expect(model.account(ALICE, NOW).groups).toEqual([]);
    expect(model.addresses()).toEqual([ALICE]);
  });

  it("does not count a deposit twice", () => {
    const model = withLong();
    const before = stateOf(model);
    const effect = model.apply(eventOf(log(SOURCE.market, "MarginTransferred", { account: ALICE, marginDelta: WAD })));
    expect(stateOf(model)).toEqual(before);
    expect(effect).toEqual({ accounts: [], markets: [], everyone: false });
  });

  it("keeps its own funding entry when the market's moves on, and its old one when an old index is named", () => {
    const model = withLong();
    model.apply(said.funding(2n, { funding: -3n * WAD }));
    expect(groupOf(model)?.positions[0]?.fundingAccrued.value).toBe(-30n * WAD);
    model.apply(said.position(ALICE, { margin: 1001n * WAD, size: 10n * WAD, tradeSize: 0n, index: 1n }));
    expect(groupOf(model)?.positions[0]?.fundingAccrued.value).toBe(-30n * WAD);
  });

  it("has unknown equity, but a known notional, when its funding entry was never seen", () => {
    const { model } = readyModel();
    model.apply(said.funding(9n));
    model.apply(said.position(ALICE, { margin: 1000n * WAD, size: 10n * WAD, index: 4n }));
    const group = groupOf(model);
    expect(group?.equity).toEqual({ value: null, reason: "PROTOCOL_HIDES_STATE" });
    expect(group?.grossNotional.value).toBe(20_000n * WAD);
    expect(views(model, MARKET, { address: ALICE, now: NOW })).toBeNull();
  });
});

const ANSWER = { current: 1n, roundId: 9n, updatedAt: NOW };

describe("a price", () => {
  it("gives no figure when stale, and the same ones again when fresh", () => {
    const model = withLong();
    const fresh = groupOf(model);
    const late = NOW + 86_401n;
    expect(groupOf(model, late)).toMatchObject({
      equity: { value: null, reason: "STALE_ORACLE" },
      maintenance: { value: null, reason: "STALE_ORACLE" },
    });
    expect(model.market(MARKET, late).markPrice).toEqual({ value: null, reason: "STALE_ORACLE" });
    expect(views(model, MARKET, { address: ALICE, now: late })).toMatchObject({ invalid: true, canLiquidate: false });
    expect(groupOf(model, NOW + 86_400n)?.equity.value).not.toBeNull();
    expect(groupOf(model)).toEqual(fresh);
  });

  it("is unknown while the asset's aggregator is no feed of the deployment", () => {
    const model = withLong();
    const effect = model.apply(said.aggregator(address(0x77)));
    expect(effect).toEqual({ accounts: [], markets: [MARKET], everyone: true });
    expect(groupOf(model)?.equity).toEqual({ value: null, reason: "NO_PRICE" });
    expect(model.apply(said.price(1000n)).markets).toEqual([]);
    model.apply(said.aggregator());
    expect(model.apply(said.price(2000n)).markets).toEqual([MARKET]);
    expect(groupOf(model)?.equity.value).toBe(1000n * WAD);
  });

  it("at or below zero is none", () => {
    const model = withLong();
    model.apply(said.price(0n));
    expect(groupOf(model)?.equity).toEqual({ value: null, reason: "NO_PRICE" });
  });
});

describe("a market", () => {
  it("has no figures until every parameter is known, in whatever order they come", () => {
    for (const missing of Object.keys(PARAMETERS)) {
      const { model } = emptyModel();
      const events = configuration().filter((e) => e.payload.parameter !== missing);
      for (const event of [...events, said.marketAdded(), said.price(2000n), said.funding(1n)]) model.apply(event);
      model.apply(said.position(ALICE, { margin: WAD, size: WAD }));
      expect(groupOf(model)?.equity, missing).toEqual({ value: null, reason: "READ_REVERTED" });
      model.apply(said.parameter(missing, PARAMETERS[missing] as bigint));
      expect(groupOf(model)?.equity.value, missing).toBe(WAD);
    }
  });

  it("counts open interest from positions, and skew from what events say", () => {
    const { model } = readyModel();
    model.apply(said.funding(1n));
    model.apply(said.position(ALICE, { margin: 1000n * WAD, size: 10n * WAD, skew: 10n * WAD }));
    model.apply(said.position(BOB, { margin: 1000n * WAD, size: -4n * WAD, skew: 6n * WAD }));
    expect(model.market(MARKET, NOW)).toMatchObject({
      ...{ symbol: "sETHPERP", longSize: 10n * WAD, shortSize: 4n * WAD, status: "OPEN" },
      storageTotals: { size: 14n * WAD, skew: 6n * WAD },
      product: { kind: "PERPETUAL", underlier: "ETH", underlierClass: "crypto" },
    });
    model.apply(said.position(ALICE, { margin: 1000n * WAD, size: -WAD, tradeSize: -11n * WAD, skew: -5n * WAD }));
    expect(model.market(MARKET, NOW).storageTotals).toEqual({ size: 5n * WAD, skew: -5n * WAD });
    expect([...model.holders(MARKET)].sort()).toEqual([ALICE, BOB].sort());
  });

  it("never outruns its funding bound while nothing is said", () => {
    const model = withLong();
    const { fundingBound } = model.market(MARKET, NOW);
    for (const days of [1n, 7n, 30n]) {
      const rate = model.market(MARKET, NOW + days * 86_400n).fundingRatePerDay.value as bigint;
      expect(rate).toBeGreaterThan(0n);
      expect(rate).toBeLessThanOrEqual(fundingBound.ratePerDay + fundingBound.growthPerDay * days);
    }
  });

  it("is paused by a suspension of its own or of everything, and closed when removed", () => {
    const { model } = readyModel();
    const suspend = (name: string, args: Record<string, unknown>) =>
      model.apply(eventOf(log(SOURCE.status, name, args)));
    const status = () => model.market(MARKET, NOW).status;
    suspend("FuturesMarketSuspended", { marketKey: address(1).padEnd(66, "0"), reason: 1n });
    expect(status()).toBe("OPEN");
    suspend("FuturesMarketSuspended", { marketKey: MARKET_KEY, reason: 1n });
    expect(status()).toBe("PAUSED");
    suspend("FuturesMarketResumed", { marketKey: MARKET_KEY, reason: 1n });
    suspend("ExchangeSuspended", { reason: 1n });
    expect(status()).toBe("PAUSED");
    suspend("ExchangeResumed", { reason: 1n });
    expect(status()).toBe("OPEN");
    const removed = { market: MARKET, asset: ASSET, marketKey: MARKET_KEY };
    model.apply(eventOf(log(SOURCE.manager, "MarketRemoved", removed)));
    expect(status()).toBe("CLOSED");
    expect(model.reads(said.marketAdded())).toEqual([]);
    model.apply(said.marketAdded());
    expect(status()).toBe("OPEN");
  });

  it("that was never announced is a broken invariant", () => {
    const { model } = emptyModel();
    expect(() => model.apply(said.funding(1n))).toThrow(InvariantError);
  });
});

describe("a liquidation", () => {
  it("adds to bad debt what fees exceed equity by, and lifts the flag", () => {
    const model = withLong();
    model.apply(said.flagged(ALICE));
    expect(views(model, MARKET, { address: ALICE, now: NOW })?.isFlagged).toBe(true);
    model.apply(said.position(ALICE, { margin: 0n, size: 0n, tradeSize: 0n, skew: 0n }));
    model.apply(said.liquidated(ALICE, { size: 10n * WAD, price: 1890n * WAD, fees: 2n * WAD }));
    expect(model.market(MARKET, NOW).badDebt).toBe(104n * WAD);
    expect(views(model, MARKET, { address: ALICE, now: NOW })?.isFlagged).toBe(false);
    expect(model.market(MARKET, NOW).storageTotals).toEqual({ size: 0n, skew: 0n });
  });

  it("of a solvent position adds none", () => {
    const model = withLong();
    model.apply(said.position(ALICE, { margin: 0n, size: 0n, tradeSize: 0n, skew: 0n }));
    model.apply(said.liquidated(ALICE, { size: 10n * WAD, price: 1920n * WAD, fees: 2n * WAD }));
    expect(model.market(MARKET, NOW).badDebt).toBe(0n);
  });
});

describe("discovery", () => {
  /** Answers each round of questions; gives the keys asked for, round by round. */
  function answer(model: MarginModel, answers: Record<string, bigint[] | string[] | boolean[] | null>): string[][] {
    const event = said.marketAdded(10n);
    const rounds: string[][] = [];
    const known = new Set<string>();
    for (;;) {
      const wanted = model.reads(event).filter((r) => !known.has(r.key));
      if (wanted.length === 0) break;
      rounds.push(wanted.map((r) => r.key));
      for (const { key } of wanted) {
        known.add(key);
        model.applyReading(readingOf(event, key, answers[key] ?? null));
      }
    }
    model.apply(event);
    return rounds;
  }

  const parameters = Array.from({ length: 22 }, () => 0n);
  parameters[6] = PARAMETERS.maxLeverage as bigint;
  parameters[8] = PARAMETERS.maxFundingVelocity as bigint;
  parameters[9] = PARAMETERS.skewScale as bigint;
  parameters[18] = PARAMETERS.liquidationPremiumMultiplier as bigint;
  parameters[19] = PARAMETERS.liquidationBufferRatio as bigint;

  const ANSWERS = {
    [`parameters:${MARKET_KEY}`]: parameters,
    [`market:${MARKET}:marketSize`]: [14n * WAD],
    [`market:${MARKET}:marketSkew`]: [6n * WAD],
    [`market:${MARKET}:fundingSequenceLength`]: [8n],
    [`market:${MARKET}:fundingSequence`]: [-5n * WAD],
    [`market:${MARKET}:fundingRateLastRecomputed`]: [WAD],
    [`market:${MARKET}:fundingLastRecomputed`]: [START],
    "global:minKeeperFee": [2n * WAD],
    "global:maxKeeperFee": [1000n * WAD],
    "global:liquidationFeeRatio": [35n * 10n ** 14n],
    "global:minInitialMargin": [50n * WAD],
    "global:keeperLiquidationFee": [2n * WAD],
    rateStalePeriod: [86_400n],
    "suspension:system": [false],
    "suspension:exchange": [false],
    "suspension:futures": [false],
    [`suspension:market:${MARKET_KEY}`]: [true],
    [`suspension:synth:${ASSET}`]: [false],
    [`aggregator:${ASSET}`]: [ETH_FEED],
    [`round:${ETH_FEED}`]: [3n, 2000_00000000n, START, START, 3n],
  };

  it("asks for everything that precedes it, and for what the answers lead to", () => {
    const { model } = emptyModel();
    const rounds = answer(model, ANSWERS);
    expect(rounds.flat().sort()).toEqual(Object.keys(ANSWERS).sort());
    expect(rounds).toHaveLength(2);
    expect(rounds[1]?.sort()).toEqual([`market:${MARKET}:fundingSequence`, `round:${ETH_FEED}`]);
    const { market, moment } = marketViews(model, MARKET, START);
    expect(market.funding).toEqual({ index: 7n, value: -5n * WAD, rate: WAD, timestamp: START });
    expect(moment).toMatchObject({ price: 2000n * WAD, reason: null, valid: true });
    expect(model.market(MARKET, START)).toMatchObject({ status: "PAUSED", longSize: 10n * WAD, shortSize: 4n * WAD });
  });

  it("takes the size of a position from before the first log out of the skew", () => {
    const { model } = emptyModel();
    answer(model, ANSWERS);
    model.apply(said.position(BOB, { margin: 0n, size: 0n, tradeSize: 0n, skew: 10n * WAD, number: 11n }));
    expect(model.market(MARKET, NOW).storageTotals).toEqual({ size: 10n * WAD, skew: 10n * WAD });
  });

  it("does not add logs of its own block to totals that were read at that block's end", () => {
    const { model } = emptyModel();
    answer(model, ANSWERS);
    model.apply(said.position(ALICE, { margin: WAD, size: 14n * WAD, skew: 6n * WAD, number: 10n }));
    expect(model.market(MARKET, NOW).storageTotals?.size).toBe(14n * WAD);
  });

  it("leaves unknown what reverts", () => {
    const { model } = emptyModel();
    answer(model, {});
    expect(model.market(MARKET, NOW).markPrice).toEqual({ value: null, reason: "READ_REVERTED" });
    expect(model.market(MARKET, NOW).fundingRatePerDay).toEqual({ value: null, reason: "READ_REVERTED" });
  });

  it("asks for nothing that events have said", () => {
    const { model } = emptyModel();
    for (const event of [...configuration(), said.price(2000n)]) model.apply(event);
    const keys = model.reads(said.marketAdded()).map((r) => r.key);
    expect(keys.filter((k) => !k.startsWith("market:") && !k.startsWith("suspension:"))).toEqual([
      `parameters:${MARKET_KEY}`,
    ]);
  });
});
