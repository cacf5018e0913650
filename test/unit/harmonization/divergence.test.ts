import { describe, expect, test } from "vitest";
import { divergenceOf, standingsOf } from "../../../src/core/harmonization/divergence.ts";
import { allowedLeverage, dayAfter, gapHistory, leverageGap } from "../../../src/core/harmonization/leverage.ts";
import { presentDivergence } from "../../../src/core/harmonization/present.ts";
import { clientRoles, type Role } from "../../../src/core/harmonization/roles.ts";
import { parseRulebooks } from "../../../src/core/rules/rule.ts";
import { ETH_PERP, BOOK as rulebook, rulebookFiles, wad } from "../rules/figures.ts";
import { DAY, findingsAt, position } from "./findings.ts";

const NINE = ["EU", "UK", "JP", "AU", "SG", "HK", "AE-DU", "CH", "US"];
const roles = clientRoles(rulebook, { jurisdictions: NINE, clientClass: "retail" });
const EUR = { kind: "PERPETUAL", underlierClass: "fx_major" } as const;

/** What one jurisdiction allows a retail client. */
function allowed(jurisdiction: string, product: Parameters<typeof allowedLeverage>[1]["product"], day = DAY) {
  const [role] = clientRoles(rulebook, { jurisdictions: [jurisdiction], clientClass: "retail" }) as [Role];
  return allowedLeverage(rulebook, { role, product, day });
}

describe("allowed leverage", () => {
  test("is the least of caps, margin rates as their reciprocals, and prohibitions", () => {
    expect(allowed("JP", ETH_PERP)).toMatchObject({ leverage: wad(2n), prohibited: false });
    expect(allowed("AE-DU", ETH_PERP).leverage).toBe(wad(5n));
    expect(allowed("UK", ETH_PERP)).toMatchObject({ leverage: 0n, prohibited: true });
    expect(allowed("UK", EUR)).toMatchObject({ leverage: wad(30n), prohibited: false });
    expect(allowed("CH", ETH_PERP)).toEqual({ leverage: null, prohibited: false, rule: null, reason: "NO_CAP" });
  });

  test("follows the lives of rules: Australia's order ends after 23 May 2027", () => {
    expect(allowed("AU", ETH_PERP, "2027-05-23").leverage).toBe(wad(2n));
    expect(allowed("AU", ETH_PERP, "2027-05-24").reason).toBe("NO_CAP");
  });

  test("of a role whose only rule waits is not yet known, which is not the same as no cap", () => {
    const [corporate] = clientRoles(rulebook, { jurisdictions: ["JP"], clientClass: "corporate" }) as [Role];
    expect(allowedLeverage(rulebook, { role: corporate, product: ETH_PERP, day: DAY }).reason).toBe("NOT_YET");
  });
});

describe("the arbitrage gap", () => {
  test("over crypto is 5, prohibitions counting as 0 and no cap as nothing", () => {
    const { min, max, gap, allowances } = leverageGap(rulebook, { roles, product: ETH_PERP, day: DAY });
    expect({ min, max, gap }).toEqual({ min: 0n, max: wad(5n), gap: wad(5n) });
    expect(allowances.filter((a) => a.allowance.leverage === null).map((a) => a.role.jurisdiction)).toEqual(["CH"]);
  });

  test("over one jurisdiction is unknown", () => {
    expect(leverageGap(rulebook, { roles: roles.slice(0, 1), product: ETH_PERP, day: DAY }).gap).toBeNull();
  });

  test("has a step for each day on which it changed, and every step is the gap of its day and of the day before the next", () => {
    const history = gapHistory(rulebook, { roles, product: ETH_PERP });
    expect(history.length).toBeGreaterThan(2);
    history.forEach((step, i) => {
      const next = history[i + 1];
      const until = next === undefined ? "2099-01-01" : dayBefore(next.from);
      for (const day of [step.from, until]) {
        const { min, max, gap } = leverageGap(rulebook, { roles, product: ETH_PERP, day });
        expect({ day, min, max, gap }).toEqual({ day, min: step.min, max: step.max, gap: step.gap });
      }
    });
    expect(history.find((step) => step.from === "2026-03-31")?.gap).toBe(wad(5n));
  });

  test("days follow each other over months and leap years", () => {
    expect(dayAfter("2024-02-28")).toBe("2024-02-29");
    expect(dayAfter("2026-12-31")).toBe("2027-01-01");
  });
});

describe("divergence", () => {
  const low = position({ name: "low", notional: wad(1000n) });
  const middle = position({ name: "middle", notional: wad(3000n) });
  const unpriced = position({ name: "unpriced", notional: null, reason: "NO_PRICE" });
  const standings = [
    { of: low, leverage: wad(1n) },
    { of: middle, leverage: wad(3n) },
    { of: unpriced, leverage: wad(3n) },
  ].flatMap((held) => standingsOf({ positions: [held.of], findings: findingsAt(rulebook, held) }, roles));
  const divergence = divergenceOf(rulebook, { standings, roles, day: DAY, limit: 1 });

  test("counts every position once in each jurisdiction", () => {
    for (const j of divergence.jurisdictions) {
      const parts = [j.compliant, j.breach, j.indeterminate, j.notApplicable];
      expect(parts.reduce((n, tally) => n + tally.count, 0)).toBe(3);
      expect(parts.reduce((n, tally) => n + tally.notional, 0n)).toBe(wad(4000n));
    }
    expect(divergence.positions).toEqual({ count: 3, unpriced: 1, notional: wad(4000n) });
  });

  test("has a pair for what passes in Dubai and fails in the EU, with its notional", () => {
    const pair = divergence.pairs.find((p) => p.passesIn === "AE-DU" && p.failsIn === "EU");
    expect(pair).toEqual({ passesIn: "AE-DU", failsIn: "EU", count: 2, unpriced: 1, notional: wad(3000n) });
    expect(divergence.pairs.find((p) => p.passesIn === "EU" && p.failsIn === "AE-DU")).toBeUndefined();
    const notionals = divergence.pairs.map((p) => p.notional);
    expect(notionals).toEqual([...notionals].sort((a, b) => (a > b ? -1 : a < b ? 1 : 0)));
  });

  test("does not take the silence of Switzerland for a pass", () => {
    expect(divergence.pairs.some((p) => p.passesIn === "CH" || p.failsIn === "CH")).toBe(false);
    expect(divergence.jurisdictions.find((j) => j.jurisdiction === "CH")?.notApplicable.count).toBe(3);
  });

  test("names the largest divergent positions, and all of them are divergent here: the UK prohibits what Dubai allows", () => {
    expect(divergence.divergent.count).toBe(3);
    expect(divergence.largest.map((s) => s.position.id)).toEqual([middle.id]);
  });

  test("is JSON without numbers for amounts", () => {
    const text = JSON.stringify(presentDivergence(divergence));
    expect(JSON.parse(text)).toMatchObject({
      positions: { count: 3, unpriced: 1, notional: wad(4000n).toString() },
      gaps: [{ underlier: "ETH", min: "0", max: "5", gap: "5", uncapped: 1 }],
    });
  });
});

test("halving the EU's cap halves what the EU allows and nothing else", () => {
  const files = rulebookFiles().map(({ name, json }) => {
    if (name !== "eu") return { name, json };
    const file = structuredClone(json) as { rules: { id: string; threshold: string }[] };
    for (const rule of file.rules) if (rule.id === "EU-CFD-LEV-CRYPTO") rule.threshold = "1";
    return { name, json: file };
  });
  const halved = parseRulebooks(files);
  const of = (book: typeof rulebook) =>
    leverageGap(book, { roles, product: ETH_PERP, day: DAY }).allowances.map((a) => a.allowance.leverage);
  const changed = of(halved).flatMap((leverage, i) => (leverage === of(rulebook)[i] ? [] : [NINE[i], leverage]));
  expect(changed).toEqual(["EU", wad(1n)]);
});

function dayBefore(day: string): string {
  return new Date(Date.parse(day) - 86_400_000).toISOString().slice(0, 10);
}
