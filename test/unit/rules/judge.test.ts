import { describe, expect, it } from "vitest";
import type { Assessment, Condition } from "../../../src/core/assessment.ts";
import { type Fact, type Facts, factsKeyOf, parseFacts, signFacts } from "../../../src/core/rules/facts.ts";
import { judge, type Outcome } from "../../../src/core/rules/judge.ts";
import { parseRulebooks } from "../../../src/core/rules/rule.ts";
import { BOOK, rulebookFiles, ruleOf } from "./figures.ts";

const ADDRESS = "0x00000000000000000000000000000000000000aa";
const SECRET = "11".repeat(32);

function about(id: string, condition: Condition, change: Partial<Assessment> = {}): Assessment {
  const rule = ruleOf(id);
  return {
    id: "0".repeat(64),
    chain: "eip155:901",
    protocol: "perp-v2",
    subject: `eip155:901/perp-v2/eth/${ADDRESS}/1`,
    account: `eip155:901:${ADDRESS}`,
    ruleId: id,
    rulebookHash: BOOK.hash,
    deploymentHash: `0x${"de".repeat(32)}`,
    kernel: "plumbline-kernel/1",
    testPoint: "end",
    condition,
    metric: rule.metric,
    inputs: {},
    measured: null,
    decimals: "18",
    unit: "ratio",
    reason: condition === "unknown" ? "NO_RATE" : null,
    operator: rule.operator,
    threshold: rule.threshold,
    blockNumber: "1",
    blockHash: `0x${"00".repeat(32)}`,
    blockTimestamp: "1775088000",
    ...change,
  };
}

function factsOf(
  values: Partial<Record<"clientClass" | "jurisdiction" | "entityClass", string>>,
  change: Partial<Fact> = {},
): Facts {
  const facts = Object.entries(values).map(([predicate, object]) => ({
    subject: ADDRESS,
    predicate,
    object,
    validFrom: null,
    validTo: null,
    ...change,
  }));
  const file = { version: "plumbline-facts/1" as const, issuer: "Test", issuedAt: "2026-04-01T00:00:00Z", facts };
  return parseFacts(signFacts(file, SECRET), factsKeyOf(SECRET));
}

const CLASS = "registry.clientClass";
const PLACE = "registry.jurisdiction";
const RETAIL_EU = { clientClass: "retail", jurisdiction: "EU" };

/** Rule, condition, facts (null: none held), outcome, what is missing. */
const MATRIX: [string, Condition, Parameters<typeof factsOf>[0] | null, Outcome, string[]][] = [
  ["PERP-V2-MAINTENANCE", "met", null, "compliant", []],
  ["PERP-V2-MAINTENANCE", "not_met", null, "breach", []],
  ["PERP-V2-MAINTENANCE", "unknown", null, "indeterminate", ["figure.NO_RATE"]],
  ["PERP-V2-MAINTENANCE", "not_met", { clientClass: "professional" }, "breach", []],
  ["EU-CFD-NBP", "met", RETAIL_EU, "compliant", []],
  ["EU-CFD-NBP", "not_met", RETAIL_EU, "breach", []],
  ["EU-CFD-NBP", "unknown", RETAIL_EU, "indeterminate", ["figure.NO_RATE"]],
  ["EU-CFD-NBP", "not_met", { clientClass: "retail", jurisdiction: "DE" }, "breach", []],
  ["EU-CFD-NBP", "met", null, "indeterminate", [CLASS, PLACE]],
  ["EU-CFD-NBP", "not_met", {}, "indeterminate", [CLASS, PLACE]],
  ["EU-CFD-NBP", "not_met", { clientClass: "retail" }, "indeterminate", [PLACE]],
  ["EU-CFD-NBP", "not_met", { jurisdiction: "EU" }, "indeterminate", [CLASS]],
  ["EU-CFD-NBP", "unknown", { jurisdiction: "EU" }, "indeterminate", [CLASS, "figure.NO_RATE"]],
  ["EU-CFD-NBP", "not_met", { clientClass: "professional", jurisdiction: "EU" }, "not_applicable", []],
  ["EU-CFD-NBP", "not_met", { clientClass: "professional" }, "not_applicable", []],
  ["EU-CFD-NBP", "not_met", { clientClass: "retail", jurisdiction: "JP" }, "not_applicable", []],
  ["EU-CFD-NBP", "unknown", { jurisdiction: "AU" }, "not_applicable", []],
  ["EU-CFD-NBP", "not_met", { clientClass: "retial", jurisdiction: "EU" }, "indeterminate", [CLASS]],
  ["UK-CFD-CLOSEOUT-50", "unknown", { clientClass: "retail", jurisdiction: "GB" }, "indeterminate", ["figure.NO_RATE"]],
  ["JP-CRYPTO-LEV-IND", "not_met", { clientClass: "individual", jurisdiction: "JP" }, "breach", []],
  ["JP-CRYPTO-LEV-IND", "not_met", { clientClass: "corporate", jurisdiction: "JP" }, "not_applicable", []],
  ["JP-CRYPTO-LEV-IND", "not_met", { clientClass: "retail", jurisdiction: "JP" }, "indeterminate", [CLASS]],
  ["AE-VARA-ETD-LEV-RETAIL", "not_met", { clientClass: "retail", jurisdiction: "AE-DU" }, "breach", []],
  ["AE-VARA-ETD-LEV-RETAIL", "not_met", { clientClass: "retail", jurisdiction: "AE" }, "indeterminate", [PLACE]],
  ["AE-VARA-ETD-LEV-RETAIL", "not_met", { clientClass: "retail", jurisdiction: "AE-AZ" }, "not_applicable", []],
  ["EU-CFD-NBP", "not_met", { clientClass: "retail", jurisdiction: "DE-BY" }, "breach", []],
  ["EU-CFD-NBP", "not_met", { clientClass: "retail", jurisdiction: "eu" }, "indeterminate", [PLACE]],
  ["EU-CFD-NBP", "not_met", { clientClass: "retail", jurisdiction: "Germany" }, "indeterminate", [PLACE]],
];

describe("a verdict", () => {
  it.each(MATRIX)("%s, condition %s, facts %o: %s", (id, condition, values, outcome, missing) => {
    const facts = values === null ? null : factsOf(values);
    expect(judge(ruleOf(id), about(id, condition), facts)).toEqual({ outcome, missing, profile: ruleOf(id).profile });
  });

  it("rests on the facts of the block's own day", () => {
    const facts = factsOf(RETAIL_EU, { validFrom: "2026-04-02", validTo: "2026-04-02" });
    const on = (blockTimestamp: string) =>
      judge(ruleOf("EU-CFD-NBP"), about("EU-CFD-NBP", "not_met", { blockTimestamp }), facts).outcome;
    expect(on("1775087999")).toBe("indeterminate");
    expect(on("1775088000")).toBe("breach");
    expect(on("1775174399")).toBe("breach");
    expect(on("1775174400")).toBe("indeterminate");
  });

  it.each(["scoping", "duty_trigger", "classification", "parameter", "formula", "reporting", "qualitative"])(
    "never comes from a rule of the kind %s, which cannot be broken",
    (kind) => {
      const files = rulebookFiles();
      const eu = files.find((file) => file.name === "eu")?.json as { rules: Record<string, unknown>[] };
      Object.assign(eu.rules.find((row) => row.id === "EU-CFD-NBP") as object, { kind });
      const rule = parseRulebooks(files).rules.find((r) => r.id === "EU-CFD-NBP");
      if (rule === undefined) throw new Error("The rule is gone.");
      expect(judge(rule, about("EU-CFD-NBP", "not_met"), factsOf(RETAIL_EU)).outcome).toBe("not_applicable");
    },
  );
});

describe("a rule for a class of entities", () => {
  it.each<[string | undefined, Outcome]>([
    ["fi", "breach"],
    ["nfc_plus", "breach"],
    ["nfc_minus", "not_applicable"],
    ["casp", "not_applicable"],
    ["a word nobody knows", "indeterminate"],
    [undefined, "indeterminate"],
  ])("asks the fact entityClass: %s is %s", (entityClass, outcome) => {
    const facts = factsOf({ jurisdiction: "DE", ...(entityClass === undefined ? {} : { entityClass }) });
    const judgement = judge(ruleOf("EU-UMR-HFX"), about("EU-UMR-HFX", "not_met"), facts);
    expect(judgement.outcome).toBe(outcome);
    expect(judgement.missing).toEqual(outcome === "indeterminate" ? ["registry.entityClass"] : []);
  });
});

describe("a rule with an exemption that nobody tests", () => {
  const facts = factsOf({ jurisdiction: "DE", entityClass: "fi" });
  const judged = (condition: Condition) =>
    judge(ruleOf("EU-UMR-CONC-ISSUER"), about("EU-UMR-CONC-ISSUER", condition), facts);

  it("is complied with when its condition holds, and not known to be broken when it fails", () => {
    expect(judged("met").outcome).toBe("compliant");
    expect(judged("not_met")).toMatchObject({ outcome: "indeterminate", missing: ["rule.exemption"] });
  });
});

describe("what is about no account", () => {
  const around = { account: null, protocol: "eip155:901/perp-v2" };
  const ccp = factsOf({ entityClass: "ccp", jurisdiction: "EU" }, { subject: "eip155:901/perp-v2" });

  it.each(["eip155:901/perp-v2", "eip155:901/perp-v2/eth"])(
    "is judged by the facts about its protocol: %s",
    (subject) => {
      const low = about("EU-CCP-COVER2", "not_met", { ...around, subject });
      expect(judge(ruleOf("EU-CCP-COVER2"), low, ccp).outcome).toBe("breach");
      const elsewhere = { ...low, protocol: "eip155:902/perp-v2" };
      expect(judge(ruleOf("EU-CCP-COVER2"), elsewhere, ccp).outcome).toBe("indeterminate");
    },
  );

  it("is judged by the facts about the chain where it is the chain", () => {
    const lag = about("INT-PFMI-P8-FINALITY", "met", { account: null, protocol: "eip155:901", subject: "eip155:901" });
    const rule = ruleOf("INT-PFMI-P8-FINALITY");
    expect(judge(rule, lag, factsOf({ entityClass: "fmi" }, { subject: "eip155:901" })).outcome).toBe("compliant");
    expect(judge(rule, lag, ccp).outcome).toBe("indeterminate");
  });
});
