import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { METRIC_IDS, METRICS } from "../../../src/core/metrics/catalogue.ts";
import { REASONS } from "../../../src/core/result.ts";

const DOC = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");

/** The cells of each table row, by the code in its first cell. */
const ROWS = new Map(
  DOC.split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")))
    .map(([, first, ...cells]) => [first?.replaceAll("`", "") ?? "", cells] as const),
);

describe("docs/metrics.md", () => {
  it.each(METRIC_IDS)("has %s as the catalogue has it", (id) => {
    const { title, variants, unit, rounding, authority } = METRICS[id];
    const formulas = variants.map((variant) => `\`${variant.formula}\``).join("<br>");
    const inputs = variants.map((variant) => variant.inputs.map((name) => `\`${name}\``).join(" ")).join("<br>");
    expect(ROWS.get(id)).toEqual([title, formulas, inputs, unit, rounding, authority, ""]);
  });

  it("has every reason, and no metric or reason that is not there", () => {
    expect([...ROWS.keys()].sort()).toEqual([...METRIC_IDS, ...REASONS].sort());
  });
});
