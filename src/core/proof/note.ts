/**
 * Signed notes and the checkpoints in them, with Ed25519 keys: the form in which a log states its head, readable by any
 * C2SP client.
 * @see https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import { equalBytes, fromBase64, toBase64 } from "./bytes.ts";
import { HASH_BYTES, sha256 } from "./sha256.ts";

/** Signature type of a plain Ed25519 note signature. */
const ED25519 = 1;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** The specification asks for at least 16; a note with more lines than this is refused before any signature is checked. */
const MAX_SIGNATURES = 64;
const MAX_NOTE_LENGTH = 65_536;

/** A key that checks notes. Name and id together tell it apart. */
export type Verifier = { name: string; id: Uint8Array; publicKey: Uint8Array };

/** A key that signs notes. `verifierKey` is its public form, `name+hash+base64`. */
export type Signer = { name: string; verifierKey: string; sign(text: string): string };

/** One signature line as it stands in a note, not yet checked. */
export type NoteSignature = { name: string; id: Uint8Array; signature: Uint8Array };

/** A note taken apart. `text` ends in a newline and is what the signatures cover. */
export type Note = { text: string; signatures: readonly NoteSignature[] };

/** Head of a log: its origin, its size and the root of its tree. `extensions` are further lines, if any. */
export type Checkpoint = { origin: string; size: number; root: Uint8Array; extensions: readonly string[] };

/** @throws InputError when it cannot name a key: empty, or with a space or a plus. */
export function checkKeyName(name: string): void {
  if (name === "" || /[\p{White_Space}\p{Cc}\p{Surrogate}+]/u.test(name)) {
    throw new InputError(`"${name}" is not a key name: expected text without spaces and without a plus.`);
  }
}

/** The text form of a public key: `<name>+<8 hex digits>+<base64>`. @throws InputError for a name that cannot be one. */
export function verifierKeyOf(name: string, publicKey: Uint8Array): string {
  checkKeyName(name);
  const key = Uint8Array.of(ED25519, ...publicKey);
  return `${name}+${bytesToHex(keyId(name, publicKey))}+${toBase64(key)}`;
}

/** Reads a verifier key. @throws InputError when it is malformed, or of another type than Ed25519. */
export function parseVerifierKey(text: string): Verifier {
  const m = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  if (!m) throw new InputError(`"${text}" is not a verifier key like name+0123abcd+base64.`);
  const [name, hash, encoded] = m.slice(1) as [string, string, string];
  checkKeyName(name);
  const key = fromBase64(encoded);
  const publicKey = key.slice(1);
  if (key[0] !== ED25519 || publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new InputError(`The verifier key of ${name} is not an Ed25519 key.`);
  }
  const id = keyId(name, publicKey);
  if (bytesToHex(id) !== hash) throw new InputError(`The verifier key of ${name} has the hash ${hash}, not its own.`);
  return { name, id, publicKey };
}

/**
 * A signer of notes.
 * @param secretKey the 32 bytes of an Ed25519 secret key (RFC 8032 seed).
 * @throws InputError for a name that cannot be one or a key of another length.
 */
export function signerOf(name: string, secretKey: Uint8Array): Signer {
  checkKeyName(name);
  if (secretKey.length !== 32) throw new InputError(`An Ed25519 secret key has 32 bytes, not ${secretKey.length}.`);
  const publicKey = ed25519.getPublicKey(secretKey);
  const id = keyId(name, publicKey);
  return {
    name,
    verifierKey: verifierKeyOf(name, publicKey),
    sign(text) {
      const signature = ed25519.sign(utf8ToBytes(checkText(text)), secretKey);
      return `${text}\n— ${name} ${toBase64(concatBytes(id, signature))}\n`;
    },
  };
}

/** Takes a note apart without checking a signature. @throws InputError when it is no note. */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_LENGTH) throw new InputError(`A note of ${note.length} characters is too long.`);
  const split = note.lastIndexOf("\n\n");
  if (split < 0) throw new InputError("A signed note has an empty line before its signatures; there is none.");
  const text = checkText(note.slice(0, split + 1));
  const block = note.slice(split + 2);
  const lines = block.split("\n");
  if (lines.pop() !== "" || lines.length === 0) throw new InputError("The signatures of a note end in a newline.");
  if (lines.length > MAX_SIGNATURES) throw new InputError(`A note has at most ${MAX_SIGNATURES} signatures.`);
  return { text, signatures: lines.map(parseSignature) };
}

/** Whether `signature` is this key's signature of the note's text. Never throws. */
export function isSignedBy(note: Note, verifier: Verifier): boolean {
  const own = note.signatures.filter((line) => line.name === verifier.name && equalBytes(line.id, verifier.id));
  return own.length > 0 && own.every((line) => verifySignature(note.text, line.signature, verifier.publicKey));
}

/** Text of a checkpoint, to be signed. @throws InputError for what cannot stand on a line of it. */
export function checkpointText(checkpoint: Checkpoint): string {
  const { origin, size, root, extensions } = checkpoint;
  if (!Number.isSafeInteger(size) || size < 0) throw new InputError(`${size} is not the size of a log.`);
  if (root.length !== HASH_BYTES) throw new InputError(`A root has ${HASH_BYTES} bytes, not ${root.length}.`);
  const lines = [origin, size.toString(), toBase64(root), ...extensions];
  const broken = lines.find((line) => line === "" || line.includes("\n"));
  if (broken !== undefined) throw new InputError(`"${broken}" cannot be a line of a checkpoint.`);
  return checkText(`${lines.join("\n")}\n`);
}

/** Reads the text of a checkpoint. @throws InputError when it is none. */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.length < 3 || lines.includes("")) {
    throw new InputError("A checkpoint has at least three lines, none of them empty, each ending in a newline.");
  }
  const [origin, size, root, ...extensions] = lines as [string, string, string, ...string[]];
  if (!/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) {
    throw new InputError(`"${size}" is not the size of a log.`);
  }
  const hash = fromBase64(root);
  if (hash.length !== HASH_BYTES) throw new InputError(`A root has ${HASH_BYTES} bytes, not ${hash.length}.`);
  return { origin, size: Number(size), root: hash, extensions };
}

function keyId(name: string, publicKey: Uint8Array): Uint8Array {
  const input = concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(ED25519), publicKey);
  return sha256(input).slice(0, KEY_ID_BYTES);
}

function parseSignature(line: string): NoteSignature {
  const m = /^— (\S+) (\S+)$/.exec(line);
  if (!m) throw new InputError(`"${line}" is not a signature line of a note.`);
  const [name, encoded] = m.slice(1) as [string, string];
  checkKeyName(name);
  const bytes = fromBase64(encoded);
  if (bytes.length <= KEY_ID_BYTES) throw new InputError(`The signature of ${name} is too short.`);
  return { name, id: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

/** The strict rules of RFC 8032: of the many encodings that lenient checks admit, one. */
function verifySignature(text: string, signature: Uint8Array, publicKey: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    return ed25519.verify(signature, utf8ToBytes(text), publicKey, { zip215: false });
  } catch {
    // The library throws for a point that is none; for us that is simply not a signature of this key.
    return false;
  }
}

function checkText(text: string): string {
  const control = [...text].some((c) => c < " " && c !== "\n");
  if (!text.endsWith("\n") || control || /\p{Surrogate}/u.test(text)) {
    throw new InputError("The text of a note ends in a newline and has no other control characters.");
  }
  return text;
}
