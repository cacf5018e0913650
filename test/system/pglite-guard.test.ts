import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPglite, readPgliteTables } from "../support/tables.ts";

const GUARD = new URL("../../bin/supervisor/pglite-guard.mjs", import.meta.url).href;
const SCHEMA = "guarded";

let data: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "plumbline-guard-"));
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

/** Leaves what an indexer leaves: a table with a row, and Ponder's note on how far it had come. */
async function leave(meta: { is_ready: 0 | 1; is_locked: 0 | 1 }): Promise<void> {
  const database = openPglite(join(data, "pglite"));
  await database.exec(`
    CREATE SCHEMA "${SCHEMA}";
    CREATE TABLE "${SCHEMA}".block (id text PRIMARY KEY);
    INSERT INTO "${SCHEMA}".block VALUES ('one');
    CREATE TABLE "${SCHEMA}"."_ponder_meta" (key text PRIMARY KEY, value jsonb);
    INSERT INTO "${SCHEMA}"."_ponder_meta" VALUES ('app', '${JSON.stringify(meta)}');`);
  await database.close();
}

/** Runs a program under the guard, as the indexer is run. */
function start(): { status: number | null; stderr: string } {
  const env = { ...process.env, DATABASE_URL: "", PLUMBLINE_DATA: data };
  const program = join(data, "program.mjs");
  writeFileSync(program, "");
  const args = ["--import", GUARD, program, "start", "--schema", SCHEMA];
  return spawnSync(process.execPath, args, { env, encoding: "utf8" });
}

describe("the tables on PGlite", () => {
  test("are dropped when the indexer was stopped while it backfilled", async () => {
    await leave({ is_ready: 0, is_locked: 1 });
    expect(start()).toMatchObject({ status: 0, stderr: expect.stringContaining("built anew") });
    expect(await readPgliteTables(join(data, "pglite"), SCHEMA)).toEqual({});
  });

  test("are kept, and unlocked, when it had come to live blocks", async () => {
    await leave({ is_ready: 1, is_locked: 1 });
    expect(start()).toMatchObject({ status: 0, stderr: "" });
    expect(await readPgliteTables(join(data, "pglite"), SCHEMA)).toEqual({ block: ['{"id": "one"}'] });
    const database = openPglite(join(data, "pglite"));
    const { rows } = await database.query(`SELECT value->>'is_locked' AS text FROM "${SCHEMA}"."_ponder_meta"`, []);
    expect(rows).toEqual([{ text: "0" }]);
    await database.close();
  });

  test("are removed when they cannot be opened, and a first start finds none", async () => {
    expect(start()).toMatchObject({ status: 0, stderr: "" });
    writeFileSync(join(data, "pglite"), "no folder");
    expect(start()).toMatchObject({ status: 0, stderr: expect.stringContaining("built anew") });
    expect(start()).toMatchObject({ status: 0, stderr: "" });
  });
});
