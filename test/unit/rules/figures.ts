/** Figures as a margin model would state them, with only what a test cares about. Amounts in whole units of 18 decimals. */
import { readdirSync, readFileSync } from "node:fs";
import type {
  AccountFigures,
  Figure,
  MarginGroup,
  MarketFigures,
  PositionFigures,
  Product,
} from "../../../src/core/margin-model.ts";
import type { Reason } from "../../../src/core/result.ts";
import { type NamedJson, parseRulebooks, type Rule, type Rulebook } from "../../../src/core/rules/rule.ts";

const FOLDER = new URL("../../../rulebooks/", import.meta.url);
const WAD = 10n ** 18n;

export function wad(whole: bigint): bigint {
  return whole * WAD;
}

export function known(value: bigint): Figure {
  return { value, reason: null };
}

export function unknown(reason: Reason): Figure {
  return { value: null, reason };
}

export const ETH_PERP: Product = {
  kind: "PERPETUAL",
  payoff: "LINEAR",
  underlierClass: "crypto",
  underlier: "ETH",
  power: 1,
  expirySeconds: null,
  strike: null,
};

export function product(change: Partial<Product>): Product {
  return { ...ETH_PERP, ...change };
}

export function market(change: Partial<MarketFigures> = {}): MarketFigures {
  return {
    key: "eth",
    symbol: "ETH-PERP",
    product: ETH_PERP,
    markPrice: known(wad(2000n)),
    indexPrice: known(wad(2000n)),
    longSize: wad(10n),
    shortSize: wad(6n),
    fundingRatePerDay: known(WAD / 1000n),
    fundingBound: { ratePerDay: WAD / 1000n, growthPerDay: 0n },
    badDebt: 0n,
    status: "OPEN",
    storageTotals: { size: wad(16n), skew: wad(4n) },
    ...change,
  };
}

export function position(change: Partial<PositionFigures> = {}): PositionFigures {
  return {
    market: "eth",
    size: wad(1n),
    takerSize: wad(1n),
    isMaker: false,
    entryPrice: known(wad(2000n)),
    markPrice: known(wad(2000n)),
    notional: known(wad(2000n)),
    unrealizedPnl: known(0n),
    fundingAccrued: known(0n),
    maintenance: known(wad(100n)),
    liquidationPrice: known(wad(1500n)),
    ...change,
  };
}

export function group(change: Partial<MarginGroup> = {}): MarginGroup {
  return {
    key: "",
    collateral: known(wad(1000n)),
    equity: known(wad(1000n)),
    maintenance: known(wad(100n)),
    liquidatableAtEquality: false,
    grossNotional: known(wad(2000n)),
    restless: false,
    positions: [position()],
    ...change,
  };
}

export function account(...groups: MarginGroup[]): AccountFigures {
  return { address: "0x00000000000000000000000000000000000000aa", groups };
}

/** The repository's own rulebook files. */
export function rulebookFiles(): NamedJson[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json") && !file.endsWith(".schema.json"))
    .map((file) => ({
      name: file.replace(/\.json$/, ""),
      json: JSON.parse(readFileSync(new URL(file, FOLDER), "utf8")),
    }));
}

export const BOOK: Rulebook = parseRulebooks(rulebookFiles());

export function ruleOf(id: string): Rule {
  const rule = BOOK.rules.find((r) => r.id === id);
  if (rule === undefined) throw new Error(`The rulebook has no rule ${id}.`);
  return rule;
}
