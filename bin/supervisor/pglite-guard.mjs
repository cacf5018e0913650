/**
 * Preloaded into an indexer (`node --import …/pglite-guard.mjs`). On PGlite Ponder writes without transactions: whoever
 * is stopped while it backfills leaves some tables ahead of others, and its next life would meet rows it is about to
 * write. Such tables are dropped and built anew; what the nodes had answered stays cached beside them. Once live, every
 * row is noted in Ponder's reorg tables by the statement that writes it, and Ponder takes back by itself what is
 * unfinished. The lock of a killed life is removed as well: Ponder would wait for it to expire, but PGlite admits one
 * process, so whoever held it is gone.
 */
import { existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";

/** PostgreSQL's code for a table that is not there. */
const UNDEFINED_TABLE = "42P01";

async function settle(database, schema) {
  try {
    const ready = await readinessOf(database, schema);
    if (ready === "1") {
      const unlocked = "jsonb_set(value, '{is_locked}', to_jsonb(0))";
      await database.exec(`UPDATE "${schema}"."_ponder_meta" SET value = ${unlocked}`);
    } else if (ready !== null) {
      process.stderr.write(`The indexer was stopped while it backfilled; the tables of ${schema} are built anew.\n`);
      await database.exec(`DROP SCHEMA "${schema}" CASCADE`);
    }
  } finally {
    await database.close();
  }
}

/** "1" once the last life had backfilled, null when there was none. */
async function readinessOf(database, schema) {
  try {
    const { rows } = await database.query(`SELECT value->>'is_ready' AS ready FROM "${schema}"."_ponder_meta"`);
    return rows[0]?.ready ?? "0";
  } catch (error) {
    if (error.code === UNDEFINED_TABLE) return null;
    throw error;
  }
}

const folder = join(process.env.PLUMBLINE_DATA || ".plumbline", "pglite");
const schema = process.argv[process.argv.indexOf("--schema") + 1];
if (isMainThread && !process.env.DATABASE_URL && existsSync(folder)) {
  // The very PGlite that Ponder writes with.
  const fromPonder = createRequire(new URL("../../node_modules/ponder/package.json", import.meta.url));
  const { PGlite } = fromPonder("@electric-sql/pglite");
  try {
    await settle(await PGlite.create(folder), schema);
  } catch (error) {
    process.stderr.write(`The tables in ${folder} cannot be opened (${error.message}); all of them are built anew.\n`);
    rmSync(folder, { recursive: true, force: true });
    // PGlite's own end is not ours.
    process.exitCode = undefined;
  }
}
