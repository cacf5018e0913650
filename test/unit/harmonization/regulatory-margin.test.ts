import { describe, expect, test } from "vitest";
import { classify } from "../../../src/core/harmonization/classification.ts";
import { presentMargin } from "../../../src/core/harmonization/present.ts";
import {
  type MarginSubject,
  regulatoryMargin,
  type Treatment,
} from "../../../src/core/harmonization/regulatory-margin.ts";
import type { AssetDeployment, Holding } from "../../../src/core/margin-model.ts";
import { account, BOOK, group, known, market, position, product, wad } from "../rules/figures.ts";
import { DAY } from "./findings.ts";

const ADDRESS = `0x${"1".repeat(40)}` as const;
const USDC: AssetDeployment = {
  ...{ symbol: "USDC", address: ADDRESS, decimals: 6, feed: "USDC/USD" },
  ...{ class: "FIAT_STABLE_REGULATED", issuer: "Circle", currency: "USD" },
};
const WETH: AssetDeployment = {
  ...{ symbol: "WETH", address: ADDRESS, decimals: 18, feed: "ETH/USD" },
  ...{ class: "NATIVE_MAJOR", issuer: null, currency: null },
};

function holding(asset: string, value: bigint, isSettlement: boolean): Holding {
  return { asset, isSettlement, units: value, price: known(wad(1n)), value: known(value), counted: known(value) };
}

/** 1000 USDC and 1000 worth of WETH behind an ETH perpetual of 4000; no replacement cost. */
function subject(assets: readonly AssetDeployment[] = [USDC, WETH]): MarginSubject {
  const holdings = [holding("USDC", wad(1000n), true), holding("WETH", wad(1000n), false)];
  return {
    account: account(group({ positions: [position({ notional: known(wad(4000n)) })] })),
    marketOf: () => market(),
    posted: {
      holdings: () => holdings,
      assetOf: (symbol) => assets.find((asset) => asset.symbol === symbol),
      pricedAt: () => 0n,
      now: 0n,
    },
    unit: "USDC",
  };
}

function treatment(treatments: readonly Treatment[], ruleId: string): Treatment {
  const found = treatments.find(({ rules }) => rules.some((rule) => rule.ruleId === ruleId));
  if (found === undefined) throw new Error(`No treatment by ${ruleId}.`);
  return found;
}

describe("regulatory margin side by side", () => {
  const { treatments } = regulatoryMargin(BOOK, { subject: subject(), day: DAY });

  test("requires 15 % of notional by every schedule, crypto being other", () => {
    for (const { required, schedule } of treatments) {
      expect(required.value).toBe(wad(600n));
      expect(schedule?.citation.provision).not.toBe("");
    }
  });

  test("counts crypto for nothing where it is not eligible: the whole margin is missing", () => {
    const europe = treatment(treatments, "EU-UMR-HAIRCUT-FORMULA");
    expect(europe.assets.map((a) => a.treatment)).toEqual(["ineligible", "ineligible"]);
    expect([europe.adjusted.value, europe.shortfall.value]).toEqual([0n, wad(600n)]);
  });

  test("takes 2 % of stablecoins and 20 % of ether for a futures commission merchant", () => {
    const merchant = treatment(treatments, "US-FCM-CRYPTO-CHARGE");
    expect(merchant.adjusted.value).toBe(wad(980n) + wad(800n));
    expect(merchant.shortfall.value).toBe(0n);
    expect(merchant.rules.every((rule) => rule.unconfirmed)).toBe(true);
  });

  test("takes 100 % in Hong Kong, which is not the same as ineligible but counts for as little", () => {
    const hongKong = treatment(treatments, "HK-VA-COLLATERAL-FRR-100");
    expect(hongKong.assets.map((a) => a.haircut)).toEqual([wad(1n), wad(1n)]);
    expect([hongKong.adjusted.value, hongKong.shortfall.value]).toEqual([0n, wad(600n)]);
    expect(hongKong.schedule?.ruleId).toMatch(/^INT-/);
  });

  test("shows Switzerland's list, which no rule names, with its citation: crypto is not on it", () => {
    const switzerland = treatments.find((t) => t.jurisdiction === "CH");
    expect(switzerland).toMatchObject({ rules: [], citation: { provision: "Art.104" } });
    expect([switzerland?.adjusted.value, switzerland?.shortfall.value]).toEqual([0n, wad(600n)]);
  });

  test("leaves out a treatment before any rule that names it was in force", () => {
    const { treatments: before } = regulatoryMargin(BOOK, { subject: subject(), day: "2025-12-07" });
    expect(before.some((t) => t.table === "FCM_COLLATERAL")).toBe(false);
    expect(before.some((t) => t.table === "UMR_COLLATERAL")).toBe(true);
  });

  test("is unknown where the deployment does not say what an asset is", () => {
    const { class: _, ...unstated } = WETH;
    const { treatments: found } = regulatoryMargin(BOOK, { subject: subject([USDC, unstated]), day: DAY });
    const europe = treatment(found, "EU-UMR-HAIRCUT-FORMULA");
    expect(europe.shortfall).toMatchObject({ value: null, reason: "NO_REGISTRY" });
    expect(europe.assets[1]).toMatchObject({ class: null, treatment: "not stated" });
  });

  test("is JSON with haircuts as decimals", () => {
    const margin = presentMargin(regulatoryMargin(BOOK, { subject: subject(), day: DAY }));
    const merchant = margin.treatments.find((t) => t.table === "FCM_COLLATERAL");
    expect(JSON.parse(JSON.stringify(merchant))).toMatchObject({
      jurisdiction: "US",
      adjusted: wad(1780n).toString(),
      assets: [{ haircut: "0.02" }, { haircut: "0.2" }],
    });
  });
});

describe("classification", () => {
  const all = new Set(BOOK.rules.map((rule) => rule.jurisdiction));
  const occasion = { rulebook: BOOK, day: DAY, jurisdictions: all };

  test("a cash-settled crypto perpetual is a CFD in the EU, by the rule that says so", () => {
    const { contract } = classify({ market: market(), assets: [] }, occasion);
    expect(contract.find((c) => c.ruleId === "EU-PERP-IS-CFD")).toMatchObject({ class: "CFD", holds: true });
    expect(contract.find((c) => c.ruleId === "HK-PERP-UNDERLIER")).toMatchObject({ holds: true });
  });

  test("before ESMA's statement it was not said to be one", () => {
    const { contract } = classify({ market: market(), assets: [] }, { ...occasion, day: "2026-02-23" });
    expect(contract.map((c) => c.ruleId)).not.toContain("EU-PERP-IS-CFD");
  });

  test("an underlier outside Hong Kong's set is not in it", () => {
    const doge = market({ product: product({ underlier: "DOGE" }) });
    const { contract } = classify({ market: doge, assets: [] }, occasion);
    expect(contract.find((c) => c.ruleId === "HK-PERP-UNDERLIER")?.holds).toBe(false);
  });

  test("collateral has the SCO60 group its class is a candidate for, and eligibility by rule", () => {
    const { assets } = classify({ market: market(), assets: [USDC, WETH] }, occasion);
    expect(assets.map((a) => [a.asset, a.sco60Group])).toEqual([
      ["USDC", "1b"],
      ["WETH", "2a"],
    ]);
    const eligible = (asset: number, ruleId: string) =>
      assets[asset]?.eligibility.find((statement) => statement.ruleId === ruleId)?.holds;
    expect(eligible(1, "US-FCM-PILOT-ASSETS")).toBe(true);
    expect(eligible(1, "EU-UMR-HAIRCUT-FORMULA")).toBe(false);
    expect(assets[1]?.riskWeights.map((w) => w.weight)).toContain("12.5");
  });

  test("an asset of which nothing is stated is in no group, and eligible or not as nobody knows", () => {
    const { class: _, ...unstated } = WETH;
    const [asset] = classify({ market: market(), assets: [unstated] }, occasion).assets;
    expect(asset).toMatchObject({ class: null, sco60Group: null });
    expect(asset?.eligibility.every((e) => e.holds === null && e.reason === "NO_REGISTRY")).toBe(true);
  });
});
