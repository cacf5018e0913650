/**
 * Keys of signed notes: their text form, the id by which a signature line names one, and the signature itself, which is
 * Ed25519 in every type of key we know.
 * @see https://c2sp.org/signed-note
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import { fromBase64, toBase64 } from "./bytes.ts";
import { sha256 } from "./sha256.ts";

/** What a key signs: the text of a note, or a witness's statement about a checkpoint with the time of it. */
export type KeyType = keyof typeof TYPES;

/** Signature types as the specification numbers them. */
const TYPES = { note: 0x01, cosignature: 0x04 } as const;

export const KEY_ID_BYTES = 4;
const KEY_BYTES = 32;
/** Of Ed25519. */
export const SIGNATURE_BYTES = 64;

/** A key that checks signatures. Name and id together tell it apart. */
export type Verifier = { name: string; id: Uint8Array; publicKey: Uint8Array };

/** A pair of keys under a name. `sign` signs whatever it is given, without looking at it. */
export type SigningKey = { publicKey: Uint8Array; id: Uint8Array; sign(message: Uint8Array): Uint8Array };

/** @throws InputError when it cannot name a key: empty, or with a space or a plus. */
export function checkKeyName(name: string): void {
  if (name === "" || /[\p{White_Space}\p{Cc}\p{Surrogate}+]/u.test(name)) {
    throw new InputError(`"${name}" is not a key name: expected text without spaces and without a plus.`);
  }
}

/** The text form of a public key: `<name>+<8 hex digits>+<base64>`. @throws InputError for a name that cannot be one. */
export function keyText(name: string, { type, publicKey }: { type: KeyType; publicKey: Uint8Array }): string {
  const id = keyId(name, { type, publicKey });
  return `${name}+${bytesToHex(id)}+${toBase64(Uint8Array.of(TYPES[type], ...publicKey))}`;
}

/** Reads a public key of one type. @throws InputError when it is malformed, or of another type. */
export function parseKey(text: string, type: KeyType): Verifier {
  const m = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  if (!m) throw new InputError(`"${text}" is not a verifier key like name+0123abcd+base64.`);
  const [name, hash, encoded] = m.slice(1) as [string, string, string];
  checkKeyName(name);
  const key = fromBase64(encoded);
  const publicKey = key.slice(1);
  if (key[0] !== TYPES[type] || publicKey.length !== KEY_BYTES) {
    throw new InputError(
      `The verifier key of ${name} is not an Ed25519 key for ${type === "note" ? "notes" : "cosignatures"}.`,
    );
  }
  const id = keyId(name, { type, publicKey });
  if (bytesToHex(id) !== hash) throw new InputError(`The verifier key of ${name} has the hash ${hash}, not its own.`);
  return { name, id, publicKey };
}

/**
 * The pair of keys that a secret makes under a name.
 * @param secretKey the 32 bytes of an Ed25519 secret key (RFC 8032 seed).
 * @throws InputError for a name that cannot be one or a key of another length.
 */
export function signingKey(name: string, { type, secretKey }: { type: KeyType; secretKey: Uint8Array }): SigningKey {
  if (secretKey.length !== KEY_BYTES) {
    throw new InputError(`An Ed25519 secret key has ${KEY_BYTES} bytes, not ${secretKey.length}.`);
  }
  const publicKey = ed25519.getPublicKey(secretKey);
  const id = keyId(name, { type, publicKey });
  return { publicKey, id, sign: (message) => ed25519.sign(message, secretKey) };
}

/** A signature line of a note, with its newline. */
export function signatureLine(name: string, { id, signature }: { id: Uint8Array; signature: Uint8Array }): string {
  return `— ${name} ${toBase64(concatBytes(id, signature))}\n`;
}

/** Whether a signature is that of a key. The strict rules of RFC 8032: of the many encodings that lenient checks admit, one. */
export function isSignature(
  signature: Uint8Array,
  { message, publicKey }: { message: Uint8Array; publicKey: Uint8Array },
): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    // The library throws for a point that is none; for us that is simply not a signature of this key.
    return false;
  }
}

function keyId(name: string, { type, publicKey }: { type: KeyType; publicKey: Uint8Array }): Uint8Array {
  checkKeyName(name);
  const input = concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(TYPES[type]), publicKey);
  return sha256(input).slice(0, KEY_ID_BYTES);
}
