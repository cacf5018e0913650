import { createRequire } from "node:module";
import pg from "pg";

/** Every row of every table and view of a schema, by table: JSON with sorted keys and exact numbers, in sorted order. */
export type Tables = Readonly<Record<string, readonly string[]>>;

/** Characters of a row that a difference shows. */
const SHOWN = 600;

type Ask = (sql: string, values: readonly string[]) => Promise<{ rows: { text: string }[] }>;

/** Reads what an indexer has written to PostgreSQL, in one snapshot. */
export async function readTables(databaseUrl: string, schema: string): Promise<Tables> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    return await readAll((sql, values) => client.query(sql, [...values]), schema);
  } finally {
    await client.end();
  }
}

/** A database in a folder, one process at a time. */
export type Pglite = { query: Ask; exec(sql: string): Promise<unknown>; close(): Promise<void> };

/** Opens a folder with the very PGlite that Ponder writes with. */
export function openPglite(folder: string): Pglite {
  const fromPonder = createRequire(new URL("../../node_modules/ponder/package.json", import.meta.url));
  const { PGlite } = fromPonder("@electric-sql/pglite") as { PGlite: new (folder: string) => Pglite };
  return new PGlite(folder);
}

/** Reads what an indexer has written to PGlite. The indexer must have stopped. */
export async function readPgliteTables(folder: string, schema: string): Promise<Tables> {
  const database = openPglite(folder);
  try {
    return await readAll((sql, values) => database.query(sql, values), schema);
  } finally {
    await database.close();
  }
}

async function readAll(ask: Ask, schema: string): Promise<Tables> {
  // What begins with an underscore is Ponder's own.
  const names = await ask(
    "SELECT table_name AS text FROM information_schema.tables WHERE table_schema = $1 AND table_name NOT LIKE '\\_%'",
    [schema],
  );
  const tables: Record<string, readonly string[]> = {};
  for (const { text: name } of names.rows) {
    const rows = await ask(`SELECT to_jsonb(t)::text AS text FROM "${schema}"."${name}" t`, []);
    tables[name] = rows.rows.map(({ text }) => text).sort();
  }
  return tables;
}

/** How two readings differ, table by table, with the first differing row of each; empty when they are equal. */
export function differences(actual: Tables, expected: Tables): string[] {
  const names = [...new Set([...Object.keys(actual), ...Object.keys(expected)])].sort();
  return names.flatMap((name) => {
    const [ours, theirs] = [actual[name], expected[name]];
    if (ours === undefined || theirs === undefined) return [`${name} is in one of them only`];
    const [extra, missing] = [without(ours, theirs), without(theirs, ours)];
    if (extra.length + missing.length === 0) return [];
    const [one, other] = [extra[0]?.slice(0, SHOWN), missing[0]?.slice(0, SHOWN)];
    return [`${name}: ${extra.length} rows too many, as ${one}; ${missing.length} missing, as ${other}`];
  });
}

/** Rows of `a` that `b` lacks; a row that stands twice must stand twice in both. */
function without(a: readonly string[], b: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const row of b) left.set(row, (left.get(row) ?? 0) + 1);
  return a.filter((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count <= 0;
  });
}
