import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { METRIC_IDS, type MetricId } from "../../../src/core/metrics/catalogue.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import { concentrationOf } from "../../../src/core/metrics/concentration.ts";
import {
  type AccountTerms,
  accountInputs,
  counterpartyInputs,
  type InputsOf,
  type MarketContext,
  type MarketMetric,
  type MetricOf,
  marketInputs,
  positionInputs,
} from "../../../src/core/metrics/figures.ts";
import { account, group, known, market, position, product, unknown, wad } from "../rules/figures.ts";
import { holding, posted } from "./collateral.ts";

const STALE = unknown("STALE_ORACLE");
const HELD = { group: group(), position: position(), market: market(), holdings: () => [holding("USDC", 1000n)] };
const CONTEXT: MarketContext = {
  book: "pool",
  liquidatable: [],
  stored: { size: wad(16n), skew: wad(4n) },
  now: 1_000n,
  holders: concentrationOf([wad(10n), -wad(6n)]),
  feed: { price: known(wad(2000n)), updatedAt: 940n, heartbeat: 3600n },
  latencies: [12n],
  set: new Set(["ETH"]),
};
const RATES = new Map([["crypto" as const, wad(1n)]]);
const TERMS: AccountTerms = {
  rates: RATES,
  haircuts: new Map([["FIAT_STABLE_REGULATED", 0n]]),
  eligible: new Set(["FIAT_STABLE_REGULATED"]),
  set: new Set(["ETH"]),
  posted: posted([holding("USDC", 1000n)]),
};

function ids<L extends string>(level: L): MetricOf<L>[] {
  return METRIC_IDS.filter((id): id is MetricOf<L> => id.startsWith(level));
}

function value(metric: MetricId, { inputs, reason }: InputsOf): bigint | string | null {
  if (inputs === null) return reason;
  const result = compute(metric, inputs, "USDC");
  return result.value ?? result.reason;
}

describe("what margin models state", () => {
  it("is enough to evaluate every metric of a linear position, account and market", () => {
    const held = { account: account(group()), marketOf: () => market(), ...TERMS };
    const ofMarket = [...ids("MKT"), "CLASS.IS_CFD", "CLASS.UNDERLIER_IN", "CPT.SACCR_SF"] as const;
    const ofAccount = [...ids("ACC"), "CPT.UNMARGINED_IM", "CLASS.COLLATERAL_IN"] as const;
    const results = [
      ...ids("POS").map((id) => [id, value(id, positionInputs(id, HELD))]),
      ...ofAccount.map((id) => [id, value(id, accountInputs(id, held))]),
      ...ofMarket.map((id) => [id, value(id, marketInputs(id, market(), CONTEXT))]),
    ];
    // Only a foreign asset has a haircut for currency mismatch, and the account holds none.
    expect(results.filter(([, result]) => typeof result !== "bigint")).toEqual([
      ["ACC.FX_MISMATCH_HAIRCUT", "NO_POSITION"],
    ]);
  });

  it("gives the stated notional and equity with their parts where these add up, and as stated where not", () => {
    expect(positionInputs("POS.NOTIONAL", HELD).inputs).toEqual({ size: wad(1n), markPrice: wad(2000n) });
    const rounded = { ...HELD, position: position({ notional: known(wad(2000n) + 1n) }) };
    expect(positionInputs("POS.NOTIONAL", rounded).inputs).toEqual({ notional: wad(2000n) + 1n });
    expect(positionInputs("POS.EQUITY", HELD).inputs).toEqual({ collateral: wad(1000n), unrealizedPnl: 0n });
    const weighted = { ...HELD, group: group({ equity: known(wad(900n)) }) };
    expect(positionInputs("POS.EQUITY", weighted).inputs).toEqual({ equity: wad(900n) });
  });

  it("puts the whole pool's notional over its margin, and keeps size and price of the position", () => {
    const other = position({ market: "btc", notional: known(wad(3000n)) });
    const pool = group({ positions: [position(), other], grossNotional: known(wad(5000n)) });
    const held = { group: pool, position: position(), market: market() };
    expect(value("POS.LEVERAGE_OPEN", positionInputs("POS.LEVERAGE_OPEN", held))).toBe(wad(5n));
    expect(value("POS.NOTIONAL", positionInputs("POS.NOTIONAL", held))).toBe(wad(2000n));
  });

  it("does not guess the delta of an option or a power perpetual", () => {
    for (const payoff of ["CALL", "PUT", "POWER"] as const) {
      const held = { ...HELD, market: market({ product: product({ payoff }) }) };
      expect(positionInputs("POS.DELTA", held)).toEqual({ inputs: null, reason: "NO_RATE" });
    }
  });

  it("passes on why a figure is unknown, and never a zero for it", () => {
    const pool = group({ equity: STALE, collateral: STALE, grossNotional: STALE, maintenance: STALE });
    const held = { ...HELD, group: pool, position: position({ notional: STALE, unrealizedPnl: STALE }) };
    for (const id of ids("POS")) {
      const { inputs, reason } = positionInputs(id, held);
      if (inputs === null) expect(reason).toBe("STALE_ORACLE");
      else expect(Object.keys(inputs)).not.toContain("equity");
    }
    const one = account(group({ positions: [position({ notional: STALE })] }), pool);
    const stale = { ...TERMS, posted: posted([holding("USDC", 1n), { ...holding("WETH", 1n), value: STALE }]) };
    for (const id of [...ids("ACC"), "CPT.UNMARGINED_IM", "CLASS.COLLATERAL_IN"] as const) {
      expect(accountInputs(id, { account: one, marketOf: () => market(), ...stale }).reason, id).toBe("STALE_ORACLE");
    }
  });
});

describe("an account's inputs", () => {
  const gold = market({ key: "xau", product: product({ underlierClass: "gold" }) });
  const marketOf = (key: string) => (key === "xau" ? gold : market());
  const mixed = account(
    group({ key: "eth", equity: known(wad(10n)), positions: [position({ notional: known(wad(100n)) })] }),
    group({ key: "xau", equity: known(-wad(4n)), positions: [position({ market: "xau", notional: known(wad(40n)) })] }),
  );

  it("add up two positions in one market, as under isolated and cross margin at once", () => {
    const twice = { account: account(group({ key: "eth" }), group({ key: "" })), marketOf };
    expect(accountInputs("ACC.GROSS_NOTIONAL", twice).inputs).toEqual({ "notional.eth": wad(4000n) });
  });

  it("name every market and margin group", () => {
    const held = { account: mixed, marketOf };
    expect(accountInputs("ACC.NET_EQUITY", held).inputs).toEqual({ "equity.eth": wad(10n), "equity.xau": -wad(4n) });
    expect(accountInputs("ACC.GROSS_NOTIONAL", held).inputs).toEqual({
      "notional.eth": wad(100n),
      "notional.xau": wad(40n),
    });
    expect(accountInputs("ACC.RETAIL_CRYPTO_DERIV_NOTIONAL", held).inputs).toEqual({ "notional.eth": wad(100n) });
  });

  it("sum notional by class for the close-out ratio, at the rates given", () => {
    const rates = new Map([
      ["crypto" as const, wad(1n) / 2n],
      ["gold" as const, wad(1n) / 20n],
    ]);
    expect(accountInputs("ACC.CLOSEOUT_RATIO", { account: mixed, marketOf, rates }).inputs).toEqual({
      equity: wad(6n),
      "notional.crypto": wad(100n),
      "rate.crypto": wad(1n) / 2n,
      "notional.gold": wad(40n),
      "rate.gold": wad(1n) / 20n,
    });
    const goldOnly = new Map([["gold" as const, wad(1n)]]);
    expect(accountInputs("ACC.CLOSEOUT_RATIO", { account: mixed, marketOf, rates: goldOnly }).reason).toBe("NO_RATE");
    expect(accountInputs("ACC.CLOSEOUT_RATIO", { account: mixed, marketOf, rates: null }).reason).toBe("NO_RATE");
  });
});

describe("a market's and an owner's inputs", () => {
  it("are both sides' sums over holders, whatever the other side holds", () => {
    const of = (metric: MarketMetric) => marketInputs(metric, market(), CONTEXT).inputs;
    expect(of("MKT.HHI_OI")).toEqual({
      "squares.long": wad(10n) ** 2n,
      "total.long": wad(10n),
      "squares.short": wad(6n) ** 2n,
      "total.short": wad(6n),
    });
    expect(value("MKT.TOP5_SHARE", marketInputs("MKT.TOP5_SHARE", market(), CONTEXT))).toBe(wad(1n));
  });

  it("say why a price or a member of a set is unknown, and refuse a context without what they need", () => {
    const blind = { ...CONTEXT, feed: null };
    expect(marketInputs("MKT.ORACLE_AGE_S", market(), blind).reason).toBe("NO_PRICE");
    expect(marketInputs("MKT.ORACLE_DEVIATION", market(), blind).reason).toBe("NO_PRICE");
    const late = { ...CONTEXT, feed: { price: STALE, updatedAt: 1n, heartbeat: 10n } };
    expect(marketInputs("MKT.ORACLE_DEVIATION", market(), late).reason).toBe("STALE_ORACLE");
    expect(value("MKT.ORACLE_STALENESS_RATIO", marketInputs("MKT.ORACLE_STALENESS_RATIO", market(), late))).toBe(
      wad(999n) / 10n,
    );
    for (const id of [
      "MKT.HHI_OI",
      "MKT.ORACLE_AGE_S",
      "CLASS.UNDERLIER_IN",
      "MKT.LIQUIDATION_LATENCY_P95_S",
    ] as const) {
      const bare = { book: "pool" as const, liquidatable: [], stored: null };
      expect(() => marketInputs(id, market(), bare), id).toThrow(InputError);
    }
  });

  it("classify a contract by its product and nothing else", () => {
    const of = (change: Parameters<typeof product>[0], id: MarketMetric) =>
      value(id, marketInputs(id, market({ product: product(change) }), CONTEXT));
    expect(of({}, "CLASS.IS_CFD")).toBe(wad(1n));
    expect(of({ kind: "DATED_FUTURE" }, "CLASS.IS_CFD")).toBe(0n);
    expect(of({}, "CLASS.UNDERLIER_IN")).toBe(wad(1n));
    expect(of({ underlier: "SOL" }, "CLASS.UNDERLIER_IN")).toBe(0n);
    expect(of({}, "CPT.SACCR_SF")).toBe((wad(1n) * 32n) / 100n);
    expect(of({ underlier: "SOL" }, "CPT.SACCR_SF")).toBe("NO_RATE");
    expect(of({ underlierClass: "gold", underlier: "XAU" }, "CPT.SACCR_SF")).toBe("NO_POSITION");
  });

  it("count one side of a matched book and both of a pool", () => {
    const pool = marketInputs("MKT.OI_TOTAL", market(), CONTEXT);
    const matched = marketInputs("MKT.OI_TOTAL", market(), { ...CONTEXT, book: "matched" });
    expect(value("MKT.OI_TOTAL", pool)).toBe(wad(32_000n));
    expect(value("MKT.OI_TOTAL", matched)).toBe(wad(20_000n));
  });

  it("say why open interest cannot be reconciled", () => {
    const reconciled = (change: Parameters<typeof market>[0], stored: { size: bigint; skew: bigint } | null) =>
      value("MKT.OI_RECON_DIFF", marketInputs("MKT.OI_RECON_DIFF", market(change), { ...CONTEXT, stored }));
    expect(reconciled({}, CONTEXT.stored)).toBe(0n);
    expect(reconciled({}, { size: wad(16n), skew: 0n })).toBe(wad(4n));
    expect(reconciled({ storageTotals: null }, CONTEXT.stored)).toBe("NO_STORAGE_TOTAL");
    expect(reconciled({}, null)).toBe("READ_REVERTED");
  });

  it("do not net across netting sets, and are unknown with one missing price", () => {
    const long = { key: "eip155:901/perp-v2/ETH", amount: known(wad(2n)), price: known(wad(2000n)) };
    const short = { key: "eip155:902/synthetix-perps-v2/ETH", amount: known(-wad(2n)), price: known(wad(2000n)) };
    expect(value("CPT.NET_EXPOSURE", counterpartyInputs("CPT.NET_EXPOSURE", [long, short]))).toBe(wad(8000n));
    expect(value("CPT.GROSS_EXPOSURE", counterpartyInputs("CPT.GROSS_EXPOSURE", [long]))).toBe(wad(4000n));
    const unpriced = { ...short, price: unknown("NO_PRICE") };
    expect(counterpartyInputs("CPT.NET_EXPOSURE", [long, unpriced]).reason).toBe("NO_PRICE");
  });
});
