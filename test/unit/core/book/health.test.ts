import { describe, expect, it } from "vitest";
import { Health, LATENCY_LIQUIDATIONS } from "../../../../src/core/book/health.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import { Losses } from "../../../../src/core/book/losses.ts";
import type { Venue } from "../../../../src/core/book/venue.ts";
import type { CanonicalEvent } from "../../../../src/core/event.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import { group, known, unknown } from "../../rules/figures.ts";

const ADDRESS = `0x${"aa".repeat(20)}` as const;
const DAY = 86_400n;

function venue(marginMode: "CROSS" | "ISOLATED", badDebt = () => 0n): Venue {
  const model = { marginMode, marketKeys: () => ["eth"] };
  const figures = { market: () => ({ badDebt: badDebt() }) };
  return { id: "eip155:901/p", prefix: "eip155:901/p/", model, figures } as unknown as Venue;
}

/** An account with margin groups at the equities given, each with a requirement of 10. */
function account(equities: Record<string, bigint>) {
  const groups = Object.entries(equities).map(([key, equity]) =>
    group({ key, equity: known(equity), maintenance: known(10n) }),
  );
  return { address: ADDRESS as Hex, groups };
}

function liquidation(seconds: bigint, change: Partial<CanonicalEvent> = {}): CanonicalEvent {
  const event = { kind: "LIQUIDATION", account: ADDRESS, market: "eth", amount: 1n, sizeDelta: null };
  return { ...event, block: { timestamp: seconds }, ...change } as unknown as CanonicalEvent;
}

describe("time below the requirement", () => {
  it("is counted from the first block end that showed it, until the liquidation", () => {
    const [health, cross] = [new Health(new Journal()), venue("CROSS")];
    health.follow(account({ "": 9n }), { venue: cross, now: 100n });
    health.follow(account({ "": 8n }), { venue: cross, now: 112n });
    health.liquidated(liquidation(148n), cross);
    expect(health.latencies("eip155:901/p/eth")).toEqual([48n]);
  });

  it("begins anew after a recovery", () => {
    const [health, cross] = [new Health(new Journal()), venue("CROSS")];
    health.follow(account({ "": 9n }), { venue: cross, now: 100n });
    expect([...health.underwater(cross)]).toEqual([ADDRESS]);
    health.follow(account({ "": 11n }), { venue: cross, now: 112n });
    expect([...health.underwater(cross)]).toEqual([]);
    health.follow(account({ "": 9n }), { venue: cross, now: 124n });
    health.liquidated(liquidation(136n), cross);
    expect(health.latencies("eip155:901/p/eth")).toEqual([12n]);
  });

  it("goes on while nobody knows, for what is unknown is no recovery, and begins with no doubt", () => {
    const [health, cross] = [new Health(new Journal()), venue("CROSS")];
    const dark = { address: ADDRESS as Hex, groups: [group({ key: "", equity: unknown("STALE_ORACLE") })] };
    health.follow(dark, { venue: cross, now: 88n });
    health.follow(account({ "": 9n }), { venue: cross, now: 100n });
    health.follow(dark, { venue: cross, now: 112n });
    health.follow(account({ "": 9n }), { venue: cross, now: 124n });
    health.liquidated(liquidation(136n), cross);
    expect(health.latencies("eip155:901/p/eth")).toEqual([36n]);
  });

  it("is none in the block in which the requirement is missed", () => {
    const [health, cross] = [new Health(new Journal()), venue("CROSS")];
    health.liquidated(liquidation(100n), cross);
    expect(health.latencies("eip155:901/p/eth")).toEqual([0n]);
  });

  it("is the own of each market under isolated margin", () => {
    const [health, isolated] = [new Health(new Journal()), venue("ISOLATED")];
    health.follow(account({ eth: 9n, btc: 11n }), { venue: isolated, now: 100n });
    health.follow(account({ eth: 9n, btc: 9n }), { venue: isolated, now: 112n });
    health.liquidated(liquidation(124n), isolated);
    health.liquidated(liquidation(124n, { market: "btc" }), isolated);
    expect(health.latencies("eip155:901/p/eth")).toEqual([24n]);
    expect(health.latencies("eip155:901/p/btc")).toEqual([12n]);
  });

  it("does not count what only announces a liquidation, or concerns no market", () => {
    const [health, cross] = [new Health(new Journal()), venue("CROSS")];
    health.liquidated(liquidation(100n, { amount: null }), cross);
    health.liquidated(liquidation(100n, { market: null }), cross);
    expect(health.latencies("eip155:901/p/eth")).toEqual([]);
  });

  it("is kept of the last liquidations only, and undone with them", () => {
    const journal = new Journal();
    const [health, cross] = [new Health(journal), venue("CROSS")];
    journal.mark("1");
    health.follow(account({ "": 9n }), { venue: cross, now: 0n });
    for (let i = 1; i <= LATENCY_LIQUIDATIONS; i++) health.liquidated(liquidation(BigInt(i)), cross);
    journal.mark("2");
    health.liquidated(liquidation(500n), cross);
    const latencies = health.latencies("eip155:901/p/eth");
    expect([latencies.length, latencies[0], latencies.at(-1)]).toEqual([LATENCY_LIQUIDATIONS, 2n, 500n]);
    journal.undoFrom("2");
    expect(health.latencies("eip155:901/p/eth")[0]).toBe(1n);
    journal.undoFrom("1");
    expect([...health.underwater(cross)]).toEqual([]);
  });
});

describe("bad debt of thirty days", () => {
  it("leaves out what was lost before, and counts what was lost since", () => {
    let debt = 0n;
    const journal = new Journal();
    const losing = venue("CROSS", () => debt);
    const losses = new Losses(journal);
    const lose = (amount: bigint, now: bigint) => {
      debt += amount;
      losses.follow(losing, now);
    };
    expect(losses.recent(losing, 0n)).toBe(0n);
    journal.mark("1");
    lose(5n, DAY);
    lose(0n, 2n * DAY);
    lose(7n, 20n * DAY);
    expect(losses.recent(losing, 20n * DAY)).toBe(12n);
    expect(losses.recent(losing, 31n * DAY - 1n)).toBe(12n);
    expect(losses.recent(losing, 31n * DAY)).toBe(7n);
    journal.mark("2");
    lose(1n, 45n * DAY);
    expect(losses.recent(losing, 45n * DAY)).toBe(8n);
    expect(losses.recent(losing, 50n * DAY)).toBe(1n);
    journal.undoFrom("2");
    expect(losses.recent(losing, 45n * DAY)).toBe(7n);
  });
});
