import { describe, expect, it } from "vitest";
import type { Position } from "../../../../src/adapters/synthetix-perps-v2/arithmetic.ts";
import { equityUnder, type Held, holdingsOf } from "../../../../src/adapters/synthetix-perps-v2/collateral.ts";
import type { Moment } from "../../../../src/adapters/synthetix-perps-v2/moment.ts";
import { InputError } from "../../../../src/core/errors.ts";
import { ALICE, BOB, readyModel, START, said, WAD } from "./world.ts";

const NOW = START + 100n;
const PERCENT = WAD / 100n;

/** ALICE is long 2 at 2,000 with 500 of margin; BOB has margin and no position. */
function traded() {
  const { model } = readyModel();
  model.apply(said.funding(1n));
  model.apply(said.position(ALICE, { margin: 500n * WAD, size: 2n * WAD }));
  model.apply(said.position(BOB, { margin: 70n * WAD, size: 0n, tradeSize: 0n, skew: 2n * WAD }));
  return model;
}

describe("holdings", () => {
  it("are one of sUSD, worth what the margin groups state", () => {
    const model = traded();
    const [only, ...others] = model.holdings(ALICE, NOW);
    const stated = model.account(ALICE, NOW).groups[0]?.collateral.value;
    expect(others).toEqual([]);
    expect(only).toMatchObject({ asset: "sUSD", isSettlement: true, units: stated, price: { value: WAD } });
    expect(only?.value.value).toBe(stated);
    expect(only?.counted).toEqual(only?.value);
    expect(model.holdings(BOB, NOW)[0]?.value.value).toBe(70n * WAD);
    expect(model.holdings("0x00000000000000000000000000000000000000ff", NOW)).toEqual([]);
  });

  it("are unknown in value where funding is, and still have their margin as units", () => {
    const model = traded();
    const late = NOW + 90_000n;
    expect(model.holdings(ALICE, late)[0]).toMatchObject({
      units: 500n * WAD,
      value: { value: null, reason: "STALE_ORACLE" },
    });
    expect(model.holdings(BOB, late)[0]?.value.value).toBe(70n * WAD);
  });
});

describe("equity under a shock", () => {
  it("is the equity the group states when nothing moves, and moves with size and price", () => {
    const model = traded();
    const under = (shock: bigint) => model.equityUnder(ALICE, { now: NOW, shock }).value ?? 0n;
    const equity = model.account(ALICE, NOW).groups[0]?.equity.value ?? 0n;
    expect(under(0n)).toBe(equity);
    expect(under(-20n * PERCENT)).toBe(equity - 800n * WAD);
    expect(under(30n * PERCENT)).toBe(equity + 1200n * WAD);
    expect(() => under(-WAD - 1n)).toThrow(InputError);
  });

  it("is unknown with a stale price, and margin without a position needs none", () => {
    const model = traded();
    const late = { now: NOW + 90_000n, shock: -20n * PERCENT };
    expect(model.equityUnder(ALICE, late)).toEqual({ value: null, reason: "STALE_ORACLE" });
    expect(model.equityUnder(BOB, late).value).toBe(70n * WAD);
  });

  const moment: Moment = {
    price: 100n * WAD,
    reason: null,
    valid: true,
    terms: { funding: { rate: 0n, velocity: 0n, unrecorded: 0n, nextEntry: 0n } } as Moment["terms"],
  };
  const held = (margin: bigint, size: bigint): Held => {
    const fields = { id: 1n, lastFundingIndex: 0n, entryFunding: null, lastPrice: 100n * WAD };
    const position: Position = { ...fields, margin: margin * WAD, size: size * WAD };
    return { position, moment };
  };

  it("adds up isolated margins while each holds, and counts the shortfalls alone once one does not", () => {
    const both = [held(50n, 1n), held(1000n, -1n)];
    expect(equityUnder(both, -20n * PERCENT).value).toBe((50n - 20n + 1000n + 20n) * WAD);
    expect(equityUnder(both, -60n * PERCENT).value).toBe(-10n * WAD);
    expect(equityUnder([...both, held(5n, 1n)], -60n * PERCENT).value).toBe(-65n * WAD);
  });

  it("rounds a fraction of a unit against the holder", () => {
    const tiny = { ...held(0n, 0n), position: { ...held(0n, 0n).position, size: 1n } };
    expect(equityUnder([tiny], -PERCENT / 2n).value).toBe(-1n);
    expect(equityUnder([tiny], PERCENT / 2n).value).toBe(0n);
  });

  it("has no holding where margins are empty", () => {
    expect(holdingsOf("sUSD", [held(0n, 0n)])).toEqual([]);
  });
});

describe("what stands behind defaults", () => {
  it("is no fund, and a pool of debt that the contracts followed do not show", () => {
    expect(traded().absorbers(NOW)).toEqual({
      fund: { value: 0n, reason: null },
      pool: { value: null, reason: "PROTOCOL_HIDES_STATE" },
    });
  });
});
