import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MetricId } from "../../../src/core/metrics/catalogue.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import { conditionOf, type Measured } from "../../../src/core/rules/assess.ts";
import type { Rule } from "../../../src/core/rules/rule.ts";
import { slack } from "../../../src/core/rules/slack.ts";
import { ruleOf, wad } from "./figures.ts";

const WAD = 10n ** 18n;
const money = fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n });
const positive = fc.bigInt({ min: 1n, max: 10n ** 24n });
const share = fc.bigInt({ min: -WAD, max: WAD });

type Figures = { equity: bigint; requirement: bigint; notional: bigint };

/** Each continuous rule, with the inputs its metric takes from equity, requirement and notional. */
const RULES: [string, MetricId, (figures: Figures) => Inputs][] = [
  ["PERP-V2-MAINTENANCE", "ACC.MARGIN_RATIO", (f) => ({ equity: f.equity, maintenance: f.requirement })],
  ["SYNTHETIX-PERPS-V2-MAINTENANCE", "POS.MARGIN_RATIO", (f) => ({ equity: f.equity, maintenance: f.requirement })],
  [
    "EU-CFD-CLOSEOUT-50",
    "ACC.CLOSEOUT_RATIO",
    (f) => ({ equity: f.equity, "notional.crypto": f.notional, "rate.crypto": WAD / 2n }),
  ],
  ["EU-CFD-NBP", "ACC.NET_EQUITY", (f) => ({ "equity.cross": f.equity })],
  ["JP-CRYPTO-LEV-IND", "POS.LEVERAGE_EFFECTIVE", (f) => ({ notional: f.notional, equity: f.equity })],
];

function measured(metric: MetricId, inputs: Inputs): Measured {
  return { metric, inputs, result: compute(metric, inputs, "USDC") };
}

function slackOf(rule: Rule, [metric, inputs, exposure]: [MetricId, Inputs, bigint]): bigint | null {
  return slack(rule, measured(metric, inputs), exposure);
}

/** Moves prices by `price` and pays `funding` of the notional as it then is; both relative, 18 decimals. */
function move(f: Figures, { price, funding, pnl }: { price: bigint; funding: bigint; pnl: bigint }): Figures {
  const notional = f.notional + (f.notional * price) / WAD;
  const gain = (f.notional * price * pnl) / WAD / WAD;
  const paid = (notional * funding) / WAD;
  return { equity: f.equity + gain - paid, requirement: f.requirement + (f.requirement * price) / WAD, notional };
}

describe("slack", () => {
  it.each(RULES)("%s cannot change while prices and funding stay below it", (id, metric, inputsOf) => {
    let wide = 0;
    const figures = fc.record({ equity: money, requirement: positive, notional: positive });
    fc.assert(
      fc.property(figures, share, share, fc.constantFrom(-WAD, WAD), (f, split, size, pnl) => {
        const rule = ruleOf(id);
        const before = measured(metric, inputsOf(f));
        const room = slack(rule, before, f.notional);
        if (room === null || room === 0n) return;
        wide++;
        // All of the room but a hair, in any mix of price and funding; a price cannot fall by more than all of it.
        const most = room < WAD ? room - 1n : WAD - 1n;
        const price = (most * split) / WAD;
        const rest = room - 1n - (price < 0n ? -price : price);
        const funding = (rest * size) / WAD;
        const after = measured(metric, inputsOf(move(f, { price, funding, pnl })));
        expect(conditionOf(rule, after)).toBe(conditionOf(rule, before));
      }),
      { seed: 1, numRuns: 2000 },
    );
    expect(wide).toBeGreaterThan(1500);
  });

  it("is not far below what changes the condition", () => {
    const rule = ruleOf("PERP-V2-MAINTENANCE");
    const f = { equity: wad(110n), requirement: wad(100n), notional: wad(1600n) };
    const room = slack(
      rule,
      measured("ACC.MARGIN_RATIO", { equity: f.equity, maintenance: f.requirement }),
      f.notional,
    );
    if (room === null) throw new Error("A price can change this condition.");
    const beyond = move(f, { price: (-room * 102n) / 100n, funding: 0n, pnl: WAD });
    const rising = { ...beyond, requirement: f.requirement + (f.requirement * room * 102n) / WAD / 100n };
    const after = measured("ACC.MARGIN_RATIO", { equity: rising.equity, maintenance: rising.requirement });
    expect(conditionOf(rule, after)).toBe("not_met");
  });

  it("is zero at the threshold, and for figures that may become known with the next price", () => {
    const rule = ruleOf("PERP-V2-MAINTENANCE");
    const at: [MetricId, Inputs, bigint] = ["ACC.MARGIN_RATIO", { equity: wad(1n), maintenance: wad(1n) }, wad(1n)];
    expect(slackOf(rule, at)).toBe(0n);
    // A thousand units are no room: the protocol's own divisions may take more.
    const beside: Inputs = { equity: wad(1n) + 1000n, maintenance: wad(1n) };
    expect(slackOf(rule, ["ACC.MARGIN_RATIO", beside, 1000n])).toBe(0n);
    const result = { value: null, decimals: 18, unit: "ratio", reason: "STALE_ORACLE" } as const;
    expect(slack(rule, { metric: "ACC.MARGIN_RATIO", inputs: {}, result }, wad(1n))).toBe(0n);
  });

  it("is null where no price can change the condition", () => {
    const ban = ruleOf("UK-CRYPTO-DERIV-BAN");
    const notional = { "notional.eth": wad(5n) };
    expect(slackOf(ban, ["ACC.RETAIL_CRYPTO_DERIV_NOTIONAL", notional, wad(5n)])).toBeNull();
    const result = { value: null, decimals: 18, unit: "ratio", reason: "NO_RATE" } as const;
    expect(
      slack(ruleOf("UK-CFD-CLOSEOUT-50"), { metric: "ACC.CLOSEOUT_RATIO", inputs: {}, result }, wad(5n)),
    ).toBeNull();
    expect(slackOf(ruleOf("EU-CFD-NBP"), ["ACC.NET_EQUITY", { "equity.cross": wad(5n) }, 0n])).toBeNull();
  });
});
