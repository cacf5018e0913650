import { describe, expect, it } from "vitest";
import type { Condition } from "../../../src/core/assessment.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import {
  conditionOf,
  type Measured,
  type Moment,
  questionsFor,
  type RuleQuery,
} from "../../../src/core/rules/assess.ts";
import { account, BOOK, group, known, market, position, product, ruleOf, unknown, wad } from "./figures.ts";
import { measureAccount, measurePosition } from "./measure.ts";

const UNIT = "USDC";

function opening(id: string, notional: bigint, collateral: bigint): Measured {
  const pool = group({ grossNotional: known(notional), collateral: known(collateral), equity: known(1n) });
  return measurePosition(ruleOf(id), {
    group: pool,
    position: position(),
    market: market(),
    testPoint: "open",
    unit: UNIT,
  });
}

function daily(id: string, notional: bigint, equity: bigint): Measured {
  const pool = group({ grossNotional: known(notional), equity: known(equity), collateral: known(wad(1_000_000n)) });
  return measurePosition(ruleOf(id), {
    group: pool,
    position: position(),
    market: market(),
    testPoint: "daily",
    unit: UNIT,
  });
}

function held(id: string, change: Parameters<typeof group>[0]): Measured {
  return measureAccount(ruleOf(id), { account: account(group(change)), marketOf: () => market(), unit: UNIT });
}

const closeOut = (id: string) => (step: bigint) =>
  held(id, { positions: [position({ notional: known(wad(100n)) })], equity: known(wad(25n) + step) });
const balance = (id: string) => (step: bigint) => held(id, { equity: known(step) });
const leverageCap = (id: string, cap: bigint) => (step: bigint) => opening(id, wad(100n) * cap + step, wad(100n));
const marginFloor = (id: string, percent: bigint) => (step: bigint) => opening(id, wad(100n), wad(percent) + step);

/** Rule, moment, figures one unit of account below, at and above the threshold, and the condition each must give. */
const TABLE: [id: string, moment: Moment, measure: (step: bigint) => Measured, conditions: Condition[]][] = [
  ["EU-CFD-LEV-CRYPTO", "open", leverageCap("EU-CFD-LEV-CRYPTO", 2n), ["met", "met", "not_met"]],
  ["EU-CFD-CLOSEOUT-50", "end", closeOut("EU-CFD-CLOSEOUT-50"), ["not_met", "met", "met"]],
  ["EU-CFD-NBP", "end", balance("EU-CFD-NBP"), ["not_met", "met", "met"]],
  ["AU-CFD-LEV-CRYPTO", "open", leverageCap("AU-CFD-LEV-CRYPTO", 2n), ["met", "met", "not_met"]],
  ["AU-CFD-CLOSEOUT-50", "end", closeOut("AU-CFD-CLOSEOUT-50"), ["not_met", "met", "met"]],
  ["AU-CFD-NBP", "end", balance("AU-CFD-NBP"), ["not_met", "met", "met"]],
  ["UK-CFD-NBP", "end", balance("UK-CFD-NBP"), ["not_met", "met", "met"]],
  [
    "UK-CRYPTO-DERIV-BAN",
    "end",
    (step) => held("UK-CRYPTO-DERIV-BAN", { positions: [position({ notional: known(1n + step) })] }),
    ["met", "not_met", "not_met"],
  ],
  ["JP-CRYPTO-LEV-IND", "open", leverageCap("JP-CRYPTO-LEV-IND", 2n), ["met", "met", "not_met"]],
  [
    "JP-CRYPTO-LEV-IND",
    "daily",
    (step) => daily("JP-CRYPTO-LEV-IND", wad(200n) + step, wad(100n)),
    ["met", "met", "not_met"],
  ],
  ["JP-CRYPTO-IM-IND", "open", marginFloor("JP-CRYPTO-IM-IND", 50n), ["not_met", "met", "met"]],
  [
    "JP-CRYPTO-IM-IND",
    "daily",
    (step) => daily("JP-CRYPTO-IM-IND", wad(100n), wad(50n) + step),
    ["not_met", "met", "met"],
  ],
  ["AE-VARA-ETD-LEV-RETAIL", "open", leverageCap("AE-VARA-ETD-LEV-RETAIL", 5n), ["met", "met", "not_met"]],
  ["AE-VARA-ETD-IM-RETAIL", "open", marginFloor("AE-VARA-ETD-IM-RETAIL", 20n), ["not_met", "met", "met"]],
  [
    "PERP-V2-MAINTENANCE",
    "end",
    (step) => held("PERP-V2-MAINTENANCE", { equity: known(wad(30_000n) + step), maintenance: known(wad(30_000n)) }),
    ["not_met", "met", "met"],
  ],
  [
    // The ratio of 30,000 and one unit above it are the same with 18 decimals: only the exact fraction tells them apart.
    "SYNTHETIX-PERPS-V2-MAINTENANCE",
    "end",
    (step) =>
      measurePosition(ruleOf("SYNTHETIX-PERPS-V2-MAINTENANCE"), {
        group: group({ key: "eth", equity: known(wad(30_000n) + step), maintenance: known(wad(30_000n)) }),
        position: position(),
        market: market(),
        testPoint: "end",
        unit: "sUSD",
      }),
    ["not_met", "not_met", "met"],
  ],
];

describe("every rule of the first set, one unit below, at and above its threshold", () => {
  it.each(TABLE)("%s at %s", (id, moment, measure, conditions) => {
    const rule = ruleOf(id);
    expect([-1n, 0n, 1n].map((step) => conditionOf(rule, measure(step)))).toEqual(conditions);
    const subject = rule.level === "POS" ? "position" : "account";
    const protocol = rule.scope.protocols?.[0] ?? "perp-v2";
    const query = { subject, moment, date: "2026-04-02", protocol, products: [market().product] } as const;
    expect(questionsFor(BOOK, query).map((question) => question.rule)).toContain(rule);
  });
});

describe("the custody rule", () => {
  const RULE = ruleOf("COLLATERAL-CUSTODY");
  const measured = (inputs: Inputs): Measured => {
    const metric = "AST.CUSTODY_COVERAGE";
    return { metric, inputs, result: compute(metric, inputs, UNIT) };
  };

  it.each([
    [-1n, "not_met"],
    [0n, "met"],
    [1n, "met"],
  ])("%s unit from what is owed is %s, creditors named or not", (step, condition) => {
    const held = wad(10n) + step;
    expect(conditionOf(RULE, measured({ held, "owed.alice": wad(4n), "owed.bob": wad(6n) }))).toBe(condition);
    expect(conditionOf(RULE, measured({ held, owed: wad(10n) }))).toBe(condition);
  });

  it("is met where nobody is owed anything, and unknown where a balance is", () => {
    expect(conditionOf(RULE, measured({ held: 0n }))).toBe("met");
    const result = { value: null, decimals: 18, unit: "ratio", reason: "READ_REVERTED" } as const;
    expect(conditionOf(RULE, { metric: "AST.CUSTODY_COVERAGE", inputs: {}, result })).toBe("unknown");
  });

  it("is asked of assets every epoch, of all protocols, and at no other moment", () => {
    const about = { subject: "asset", protocol: "any", products: [], asset: null, date: "2026-04-02" } as const;
    const asked = (["open", "daily", "end", "epoch", "transfer"] as const).filter((moment) =>
      questionsFor(BOOK, { ...about, moment }).some(({ rule }) => rule === RULE),
    );
    expect(asked).toEqual(["epoch"]);
    expect(questionsFor(BOOK, { ...about, moment: "epoch" }).map(({ rule }) => rule)).toEqual([RULE]);
  });
});

describe("the UK close-out rule, which has no rate for crypto", () => {
  it("is unknown for a crypto position and says NO_RATE", () => {
    const measured = closeOut("UK-CFD-CLOSEOUT-50")(wad(1000n));
    expect(measured.result).toMatchObject({ value: null, reason: "NO_RATE", unit: "ratio" });
    expect(conditionOf(ruleOf("UK-CFD-CLOSEOUT-50"), measured)).toBe("unknown");
  });

  it.each([
    [-1n, "not_met"],
    [0n, "met"],
    [1n, "met"],
  ])("uses its own 5 %% for gold: %s unit from the threshold is %s", (step, condition) => {
    const gold = market({ product: product({ underlierClass: "gold" }) });
    const pool = group({ positions: [position({ notional: known(wad(100n)) })], equity: known(wad(5n) / 2n + step) });
    const rule = ruleOf("UK-CFD-CLOSEOUT-50");
    const measured = measureAccount(rule, { account: account(pool), marketOf: () => gold, unit: UNIT });
    expect(conditionOf(rule, measured)).toBe(condition);
  });
});

describe("what cannot be known", () => {
  it.each(TABLE.map(([id, moment]) => [id, moment] as const))(
    "%s at %s is unknown under a stale price",
    (id, moment) => {
      const stale = unknown("STALE_ORACLE");
      const pool = group({
        collateral: stale,
        equity: stale,
        grossNotional: stale,
        positions: [position({ notional: stale })],
      });
      const rule = ruleOf(id);
      const at = { group: pool, position: position(), market: market(), testPoint: moment, unit: UNIT };
      const measured =
        rule.level === "POS"
          ? measurePosition(rule, at)
          : measureAccount(rule, { account: account(pool), marketOf: () => market(), unit: UNIT });
      expect(measured.inputs).toEqual({});
      expect(measured.result).toMatchObject({ value: null, reason: "STALE_ORACLE" });
      expect(conditionOf(rule, measured)).toBe("unknown");
    },
  );

  it.each([0n, -1n, wad(-50n)])("leverage on an equity of %s fails the cap and has no number", (equity) => {
    const measured = daily("JP-CRYPTO-LEV-IND", wad(100n), equity);
    expect(measured.result).toMatchObject({ value: null, reason: "NON_POSITIVE_EQUITY" });
    expect(conditionOf(ruleOf("JP-CRYPTO-LEV-IND"), measured)).toBe("not_met");
  });

  it("an account without a position has no close-out ratio, and nothing to close out", () => {
    const measured = held("EU-CFD-CLOSEOUT-50", { positions: [], equity: known(-1n) });
    expect(measured.result.reason).toBe("NO_POSITION");
    expect(conditionOf(ruleOf("EU-CFD-CLOSEOUT-50"), measured)).toBe("met");
  });

  it.each([
    [-1n, "not_met"],
    [0n, "met"],
  ])("with a requirement of zero, an equity of %s is %s", (equity, condition) => {
    const measured = held("PERP-V2-MAINTENANCE", { equity: known(equity), maintenance: known(0n) });
    expect(measured.result).toMatchObject({ value: null, reason: "UNDEFINED_AT_ZERO" });
    expect(conditionOf(ruleOf("PERP-V2-MAINTENANCE"), measured)).toBe(condition);
  });
});

describe("which rules are asked", () => {
  const ids = (query: Partial<RuleQuery>) =>
    questionsFor(BOOK, {
      subject: "position",
      moment: "open",
      protocol: "perp-v2",
      products: [market().product],
      date: "2026-04-02",
      ...query,
    }).map(({ rule }) => rule.id);

  it("tests leverage and margin floors at an opening only, Japan's also daily", () => {
    expect(ids({})).toEqual([
      "AE-VARA-ETD-LEV-RETAIL",
      "AE-VARA-ETD-IM-RETAIL",
      "AU-CFD-LEV-CRYPTO",
      "EU-CFD-LEV-CRYPTO",
      "JP-CRYPTO-LEV-IND",
      "JP-CRYPTO-IM-IND",
      "SG-DPT-RETAIL-NO-LEVERAGE",
    ]);
    expect(ids({ moment: "daily" }).filter((id) => id.startsWith("JP-"))).toEqual([
      "JP-CRYPTO-LEV-IND",
      "JP-CRYPTO-IM-IND",
    ]);
    expect(ids({ moment: "end" })).toEqual([]);
  });

  it("asks a protocol's own rule of that protocol only", () => {
    expect(ids({ moment: "end", protocol: "synthetix-perps-v2" })).toEqual(["SYNTHETIX-PERPS-V2-MAINTENANCE"]);
    expect(ids({ subject: "account", moment: "end" })).toContain("PERP-V2-MAINTENANCE");
    expect(ids({ subject: "account", moment: "end", protocol: "synthetix-perps-v2" })).not.toContain(
      "PERP-V2-MAINTENANCE",
    );
  });

  it("asks crypto rules of crypto only, and of an account as soon as one of its products is in scope", () => {
    const gold = product({ underlierClass: "gold" });
    expect(ids({ products: [gold] }).filter((id) => id.includes("CRYPTO"))).toEqual([]);
    expect(ids({ subject: "account", moment: "end", products: [gold] })).not.toContain("UK-CRYPTO-DERIV-BAN");
    expect(ids({ subject: "account", moment: "end", products: [gold, market().product] })).toContain(
      "UK-CRYPTO-DERIV-BAN",
    );
    expect(ids({ subject: "account", moment: "end", products: [] })).toEqual([]);
  });

  it("asks an option of Dubai's rules but not of the European CFD cap", () => {
    const option = product({ kind: "OPTION", payoff: "CALL" });
    expect(ids({ products: [option] })).toEqual([
      "AE-VARA-ETD-LEV-RETAIL",
      "AE-VARA-ETD-IM-RETAIL",
      "SG-DPT-RETAIL-NO-LEVERAGE",
    ]);
  });

  it.each([
    ["AE-VARA-ETD-LEV-RETAIL", "2026-03-30", false],
    ["AE-VARA-ETD-LEV-RETAIL", "2026-03-31", true],
    ["EU-CFD-LEV-CRYPTO", "2018-07-31", false],
    ["EU-CFD-LEV-CRYPTO", "2018-08-01", true],
    ["JP-CRYPTO-LEV-IND", "2020-04-30", false],
    ["JP-CRYPTO-LEV-IND", "2020-05-01", true],
    ["AU-CFD-LEV-CRYPTO", "2021-03-28", false],
    ["AU-CFD-LEV-CRYPTO", "2027-05-23", true],
    ["AU-CFD-LEV-CRYPTO", "2027-05-24", false],
  ])("%s on %s: %s", (id, date, asked) => {
    expect(ids({ date }).includes(id)).toBe(asked);
  });
});
