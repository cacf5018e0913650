import { describe, expect, it } from "vitest";
import { perpV2 } from "../../../../src/adapters/perp-v2/index.ts";
import type { CanonicalEvent, Log } from "../../../../src/core/event.ts";
import { payloadFromJson, payloadToJson } from "../../../../src/core/event.ts";
import { FIXTURE, recordedLogs } from "./fixture.ts";

const LOGS = recordedLogs().filter((log) => log.source.startsWith("PerpV2"));

function logOf(source: string, name: string): Log {
  const log = LOGS.find((l) => l.source === source && l.name === name);
  if (log === undefined) throw new Error(`The recorded session has no ${source}.${name}.`);
  return log;
}

function decoded(log: Log): CanonicalEvent {
  const { events, rejected } = perpV2.decode(log);
  expect(rejected).toBeNull();
  return events[0] as CanonicalEvent;
}

describe("sources", () => {
  it("handle every event of their ABI, under names of their own", () => {
    const sources = perpV2.sources(FIXTURE.chain);
    expect(new Set(sources.map((s) => s.name)).size).toBe(sources.length);
    for (const { name, events } of sources) {
      expect(name).toMatch(/^PerpV2/);
      expect(new Set(events).size).toBe(events.length);
      for (const event of events) {
        const log = { ...(LOGS[0] as Log), source: name, name: event, args: {} };
        expect(perpV2.decode(log).rejected, `${name}.${event}`).not.toMatch(/has no event/);
      }
    }
  });

  it("are none on a chain without the protocol", () => {
    expect(perpV2.sources({ ...FIXTURE.chain, protocols: [] })).toEqual([]);
  });
});

describe("decode", () => {
  it("gives the kinds of the canonical model", () => {
    const kinds = new Map(LOGS.map((log) => [`${log.source.slice(6)}.${log.name}`, decoded(log).kind]));
    expect(Object.fromEntries([...kinds].sort())).toEqual({
      "AccountBalance.PnlRealized": "SETTLEMENT",
      "ClearingHouse.FundingPaymentSettled": "FUNDING",
      "ClearingHouse.LiquidityChanged": "LP_CHANGE",
      "ClearingHouse.PositionChanged": "TRADE",
      "ClearingHouse.PositionLiquidated": "LIQUIDATION",
      "CollateralManager.CollateralAdded": "MARKET_PARAM_CHANGE",
      "Exchange.FundingUpdated": "MARKET_STATE",
      "MarketRegistry.FeeRatioChanged": "MARKET_PARAM_CHANGE",
      "MarketRegistry.InsuranceFundFeeRatioChanged": "MARKET_PARAM_CHANGE",
      "MarketRegistry.PoolAdded": "MARKET_LISTED",
      "Pool.Initialize": "MARKET_STATE",
      "Pool.Swap": "MARKET_STATE",
      "PriceFeed.ChainlinkPriceUpdated": "MARKET_STATE",
      "Vault.BadDebtSettled": "BAD_DEBT",
      "Vault.CollateralLiquidated": "LIQUIDATION",
      "Vault.Deposited": "COLLATERAL_CHANGE",
      "Vault.Withdrawn": "COLLATERAL_CHANGE",
    });
  });

  it("keeps a trade's own words and states it canonically", () => {
    const log = logOf("PerpV2ClearingHouse", "PositionChanged");
    const args = log.args as Record<"baseToken" | "trader", string> &
      Record<"exchangedPositionSize" | "exchangedPositionNotional" | "fee" | "openNotional", bigint>;
    const event = decoded(log);
    expect(event).toMatchObject({
      protocol: "perp-v2",
      kind: "TRADE",
      market: args.baseToken.toLowerCase(),
      account: args.trader.toLowerCase(),
      sizeDelta: args.exchangedPositionSize,
      amount: args.exchangedPositionNotional,
      asset: "vUSD",
      fee: args.fee,
    });
    expect(event.payload).toMatchObject({ event: "PositionChanged", openNotional: args.openNotional });
    const { exchangedPositionSize: size, exchangedPositionNotional: notional } = args;
    expect(event.price).toBe(((notional < 0n ? -notional : notional) * 10n ** 18n) / (size < 0n ? -size : size));
  });

  it("reads back from the JSON form of its payload", () => {
    for (const log of LOGS) {
      const { payload } = decoded(log);
      expect(payloadFromJson(JSON.parse(JSON.stringify(payloadToJson(payload))))).toEqual(payload);
    }
  });

  it("rejects a log with any one field missing or of another kind, and says which", () => {
    for (const name of new Set(LOGS.map((log) => `${log.source}.${log.name}`))) {
      const log = LOGS.find((l) => `${l.source}.${l.name}` === name) as Log;
      const { event: _, ...fields } = decoded(log).payload;
      for (const field of Object.keys(fields)) {
        for (const wrong of [undefined, null, {}, 0.5, "0x12"]) {
          const { events, rejected } = perpV2.decode({ ...log, args: { ...log.args, [field]: wrong } });
          expect(events).toEqual([]);
          expect(rejected).toContain(field);
        }
      }
    }
  });

  it("rejects an event nobody handles", () => {
    const log = { ...(LOGS[0] as Log), name: "Paused" };
    expect(perpV2.decode(log)).toEqual({ events: [], rejected: expect.stringContaining("Paused") });
  });
});
