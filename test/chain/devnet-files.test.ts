import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONTRACTS, compileContract } from "../../devnet/contracts/compile.ts";
import { authorityKey, devnetFacts } from "../../devnet/facts.ts";
import { PERP_CHAIN, SYNTHETIX_CHAIN, TRADERS, tradersOn } from "../../devnet/market/cast.ts";
import { firstPrice, pricePath, UNDERLIERS } from "../../devnet/market/prices.ts";
import {
  crashBlocks,
  DEFAULT_SCENARIO,
  marketSeconds,
  midnightBlock,
  outageBlocks,
} from "../../devnet/market/scenario.ts";
import { announced, announcedSlowly } from "../../devnet/market/trading.ts";
import { VARIANTS, type VariantName } from "../../devnet/market/variants.ts";
import { factsAbout, parseFacts } from "../../src/core/rules/facts.ts";

function textOf(path: string): string {
  return readFileSync(new URL(`../../devnet/${path}`, import.meta.url), "utf8");
}

describe("committed files are what their sources give", () => {
  it.each(CONTRACTS)("artifact of %s", (name) => {
    expect(JSON.parse(textOf(`contracts/${name.toLowerCase()}.json`))).toEqual(compileContract(name));
  });

  it("facts", () => {
    expect(JSON.parse(textOf("facts.json"))).toEqual(JSON.parse(devnetFacts()));
    expect(textOf("facts.pub").trim()).toBe(authorityKey());
  });
});

describe("the cast", () => {
  it("is large enough, and partly on both chains", () => {
    expect(TRADERS.length).toBeGreaterThanOrEqual(40);
    expect(new Set(TRADERS.map((t) => t.index)).size).toBe(TRADERS.length);
    for (const chainId of [PERP_CHAIN, SYNTHETIX_CHAIN]) expect(tradersOn(chainId).length).toBeGreaterThanOrEqual(20);
    expect(TRADERS.filter((t) => t.chains.length === 2).length).toBeGreaterThanOrEqual(8);
  });

  it("is known to the registry by a good half, under a valid signature", () => {
    const facts = parseFacts(textOf("facts.json"), textOf("facts.pub").trim());
    const known = [...facts.bySubject.keys()].filter((subject) => /^0x/.test(subject)).length;
    expect(known).toBe(TRADERS.filter((trader) => trader.facts !== null).length);
    expect(known).toBeGreaterThanOrEqual(TRADERS.length / 2);
    expect(known).toBeLessThan((TRADERS.length * 2) / 3);
    const [first] = facts.bySubject.keys();
    const about = factsAbout(facts, `eip155:901:${first}`, "2026-04-02");
    expect(Object.fromEntries(about)).toEqual({ clientClass: "retail", jurisdiction: "EU" });
  });
});

describe("the plot", () => {
  const scenario = DEFAULT_SCENARIO;

  it("has a clock that only goes forward, over midnight and on into live blocks", () => {
    let before = marketSeconds(scenario, 0);
    for (let count = 1; count <= scenario.historyBlocks + 5000; count++) {
      const now = marketSeconds(scenario, count);
      expect(now).toBeGreaterThan(before);
      before = now;
    }
    const midnight = midnightBlock(scenario);
    expect(marketSeconds(scenario, midnight) / 86_400n).toBe(marketSeconds(scenario, midnight - 1) / 86_400n + 1n);
    expect(marketSeconds(scenario, 0)).toBeGreaterThan(BigInt(Date.UTC(2026, 3, 1) / 1000));
  });

  it.each(UNDERLIERS)("lets %s fall by a quarter to two fifths around midnight and recover most of it", (underlier) => {
    const { from, to } = crashBlocks(scenario);
    for (const seed of [1, 2, 3, 42]) {
      const price = pricePath({ ...scenario, seed });
      const fallen = (price(underlier, to) * 1000n) / price(underlier, from);
      expect(fallen).toBeGreaterThan(600n);
      expect(fallen).toBeLessThan(770n);
      expect((price(underlier, scenario.historyBlocks) * 1000n) / firstPrice(underlier)).toBeGreaterThan(840n);
    }
  });

  it("gives a price whatever was asked before", () => {
    const forward = pricePath(scenario);
    const walked = Array.from({ length: 400 }, (_, count) => forward("BTC", count));
    expect(pricePath(scenario)("BTC", 399)).toBe(walked[399]);
    expect(forward("BTC", 12)).toBe(walked[12]);
    expect(pricePath({ ...scenario, seed: 2 })("BTC", 399)).not.toBe(walked[399]);
  });
});

describe("the other plots", () => {
  const DAY = 86_400n;
  const plot = (variant: VariantName) => ({ ...DEFAULT_SCENARIO, variant });

  it.each(Object.keys(VARIANTS) as VariantName[])(
    "%s has a clock that only goes forward and crosses midnight",
    (name) => {
      const scenario = plot(name);
      const times = Array.from({ length: scenario.historyBlocks + 50 }, (_, count) => marketSeconds(scenario, count));
      for (const [i, now] of times.entries()) if (i > 0) expect(now).toBeGreaterThan(times[i - 1] as bigint);
      const midnight = midnightBlock(scenario);
      const [before, after] = [times[midnight - 1] as bigint, times[midnight] as bigint];
      expect(after / DAY).toBe(before / DAY + 1n);
    },
  );

  it("an outage leaves a day without blocks, and feeds silent around it", () => {
    const scenario = plot("outage");
    const { last, silentFrom, silentTo } = outageBlocks(scenario) as NonNullable<ReturnType<typeof outageBlocks>>;
    expect(marketSeconds(scenario, last + 1) - marketSeconds(scenario, last)).toBeGreaterThan(DAY - 120n);
    const told = (count: number) => [
      ...announced(scenario, { chainId: SYNTHETIX_CHAIN, count }),
      ...announcedSlowly(scenario, { of: ["EUR", "AUD"], everyBlocks: 2, count }),
    ];
    for (let count = silentFrom; count <= silentTo; count++) expect(told(count)).toEqual([]);
    expect(told(silentFrom - 1).length).toBeGreaterThan(0);
    expect(told(silentTo + 1).length).toBeGreaterThan(0);
    expect(outageBlocks(plot("crash"))).toBeNull();
  });

  it("calm prices never fall as the crash lets them", () => {
    const [calm, crash] = [pricePath(plot("calm")), pricePath(plot("crash"))];
    const { to } = crashBlocks(DEFAULT_SCENARIO);
    expect(calm("ETH", to) * 10n).toBeGreaterThan(firstPrice("ETH") * 9n);
    expect(crash("ETH", to) * 10n).toBeLessThan(firstPrice("ETH") * 8n);
  });

  it("every slow feed is told within its heartbeat, however long the history", () => {
    for (const historyBlocks of [40, 96, 320]) {
      const scenario = { ...DEFAULT_SCENARIO, historyBlocks };
      const toldAt = { stable: 0n, GBP: 0n, CHF: 0n };
      for (let count = 1; count <= historyBlocks + 100; count++) {
        const now = marketSeconds(scenario, count);
        const of = ["stable", "GBP", "CHF"] as const;
        for (const told of announcedSlowly(scenario, { of, everyBlocks: 15, count })) toldAt[told] = now;
        for (const at of Object.values(toldAt)) expect(now - at).toBeLessThan(3_600n);
      }
    }
  });
});
