import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { METRIC_IDS, METRICS } from "../../../src/core/metrics/catalogue.ts";
import { REASONS } from "../../../src/core/result.ts";

const FOLDER = new URL("../../../docs/metrics/", import.meta.url);
const PAGES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".md"))
  .map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), "utf8") }));
const KEY = /^[A-Z]+(\.[A-Z0-9_]+|(_[A-Z]+)+)$/;

/** The cells of each table row about a metric or a reason, with its name. */
const ENTRIES = PAGES.flatMap(({ text }) =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")))
    .map(([, first, ...cells]) => [first?.replaceAll("`", "") ?? "", cells] as const)
    .filter(([name]) => KEY.test(name)),
);
const ROWS = new Map(ENTRIES);

describe("docs/metrics", () => {
  it.each(METRIC_IDS)("has %s as the catalogue has it", (id) => {
    const { title, variants, unit, rounding, authority } = METRICS[id];
    const formulas = variants.map((variant) => `\`${variant.formula}\``).join("<br>");
    const inputs = variants.map((variant) => variant.inputs.map((name) => `\`${name}\``).join(" ")).join("<br>");
    expect(ROWS.get(id)).toEqual([title, formulas, inputs, unit, rounding, authority, ""]);
  });

  it("has every reason, and no metric or reason that is not there", () => {
    expect(ENTRIES.map(([name]) => name).sort()).toEqual([...METRIC_IDS, ...REASONS].sort());
  });

  it("has a page for each family, with its sources and known gaps, and a link to it", () => {
    const [index, families] = [PAGES.find((p) => p.name === "README.md"), PAGES.filter((p) => p.name !== "README.md")];
    expect(families.length).toBe(8);
    for (const { name, text } of families) {
      expect(text, name).toContain("\n## Sources\n");
      expect(text, name).toContain("\n## Known gaps\n");
      expect(index?.text, name).toContain(`](${name})`);
    }
  });
});
