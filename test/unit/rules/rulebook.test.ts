import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { type NamedJson, parseRulebooks, ruleAt, rulebookFrom, unconfirmed } from "../../../src/core/rules/rule.ts";
import { BOOK, rulebookFiles, ruleOf } from "./figures.ts";

type Json = Record<string, unknown>;

/** The repository's files with one change made to the EU file and its first rule. */
function changed(change: (rule: Json, file: Json) => void): NamedJson[] {
  const files = rulebookFiles();
  const eu = files.find((file) => file.name === "eu")?.json as Json;
  change((eu.rules as Json[])[0] as Json, eu);
  return files;
}

describe("the repository's rulebook", () => {
  it("has one hash whatever order its files come in, and the same when read from its own source", () => {
    const again = parseRulebooks([...rulebookFiles()].reverse());
    expect(again.hash).toBe(BOOK.hash);
    expect(rulebookFrom(JSON.parse(JSON.stringify(BOOK.source))).hash).toBe(BOOK.hash);
    expect(BOOK.hash).toMatch(/^0x[0-9a-f]{64}$/);
    expect(BOOK.version).toBe("ae-du 1, au 1, eu 1, jp 1, protocols 1, uk 1");
  });

  it("changes its hash with any word of it", () => {
    const other = parseRulebooks(changed((rule) => (rule.note = `${rule.note}!`)));
    expect(other.hash).not.toBe(BOOK.hash);
  });

  it.each([
    ["EU-CFD-LEV-CRYPTO", "2", "Art.1(d), Art.2(a), Annex I"],
    ["EU-CFD-CLOSEOUT-50", "0.50", "Art.1(e), Art.2(b)"],
    ["EU-CFD-NBP", "0", "Art.2(c)"],
    ["UK-CRYPTO-DERIV-BAN", "0", "COBS 22.6.5R"],
    ["UK-CFD-CLOSEOUT-50", "0.50", "COBS 22.5.13R"],
    ["UK-CFD-NBP", "0", "COBS 22.5.17R"],
    ["JP-CRYPTO-LEV-IND", "2", "Art.117(1)"],
    ["JP-CRYPTO-IM-IND", "0.50", "Art.117(1)"],
    ["AU-CFD-LEV-CRYPTO", "2", "s.5-6 (conditions)"],
    ["AU-CFD-CLOSEOUT-50", "0.50", "margin close-out condition"],
    ["AU-CFD-NBP", "0", "negative balance condition"],
    ["AE-VARA-ETD-LEV-RETAIL", "5", "Rule V.G.8"],
    ["AE-VARA-ETD-IM-RETAIL", "0.20", "Rule V.G.8"],
  ])("%s is %s under %s", (id, threshold, provision) => {
    expect(ruleOf(id).threshold).toBe(threshold);
    expect(ruleOf(id).legalBasis.provision).toBe(provision);
  });

  it("marks what was not read in a primary text as unconfirmed", () => {
    const confirmed = BOOK.rules.filter((rule) => !unconfirmed(rule)).map((rule) => rule.id);
    expect(confirmed).toEqual(["PERP-V2-MAINTENANCE", "SYNTHETIX-PERPS-V2-MAINTENANCE", "UK-CRYPTO-DERIV-BAN"]);
  });
});

describe("a rulebook that is refused, naming file, rule and what was expected", () => {
  it.each<[string, (rule: Json, file: Json) => void, RegExp]>([
    ["unknown metric", (rule) => (rule.metric = "POS.LEVERAG"), /eu: rule EU-CFD-LEV-CRYPTO: metric "POS.LEVERAG"/],
    ["unknown operator", (rule) => (rule.operator = "=<"), /eu: rule EU-CFD-LEV-CRYPTO: operator/],
    ["unknown unit", (rule) => (rule.unit = "percent"), /eu: rule EU-CFD-LEV-CRYPTO: unit/],
    ["unit of another metric", (rule) => (rule.unit = "EUR"), /unit is "EUR"/],
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
    ["policy that cannot be evaluated", (rule) => (rule.thresholdType = "policy"), /cannot be evaluated/],
    ["table that is not there", (_, file) => (file.tables = {}), /eu: rule EU-CFD-CLOSEOUT-50: table/],
    ["profile of a missing rule", (_, file) => (file.profiles = { EU_RETAIL: ["EU-X"] }), /names "EU-X"/],
  ])("%s", (_, change, message) => {
    const files = changed((rule, file) => void change(rule, file));
    expect(() => parseRulebooks(files)).toThrow(InputError);
    expect(() => parseRulebooks(files)).toThrow(message);
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
    expect(parseRulebooks(waiting("ACC.FX_MISMATCH_HAIRCUT")).rules.some((rule) => rule.id === "EU-X")).toBe(true);
    expect(() => parseRulebooks(waiting("ACC.NOTHING"))).toThrow(InputError);
  });
});
