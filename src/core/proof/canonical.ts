/**
 * The one byte form of everything that is hashed or signed: RFC 8785 JSON without numbers. Integers are decimal strings,
 * because two JSON readers need not agree on a number, and `undefined` has no form at all.
 * @see https://www.rfc-editor.org/rfc/rfc8785.html
 */
import canonicalize from "canonicalize";
import { InputError, InvariantError } from "../errors.ts";

/** JSON without numbers. */
export type Json = null | boolean | string | readonly Json[] | { readonly [key: string]: Json };

/** Limits of what is read from outside: a bundle with its rulebook is well below one megabyte and ten levels deep. */
export const MAX_BYTES = 4_194_304;
export const MAX_DEPTH = 32;

const UTF8 = new TextEncoder();

/** Text without any half of a pair, as most is, needs no closer look. */
const ANY_SURROGATE = /[\ud800-\udfff]/;
/** Under the `u` flag a whole pair is one character, so that only a half on its own matches. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * RFC 8785 text of a value.
 * @throws InputError naming the place of a number, an undefined, a lone surrogate or anything else that has no form here.
 */
export function canonicalText(value: Json): string {
  check(value, "$", 0);
  const text = canonicalize(value);
  if (text === undefined) throw new InvariantError("A checked JSON value has no canonical form.");
  return text;
}

/** RFC 8785 bytes of a value. @throws InputError as `canonicalText`. */
export function canonicalBytes(value: Json): Uint8Array {
  return UTF8.encode(canonicalText(value));
}

/**
 * Reads bytes that must be exactly the RFC 8785 form of what they say: no other spacing, order, escapes or numbers, no
 * key twice.
 * @throws InputError otherwise, or beyond `MAX_BYTES` and `MAX_DEPTH`.
 */
export function parseCanonical(bytes: Uint8Array): Json {
  if (bytes.length > MAX_BYTES) throw new InputError(`${bytes.length} bytes of JSON are more than ${MAX_BYTES}.`);
  const text = decodeUtf8(bytes);
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError("This is not JSON.");
  }
  if (canonicalText(value) !== text) {
    throw new InputError("This JSON is not in its RFC 8785 form: spacing, order of keys, escapes or a key twice.");
  }
  return value;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError("These bytes are not UTF-8 text.");
  }
}

function check(value: unknown, path: string, depth: number): void {
  if (value === null || typeof value === "boolean") return;
  if (typeof value === "string") {
    checkText(value, path);
    return;
  }
  if (typeof value !== "object") {
    throw new InputError(`${path} is a ${typeof value}; expected text, true, false, null, a list or an object.`);
  }
  if (depth >= MAX_DEPTH) throw new InputError(`${path} lies deeper than ${MAX_DEPTH} levels.`);
  if (Array.isArray(value)) {
    // A loop by index also meets the holes of a sparse list, which forEach would skip.
    for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`, depth + 1);
    return;
  }
  checkPlain(value, path);
  for (const [key, item] of Object.entries(value)) {
    // Readers drop or obey this key instead of keeping it, so that what is hashed would not be what is read.
    if (key === "__proto__") throw new InputError(`${path} has a key __proto__, which is not allowed.`);
    checkText(key, `${path}, key ${JSON.stringify(key)}`);
    check(item, `${path}.${key}`, depth + 1);
  }
}

function checkText(text: string, path: string): void {
  if (ANY_SURROGATE.test(text) && LONE_SURROGATE.test(text))
    throw new InputError(`${path} holds half of a surrogate pair, which is no text.`);
}

/** Dates, maps and whatever has a `toJSON` would be written as something other than what they are. */
function checkPlain(value: object, path: string): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype !== Object.prototype && prototype !== null) || typeof Reflect.get(value, "toJSON") === "function") {
    throw new InputError(`${path} is not a plain object.`);
  }
}
