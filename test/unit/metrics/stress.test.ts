import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compute } from "../../../src/core/metrics/compute.ts";
import type { MetricOf } from "../../../src/core/metrics/inputs.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import { largestLosses, protocolInputs } from "../../../src/core/metrics/stress.ts";
import { conditionOf } from "../../../src/core/rules/assess.ts";
import { known, ruleOf, unknown, wad } from "../rules/figures.ts";

const NONE = known(0n);

function value(metric: MetricOf<"PRT">, inputs: Inputs): bigint | string {
  const result = compute(metric, inputs, "USDC");
  return result.value ?? result.reason;
}

describe("the largest losses", () => {
  it("are of the three accounts that fall furthest below zero, and zero where fewer do", () => {
    const equities = [5n, -2n, -7n, 0n, -3n, -1n].map(known);
    expect(largestLosses(equities)).toEqual([known(7n), known(3n), known(2n)]);
    expect(largestLosses([known(-1n)])).toEqual([known(1n), NONE, NONE]);
    expect(largestLosses([])).toEqual([NONE, NONE, NONE]);
  });

  it("are the same in every order of accounts, and count equal ones each", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -9n, max: 3n }), { maxLength: 12 }), (equities) => {
        const expected = [...equities, 0n, 0n, 0n].sort((a, b) => Number(a - b)).slice(0, 3);
        const found = largestLosses(equities.map(known));
        expect(found.map((loss) => loss.value)).toEqual(expected.map((e) => (e < 0n ? -e : 0n)));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("are unknown with one unknown equity, whatever the others are", () => {
    const stale = unknown("STALE_ORACLE");
    expect(largestLosses([known(-9n), stale, known(-1n)])).toEqual([stale, stale, stale]);
  });
});

describe("cover", () => {
  const losses = new Map([
    ["down-20", largestLosses([-1n, -1n, -1n].map(wad).map(known))],
    ["down-30", largestLosses([known(-wad(5n)), known(-wad(2n))])],
  ]);

  it("has one set of inputs for all three ratios: the fund with the pool, and three losses by scenario", () => {
    const absorbers = { fund: known(wad(6n)), pool: known(wad(1n)) };
    const { inputs } = protocolInputs("PRT.COVER1", { absorbers, losses });
    expect(inputs).toEqual({
      prefunded: wad(7n),
      "loss1.down-20": wad(1n),
      "loss2.down-20": wad(1n),
      "loss3.down-20": wad(1n),
      "loss1.down-30": wad(5n),
      "loss2.down-30": wad(2n),
      "loss3.down-30": 0n,
    });
    if (inputs === null) throw new Error("There are inputs.");
    expect(value("PRT.COVER1", inputs)).toBe((wad(1n) * 14n) / 10n);
    expect(value("PRT.COVER2", inputs)).toBe(wad(1n));
    expect(value("PRT.DF_COVER_EMIR", inputs)).toBe((wad(1n) * 14n) / 10n);
  });

  it("is unknown where the fund, the pool or a loss is, and of nothing where no scenario makes a loss", () => {
    const fund = known(wad(6n));
    const hidden = { fund, pool: unknown("PROTOCOL_HIDES_STATE") };
    expect(protocolInputs("PRT.COVER1", { absorbers: hidden, losses }).reason).toBe("PROTOCOL_HIDES_STATE");
    const unread = { fund: unknown("NOT_YET_READ"), pool: NONE };
    expect(protocolInputs("PRT.COVER2", { absorbers: unread, losses }).reason).toBe("NOT_YET_READ");
    const dark = new Map([["down-20", largestLosses([unknown("NO_PRICE")])]]);
    expect(protocolInputs("PRT.COVER1", { absorbers: { fund, pool: NONE }, losses: dark }).reason).toBe("NO_PRICE");
    const calm = new Map([["down-20", largestLosses([known(1n)])]]);
    const { inputs } = protocolInputs("PRT.COVER1", { absorbers: { fund, pool: NONE }, losses: calm });
    expect(inputs && value("PRT.COVER1", inputs)).toBe("NO_POSITION");
  });

  it("fails where the fund stands below zero, though no scenario makes a loss", () => {
    const calm = new Map([["down-20", largestLosses([known(1n)])]]);
    for (const metric of ["PRT.COVER1", "PRT.COVER2", "PRT.DF_COVER_EMIR"] as const) {
      const { inputs } = protocolInputs(metric, { absorbers: { fund: known(-1n), pool: NONE }, losses: calm });
      if (inputs === null) throw new Error("There are inputs.");
      const result = compute(metric, inputs, "USDC");
      expect(result.reason).toBe("UNDEFINED_AT_ZERO");
      expect(conditionOf(ruleOf("EU-CCP-COVER2"), { metric, inputs, result })).toBe("not_met");
    }
  });

  it("of two, and of EMIR's two, is never above cover of one", () => {
    const equities = fc.array(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 22n }), { maxLength: 8 });
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(equities, { minLength: 1, maxLength: 4 }),
        fc.bigInt({ min: 0n, max: 10n ** 25n }),
        (scenarios, fund) => {
          const stressed = scenarios.map((one, i) => [`s${i}`, largestLosses(one.map(known))] as const);
          const context = { absorbers: { fund: known(fund), pool: NONE }, losses: new Map(stressed) };
          const { inputs } = protocolInputs("PRT.COVER1", context);
          if (inputs === null) throw new Error("There are inputs.");
          const ids = ["PRT.COVER1", "PRT.COVER2", "PRT.DF_COVER_EMIR"] as const;
          const [one, two, emir] = ids.map((id) => value(id, inputs));
          if (typeof one !== "bigint" || typeof two !== "bigint" || typeof emir !== "bigint") {
            expect([one, two, emir]).toEqual(["NO_POSITION", "NO_POSITION", "NO_POSITION"]);
            return;
          }
          compared++;
          expect(two <= one && emir <= one).toBe(true);
        },
      ),
      { seed: 1, numRuns: 400 },
    );
    expect(compared).toBeGreaterThan(200);
  });
});

describe("loss that others bear", () => {
  const loss = (badDebt: bigint, fund: bigint) => {
    const context = { absorbers: { fund: known(fund), pool: NONE }, badDebt };
    const { inputs } = protocolInputs("PRT.SOCIALISED_LOSS_30D", context);
    return inputs && value("PRT.SOCIALISED_LOSS_30D", inputs);
  };

  it("is what a fund below zero has only noted, and all of it where there is no fund", () => {
    expect(loss(10n, 5n)).toBe(0n);
    expect(loss(10n, -4n)).toBe(4n);
    expect(loss(10n, -40n)).toBe(10n);
    expect(loss(10n, 0n)).toBe(10n);
    expect(loss(0n, 0n)).toBe(0n);
  });

  it("is unknown while the fund is", () => {
    const absorbers = { fund: unknown("NOT_YET_READ"), pool: NONE };
    expect(protocolInputs("PRT.SOCIALISED_LOSS_30D", { absorbers, badDebt: 1n }).reason).toBe("NOT_YET_READ");
  });
});
