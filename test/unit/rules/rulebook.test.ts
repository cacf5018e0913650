import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  countByEvaluation,
  type NamedJson,
  parseRulebooks,
  ruleAt,
  rulebookFrom,
  unconfirmed,
} from "../../../src/core/rules/rule.ts";
import { BOOK, rulebookFiles, ruleOf } from "./figures.ts";

type Json = Record<string, unknown>;

const CHANGED = "EU-CFD-LEV-CRYPTO";

/** The repository's files with one change made to the EU file and its rule for crypto leverage. */
function changed(change: (rule: Json, file: Json) => void): NamedJson[] {
  const files = rulebookFiles();
  const eu = files.find((file) => file.name === "eu")?.json as Json;
  change((eu.rules as Json[]).find((rule) => rule.id === CHANGED) as Json, eu);
  return files;
}

/** The repository's files with one change made to the scenarios. */
function otherScenarios(change: (file: Json) => void): NamedJson[] {
  const files = rulebookFiles();
  change(files.find((file) => file.name === "scenarios")?.json as Json);
  return files;
}

const TABLE = { title: "Table", legalBasis: { instrument: "Act", provision: "s.1" }, source: "read", note: "" };
const SCENARIO = { title: "Fall", source: "ours" };
const scenario = (shock: unknown) => ({ X: { ...SCENARIO, shocks: { down: shock } } });

describe("the repository's rulebook", () => {
  it("has one hash whatever order its files come in, and the same when read from its own source", () => {
    const again = parseRulebooks([...rulebookFiles()].reverse());
    expect(again.hash).toBe(BOOK.hash);
    expect(rulebookFrom(JSON.parse(JSON.stringify(BOOK.source))).hash).toBe(BOOK.hash);
    expect(BOOK.hash).toMatch(/^0x[0-9a-f]{64}$/);
    expect(BOOK.version).toBe(
      "ae-az 1, ae-du 2, au 2, bench 1, ch 1, eu 2, hk 1, int 1, jp 2, protocols 1, scenarios 1, sg 1, uk 2, us 1",
    );
  });

  it("changes its hash with any word of it", () => {
    const other = parseRulebooks(changed((rule) => (rule.note = `${rule.note}!`)));
    expect(other.hash).not.toBe(BOOK.hash);
  });

  it("changes its hash with any number of a scenario, and not with the schema that editors read", () => {
    const shocks = otherScenarios((file) => {
      const scenario = (file.scenarios as Record<string, Json>).UNIFORM_1 as Json;
      scenario.shocks = { ...(scenario.shocks as Json), "down-20": "-0.21" };
    });
    expect(parseRulebooks(shocks).hash).not.toBe(BOOK.hash);
    const schema = changed((_, file) => (file.$schema = "https://example.org/another.json"));
    expect(parseRulebooks(schema).hash).toBe(BOOK.hash);
  });

  it("has every rule of the twelve jurisdictions and bodies, and three of the protocols", () => {
    const counts = new Map<string, number>();
    for (const rule of BOOK.rules) counts.set(rule.jurisdiction, (counts.get(rule.jurisdiction) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({
      ...{ "AE-AZ": 1, "AE-DU": 6, AU: 7, BENCH: 8, CH: 7, EU: 40, HK: 7, INT: 20, JP: 5, SG: 4, UK: 10, US: 20 },
      PROTOCOL: 3,
    });
    expect(new Set(BOOK.rules.map((rule) => rule.id)).size).toBe(138);
  });

  it("grades each rule by where it was read, and marks as unconfirmed what was not read in a primary text", () => {
    const grades = { P: 0, S: 0, T: 0, M: 0, B: 0 };
    for (const rule of BOOK.rules) {
      grades[rule.confidence] += 1;
      expect([rule.id, unconfirmed(rule)]).toEqual([rule.id, "STM".includes(rule.confidence)]);
    }
    expect(grades).toEqual({ P: 33 + 3, S: 51, T: 11, M: 32, B: 8 });
  });

  it("says of each rule whether it is evaluated", () => {
    const counts = countByEvaluation(BOOK);
    expect(counts.computed + counts["needs-fact"] + counts["not-yet"]).toBe(138);
    for (const rule of BOOK.rules) {
      if (rule.evaluation !== "not-yet") expect([rule.id, rule.subjectKind]).not.toEqual([rule.id, null]);
    }
  });

  it("has a citation for every table and scenario", () => {
    for (const { json } of rulebookFiles()) {
      const { tables = {}, scenarios = {} } = json as {
        tables?: Record<string, Json>;
        scenarios?: Record<string, Json>;
      };
      for (const entry of [...Object.values(tables), ...Object.values(scenarios)]) expect(entry.source).toMatch(/\S/);
    }
  });

  it("works out what a rule names: tables, classes, scenarios and the members of its set", () => {
    const formula = ruleOf("EU-UMR-HAIRCUT-FORMULA");
    expect(formula.haircutRates?.get("TOKENISED_OTHER")).toBe(240_000_000_000_000_000n);
    expect([...(formula.eligibleClasses ?? [])]).toEqual(["CASH_BANK", "TOKENISED_GOVT", "TOKENISED_OTHER"]);
    expect(ruleOf("EU-UMR-IM-THRESHOLD").rates?.get("fx_minor")).toBe(60_000_000_000_000_000n);
    expect([...(ruleOf("US-FCM-STABLE-CHARGE").collateralClasses ?? [])]).toEqual(["FIAT_STABLE_REGULATED"]);
    expect(ruleOf("EU-CCP-COVER2").shocks?.get("down-50")).toBe(-500_000_000_000_000_000n);
    expect([...(ruleOf("HK-PERP-UNDERLIER").set ?? [])]).toEqual(["BTC", "ETH"]);
    expect(ruleOf("EU-CFD-NBP").collateralClasses).toBeNull();
  });
});

describe("a rulebook that is refused, naming file, rule and what was expected", () => {
  it.each<[string, (rule: Json, file: Json) => void, RegExp]>([
    ["unknown metric", (rule) => (rule.metric = "POS.LEVERAG"), /eu: rule EU-CFD-LEV-CRYPTO: metric "POS.LEVERAG"/],
    ["unknown operator", (rule) => (rule.operator = "=<"), /eu: rule EU-CFD-LEV-CRYPTO: operator/],
    ["unknown unit", (rule) => (rule.unit = "percent"), /eu: rule EU-CFD-LEV-CRYPTO: unit/],
    ["unit of another metric", (rule) => (rule.unit = "EUR"), /eu: rule EU-CFD-LEV-CRYPTO: unit is "EUR"/],
    ["operator that compares nothing", (rule) => (rule.operator = "report"), /operator "report" cannot be evaluated/],
    ["number for a threshold", (rule) => (rule.threshold = 2), /EU-CFD-LEV-CRYPTO: threshold: .*string.*number/],
    ["threshold in words", (rule) => (rule.threshold = "two"), /threshold "two" is not a decimal/],
    ["threshold too fine", (rule) => (rule.threshold = "0.0000000000000000001"), /is not a decimal/],
    ["no citation", (rule) => delete rule.legalBasis, /EU-CFD-LEV-CRYPTO: legalBasis/],
    ["empty citation", (rule) => (rule.legalBasis = { instrument: " ", provision: "x" }), /legalBasis.instrument/],
    ["no source", (rule) => (rule.source = ""), /source is empty/],
    ["unknown field", (rule) => (rule.treshold = "2"), /EU-CFD-LEV-CRYPTO: .*treshold/],
    ["unknown product", (rule) => (rule.scope = { products: ["perp"], underlierClasses: ["crypto"] }), /known product/],
    ["day that is none", (rule) => (rule.effectiveFrom = "2018-02-30"), /effectiveFrom/],
    ["end before start", (rule) => (rule.effectiveTo = "2018-07-01"), /is before effectiveFrom/],
    ["another jurisdiction", (rule) => (rule.jurisdiction = "UK"), /expected "EU"/],
    ["id twice", (rule, file) => (file.rules as Json[]).push({ ...rule }), /EU-CFD-LEV-CRYPTO: the id is there twice/],
    [
      "overlapping lives",
      (rule, file) => (file.rules as Json[]).push({ ...rule, effectiveFrom: "2026-01-01" }),
      /EU-CFD-LEV-CRYPTO: two rows are valid on the same days/,
    ],
    ["facts that are not asked for", (rule) => (rule.requiresFacts = []), /EU-CFD-LEV-CRYPTO/],
    ["class nobody can have", (rule) => (rule.clientClasses = ["retial"]), /client class "retial"/],
    ["entity class nobody can have", (rule) => (rule.entityClasses = ["bnak"]), /EU-CFD-LEV-CRYPTO: entityClasses/],
    ["entity class without the fact", (rule) => (rule.entityClasses = ["bank"]), /come together or not at all/],
    ["test every epoch of a position", (rule) => (rule.testPoint = "epoch"), /epoch is not for positions and accounts/],
    ["blank source", (rule) => (rule.source = "  "), /source is empty/],
    ["empty provision", (rule) => (rule.legalBasis = { instrument: "x", provision: "" }), /legalBasis.provision/],
    ["table of another kind", (rule) => (rule.haircuts = "IM_SCHEDULE"), /table "IM_SCHEDULE" has no haircuts/],
    ["scenarios that are not there", (rule) => (rule.scenarios = "UNIFORM_2"), /scenarios "UNIFORM_2" are in no file/],
    ["class of collateral that is none", (rule) => (rule.collateral = ["GOLD"]), /expected a class of collateral/],
    [
      "haircut above one",
      (rule, file) => {
        rule.haircuts = "UMR_COLLATERAL";
        (file.tables as Record<string, Json>).UMR_COLLATERAL = { ...TABLE, haircuts: { CASH_BANK: "1.01" } };
      },
      /EU-CFD-LEV-CRYPTO: haircut "1.01" of CASH_BANK is not a decimal string from "0" to "1"/,
    ],
    [
      "number for a rate",
      (_, file) => ((file.tables as Record<string, Json>).IM_SCHEDULE = { ...TABLE, rates: { crypto: 0.15 } }),
      /eu: tables.IM_SCHEDULE.rates.crypto: .*string.*number/,
    ],
    [
      "table without a source",
      (_, file) => ((file.tables as Record<string, Json>).IM_SCHEDULE = { ...TABLE, source: "", rows: {} }),
      /eu: tables.IM_SCHEDULE.source: expected text/,
    ],
    ["policy that cannot be evaluated", (rule) => (rule.thresholdType = "policy"), /cannot be evaluated/],
    [
      "table that is not there",
      (_, file) => (file.tables = {}),
      /eu: rule EU-CFD-CLOSEOUT-50: table "CFD_INITIAL_MARGIN" is not in the file/,
    ],
    ["profile of a missing rule", (_, file) => (file.profiles = { EU_RETAIL: ["EU-X"] }), /names "EU-X"/],
  ])("%s", (_, change, message) => {
    const files = changed((rule, file) => void change(rule, file));
    expect(() => parseRulebooks(files)).toThrow(InputError);
    expect(() => parseRulebooks(files)).toThrow(message);
  });

  it.each<[string, (file: Json) => void, RegExp]>([
    ["fall by more than everything", (file) => (file.scenarios = scenario("-1")), /X: shock down is "-1"; expected/],
    ["shock in words", (file) => (file.scenarios = scenario("half")), /scenarios: scenarios X: shock down is "half"/],
    ["number for a shock", (file) => (file.scenarios = scenario(-0.2)), /scenarios: scenarios.X.shocks.down: .*string/],
    [
      "scenarios without a shock",
      (file) => (file.scenarios = { X: { ...SCENARIO, shocks: {} } }),
      /at least one shock/,
    ],
    ["scenarios that a rule needs and nobody has", (file) => (file.scenarios = scenario("-0.2")), /are in no file/],
  ])("scenarios: %s", (_, change, message) => {
    const files = otherScenarios((file) => void change(file));
    expect(() => parseRulebooks(files)).toThrow(InputError);
    expect(() => parseRulebooks(files)).toThrow(message);
  });

  it("names the file of an id that another file has too", () => {
    const files = rulebookFiles();
    const rulesOf = (name: string) =>
      (files.find((file) => file.name === name) as { json: { rules: Json[] } }).json.rules;
    const rule = rulesOf("eu").find((row) => row.id === CHANGED) as Json;
    rulesOf("uk").push({ ...rule, jurisdiction: "UK" });
    expect(() => parseRulebooks(files)).toThrow(/Rulebook uk: rule EU-CFD-LEV-CRYPTO: the id is there twice/);
  });

  it("has one file a jurisdiction, so that what the jurisdiction covers is said once", () => {
    const files = rulebookFiles();
    const eu = (files.find((file) => file.name === "eu") as { json: Json }).json;
    const copy = { ...eu, clientClasses: [], profiles: {} };
    expect(() => parseRulebooks([...files, { name: "eu-2027", json: copy }])).toThrow(
      /Rulebook eu-2027: jurisdiction "EU" is that of eu too; expected one file a jurisdiction\./,
    );
  });

  it("is no folder of scenarios alone", () => {
    const scenarios = rulebookFiles().filter(({ name }) => name === "scenarios");
    expect(scenarios).toHaveLength(1);
    expect(() => parseRulebooks(scenarios)).toThrow(InputError);
  });

  it("is no file at all, two of one name, or no rulebook object", () => {
    expect(() => parseRulebooks([])).toThrow(InputError);
    expect(() => parseRulebooks([...rulebookFiles(), ...rulebookFiles()])).toThrow(InputError);
    for (const source of [
      null,
      [],
      "",
      {},
      { format: "plumbline-rulebook/1" },
      { ...(BOOK.source as Json), more: "x" },
    ]) {
      expect(() => rulebookFrom(source)).toThrow(InputError);
    }
  });
});

describe("a rule that changes over time", () => {
  const book = parseRulebooks(
    changed((rule, file) => {
      rule.effectiveTo = "2026-04-30";
      (file.rules as Json[]).push({ ...rule, threshold: "1", effectiveFrom: "2026-05-01", effectiveTo: null });
    }),
  );

  it.each([
    ["2026-04-30", "2"],
    ["2026-05-01", "1"],
  ])("stands on %s at %s", (day, threshold) => {
    expect(ruleAt(book, "EU-CFD-LEV-CRYPTO", day).threshold).toBe(threshold);
  });

  it("is unknown before it began", () => {
    expect(() => ruleAt(book, "EU-CFD-LEV-CRYPTO", "2018-07-31")).toThrow(InputError);
  });

  it("may wait for a metric that is planned, but not for one nobody has named", () => {
    const waiting = (metric: string) =>
      changed((rule, file) =>
        (file.rules as Json[]).push({ ...rule, id: "EU-X", metric, evaluation: "not-yet", threshold: "0.08" }),
      );
    expect(parseRulebooks(waiting("PRT.OUTAGE_HOURS")).rules.some((rule) => rule.id === "EU-X")).toBe(true);
    expect(() => parseRulebooks(waiting("ACC.NOTHING"))).toThrow(InputError);
  });
});
