/**
 * The hash of a rulebook, made so that one rule can be shown with all else held back: a rule stands in its file by its
 * digest, and a file in the rulebook by its own.
 */
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { toHex } from "../proof/bytes.ts";
import { canonicalBytes, type Json } from "../proof/canonical.ts";
import { sha256 } from "../proof/sha256.ts";

/** What a rulebook's JSON says it is. */
export const RULEBOOK_FORMAT = "plumbline-rulebook/2";

/** The format before: the hash is that of the whole, so nothing can be held back. Logs that have it stay readable. */
export const WHOLE_FORMAT = "plumbline-rulebook/1";

type JsonObject = Readonly<Record<string, Json>>;

/** The files of a rulebook's JSON by name, and its format. @throws InputError for any other JSON. */
export function filesOf(source: unknown): { format: string; files: JsonObject } {
  const { format, files, ...rest } = isObject(source) ? source : {};
  const isKnown = format === RULEBOOK_FORMAT || format === WHOLE_FORMAT;
  if (!isKnown || !isObject(files) || Object.keys(rest).length > 0) {
    throw new InputError(`This is no rulebook: expected an object of format "${RULEBOOK_FORMAT}" with files.`);
  }
  return { format, files };
}

/**
 * The hash of a rulebook, by all of its JSON or with digests in the place of files and rules.
 * @throws InputError for JSON that is no rulebook.
 */
export function rulebookHash(source: unknown): Hex {
  const { format, files } = filesOf(source);
  if (format === WHOLE_FORMAT) return digestOf({ format, files });
  const digests = Object.entries(files).map(([name, file]) => [name, isDigest(file) ? file : fileDigest(file)]);
  return digestOf({ format, files: Object.fromEntries(digests) as JsonObject });
}

/** Whether nothing in a rulebook's JSON is there by its digest only. @throws InputError for JSON that is no rulebook. */
export function isWhole(source: unknown): boolean {
  const held = (file: Json) =>
    isDigest(file) || (isObject(file) && Array.isArray(file.rules) && file.rules.some(isDigest));
  return !Object.values(filesOf(source).files).some(held);
}

/** The digest of a file: of its JSON with every rule by its digest. */
export function fileDigest(file: Json): Hex {
  if (!isObject(file) || !Array.isArray(file.rules)) return digestOf(file);
  const rules = (file.rules as readonly Json[]).map((rule) => (isDigest(rule) ? rule : digestOf(rule)));
  return digestOf({ ...file, rules });
}

/** SHA-256 of the RFC 8785 form. @throws InputError when there is none. */
export function digestOf(value: Json): Hex {
  return toHex(sha256(canonicalBytes(value)));
}

/** Whether something stands there by its digest. */
export function isDigest(value: Json): value is Hex {
  return typeof value === "string" && /^0x[0-9a-f]{64}$/.test(value);
}

/** Whether a value is a JSON object, and no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
