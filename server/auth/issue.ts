import { join } from "node:path";
import Database from "better-sqlite3";
import { drizzle } from "drizzle-orm/better-sqlite3";
import { InputError } from "../../src/core/errors.ts";
import { hasStore, serverFolder } from "../store/database.ts";
import * as schema from "../store/schema.ts";
import { newSupervisorKey } from "./keys.ts";
import { admitKey, revokeKey, type Scope } from "./roles.ts";

/**
 * Issues a supervisor key for some jurisdictions, also while the server runs: it reads its keys at every request.
 * @returns the key, which is kept nowhere; the store holds its hash.
 * @throws InputError when the data directory has no store yet, or the scope is malformed.
 */
export function issueKey(dataDir: string, { label, scope }: { label: string; scope: Scope }): string {
  const key = newSupervisorKey();
  withStore(dataDir, (db) => admitKey(db, key, { label, scope }));
  return key;
}

/** Takes an issued key's rights away, from the next request on. */
export function withdrawKey(dataDir: string, key: string): void {
  withStore(dataDir, (db) => revokeKey(db, key));
}

function withStore(dataDir: string, work: (db: ReturnType<typeof drizzle<typeof schema>>) => void): void {
  if (!hasStore(dataDir)) throw new InputError(`"${dataDir}" has no server's store yet; start the server once first.`);
  const connection = new Database(join(serverFolder(dataDir), "ledger.sqlite"));
  try {
    work(drizzle(connection, { schema }));
  } finally {
    connection.close();
  }
}
