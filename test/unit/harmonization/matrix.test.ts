import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { type Cell, cellOf, compose, headroom } from "../../../src/core/harmonization/cell.ts";
import { aboutPosition, type MatrixRow, matrixOf } from "../../../src/core/harmonization/matrix.ts";
import { type Role, rolesFor } from "../../../src/core/harmonization/roles.ts";
import { unknown } from "../../../src/core/result.ts";
import { type Rulebook, ruleAt } from "../../../src/core/rules/rule.ts";
import { BOOK as rulebook, wad } from "../rules/figures.ts";
import { ACCOUNT, DAY, finding, findingsAt, PROTOCOL, position } from "./findings.ts";

const NINE = ["EU", "UK", "JP", "AU", "SG", "HK", "AE-DU", "CH", "US"];

function retailRows(leverage: bigint, book: Rulebook = rulebook): Map<string, MatrixRow> {
  const roles = rolesFor(book, { jurisdictions: NINE, clientClasses: ["retail"] });
  const findings = findingsAt(book, { leverage });
  const { rows } = matrixOf(book, { positions: [position()], findings, day: DAY, roles });
  return new Map(rows.map((row) => [row.jurisdiction, row]));
}

describe("the retail crypto matrix over nine jurisdictions", () => {
  const rows = retailRows(wad(3n));

  test.each([
    ["EU", "2", "breach", "EU-CFD-LEV-CRYPTO"],
    ["JP", "2", "breach", "JP-CRYPTO-LEV-IND"],
    ["AU", "2", "breach", "AU-CFD-LEV-CRYPTO"],
    ["AE-DU", "5", "compliant", "AE-VARA-ETD-LEV-RETAIL"],
    ["SG", "1", "breach", "SG-DPT-RETAIL-NO-LEVERAGE"],
  ])("%s allows %s:1, so that 3:1 is %s by %s", (jurisdiction, allowed, outcome, ruleId) => {
    const row = rows.get(jurisdiction) as MatrixRow;
    expect(row).toMatchObject({ allowedLeverage: allowed, outcome, prohibited: false });
    expect(row.binding?.ruleId).toBe(ruleId);
    expect(row.binding?.unconfirmed).toBe(true);
    expect(row.binding?.citation.instrument).not.toBe("");
    expect(row.binding?.citation.provision).not.toBe("");
  });

  test.each([
    ["UK", "UK-CRYPTO-DERIV-BAN", false],
    ["HK", "HK-PERP-PI-ONLY", true],
    ["US", "US-ECP-GATE", true],
  ])("%s prohibits it by %s, unconfirmed: %s", (jurisdiction, ruleId, isUnconfirmed) => {
    const row = rows.get(jurisdiction) as MatrixRow;
    expect(row).toMatchObject({ outcome: "breach", prohibited: true, allowedLeverage: "0" });
    expect(row.binding).toMatchObject({ ruleId, prohibited: true, unconfirmed: isUnconfirmed });
  });

  test("Switzerland has no rule for retail clients, which is no permission", () => {
    expect(rows.get("CH")).toMatchObject({ outcome: "not_applicable", allowedLeverage: null, binding: null });
    expect(rows.get("CH")?.leverageCaps[0]).toMatchObject({ allowedLeverage: null, reason: "NO_CAP", ruleId: null });
  });

  test("at exactly 2:1 the EU complies with no headroom, one unit above it does not", () => {
    expect(
      retailRows(wad(2n))
        .get("EU")
        ?.tightest.find((c) => c.ruleId === "EU-CFD-LEV-CRYPTO"),
    ).toMatchObject({
      outcome: "compliant",
      headroom: "0",
    });
    expect(retailRows(wad(2n) + 1n).get("EU")?.binding).toMatchObject({ ruleId: "EU-CFD-LEV-CRYPTO", headroom: "-1" });
  });

  test("professionals are outside the EU's rules, and a class only some jurisdictions know gives rows in those", () => {
    const roles = rolesFor(rulebook, { jurisdictions: ["EU", "JP", "UK"], clientClasses: ["professional"] });
    const findings = findingsAt(rulebook, { leverage: wad(30n) });
    const { rows } = matrixOf(rulebook, { positions: [position()], findings, day: DAY, roles });
    expect(rows.map((row) => [row.jurisdiction, row.outcome])).toEqual([
      ["EU", "not_applicable"],
      ["UK", "not_applicable"],
    ]);
  });

  test("rules of another day: before Hong Kong's circular nothing of it prohibits", () => {
    const roles = rolesFor(rulebook, { jurisdictions: ["HK"], clientClasses: ["retail"] });
    const { rows } = matrixOf(rulebook, { positions: [position()], findings: [], day: "2026-02-10", roles });
    expect(rows[0]?.leverageCaps[0]).toMatchObject({ allowedLeverage: null, reason: "NO_CAP" });
  });
});

describe("the strictest", () => {
  test("is the worst outcome of all rows, and a prohibition binds before any limit", () => {
    const roles = rolesFor(rulebook, { jurisdictions: NINE, clientClasses: ["retail"] });
    const findings = findingsAt(rulebook, { leverage: wad(3n) });
    const { strictest } = matrixOf(rulebook, { positions: [position()], findings, day: DAY, roles });
    expect(strictest).toMatchObject({ outcome: "breach", prohibited: true, allowedLeverage: "0" });
    expect(strictest.binding?.prohibited).toBe(true);
    expect(strictest.jurisdictions).toEqual(["EU", "UK", "JP", "AU", "SG", "HK", "US"]);
  });

  test("names Singapore's rule among leverage caps, which have one metric", () => {
    const roles = rolesFor(rulebook, { jurisdictions: ["AE-DU", "EU", "SG"], clientClasses: ["retail"] });
    const findings = findingsAt(rulebook, { leverage: wad(3n) });
    const { strictest } = matrixOf(rulebook, { positions: [position()], findings, day: DAY, roles });
    expect(strictest.binding?.ruleId).toBe("SG-DPT-RETAIL-NO-LEVERAGE");
    expect(strictest.allowedLeverage).toBe("1");
    const metrics = strictest.tightest.map((cell) => cell.metric);
    expect(new Set(metrics).size).toBe(metrics.length);
  });

  test("is indeterminate rather than compliant where a figure is unknown, and says what is missing", () => {
    const rule = ruleAt(rulebook, "EU-CFD-CLOSEOUT-50", DAY);
    const noRate = unknown("NO_RATE", 18, "ratio");
    const findings = [
      finding(ruleAt(rulebook, "EU-CFD-NBP", DAY), 5n),
      finding(rule, 0n, {
        measured: { metric: "ACC.CLOSEOUT_RATIO", inputs: {}, result: noRate },
        condition: "unknown",
        reason: "NO_RATE",
      }),
    ];
    const [role] = rolesFor(rulebook, { jurisdictions: ["EU"], clientClasses: ["retail"] }) as [Role];
    const composed = compose(findings.flatMap((f) => cellOf(f, role) ?? []));
    expect(composed).toMatchObject({ outcome: "indeterminate", missing: ["figure.NO_RATE"] });
    expect(composed.binding).toMatchObject({ ruleId: rule.id, headroom: null, headroomReason: "NO_RATE" });
  });

  test("never gets milder by adding a rule, and binds by one that has its outcome", () => {
    const [role] = rolesFor(rulebook, { jurisdictions: ["EU"], clientClasses: ["retail"] }) as [Role];
    const rules = ["EU-CFD-LEV-CRYPTO", "EU-CFD-CLOSEOUT-50", "EU-CFD-NBP"].map((id) => ruleAt(rulebook, id, DAY));
    const cell = fc
      .record({ rule: fc.constantFrom(...rules), value: fc.bigInt(-wad(5n), wad(5n)), isKnown: fc.boolean() })
      .map(({ rule, value, isKnown }) => {
        const unknownAs = { condition: "unknown", reason: "NO_PRICE", measured: null } as const;
        return cellOf(finding(rule, value, isKnown ? {} : unknownAs), role) as Cell;
      });
    const severity = ["not_applicable", "compliant", "indeterminate", "breach"];
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 6 }), cell, (cells, added) => {
        const [before, after] = [compose(cells), compose([...cells, added])];
        expect(severity.indexOf(after.outcome)).toBe(
          Math.max(severity.indexOf(before.outcome), severity.indexOf(added.outcome)),
        );
        expect(after.binding?.outcome).toBe(after.outcome);
        const ofMetric = cells.filter((c) => c.metric === after.binding?.metric && c.outcome === after.outcome);
        for (const { headroom: left } of ofMetric) {
          const bound = after.binding?.headroom ?? null;
          if (left !== null && bound !== null) expect(BigInt(bound)).toBeLessThanOrEqual(BigInt(left));
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  test("of nothing is not applicable", () => {
    expect(compose([])).toMatchObject({ outcome: "not_applicable", binding: null, tightest: [] });
  });
});

describe("a cell", () => {
  const [role] = rolesFor(rulebook, { jurisdictions: ["EU"], clientClasses: ["retail"] }) as [Role];

  test("is left out where the rule asks for a class of another kind than the role states", () => {
    const bank = rulebook.rules.find((rule) => rule.jurisdiction === "EU" && rule.entityClasses?.includes("bank"));
    const about = { subject: ACCOUNT, protocol: PROTOCOL, measured: null, condition: "unknown", reason: "NOT_YET" };
    const waiting = { ...about, rule: bank, notional: { value: 1n, reason: null } } as never;
    expect(cellOf(waiting, role)).toBeNull();
    const [asBank] = rolesFor(rulebook, {
      jurisdictions: ["EU"],
      clientClasses: ["retail"],
      entityClasses: ["bank"],
    }).filter((r) => r.entityClass === "bank") as [Role];
    expect(cellOf(waiting, asBank)).toMatchObject({ outcome: "indeterminate", missing: ["figure.NOT_YET"] });
  });

  test("never comes of a duty to report, which no position can break", () => {
    const rule = ruleAt(rulebook, "EU-EMIR-T1", DAY);
    const about = { rule, subject: ACCOUNT, protocol: PROTOCOL, notional: { value: 1n, reason: null } };
    expect(cellOf({ ...about, measured: null, condition: "unknown", reason: "NOT_YET" } as never, role)).toBeNull();
  });

  test("has headroom from above, from below, and to a point", () => {
    const cap = ruleAt(rulebook, "EU-CFD-LEV-CRYPTO", DAY);
    const floor = ruleAt(rulebook, "EU-CFD-CLOSEOUT-50", DAY);
    const ban = ruleAt(rulebook, "UK-CRYPTO-DERIV-BAN", DAY);
    expect(headroom(finding(cap, wad(5n) / 2n)).value).toBe(-wad(1n) / 2n);
    expect(headroom(finding(floor, wad(2n))).value).toBe((wad(3n) * 5n) / 10n);
    expect(headroom(finding(ban, 7n)).value).toBe(-7n);
    expect(headroom(finding(ban, 0n)).value).toBe(0n);
    expect(headroom(finding(ruleAt(rulebook, "EU-PERP-IS-CFD", DAY), wad(1n))).reason).toBe("NOT_COMPARABLE");
  });
});

describe("what is about one position", () => {
  test("is its own, its account's, its market's and its protocol's, in its protocol alone", () => {
    const rule = ruleAt(rulebook, "EU-CFD-NBP", DAY);
    const one = position();
    const subjects = [one.id, ACCOUNT, one.market, PROTOCOL, position({ name: "btc" }).id];
    const findings = subjects.map((subject) => finding(rule, 1n, { subject }));
    const elsewhere = finding(rule, 1n, { protocol: "eip155:901/other" });
    expect(aboutPosition([...findings, elsewhere], one).map((f) => f.subject)).toEqual(subjects.slice(0, 4));
  });

  test("is not its account's ban on another product: a euro position stands although ether is prohibited", () => {
    const ban = finding(ruleAt(rulebook, "UK-CRYPTO-DERIV-BAN", DAY), wad(5n));
    const euro = position({ name: "eur", product: { kind: "PERPETUAL", underlierClass: "fx_major" } });
    expect(aboutPosition([ban], euro)).toEqual([]);
    expect(aboutPosition([ban], position())).toEqual([ban]);
  });
});

describe("roles", () => {
  test("retail is the class each jurisdiction protects most, under its own name", () => {
    const roles = rolesFor(rulebook, { jurisdictions: ["EU", "JP", "US"], clientClasses: ["retail"] });
    expect(roles.map((r) => r.clientClass)).toEqual(["retail", "individual", "retail"]);
  });

  test("all places are asked by default, standards and benchmarks only by name", () => {
    const places = new Set(rolesFor(rulebook, {}).map((r) => r.jurisdiction));
    for (const code of NINE) expect(places).toContain(code);
    for (const code of ["INT", "BENCH", "PROTOCOL"]) expect(places).not.toContain(code);
    expect(rolesFor(rulebook, { jurisdictions: ["BENCH"] })).toMatchObject([
      { jurisdiction: "BENCH", clientClass: null },
    ]);
  });

  test("an unknown jurisdiction, client class or entity class is refused", () => {
    expect(() => rolesFor(rulebook, { jurisdictions: ["XX"] })).toThrow(InputError);
    expect(() => rolesFor(rulebook, { clientClasses: ["nobleman"] })).toThrow(InputError);
    expect(() => rolesFor(rulebook, { jurisdictions: ["JP"], clientClasses: ["wholesale"] })).toThrow(InputError);
    expect(() => rolesFor(rulebook, { entityClasses: ["guild"] })).toThrow(InputError);
  });
});
