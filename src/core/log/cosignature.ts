/**
 * Cosignatures: what a witness adds to a checkpoint to say that, at that time, it was the largest head of the log it had
 * seen, and an extension of every one before.
 * @see https://c2sp.org/tlog-cosignature, the Ed25519 type
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import { equalBytes } from "../proof/bytes.ts";
import { type Note, parseCheckpoint } from "../proof/note.ts";
import {
  isSignature,
  keyText,
  parseKey,
  SIGNATURE_BYTES,
  signatureLine,
  signingKey,
  type Verifier,
} from "../proof/note-key.ts";

const TIME_BYTES = 8;
const MAX_TIME = 2n ** 63n - 1n;

/** What stands in a witness's line: a time, and an Ed25519 signature. */
export const COSIGNATURE_BYTES = TIME_BYTES + SIGNATURE_BYTES;

/** A witness that signs. `verifierKey` is its public form; `cosign` gives its line below the text of a checkpoint. */
export type Cosigner = { name: string; verifierKey: string; cosign(text: string, time: bigint): string };

/** A valid cosignature: whose, and when by its own word, in seconds since 1970. */
export type Cosignature = { name: string; time: bigint };

/** Witnesses one relies on, and how many of them must have cosigned. */
export type Quorum = { cosigners: readonly Verifier[]; threshold: number };

/** The text form of a witness's public key: `<name>+<8 hex digits>+<base64>`. @throws InputError for a name that cannot be one. */
export function cosignerKeyOf(name: string, publicKey: Uint8Array): string {
  return keyText(name, { type: "cosignature", publicKey });
}

/** Reads a witness's key. @throws InputError when it is malformed, or not an Ed25519 key for cosignatures. */
export function parseCosignerKey(text: string): Verifier {
  return parseKey(text, "cosignature");
}

/**
 * A witness that signs. The key must be used for nothing else: what it signs does not say its name.
 * @param secretKey the 32 bytes of an Ed25519 secret key (RFC 8032 seed).
 * @throws InputError for a name that cannot be one or a key of another length; when cosigning for what is no checkpoint,
 * or a time that is none.
 */
export function cosignerOf(name: string, secretKey: Uint8Array): Cosigner {
  const { publicKey, id, sign } = signingKey(name, { type: "cosignature", secretKey });
  return {
    name,
    verifierKey: cosignerKeyOf(name, publicKey),
    cosign(text, time) {
      parseCheckpoint(text);
      if (time < 0n || time > MAX_TIME) throw new InputError(`${time} is not a time in seconds since 1970.`);
      const signature = new Uint8Array(COSIGNATURE_BYTES);
      new DataView(signature.buffer).setBigUint64(0, time);
      signature.set(sign(messageOf(text, time)), TIME_BYTES);
      return signatureLine(name, { id, signature });
    },
  };
}

/**
 * When this witness cosigned the note, by its own word; null when it did not, or when any of the lines in its name does
 * not hold. Of several times the last. Never throws.
 */
export function cosignedAt(note: Note, cosigner: Verifier): bigint | null {
  const own = note.signatures.filter((line) => line.name === cosigner.name && equalBytes(line.id, cosigner.id));
  let last: bigint | null = null;
  for (const { signature } of own) {
    if (signature.length < TIME_BYTES) return null;
    const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    const signed = { message: messageOf(note.text, time), publicKey: cosigner.publicKey };
    if (time > MAX_TIME || !isSignature(signature.slice(TIME_BYTES), signed)) return null;
    if (last === null || time > last) last = time;
  }
  return last;
}

/** Whether a line below the note is in this witness's name; it may hold or not. */
export function isNamedIn(note: Note, cosigner: Verifier): boolean {
  return note.signatures.some(({ name, id }) => name === cosigner.name && equalBytes(id, cosigner.id));
}

/**
 * The witnesses of these keys.
 * @param keys text forms; each a key of its own, because one key under two names would count twice.
 * @param threshold how many must have cosigned.
 * @throws InputError for a malformed key, a key that is there twice, and a threshold that can never be met.
 */
export function quorumOf(keys: readonly string[], threshold: number): Quorum {
  const cosigners = keys.map(parseCosignerKey);
  const repeated = cosigners.find((one, i) =>
    cosigners.slice(0, i).some((other) => equalBytes(one.publicKey, other.publicKey)),
  );
  if (repeated !== undefined) throw new InputError(`The key of the witness ${repeated.name} is there twice.`);
  if (!Number.isSafeInteger(threshold) || threshold < 0 || threshold > cosigners.length) {
    throw new InputError(`${threshold} of ${cosigners.length} witnesses is not a number that can be met.`);
  }
  return { cosigners, threshold };
}

/**
 * The cosignatures of a quorum's witnesses below a note, and whether they are enough. A witness that holds the log's own
 * key does not count: the log cannot vouch for itself. Never throws.
 */
export function checkQuorum(
  note: Note,
  { quorum, logKeys }: { quorum: Quorum; logKeys: readonly Verifier[] },
): { met: boolean; cosignatures: Cosignature[] } {
  const cosignatures: Cosignature[] = [];
  for (const cosigner of quorum.cosigners) {
    const isLog = logKeys.some(({ publicKey }) => equalBytes(publicKey, cosigner.publicKey));
    const time = isLog ? null : cosignedAt(note, cosigner);
    if (time !== null) cosignatures.push({ name: cosigner.name, time });
  }
  return { met: cosignatures.length >= quorum.threshold, cosignatures };
}

function messageOf(text: string, time: bigint): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${time}\n${text}`);
}
