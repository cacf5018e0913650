import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rulebookJsonSchema } from "../../../src/core/rules/json-schema.ts";
import { rulebookFiles } from "./figures.ts";

const COMMITTED = "../../../rulebooks/rulebook.schema.json";

describe("rulebooks/rulebook.schema.json", () => {
  it("is the form the files are read by (after a change: npx vitest run test/unit/rules/json-schema.test.ts -u)", async () => {
    await expect(`${JSON.stringify(rulebookJsonSchema(), null, 2)}\n`).toMatchFileSnapshot(COMMITTED);
  });

  it("is JSON Schema 2020-12 and named by every file", () => {
    const schema = JSON.parse(readFileSync(new URL(COMMITTED, import.meta.url), "utf8"));
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    for (const { name, json } of rulebookFiles()) {
      expect([name, (json as { $schema?: string }).$schema]).toEqual([name, "./rulebook.schema.json"]);
    }
  });
});
