import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CollateralClass } from "../../../src/core/collateral-class.ts";
import type { AssetDeployment, Holding, PositionFigures } from "../../../src/core/margin-model.ts";
import {
  type CollateralMetric,
  type CollateralTerms,
  collateralInputs,
  type Posted,
} from "../../../src/core/metrics/collateral-inputs.ts";
import { compute } from "../../../src/core/metrics/compute.ts";
import type { Inputs } from "../../../src/core/metrics/metric.ts";
import { account, group, market, position, product, unknown, wad } from "../rules/figures.ts";
import { ASSETS, holding, posted } from "./collateral.ts";

const WAD = 10n ** 18n;
const classes = (...names: CollateralClass[]) => new Set(names);
const markets = {
  eth: market({ key: "eth" }),
  btc: market({ key: "btc", product: product({ underlier: "BTC" }) }),
};

type Given = CollateralTerms & { positions?: PositionFigures[]; change?: Partial<Posted> };

/** The metric of an account that holds this, and positions if any. */
function of(metric: CollateralMetric, holdings: readonly Holding[], given: Given = {}): bigint | string {
  const { positions = [], change = {}, ...terms } = given;
  const context = {
    ...terms,
    account: account(group({ positions })),
    marketOf: (key: string) => (key === "btc" ? markets.btc : markets.eth),
    posted: posted(holdings, change),
  };
  const { inputs, reason } = collateralInputs(metric, context);
  if (inputs === null) return reason;
  const result = compute(metric, inputs, "USDC");
  return result.value ?? result.reason;
}

const BOTH = [holding("USDC", 300n), holding("WETH", 100n, 80n)];
const EVERY_METRIC: readonly CollateralMetric[] = [
  "ACC.COLLATERAL_HAIRCUT",
  "ACC.FX_MISMATCH_HAIRCUT",
  "ACC.COLLATERAL_ISSUER_SHARE",
  "ACC.COLLATERAL_CLASS_SHARE",
  "ACC.COLLATERAL_HHI",
  "ACC.WRONG_WAY_SHARE",
  "ACC.INELIGIBLE_COLLATERAL_SHARE",
  "ACC.COLLATERAL_REVAL_AGE_H",
  "CLASS.COLLATERAL_IN",
];

describe("collateral after haircuts", () => {
  const haircuts = new Map<CollateralClass, bigint>([
    ["FIAT_STABLE_REGULATED", WAD / 50n],
    ["NATIVE_MAJOR", WAD / 5n],
    ["TOKENISED_GOVT", 0n],
  ]);
  const currencyHaircut = (WAD * 8n) / 100n;

  it("takes the class's haircut, and the currency's from what is no claim on the settlement currency", () => {
    const adjusted = of("ACC.COLLATERAL_ADJ", [...BOTH, holding("GOV", 100n), holding("BILL", 100n)], {
      haircuts,
      currencyHaircut,
    });
    expect(adjusted).toBe(wad(294n + 72n + 92n + 100n));
  });

  it("counts a debt in the settlement asset in full, and what is not eligible not at all", () => {
    const owing = [holding("USDC", -50n), holding("WETH", 100n)];
    expect(of("ACC.COLLATERAL_ADJ", owing, { haircuts, currencyHaircut })).toBe(wad(72n - 50n));
    const eligible = classes("FIAT_STABLE_REGULATED");
    expect(of("ACC.COLLATERAL_ADJ", owing, { haircuts, currencyHaircut, eligible })).toBe(-wad(50n));
    expect(of("ACC.COLLATERAL_ADJ", [])).toBe(0n);
  });

  it("is unknown for a class without a haircut, a mismatch without one, and an asset nobody describes", () => {
    const own = [holding("USDC", 1n), holding("PERP", 1n)];
    expect(of("ACC.COLLATERAL_ADJ", own, { haircuts, currencyHaircut })).toBe("NO_RATE");
    expect(of("ACC.COLLATERAL_ADJ", BOTH, { haircuts })).toBe("NO_RATE");
    expect(of("ACC.COLLATERAL_ADJ", BOTH)).toBe("NO_RATE");
    expect(of("ACC.COLLATERAL_ADJ", [holding("MYST", 1n)], { haircuts, currencyHaircut })).toBe("NO_REGISTRY");
    expect(of("ACC.COLLATERAL_ADJ", [{ ...holding("WETH", 1n), value: unknown("NO_PRICE") }])).toBe("NO_PRICE");
  });

  const amount = fc.bigInt({ min: 0n, max: 10n ** 27n });
  const rate = fc.bigInt({ min: 0n, max: WAD });
  const held = fc.array(fc.record({ value: amount, haircut: rate, currency: rate }), { maxLength: 6 });
  const adjusted = (assets: { value: bigint; haircut: bigint; currency: bigint }[]) => {
    const named = assets.flatMap(({ value, haircut, currency }, i) => [
      [`value.a${i}`, value],
      [`haircut.a${i}`, haircut],
      [`currencyHaircut.a${i}`, currency],
    ]);
    return compute("ACC.COLLATERAL_ADJ", Object.fromEntries(named) as Inputs, "USDC").value ?? -1n;
  };

  it("is never above its value before them, and never grows with a haircut", () => {
    fc.assert(
      fc.property(held, fc.nat(), rate, (assets, at, more) => {
        const before = adjusted(assets);
        const gross = assets.reduce((sum, asset) => sum + asset.value, 0n);
        expect(before >= 0n && before <= gross).toBe(true);
        const higher = assets.map((asset, i) =>
          i === at % assets.length ? { ...asset, haircut: asset.haircut + more } : asset,
        );
        expect(adjusted(higher) <= before).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe("haircuts the protocol really applies", () => {
  it("are over the classes looked at", () => {
    expect(of("ACC.COLLATERAL_HAIRCUT", BOTH, { collateral: classes("NATIVE_MAJOR") })).toBe(WAD / 5n);
    expect(of("ACC.COLLATERAL_HAIRCUT", BOTH, { collateral: null })).toBe(WAD / 20n);
    expect(of("ACC.COLLATERAL_HAIRCUT", BOTH, { collateral: classes("LST") })).toBe("NO_POSITION");
  });

  it("for currency mismatch are the lowest of those on claims on another currency, or on none", () => {
    const all = [holding("USDC", 1n), holding("WETH", 100n, 80n), holding("GOV", 100n, 95n), holding("BILL", 5n)];
    expect(of("ACC.FX_MISMATCH_HAIRCUT", all)).toBe(WAD / 20n);
    expect(of("ACC.FX_MISMATCH_HAIRCUT", [holding("USDC", 1n), holding("BILL", 5n)])).toBe("NO_POSITION");
    expect(of("ACC.FX_MISMATCH_HAIRCUT", [holding("USDC", 1n), holding("MYST", 5n)])).toBe("NO_REGISTRY");
    expect(of("ACC.FX_MISMATCH_HAIRCUT", [holding("WETH", 5n)])).toBe("NO_REGISTRY");
  });

  it("are unknown where what is counted is", () => {
    const unseen = [holding("USDC", 1n), { ...holding("WETH", 1n), counted: unknown("NO_PRICE") }];
    expect(of("ACC.COLLATERAL_HAIRCUT", unseen)).toBe("NO_PRICE");
    expect(of("ACC.FX_MISMATCH_HAIRCUT", unseen)).toBe("NO_PRICE");
  });
});

describe("shares of collateral", () => {
  it("go by issuer among the classes looked at, and count the rest in the whole", () => {
    const all = [...BOTH, holding("GOV", 60n), holding("BILL", 40n)];
    expect(of("ACC.COLLATERAL_ISSUER_SHARE", all)).toBe((WAD * 3n) / 5n);
    expect(of("ACC.COLLATERAL_ISSUER_SHARE", all, { collateral: classes("TOKENISED_GOVT") })).toBe(WAD / 5n);
    expect(of("ACC.COLLATERAL_ISSUER_SHARE", [holding("WETH", 1n)])).toBe(0n);
  });

  it("go by class, by asset, and by whether it is on a list", () => {
    expect(of("ACC.COLLATERAL_CLASS_SHARE", BOTH, { collateral: classes("NATIVE_MAJOR", "LST") })).toBe(WAD / 4n);
    expect(of("ACC.COLLATERAL_HHI", BOTH)).toBe(wad(6250n));
    expect(of("ACC.INELIGIBLE_COLLATERAL_SHARE", BOTH, { eligible: classes("FIAT_STABLE_REGULATED") })).toBe(WAD / 4n);
    expect(of("ACC.INELIGIBLE_COLLATERAL_SHARE", BOTH)).toBe(WAD);
  });

  it("leave a debt in the settlement asset out", () => {
    const owing = [holding("USDC", -300n), holding("WETH", 100n)];
    expect(of("ACC.COLLATERAL_CLASS_SHARE", owing, { collateral: classes("NATIVE_MAJOR") })).toBe(WAD);
    expect(of("ACC.COLLATERAL_HHI", owing)).toBe(wad(10_000n));
  });

  it("are unknown where the deployment does not describe what is held", () => {
    const all = [holding("USDC", 1n), holding("MYST", 1n)];
    const given = {
      collateral: classes("NATIVE_MAJOR"),
      eligible: classes("LST"),
      set: new Set(["PAYMENT_STABLECOIN"]),
    };
    const asked = EVERY_METRIC.filter((id) => id !== "ACC.COLLATERAL_HHI" && id !== "ACC.COLLATERAL_REVAL_AGE_H");
    for (const id of asked) expect(of(id, all, given), id).toBe("NO_REGISTRY");
  });

  it("are of nothing where nothing is held", () => {
    for (const id of EVERY_METRIC) {
      expect(of(id, []), id).toBe("NO_POSITION");
      expect(of(id, [holding("USDC", -5n)]), id).toBe("NO_POSITION");
    }
  });
});

describe("wrong-way collateral", () => {
  const long = position({ size: wad(2n) });
  const short = position({ size: -wad(3n) });

  it("is what an account is long in, on balance, and the protocol's own token", () => {
    expect(of("ACC.WRONG_WAY_SHARE", BOTH, { positions: [long] })).toBe(WAD / 4n);
    expect(of("ACC.WRONG_WAY_SHARE", BOTH, { positions: [short] })).toBe(0n);
    expect(of("ACC.WRONG_WAY_SHARE", BOTH, { positions: [long, short] })).toBe(0n);
    expect(of("ACC.WRONG_WAY_SHARE", BOTH, { positions: [position({ market: "btc" })] })).toBe(0n);
    expect(of("ACC.WRONG_WAY_SHARE", [...BOTH, holding("PERP", 100n)], { positions: [] })).toBe(WAD / 5n);
  });
});

describe("the age of collateral's prices", () => {
  it("is that of the oldest one used, in hours", () => {
    expect(of("ACC.COLLATERAL_REVAL_AGE_H", BOTH)).toBe(WAD);
    expect(of("ACC.COLLATERAL_REVAL_AGE_H", [holding("USDC", 1n)])).toBe(WAD / 6n + 1n);
  });

  it("is unknown without a price", () => {
    expect(of("ACC.COLLATERAL_REVAL_AGE_H", BOTH, { change: { pricedAt: () => null } })).toBe("NO_PRICE");
  });
});

describe("whether all collateral is in a set", () => {
  it("goes by what an asset's price follows, by class, and by a regulation's own word for a class", () => {
    const inSet = (...set: string[]) => of("CLASS.COLLATERAL_IN", BOTH, { set: new Set(set) });
    expect(inSet("BTC", "ETH", "PAYMENT_STABLECOIN")).toBe(WAD);
    expect(inSet("ETH", "FIAT_STABLE_REGULATED")).toBe(WAD);
    expect(inSet("BTC", "PAYMENT_STABLECOIN")).toBe(0n);
    expect(inSet("ETH")).toBe(0n);
  });

  it("is not the coin of a set because its price follows the coin's, and unknown where nobody states its class", () => {
    const inSet = (weth: Partial<AssetDeployment>) => {
      const assetOf = (symbol: string) => (symbol === "WETH" ? { ...ASSETS.WETH, ...weth } : ASSETS[symbol]);
      const change = { assetOf } as Partial<Posted>;
      return of("CLASS.COLLATERAL_IN", [holding("WETH", 1n)], { set: new Set(["BTC", "ETH"]), change });
    };
    expect(inSet({})).toBe(WAD);
    expect(inSet({ class: "LST" })).toBe(0n);
    expect(inSet({ class: "WRAPPED_BRIDGED" })).toBe(0n);
    const bare = { change: { assetOf: () => ({ ...ASSETS.MYST, feed: "ETH/USD" }) } } as Given;
    expect(of("CLASS.COLLATERAL_IN", [holding("WETH", 1n)], { set: new Set(["ETH"]), ...bare })).toBe("NO_REGISTRY");
  });
});
