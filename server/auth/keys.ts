/**
 * Secrets the server keeps in its data directory, each in a file only its owner can read, made at the first start.
 */
import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InputError } from "../../src/core/errors.ts";
import { serverFolder } from "../store/database.ts";

/** Prefix that lets a person, and a secret scanner, tell what the string is. */
const KEY_PREFIX = "plk_";

/** How a kind of secret is made, and the form it has. */
type Kind = { make(): string; form: RegExp };

/** 256 random bits as hex digits. */
const SEED: Kind = { make: () => randomBytes(32).toString("hex"), form: /^[0-9a-f]{64}$/ };

/** Files of the Ed25519 seeds that sign checkpoints: the key in use, and during an overlap the one that takes its place. */
export const SIGNING_KEY = "signing.key";
export const NEXT_KEY = "signing.next.key";

/** File of the Ed25519 seed with which a witness cosigns. */
export const WITNESS_KEY = "witness.key";

/** Form of a supervisor key: 256 random bits. */
export const KEY_FORM = /^plk_[A-Za-z0-9_-]{43}$/;

/**
 * The first supervisor key of a data directory, made if there is none. Its scope is every jurisdiction.
 * @returns the key itself; the server stores only its hash.
 */
export function ensureDemoKey(dataDir: string): string {
  return ensureSecret(join(serverFolder(dataDir), "supervisor.key"), { make: newSupervisorKey, form: KEY_FORM });
}

/** A new supervisor key, known to nobody yet. */
export function newSupervisorKey(): string {
  return `${KEY_PREFIX}${randomBytes(32).toString("base64url")}`;
}

/** The secret that salts blinded commitments: 64 hex digits. Losing it loses the openings, not the log. */
export function ensureOperatorSecret(dataDir: string): string {
  return ensureSecret(join(serverFolder(dataDir), "operator.secret"), SEED);
}

/** The Ed25519 seed that signs checkpoints: 64 hex digits. */
export function ensureSigningSeed(dataDir: string): string {
  return ensureSecret(join(serverFolder(dataDir), SIGNING_KEY), SEED);
}

/** The seed that signs checkpoints, where there is one; null where there is none of the expected form. Makes nothing. */
export function readSigningSeed(dataDir: string): string | null {
  const seed = read(join(serverFolder(dataDir), SIGNING_KEY));
  return seed !== null && SEED.form.test(seed) ? seed : null;
}

/** The seed of the next key; null outside an overlap. @throws InputError when its file holds something else. */
export function readNextSeed(dataDir: string): string | null {
  const path = join(serverFolder(dataDir), NEXT_KEY);
  const seed = read(path);
  return seed === null ? null : checkSecret(seed, { path, form: SEED.form });
}

/** A seed for the next key; the one that is there, where there is one. */
export function ensureNextSeed(dataDir: string): string {
  return ensureSecret(join(serverFolder(dataDir), NEXT_KEY), SEED);
}

/** The Ed25519 seed with which a witness cosigns other logs, and nothing else: 64 hex digits, in a folder of its own. */
export function ensureWitnessSeed(folder: string): string {
  return ensureSecret(join(folder, WITNESS_KEY), SEED);
}

/** Reads a secret, or makes it. Two processes that start together end up with the same one: the first link wins. */
function ensureSecret(path: string, { make, form }: Kind): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  let secret = read(path);
  if (secret === null) {
    writeFileSync(draft, `${make()}\n`, { mode: 0o600, flag: "wx", flush: true });
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(draft);
    }
    secret = read(path);
  }
  return checkSecret(secret, { path, form });
}

function checkSecret(secret: string | null, { path, form }: { path: string; form: RegExp }): string {
  if (secret === null || !form.test(secret)) {
    throw new InputError(`"${path}" does not hold a secret of the expected form; restore it from a backup.`);
  }
  return secret;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
