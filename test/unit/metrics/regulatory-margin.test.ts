import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compute, fractionOf } from "../../../src/core/metrics/compute.ts";
import { accountInputs, positionInputs } from "../../../src/core/metrics/figures.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import { account, group, known, market, position, product, unknown, wad } from "../rules/figures.ts";
import { holding, posted } from "./collateral.ts";

const WAD = 10n ** 18n;
const RATES = new Map([["crypto" as const, (WAD * 15n) / 100n]]);

describe("margin by the schedule", () => {
  const term = fc.record({
    notional: fc.bigInt({ min: 0n, max: 10n ** 28n }),
    rate: fc.bigInt({ min: 0n, max: WAD }),
  });
  const netting = fc
    .record({ gross: fc.bigInt({ min: 0n, max: 10n ** 27n }), share: fc.bigInt({ min: 0n, max: WAD }) })
    .map(({ gross, share }) => ({ grossReplacement: gross, netReplacement: (gross * share) / WAD }));

  it("is between 0.4 and 1 times gross margin, for any net-to-gross ratio from 0 to 1", () => {
    fc.assert(
      fc.property(fc.array(term, { maxLength: 5 }), netting, (terms, replacement) => {
        const named = terms.flatMap(({ notional, rate }, i) => [
          [`notional.c${i}`, notional],
          [`rate.c${i}`, rate],
        ]);
        const inputs = { ...(Object.fromEntries(named) as Inputs), ...replacement };
        const required = compute("ACC.IM_REQ_REG", inputs, "USDC").value ?? -1n;
        // Gross margin with 36 decimals, so that nothing is rounded before the comparison.
        const gross = terms.reduce((sum, { notional, rate }) => sum + notional * rate, 0n);
        expect(required * WAD * 10n >= gross * 4n).toBe(true);
        expect((required - 1n) * WAD < gross || required === 0n).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("nets what positions are worth to the venue, which is what their holder has lost", () => {
    const lost = position({ unrealizedPnl: known(-wad(30n)) });
    const won = position({ market: "btc", unrealizedPnl: known(wad(10n)) });
    const held = { account: account(group({ positions: [lost, won] })), marketOf: () => market(), rates: RATES };
    expect(accountInputs("ACC.IM_REQ_REG", held).inputs).toEqual({
      "notional.crypto": wad(4000n),
      "rate.crypto": (WAD * 15n) / 100n,
      netReplacement: wad(20n),
      grossReplacement: wad(30n),
    });
  });

  it("leaves out products that are out of the rule's scope, and is nothing without a position", () => {
    const positions = [position(), position({ market: "xau", notional: known(wad(9n)) })];
    const gold = market({ key: "xau", product: product({ underlierClass: "gold" }) });
    const held = {
      account: account(group({ positions })),
      marketOf: (key: string) => (key === "xau" ? gold : market()),
      rates: RATES,
    };
    expect(accountInputs("ACC.IM_REQ_REG", held).reason).toBe("NO_RATE");
    const counts = (p: { underlierClass: string }) => p.underlierClass === "crypto";
    expect(accountInputs("ACC.IM_REQ_REG", { ...held, counts }).inputs).toMatchObject({
      "notional.crypto": wad(2000n),
    });
    const flat = { ...held, account: account(group({ positions: [] })) };
    expect(accountInputs("ACC.IM_REQ_REG", flat).inputs).toEqual({ netReplacement: 0n, grossReplacement: 0n });
  });

  it("is unknown with an unknown notional or result, and without rates", () => {
    const of = (change: Parameters<typeof position>[0], rates: typeof RATES | null = RATES) => {
      const held = { account: account(group({ positions: [position(change)] })), marketOf: () => market(), rates };
      return accountInputs("ACC.IM_REQ_REG", held).reason;
    };
    expect(of({ notional: unknown("NO_PRICE") })).toBe("NO_PRICE");
    expect(of({ unrealizedPnl: unknown("STALE_ORACLE") })).toBe("STALE_ORACLE");
    expect(of({}, null)).toBe("NO_RATE");
  });
});

describe("margin not collected", () => {
  const held = { account: account(group()), marketOf: () => market(), rates: RATES };

  it("is what collateral before any weight leaves of it", () => {
    const both = posted([holding("USDC", 100n), holding("WETH", 50n, 10n)]);
    const { inputs } = accountInputs("CPT.UNMARGINED_IM", { ...held, posted: both });
    expect(inputs).toMatchObject({ collateral: wad(150n) });
    expect(inputs && compute("CPT.UNMARGINED_IM", inputs, "USDC").value).toBe(wad(150n));
  });

  it("is decided on the exact fraction", () => {
    const inputs = {
      "notional.crypto": 10n,
      "rate.crypto": WAD / 10n,
      netReplacement: 1n,
      grossReplacement: 3n,
      collateral: 0n,
    };
    // 0.4 + 0.6 / 3 = 0.6 of one unit of the last digit, shown as 1.
    expect(compute("CPT.UNMARGINED_IM", inputs, "USDC").value).toBe(1n);
    const exact = fractionOf({ metric: "CPT.UNMARGINED_IM", inputs });
    expect(exact && exact.numerator * WAD * 10n).toBe(exact && exact.denominator * 6n);
  });

  it("and its shortfall are unknown without collateral figures", () => {
    expect(accountInputs("CPT.UNMARGINED_IM", held).reason).toBe("NO_COLLATERAL");
    expect(accountInputs("ACC.REG_SHORTFALL", held).reason).toBe("NO_COLLATERAL");
    const terms = { ...held, posted: posted([holding("USDC", 1n)]) };
    expect(accountInputs("ACC.REG_SHORTFALL", terms).reason).toBe("NO_RATE");
    expect(accountInputs("ACC.REG_SHORTFALL", { ...terms, rates: null }).reason).toBe("NO_RATE");
  });
});

describe("the margin rate to compare with the schedule", () => {
  it("is all collateral before weights over all notional under cross margin, and the position's own when isolated", () => {
    const holdings = () => [holding("USDC", 100n), holding("WETH", 50n, 10n)];
    const cross = { group: group({ collateral: known(wad(110n)) }), position: position(), market: market(), holdings };
    expect(positionInputs("POS.IM_RATE_STD", cross).inputs).toEqual({ collateral: wad(150n), notional: wad(2000n) });
    const isolated = { ...cross, group: group({ key: "eth", collateral: known(wad(110n)) }) };
    expect(positionInputs("POS.IM_RATE_STD", isolated).inputs).toEqual({
      collateral: wad(110n),
      notional: wad(2000n),
    });
    const { holdings: _, ...blind } = cross;
    expect(positionInputs("POS.IM_RATE_STD", blind).reason).toBe("NO_COLLATERAL");
  });
});
