import { describe, expect, it } from "vitest";
import { READ_ABIS, SOURCE } from "../../../../src/adapters/synthetix-perps-v2/sources.ts";
import type { Reading } from "../../../../src/core/event.ts";
import type { MarginModel } from "../../../../src/core/margin-model.ts";
import { ASSET, address, CHAIN, eventOf, log, MARKET, MARKET_KEY, readingOf, readyModel, said, WAD } from "./world.ts";

const SUSD = address(6);
const MANAGER = address(1);
const UNKNOWN = (reason: string) => ({ custody: null, reason });

function answer(model: MarginModel, key: string, result: Reading["result"]) {
  return model.applyReading(readingOf(said.marketAdded(10n), key, result));
}

describe("custody of Synthetix v2 perps", () => {
  it("asks for the manager's and each listed market's sUSD, and what each market owes", () => {
    const { model } = readyModel();
    const asked = model.epochReads().map(({ address, functionName, args }) => [address, functionName, ...args]);
    expect(asked).toEqual([
      [SUSD, "balanceOf", MANAGER],
      [SUSD, "balanceOf", MARKET],
      [MARKET, "marketDebt"],
    ]);
    for (const { abi, functionName } of model.epochReads()) {
      expect(READ_ABIS[abi]?.some((item) => "name" in item && item.name === functionName)).toBe(true);
    }
  });

  it("is all balances against each market's debt, and touches no account", () => {
    const { model } = readyModel();
    expect(model.custody(SUSD)).toEqual(UNKNOWN("NOT_YET_READ"));
    expect(answer(model, `balance:${MANAGER}`, [2n])).toEqual({ accounts: [], markets: [], everyone: false });
    answer(model, `balance:${MARKET}`, [3n]);
    expect(model.custody(SUSD)).toEqual(UNKNOWN("NOT_YET_READ"));
    answer(model, `debt:${MARKET}`, [9n * WAD, false]);
    expect(model.custody(SUSD)).toEqual({ custody: { held: 5n, owed: { [MARKET]: 9n * WAD } }, reason: null });
    expect(model.custody(address(7))).toEqual(UNKNOWN("NOT_YET_READ"));
  });

  it("names no market that owes nothing", () => {
    const { model } = readyModel();
    for (const holder of [MANAGER, MARKET]) answer(model, `balance:${holder}`, [0n]);
    answer(model, `debt:${MARKET}`, [0n, false]);
    expect(model.custody(SUSD).custody).toEqual({ held: 0n, owed: {} });
  });

  it("is unknown where a view reverts or calls its answer invalid, and undone with its readings", () => {
    const { model, journal } = readyModel();
    for (const holder of [MANAGER, MARKET]) answer(model, `balance:${holder}`, [1n]);
    answer(model, `debt:${MARKET}`, [9n, false]);
    const before = model.custody(SUSD);
    journal.mark("a");
    answer(model, `debt:${MARKET}`, [9n, true]);
    expect(model.custody(SUSD)).toEqual(UNKNOWN("STALE_ORACLE"));
    answer(model, `debt:${MARKET}`, null);
    expect(model.custody(SUSD)).toEqual(UNKNOWN("READ_REVERTED"));
    answer(model, `debt:${MARKET}`, [8n, false]);
    answer(model, `balance:${MARKET}`, null);
    expect(model.custody(SUSD)).toEqual(UNKNOWN("READ_REVERTED"));
    journal.undoFrom("a");
    expect(model.custody(SUSD)).toEqual(before);
  });

  it("counts the markets listed now: a new one is still to be read, a removed one is gone", () => {
    const { model } = readyModel();
    for (const holder of [MANAGER, MARKET]) answer(model, `balance:${holder}`, [1n]);
    answer(model, `debt:${MARKET}`, [9n, false]);
    const listing = (name: string, market = MARKET) =>
      model.apply(eventOf(log(SOURCE.manager, name, { market, asset: ASSET, marketKey: MARKET_KEY })));
    listing("MarketAdded", address(0xd1));
    expect(model.custody(SUSD)).toEqual(UNKNOWN("NOT_YET_READ"));
    listing("MarketRemoved", address(0xd1));
    listing("MarketRemoved");
    expect(model.custody(SUSD).custody).toEqual({ held: 1n, owed: {} });
    expect(model.epochReads().map(({ args }) => args)).toEqual([[MANAGER]]);
    expect(CHAIN.protocols.length).toBe(1);
  });
});
