import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { schemaName } from "../../../bin/supervisor/schema-name.ts";

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), "plumbline-schema-"));
  for (const folder of ["src/core", "abis"]) mkdirSync(join(project, folder), { recursive: true });
  for (const file of ["src/core/a.ts", "src/b.ts", "abis/c.ts", "ponder.config.ts", "ponder.schema.ts"]) {
    writeFileSync(join(project, file), `// ${file}\n`);
  }
});
afterEach(() => rmSync(project, { recursive: true, force: true }));

describe("schemaName", () => {
  it("is a name PostgreSQL and Ponder accept", () => {
    expect(schemaName(project, ["d", "r"])).toMatch(/^plumbline_[0-9a-f]{10}$/);
  });

  it("does not depend on where the project lies", () => {
    const copy = `${project}-copy`;
    cpSync(project, copy, { recursive: true });
    expect(schemaName(copy, ["d", "r"])).toBe(schemaName(project, ["d", "r"]));
    rmSync(copy, { recursive: true });
  });

  it("changes with deployment, rulebooks, and any file the tables depend on", () => {
    const names = [schemaName(project, ["d", "r"]), schemaName(project, ["e", "r"]), schemaName(project, ["d", "s"])];
    for (const file of ["src/core/a.ts", "abis/c.ts", "ponder.config.ts", "src/new.ts"]) {
      writeFileSync(join(project, file), "// changed\n");
      names.push(schemaName(project, ["d", "r"]));
    }
    expect(new Set(names).size).toBe(names.length);
  });
});
