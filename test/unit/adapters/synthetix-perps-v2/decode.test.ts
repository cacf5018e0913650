import { describe, expect, it } from "vitest";
import { decode } from "../../../../src/adapters/synthetix-perps-v2/decode.ts";
import { SOURCE, sources } from "../../../../src/adapters/synthetix-perps-v2/sources.ts";
import { bytes32Of } from "../../../../src/adapters/synthetix-perps-v2/text.ts";
import type { CanonicalEvent } from "../../../../src/core/event.ts";
import { payloadFromJson, payloadToJson } from "../../../../src/core/event.ts";
import { ALICE, ASSET, BOB, CHAIN, log, MARKET, MARKET_KEY, WAD } from "./world.ts";

type Golden = [name: string, source: string, args: Record<string, unknown>, says: Partial<CanonicalEvent>];

const TRADE = {
  ...{ id: 7n, account: ALICE, margin: 900n * WAD, size: 3n * WAD, tradeSize: -2n * WAD },
  ...{ lastPrice: 2000n * WAD, fundingIndex: 12n, fee: WAD, skew: -5n * WAD },
};

const GOLDEN: Golden[] = [
  [
    "PositionModified",
    SOURCE.market,
    TRADE,
    {
      ...{ kind: "TRADE", market: MARKET, account: ALICE, sizeDelta: -2n * WAD, price: 2000n * WAD, fee: WAD },
      payload: {
        ...{ event: "PositionModified", id: 7n, margin: 900n * WAD, size: 3n * WAD, tradeSize: -2n * WAD },
        ...{ lastPrice: 2000n * WAD, fundingIndex: 12n, skew: -5n * WAD },
      },
    },
  ],
  [
    "PositionModified",
    SOURCE.market,
    { ...TRADE, tradeSize: 0n },
    { kind: "COLLATERAL_CHANGE", account: ALICE, sizeDelta: null, price: null },
  ],
  [
    "MarginTransferred",
    SOURCE.market,
    { account: ALICE, marginDelta: -WAD },
    { kind: "COLLATERAL_CHANGE", account: ALICE, amount: -WAD, asset: "sUSD", payload: { event: "MarginTransferred" } },
  ],
  [
    "FundingRecomputed",
    SOURCE.market,
    { funding: -4n, fundingRate: 3n, index: 2n, timestamp: 99n },
    {
      ...{ kind: "FUNDING", market: MARKET, account: null },
      payload: { event: "FundingRecomputed", funding: -4n, fundingRate: 3n, index: 2n, timestamp: 99n },
    },
  ],
  [
    "PositionFlagged",
    SOURCE.market,
    { id: 1n, account: ALICE, flagger: BOB, price: 5n, timestamp: 9n },
    { kind: "LIQUIDATION", account: ALICE, price: 5n, payload: { event: "PositionFlagged", id: 1n, flagger: BOB } },
  ],
  [
    "PositionLiquidated",
    SOURCE.market,
    { id: 1n, account: ALICE, liquidator: BOB, size: 8n, price: 5n, flaggerFee: 1n, liquidatorFee: 2n, stakersFee: 3n },
    { kind: "LIQUIDATION", account: ALICE, sizeDelta: -8n, price: 5n, fee: 6n },
  ],
  [
    "MarketAdded",
    SOURCE.manager,
    { market: MARKET.toUpperCase().replace("0X", "0x"), asset: ASSET, marketKey: MARKET_KEY },
    { kind: "MARKET_LISTED", market: MARKET, payload: { event: "MarketAdded", asset: ASSET, marketKey: MARKET_KEY } },
  ],
  [
    "MarketRemoved",
    SOURCE.manager,
    { market: MARKET, asset: ASSET, marketKey: MARKET_KEY },
    { kind: "MARKET_STATE", market: MARKET },
  ],
  [
    "ParameterUpdated",
    SOURCE.settings,
    { marketKey: MARKET_KEY, parameter: bytes32Of("skewScale"), value: 4n },
    {
      kind: "MARKET_PARAM_CHANGE",
      payload: { event: "ParameterUpdated", marketKey: MARKET_KEY, parameter: "skewScale", value: 4n },
    },
  ],
  [
    "KeeperLiquidationFeeUpdated",
    SOURCE.settings,
    { keeperFee: 2n },
    {
      kind: "MARKET_PARAM_CHANGE",
      payload: { event: "GlobalParameterUpdated", parameter: "keeperLiquidationFee", value: 2n },
    },
  ],
  [
    "ValueSetUInt",
    SOURCE.storage,
    { contractName: bytes32Of("SystemSettings"), record: bytes32Of("rateStalePeriod"), value: 86_400n },
    { kind: "ORACLE_CONFIG", payload: { event: "RateStalePeriodSet", value: 86_400n } },
  ],
  [
    "AggregatorAdded",
    SOURCE.rates,
    { currencyKey: ASSET, aggregator: BOB },
    { kind: "ORACLE_CONFIG", payload: { event: "AggregatorAdded", asset: ASSET, aggregator: BOB } },
  ],
  [
    "FuturesMarketSuspended",
    SOURCE.status,
    { marketKey: MARKET_KEY, reason: 2n },
    {
      kind: "MARKET_STATE",
      payload: { event: "SuspensionChanged", subject: `market:${MARKET_KEY}`, reason: 2n, suspended: true },
    },
  ],
  [
    "SystemResumed",
    SOURCE.status,
    { reason: 0n },
    { kind: "MARKET_STATE", payload: { event: "SuspensionChanged", subject: "system", reason: 0n, suspended: false } },
  ],
];

describe("decoding a log", () => {
  it.each(GOLDEN)("says what %s of %s means", (name, source, args, says) => {
    const { events, rejected } = decode(log(source, name, args));
    expect(rejected).toBeNull();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ protocol: "synthetix-perps-v2", id: "902-000000000010-000000", ...says });
    const { payload } = events[0] as CanonicalEvent;
    expect(payloadFromJson(payloadToJson(payload))).toEqual(payload);
  });

  it("knows every event its sources handle, and says nothing of another's storage", () => {
    for (const source of sources(CHAIN)) {
      for (const name of source.events) {
        expect(decode(log(source.name, name, {})).rejected, `${source.name}.${name}`).not.toMatch(/not an event/);
      }
    }
    const args = { contractName: bytes32Of("Exchanger"), record: bytes32Of("rateStalePeriod"), value: 1n };
    expect(decode(log(SOURCE.storage, "ValueSetUInt", args))).toEqual({ events: [], rejected: null });
  });

  it.each([
    ["an unknown event", SOURCE.market, "Transfer", {}],
    ["a margin that is no integer", SOURCE.market, "PositionModified", { ...TRADE, margin: "900" }],
    ["an account that is no address", SOURCE.market, "PositionModified", { ...TRADE, account: "0x12" }],
    ["a missing field", SOURCE.market, "FundingRecomputed", { funding: 1n, fundingRate: 1n, index: 1n }],
    ["a key of the wrong length", SOURCE.manager, "MarketAdded", { market: MARKET, asset: "0x12", marketKey: ASSET }],
    [
      "a parameter name that is no text",
      SOURCE.settings,
      "ParameterUpdated",
      { marketKey: MARKET_KEY, parameter: `0x${"00".repeat(32)}`, value: 1n },
    ],
    [
      "a parameter name of digits, which would read back as a number",
      SOURCE.settings,
      "ParameterUpdated",
      { marketKey: MARKET_KEY, parameter: bytes32Of("123"), value: 1n },
    ],
  ])("rejects %s with a sentence", (_what, source, name, args) => {
    expect(decode(log(source, name, args))).toEqual({ events: [], rejected: expect.stringMatching(/\.$/) });
  });
});
