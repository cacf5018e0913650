import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type BetterSQLite3Database, drizzle } from "drizzle-orm/better-sqlite3";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { MIGRATIONS } from "./migrations.ts";
import * as schema from "./schema.ts";

/** Drizzle on the server's tables. Synchronous: a transaction is a plain function. */
export type Db = BetterSQLite3Database<typeof schema>;

/**
 * The open store. `db` is the only writer there is, on `connection`, which is for statements that are prepared once.
 * `read` is a second connection that cannot write, for questions from outside; it sees what is committed. `folder` is
 * where all of it is.
 */
export type Store = {
  db: Db;
  connection: Database.Database;
  folder: string;
  read: Database.Database;
  /** Runs `work` in one `BEGIN IMMEDIATE` transaction: all of it is on disk when this returns, or none of it. */
  transaction<T>(work: () => T): T;
  close(): void;
};

/** The write-ahead log is carried over into the database at the commit that makes it this many pages of 4 KiB. */
export const WAL_PAGES = 4_000;

/** The folder of the server's files within a data directory. */
export function serverFolder(dataDir: string): string {
  return join(dataDir, "server");
}

/**
 * Opens (and creates) the store of a data directory.
 * @throws InputError when another server has it open, or when it was written by a newer version.
 */
export function openStore(dataDir: string): Store {
  const folder = serverFolder(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = takeLock(folder);
  try {
    const path = join(folder, "ledger.sqlite");
    const connection = new Database(path);
    chmodSync(path, 0o600);
    // FULL: what a checkpoint signs has reached the disk, also when the machine and not only the process dies.
    connection.pragma("journal_mode = WAL");
    connection.pragma("synchronous = FULL");
    // Carrying it over more seldom writes pages that change again and again once: a fifth more leaves a second.
    connection.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
    connection.pragma("foreign_keys = ON");
    migrate(connection, path);
    const read = new Database(path, { readonly: true });
    const db = drizzle(connection, { schema });
    return {
      db,
      connection,
      folder,
      read,
      transaction: (work) => connection.transaction(work).immediate(),
      close() {
        read.close();
        connection.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Holds a lock the operating system releases when the process ends, however it ends. */
function takeLock(folder: string): Database.Database {
  const lock = new Database(join(folder, "lock.sqlite"), { timeout: 0 });
  try {
    lock.pragma("locking_mode = EXCLUSIVE");
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if ((error as { code?: string }).code?.startsWith("SQLITE_BUSY")) {
      throw new InputError(
        `Another server already works on "${folder}"; stop it first, or choose another PLUMBLINE_DATA.`,
      );
    }
    throw error;
  }
  return lock;
}

function migrate(connection: Database.Database, path: string): void {
  const version = connection.pragma("user_version", { simple: true });
  if (typeof version !== "number") throw new InvariantError(`The user_version of "${path}" is not a number.`);
  if (version > MIGRATIONS.length) {
    throw new InputError(
      `"${path}" has store version ${version}; this server knows versions up to ${MIGRATIONS.length}. Use the newer one.`,
    );
  }
  for (let step = version; step < MIGRATIONS.length; step++) {
    connection
      .transaction(() => {
        connection.exec(MIGRATIONS[step] as string);
        connection.pragma(`user_version = ${step + 1}`);
      })
      .immediate();
  }
}

/** Whether a data directory holds a ledger already. */
export function hasStore(dataDir: string): boolean {
  return existsSync(join(serverFolder(dataDir), "ledger.sqlite"));
}
