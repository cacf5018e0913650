/**
 * Signed notes and the checkpoints in them, with Ed25519 keys: the form in which a log states its head, readable by any
 * C2SP client.
 * @see https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import { equalBytes, fromBase64, toBase64 } from "./bytes.ts";
import {
  checkKeyName,
  isSignature,
  KEY_ID_BYTES,
  keyText,
  parseKey,
  signatureLine,
  signingKey,
  type Verifier,
} from "./note-key.ts";
import { HASH_BYTES } from "./sha256.ts";

/** The specification asks for at least 16; a note with more lines than this is refused before any signature is checked. */
const MAX_SIGNATURES = 64;
const MAX_NOTE_LENGTH = 65_536;

/** A key that signs notes. `verifierKey` is its public form, `name+hash+base64`. */
export type Signer = { name: string; verifierKey: string; sign(text: string): string };

/** One signature line as it stands in a note, not yet checked. */
export type NoteSignature = { name: string; id: Uint8Array; signature: Uint8Array };

/** A note taken apart. `text` ends in a newline and is what the signatures cover. */
export type Note = { text: string; signatures: readonly NoteSignature[] };

/** Head of a log: its origin, its size and the root of its tree. `extensions` are further lines, if any. */
export type Checkpoint = { origin: string; size: number; root: Uint8Array; extensions: readonly string[] };

/** The text form of a log's public key: `<name>+<8 hex digits>+<base64>`. @throws InputError for a name that cannot be one. */
export function verifierKeyOf(name: string, publicKey: Uint8Array): string {
  return keyText(name, { type: "note", publicKey });
}

/** Reads a verifier key. @throws InputError when it is malformed, or of another type than Ed25519. */
export function parseVerifierKey(text: string): Verifier {
  return parseKey(text, "note");
}

/**
 * A signer of notes.
 * @param secretKey the 32 bytes of an Ed25519 secret key (RFC 8032 seed).
 * @throws InputError for a name that cannot be one or a key of another length.
 */
export function signerOf(name: string, secretKey: Uint8Array): Signer {
  const { publicKey, id, sign } = signingKey(name, { type: "note", secretKey });
  return {
    name,
    verifierKey: verifierKeyOf(name, publicKey),
    sign: (text) => `${text}\n${signatureLine(name, { id, signature: sign(utf8ToBytes(checkText(text))) })}`,
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
  const signed = { message: utf8ToBytes(note.text), publicKey: verifier.publicKey };
  return own.length > 0 && own.every((line) => isSignature(line.signature, signed));
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

function parseSignature(line: string): NoteSignature {
  const m = /^— (\S+) (\S+)$/.exec(line);
  if (!m) throw new InputError(`"${line}" is not a signature line of a note.`);
  const [name, encoded] = m.slice(1) as [string, string];
  checkKeyName(name);
  const bytes = fromBase64(encoded);
  if (bytes.length <= KEY_ID_BYTES) throw new InputError(`The signature of ${name} is too short.`);
  return { name, id: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

function checkText(text: string): string {
  const control = [...text].some((c) => c < " " && c !== "\n");
  if (!text.endsWith("\n") || control || /\p{Surrogate}/u.test(text)) {
    throw new InputError("The text of a note ends in a newline and has no other control characters.");
  }
  return text;
}
