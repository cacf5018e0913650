/**
 * The keys of the log over time: the one that signs, the one that takes its place, and those before. Secrets are seeds in
 * files of their own; of a key that signs no more only the public part is kept.
 */
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { hexToBytes } from "@noble/hashes/utils.js";
import Database from "better-sqlite3";
import { InputError } from "../../src/core/errors.ts";
import { isSignedBy, parseNote, parseVerifierKey, type Signer, signerOf } from "../../src/core/proof/note.ts";
import { hasStore, serverFolder } from "../store/database.ts";
import { replaceFile } from "../store/files.ts";
import { ensureNextSeed, ensureSigningSeed, NEXT_KEY, readNextSeed, readSigningSeed, SIGNING_KEY } from "./keys.ts";

/** `next` signs beside `signer` until it takes its place; `retired` are text forms of earlier keys, the oldest first. */
export type LogKeys = { signer: Signer; next: Signer | null; retired: readonly string[] };

const RETIRED_KEYS = "signing.retired";

/** The keys of a data directory's log, the first one made if there is none. @throws InputError for a file that holds no key. */
export function ensureLogKeys(dataDir: string, origin: string): LogKeys {
  ensureSigningSeed(dataDir);
  return readLogKeys(dataDir, origin) as LogKeys;
}

/** The keys of a data directory's log; null where there is none that signs. Makes nothing. @throws InputError as `ensureLogKeys`. */
export function readLogKeys(dataDir: string, origin: string): LogKeys | null {
  const seed = readSigningSeed(dataDir);
  if (seed === null) return null;
  const next = readNextSeed(dataDir);
  const signer = signerOf(origin, hexToBytes(seed));
  const retired = readRetired(dataDir).filter((key) => key !== signer.verifierKey);
  return { signer, next: next === null ? null : signerOf(origin, hexToBytes(next)), retired };
}

/** The keys that sign, as text, the one that stays first, and then those that did. */
export function verifierKeysOf({ signer, next, retired }: LogKeys): string[] {
  return [...(next === null ? [] : [next.verifierKey]), signer.verifierKey, ...retired];
}

/**
 * Makes the next key of a log. From the next start of the server on both sign.
 * @returns the next key as text.
 * @throws InputError when there is no log yet, or a next key already.
 */
export function rotateKey(dataDir: string): string {
  const { keys, origin } = keysOfLog(dataDir);
  if (keys.next !== null) {
    throw new InputError(`The log has a next key already, ${keys.next.verifierKey}; retire the one before it first.`);
  }
  return signerOf(origin, hexToBytes(ensureNextSeed(dataDir))).verifierKey;
}

/**
 * Ends an overlap: the next key takes the place of the one before, whose secret is gone then. A server that runs goes on
 * signing with both until it is started again.
 * @returns the key that signs no more, as text.
 * @throws InputError when there is no next key, or it has not signed the last head: who knows only the other key could
 * then not be shown that the log goes on.
 */
export function retireKey(dataDir: string): string {
  const { keys } = keysOfLog(dataDir);
  const { signer, next } = keys;
  if (next === null) throw new InputError("The log has no next key that could stay; make one with key rotate.");
  const head = lastNote(dataDir);
  if (head === null || !isSignedBy(parseNote(head), parseVerifierKey(next.verifierKey))) {
    throw new InputError(
      "The last head is not signed by the next key; start the server, and let it sign one with both keys first.",
    );
  }
  const folder = serverFolder(dataDir);
  replaceFile(join(folder, RETIRED_KEYS), [...keys.retired, signer.verifierKey].map((key) => `${key}\n`).join(""));
  renameSync(join(folder, NEXT_KEY), join(folder, SIGNING_KEY));
  return signer.verifierKey;
}

/** The keys of a log that is there, and its name. @throws InputError when it is not. */
export function keysOfLog(dataDir: string): { keys: LogKeys; origin: string } {
  const folder = serverFolder(dataDir);
  const origin = hasStore(dataDir) ? originOf(dataDir) : null;
  if (origin === null) throw new InputError(`There is no log in ${folder} yet; start the server once, it makes one.`);
  const keys = readLogKeys(dataDir, origin);
  if (keys === null) throw new InputError(`There is no key in ${folder}; restore ${SIGNING_KEY} from a backup.`);
  return { keys, origin };
}

/** The name of a data directory's log; null where its database does not give it. @throws InputError when there is none. */
export function originOf(dataDir: string): string | null {
  return ask(dataDir, "SELECT value FROM meta WHERE key = 'origin'");
}

function lastNote(dataDir: string): string | null {
  return ask(dataDir, "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1");
}

/** One text out of the ledger's database, which a server may be writing. */
function ask(dataDir: string, sql: string): string | null {
  const path = join(serverFolder(dataDir), "ledger.sqlite");
  let db: Database.Database;
  try {
    db = new Database(path, { readonly: true });
  } catch (error) {
    throw new InputError(`There is no ledger that can be opened at ${path}: ${(error as Error).message}.`);
  }
  try {
    return (db.prepare(sql).pluck().get() as string | undefined) ?? null;
  } catch {
    return null;
  } finally {
    db.close();
  }
}

function readRetired(dataDir: string): string[] {
  const path = join(serverFolder(dataDir), RETIRED_KEYS);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const keys = text.split("\n").filter((line) => line !== "");
  try {
    keys.forEach(parseVerifierKey);
  } catch (error) {
    throw new InputError(`"${path}" does not hold keys that have signed this log: ${(error as Error).message}`);
  }
  return keys;
}
