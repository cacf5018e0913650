import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { fileDigest, rulebookHash } from "../../../src/core/rules/digest.ts";
import { disclose, disclosedRulebook } from "../../../src/core/rules/disclosure.ts";
import { parseRulebooks, type Rule, rulebookFrom } from "../../../src/core/rules/rule.ts";
import { rulebookFiles } from "./figures.ts";

type Files = Record<string, Record<string, Json>>;

const BOOK = parseRulebooks(rulebookFiles());
const FILES = (BOOK.source as unknown as { files: Files }).files;
const FORMAT = "plumbline-rulebook/2";

const dayAt = (day: string) => (Date.parse(`${day}T00:00:00Z`) / 1000).toString();
const inForceAt = (rule: Rule) => dayAt(rule.effectiveFrom ?? rule.effectiveTo ?? "2026-04-01");
const shown = (rule: Rule): Json => disclose(BOOK.source, { ruleId: rule.id, blockTimestamp: inForceAt(rule) });
const digest = (value: unknown) =>
  `0x${createHash("sha256")
    .update(canonicalize(value) as string)
    .digest("hex")}`;

/** Every row of every file, by file and place. */
const ROWS = Object.entries(FILES).flatMap(([file, { rules }]) =>
  ((rules ?? []) as Record<string, Json>[]).map((row, place) => ({ file, place, row })),
);

/** The book with these rows shown, in these files; what is not shown is there by its digest. */
function showing(open: { files: ReadonlySet<string>; rows: ReadonlySet<object> }): Json {
  const files = Object.entries(FILES).map(([name, file]): [string, Json] => {
    if (!open.files.has(name)) return [name, fileDigest(file)];
    if (file.rules === undefined) return [name, file];
    return [
      name,
      { ...file, rules: (file.rules as Json[]).map((row) => (open.rows.has(row as object) ? row : digest(row))) },
    ];
  });
  return { format: FORMAT, files: Object.fromEntries(files) as Json };
}

describe("the hash of a rulebook", () => {
  it("is what anybody can work out from the digests of its rules and files", () => {
    const digests = Object.entries(FILES).map(([name, file]) => {
      const rules = file.rules as Json[] | undefined;
      return [name, digest(rules === undefined ? file : { ...file, rules: rules.map(digest) })];
    });
    expect(BOOK.hash).toBe(digest({ format: FORMAT, files: Object.fromEntries(digests) }));
  });

  it("of the format before is that of the whole, and such a rulebook is shown whole", () => {
    const source = { format: "plumbline-rulebook/1", files: FILES };
    const old = rulebookFrom(source);
    expect(old.hash).toBe(digest(source));
    expect(old.source).toEqual(source);
    expect(disclose(old.source, { ruleId: "EU-CFD-CLOSEOUT-50", blockTimestamp: "1775088000" })).toEqual(source);
    expect(disclosedRulebook(old.source)).toEqual(old);
    expect(() => rulebookHash({ ...source, format: "plumbline-rulebook/3" })).toThrow(InputError);
  });
});

describe("a disclosed rulebook", () => {
  it("has the hash of the whole and the one rule, as the whole has it", () => {
    expect(ROWS.length).toBeGreaterThan(100);
    for (const rule of BOOK.rules) {
      const book = disclosedRulebook(shown(rule));
      expect(book.hash).toBe(BOOK.hash);
      expect(book.rules).toEqual([rule]);
    }
  });

  it("shows no other rule's row, and a file of scenarios only for a rule that names one", () => {
    for (const rule of BOOK.rules) {
      const { files } = shown(rule) as unknown as { files: Record<string, string | Record<string, Json>> };
      const open = Object.entries(files).filter(([, file]) => typeof file !== "string");
      expect(
        open.flatMap(([, file]) => (file as { rules?: Json[] }).rules?.filter((r) => typeof r !== "string") ?? []),
      ).toHaveLength(1);
      expect(Object.keys(files)).toEqual(Object.keys(FILES));
      expect(open.length).toBe(rule.scenarios === undefined ? 1 : 2);
    }
    expect(BOOK.rules.some((rule) => rule.scenarios !== undefined)).toBe(true);
  });

  it("is refused when it shows more or less, though its hash is the same", () => {
    const names = Object.keys(FILES);
    const scene = fc.record({
      rows: fc.uniqueArray(fc.constantFrom(...ROWS), { maxLength: 2 }),
      files: fc.subarray(names),
      withFiles: fc.boolean(),
      withScenarios: fc.boolean(),
    });
    let accepted = 0;
    fc.assert(
      fc.property(scene, ({ rows, files, withFiles, withScenarios }) => {
        const open = new Set([...rows.map(({ file }) => file), ...(withFiles ? files : [])]);
        if (withScenarios) open.add("scenarios");
        const json = showing({ files: open, rows: new Set(rows.map(({ row }) => row)) });
        expect(rulebookHash(json)).toBe(BOOK.hash);
        const [only] = rows;
        const wanted = only && [only.file, ...(only.row.scenarios === undefined ? [] : ["scenarios"])].sort();
        if (rows.length === 1 && JSON.stringify([...open].sort()) === JSON.stringify(wanted)) {
          accepted++;
          expect(disclosedRulebook(json).rules.map(({ id }) => id)).toEqual([only?.row.id]);
        } else expect(() => disclosedRulebook(json)).toThrow(InputError);
      }),
      { seed: 1, numRuns: 400 },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  it("has another hash, or is refused, when anything in it is changed", () => {
    const rule = BOOK.rules.find(({ scenarios }) => scenarios !== undefined) as Rule;
    const text = JSON.stringify(shown(rule));
    const places = [...text].flatMap((c, at) => (/[0-9a-z]/.test(c) ? [at] : []));
    fc.assert(
      fc.property(fc.constantFrom(...places), (at) => {
        const c = text[at] as string;
        const changed = `${text.slice(0, at)}${c === "0" || c === "a" ? "b" : c === "9" ? "8" : "a"}${text.slice(at + 1)}`;
        let json: Json;
        try {
          json = JSON.parse(changed) as Json;
        } catch {
          return;
        }
        const hashOf = () => disclosedRulebook(json).hash;
        try {
          expect(hashOf()).not.toBe(BOOK.hash);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
        }
      }),
      { seed: 1, numRuns: 400 },
    );
  });

  it("shows the row that is in force on the day, of a rule that has changed", () => {
    const [first] = (FILES.eu as { rules: Json[] }).rules as Record<string, Json>[];
    const lives = [
      { ...first, effectiveFrom: "2024-01-01", effectiveTo: "2025-12-31", title: "before" },
      { ...first, effectiveFrom: "2026-01-01", effectiveTo: null, title: "after" },
    ] as Json[];
    const profiles = { ONE: [first?.id as string] };
    const book = parseRulebooks([{ name: "eu", json: { ...FILES.eu, profiles, rules: lives } }]);
    const of = (day: string) => disclose(book.source, { ruleId: first?.id as string, blockTimestamp: dayAt(day) });
    expect(disclosedRulebook(of("2025-12-31")).rules.map(({ title }) => title)).toEqual(["before"]);
    expect(disclosedRulebook(of("2026-01-01")).rules.map(({ title }) => title)).toEqual(["after"]);
    expect(() => of("2023-12-31")).toThrow(InputError);
    expect(() => disclosedRulebook(book.source)).toThrow(InputError);
  });

  it.each<[string, Json]>([
    ["no object", "0x00"],
    ["no files", { format: FORMAT }],
    ["more than format and files", { format: FORMAT, files: FILES, more: "" }],
    ["nothing shown", showing({ files: new Set(), rows: new Set() })],
    [
      "a digest in capitals",
      {
        format: FORMAT,
        files: { ...(shown(BOOK.rules[0] as Rule) as unknown as { files: Files }).files, xx: `0x${"AB".repeat(32)}` },
      },
    ],
  ])("is refused: %s", (_, json) => {
    expect(() => disclosedRulebook(json)).toThrow(InputError);
  });
});
