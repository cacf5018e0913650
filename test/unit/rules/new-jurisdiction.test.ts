/** A jurisdiction nobody has written code for, in one more file: read, asked, measured, compared and judged. */
import { describe, expect, it } from "vitest";
import { compute } from "../../../src/core/metrics/compute.ts";
import { conditionOf, questionsFor } from "../../../src/core/rules/assess.ts";
import { type Facts, factsAbout, factsKeyOf, parseFacts, signFacts } from "../../../src/core/rules/facts.ts";
import { judgeBy } from "../../../src/core/rules/judge.ts";
import { type NamedJson, parseRulebooks, type Rulebook } from "../../../src/core/rules/rule.ts";
import { BOOK, ETH_PERP, rulebookFiles, wad } from "./figures.ts";

const ADDRESS = "0x00000000000000000000000000000000000000aa";
const SECRET = "22".repeat(32);
const CITATION = { instrument: "Ruritanian Derivatives Act", provision: "s.7" };

const CAP = {
  ...{ id: "RU-X-LEV-CRYPTO", jurisdiction: "RU-X", authority: "Royal Exchequer", legalBasis: CITATION },
  ...{ title: "Leverage of villagers at most 3:1", subject: "villager" },
  scope: { products: ["perpetual"], underlierClasses: ["crypto"] },
  ...{ metric: "POS.LEVERAGE_OPEN", operator: "<=", threshold: "3", unit: "ratio", kind: "limit" },
  ...{ effectiveFrom: "2026-04-01", effectiveTo: null, status: "in_force", confidence: "P", source: "The Act itself" },
  ...{ evaluability: "onchain+registry", consequence: "must not open", note: "", testPoint: "open" },
  ...{ thresholdType: "number", evaluation: "needs-fact", requiresFacts: ["clientClass", "jurisdiction"] },
  clientClasses: ["villager"],
};

const COLLATERAL = {
  ...CAP,
  ...{ id: "RU-X-COLLATERAL", title: "Collateral from the royal list only", subject: "miller" },
  scope: { products: ["*"], underlierClasses: ["*"] },
  ...{ metric: "ACC.INELIGIBLE_COLLATERAL_SHARE", threshold: "0", testPoint: "daily", eligible: "ROYAL_LIST" },
  ...{ requiresFacts: ["entityClass", "jurisdiction"], clientClasses: undefined, entityClasses: ["fi"] },
};

const RURITANIA: NamedJson = {
  name: "ru-x",
  json: JSON.parse(
    JSON.stringify({
      $schema: "./rulebook.schema.json",
      ...{ version: "1", jurisdiction: "RU-X", name: "Ruritania", covers: ["RU-X"], profiles: {} },
      clientClasses: ["villager", "noble"],
      tables: {
        ROYAL_LIST: {
          title: "Royal list",
          legalBasis: CITATION,
          source: "The Act itself",
          note: "",
          eligible: ["LST"],
        },
      },
      rules: [CAP, COLLATERAL],
    }),
  ),
};

const book = parseRulebooks([...rulebookFiles(), RURITANIA]);
const cap = inBook(book, CAP.id);

function inBook({ rules }: Rulebook, id: string) {
  const rule = rules.find((r) => r.id === id);
  if (rule === undefined) throw new Error(`The rulebook has no rule ${id}.`);
  return rule;
}

function asked(date: string): string[] {
  const query = { subject: "position", moment: "open", protocol: "perp-v2", products: [ETH_PERP], date } as const;
  return questionsFor(book, query).map(({ rule }) => rule.id);
}

function factsOf(clientClass: string): Facts {
  const facts = [
    { subject: ADDRESS, predicate: "jurisdiction", object: "RU-X", validFrom: null, validTo: null },
    { subject: ADDRESS, predicate: "clientClass", object: clientClass, validFrom: null, validTo: null },
  ];
  const file = { version: "plumbline-facts/1" as const, issuer: "Registry", issuedAt: "2026-03-31T12:00:00Z", facts };
  return parseFacts(signFacts(file, SECRET), factsKeyOf(SECRET));
}

describe("a jurisdiction in one more file", () => {
  it("is read beside the others, under another hash and its own version", () => {
    expect(book.rules.length).toBe(BOOK.rules.length + 2);
    expect(book.hash).not.toBe(BOOK.hash);
    expect(book.version).toContain("ru-x 1");
    expect([cap.profile, cap.subjectKind, cap.covers]).toEqual(["RU_X_VILLAGER", "position", ["RU-X"]]);
    expect([...(inBook(book, COLLATERAL.id).eligibleClasses ?? [])]).toEqual(["LST"]);
  });

  it("is asked from its first day on", () => {
    expect(asked("2026-03-31")).not.toContain(CAP.id);
    expect(asked("2026-04-01")).toContain(CAP.id);
  });

  it.each([
    ["villager", 3n, "compliant"],
    ["villager", 4n, "breach"],
    ["noble", 4n, "not_applicable"],
    ["dragon", 4n, "indeterminate"],
  ] as const)("judges a %s at %s:1 as %s", (clientClass, leverage, outcome) => {
    const inputs = { notional: wad(100n * leverage), collateral: wad(100n) };
    const result = compute("POS.LEVERAGE_OPEN", inputs, "USDC");
    const condition = conditionOf(cap, { metric: "POS.LEVERAGE_OPEN", inputs, result });
    const about = factsAbout(factsOf(clientClass), `eip155:901:${ADDRESS}`, "2026-04-02");
    expect(judgeBy(cap, { condition, reason: result.reason }, about).outcome).toBe(outcome);
  });
});

describe("a rule that waits for its metric", () => {
  it("is never asked, whatever the subject and the moment", () => {
    const waiting = new Set(book.rules.filter((rule) => rule.evaluation === "not-yet").map((rule) => rule.id));
    expect(waiting.size).toBeGreaterThan(0);
    for (const subject of ["position", "account", "market", "protocol", "asset", "chain"] as const) {
      for (const moment of ["open", "daily", "end", "transfer"] as const) {
        const query = { subject, moment, protocol: "perp-v2", products: [ETH_PERP], date: "2031-01-01" };
        for (const { rule } of questionsFor(book, query)) expect(waiting).not.toContain(rule.id);
      }
    }
  });
});
