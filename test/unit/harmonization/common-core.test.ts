import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { type CoreEntry, commonCoreOf } from "../../../src/core/harmonization/common-core.ts";
import { listRules } from "../../../src/core/harmonization/listing.ts";
import { clientRoles, rolesFor } from "../../../src/core/harmonization/roles.ts";
import { unconfirmed } from "../../../src/core/rules/rule.ts";
import { BOOK as rulebook } from "../rules/figures.ts";
import { DAY } from "./findings.ts";

function retailCore(jurisdictions: readonly string[]) {
  const roles = clientRoles(rulebook, { jurisdictions, clientClass: "retail" });
  return commonCoreOf(rulebook, { roles, day: DAY });
}

function entry(entries: readonly CoreEntry[], metric: string, underlierClass: string): CoreEntry {
  const found = entries.find((e) => e.metric === metric && e.underlierClasses.includes(underlierClass as never));
  if (found === undefined) throw new Error(`No entry for ${metric} of ${underlierClass}.`);
  return found;
}

describe("the common core of retail clients", () => {
  test("EU, Japan and Australia agree on 2:1 for crypto", () => {
    const crypto = entry(retailCore(["EU", "JP", "AU"]).entries, "POS.LEVERAGE_OPEN", "crypto");
    expect(crypto).toMatchObject({ isCommon: true, isAgreed: true, prohibitedIn: [] });
    expect(crypto.strictest).toMatchObject({ operator: "<=", threshold: "2" });
    expect(crypto.requirements.map((r) => r.jurisdiction)).toEqual(["EU", "JP", "AU"]);
  });

  test("with Dubai and Singapore they disagree, and 1:1 keeps all", () => {
    const crypto = entry(retailCore(["EU", "AE-DU", "SG"]).entries, "POS.LEVERAGE_OPEN", "crypto");
    expect(crypto).toMatchObject({ isCommon: true, isAgreed: false });
    expect(crypto.strictest).toMatchObject({ jurisdiction: "SG", threshold: "1" });
  });

  test("with the UK a cap on crypto is not common, because the UK prohibits it", () => {
    const crypto = entry(retailCore(["EU", "UK"]).entries, "POS.LEVERAGE_OPEN", "crypto");
    expect(crypto).toMatchObject({ isCommon: false, prohibitedIn: ["UK"] });
    const fx = entry(retailCore(["EU", "UK"]).entries, "POS.LEVERAGE_OPEN", "fx_major");
    expect(fx).toMatchObject({ isCommon: true, isAgreed: true, prohibitedIn: [] });
    expect(fx.strictest?.threshold).toBe("30");
  });

  test("Dubai's ban on margin trading prohibits no derivative", () => {
    const crypto = entry(retailCore(["EU", "AE-DU"]).entries, "POS.LEVERAGE_OPEN", "crypto");
    expect(crypto.prohibitedIn).toEqual([]);
  });

  test("a floor is kept by the highest: Japan's 50 % against Dubai's 20 %", () => {
    const rate = entry(retailCore(["JP", "AE-DU"]).entries, "POS.MARGIN_RATE", "crypto");
    expect(rate.strictest).toMatchObject({ jurisdiction: "JP", operator: ">=", threshold: "0.50" });
  });

  test("counts what is common and what is disputed", () => {
    const core = retailCore(["EU", "AU", "AE-DU"]);
    expect(core.common).toBe(core.entries.filter((e) => e.isCommon).length);
    expect(core.disputed).toBe(core.entries.filter((e) => !e.isAgreed).length);
    expect(core.disputed).toBeGreaterThan(0);
  });
});

test("thresholds in different currencies are not compared without a rate", () => {
  const roles = rolesFor(rulebook, { jurisdictions: ["EU", "CH"], clientClasses: ["retail"], entityClasses: ["fi"] });
  const entities = roles.filter((role) => role.entityClass !== null);
  const core = commonCoreOf(rulebook, { roles: entities, day: DAY });
  const unmargined = entry(core.entries, "CPT.UNMARGINED_IM", "crypto");
  expect(unmargined).toMatchObject({ isCommon: true, isAgreed: false, strictest: null, reason: "UNITS_DIFFER" });
});

describe("the list of rules", () => {
  test("counts evaluations and unconfirmed rules of what it lists", () => {
    const all = listRules(rulebook, {});
    expect(all.total).toBe(rulebook.rules.length);
    expect(all.computed + all.needsFact + all.notYet).toBe(all.total);
    expect(all.unconfirmed).toBe(rulebook.rules.filter(unconfirmed).length);
    expect(all.rules.every((rule) => rule.citation.instrument !== "" && rule.citation.provision !== "")).toBe(true);
  });

  test("is narrowed by jurisdiction, evaluation, metric, id and day", () => {
    const uk = listRules(rulebook, { jurisdictions: ["UK"], metric: "POS.LEVERAGE_OPEN" });
    expect(uk.rules.length).toBeGreaterThan(0);
    expect(uk.rules.every((rule) => rule.jurisdiction === "UK" && rule.metric === "POS.LEVERAGE_OPEN")).toBe(true);
    expect(listRules(rulebook, { evaluation: "not-yet" }).computed).toBe(0);
    expect(listRules(rulebook, { ids: ["UK-CRYPTO-DERIV-BAN"] }).rules).toMatchObject([{ unconfirmed: false }]);
    const before = listRules(rulebook, { jurisdictions: ["HK"], date: "2026-02-10" });
    expect(before.rules.map((rule) => rule.id)).not.toContain("HK-PERP-PI-ONLY");
  });

  test("refuses what it does not know", () => {
    expect(() => listRules(rulebook, { evaluation: "perhaps" })).toThrow(InputError);
    expect(() => listRules(rulebook, { jurisdictions: ["XX"] })).toThrow(InputError);
  });
});
