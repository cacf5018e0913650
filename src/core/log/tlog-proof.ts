/**
 * A proof in one text file that an entry is in a log, with the signed checkpoint and the witnesses' signatures below it.
 * @see https://c2sp.org/tlog-proof
 */
import { InputError } from "../errors.ts";
import { fromBase64, toBase64 } from "../proof/bytes.ts";
import { verifyInclusion } from "../proof/merkle.ts";
import { type Checkpoint, parseCheckpoint, parseNote } from "../proof/note.ts";
import type { Verifier } from "../proof/note-key.ts";
import { HASH_BYTES } from "../proof/sha256.ts";
import { type Cosignature, checkQuorum, type Quorum } from "./cosignature.ts";
import { type Head, openHead } from "./head.ts";

const FIRST_LINE = "c2sp.org/tlog-proof@v1";
/** Hashes on the way up from a leaf in the largest tree there can be. */
const MAX_HASHES = 63;

/**
 * The parts of such a file. `note` is the checkpoint as it was served; `extra` is not authenticated by anything, unless it
 * is the entry itself, which the path then leads from.
 */
export type TlogProof = { index: number; proof: readonly Uint8Array[]; note: string; extra: Uint8Array | null };

/** What a file proves of an entry: in which head, and which of the witnesses cosigned that. */
export type Logged = { head: Head; index: number; cosignatures: Cosignature[] };

/** The text of a proof. @throws InputError when a part of it cannot be in one. */
export function encodeTlogProof({ index, proof, note, extra }: TlogProof): string {
  const lines = [FIRST_LINE];
  if (extra !== null) lines.push(`extra ${toBase64(extra)}`);
  lines.push(`index ${index}`, ...proof.map(toBase64), "");
  const text = `${lines.join("\n")}\n${note}`;
  parseTlogProof(text);
  return text;
}

/** Reads a proof and checks nothing but its form. @throws InputError when it is none. */
export function parseTlogProof(text: string): TlogProof {
  const end = text.indexOf("\n\n");
  if (end < 0) throw new InputError("A proof has an empty line before its checkpoint; there is none.");
  const note = text.slice(end + 2);
  parseCheckpoint(parseNote(note).text);
  const lines = text.slice(0, end).split("\n");
  if (lines.shift() !== FIRST_LINE) throw new InputError(`A proof begins with ${FIRST_LINE}.`);
  const extra = lines[0]?.startsWith("extra ") ? fromBase64((lines.shift() as string).slice("extra ".length)) : null;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? "")?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index))) {
    throw new InputError("A proof names the index of its entry after its first line.");
  }
  if (lines.length > MAX_HASHES) throw new InputError(`A proof has at most ${MAX_HASHES} hashes, not ${lines.length}.`);
  return { index: Number(index), proof: lines.map(parseHash), note, extra };
}

/**
 * Checks that a leaf is in a log, signed and cosigned by those one relies on.
 * @throws InputError naming the first thing that does not hold.
 */
export function verifyTlogProof(
  text: string,
  by: { leafHash: Uint8Array; logKeys: readonly Verifier[]; quorum: Quorum },
): Logged {
  const parsed = parseTlogProof(text);
  const { index, note } = parsed;
  const head = openHead(note, by.logKeys);
  requireIncluded(parsed, by.leafHash);
  const { met, cosignatures } = checkQuorum(parseNote(note), by);
  if (!met) {
    const { threshold } = by.quorum;
    throw new InputError(`${cosignatures.length} witnesses cosigned the checkpoint; expected at least ${threshold}.`);
  }
  return { head, index, cosignatures };
}

/**
 * Checks that the path leads from an entry to the root of the checkpoint, whoever has signed that.
 * @returns the checkpoint.
 * @throws InputError when it does not.
 */
export function requireIncluded({ index, proof, note }: TlogProof, leafHash: Uint8Array): Checkpoint {
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const { size, root, origin } = checkpoint;
  if (!verifyInclusion({ index, size, leafHash, proof, root })) {
    throw new InputError(`The entry is not leaf ${index} of the log ${origin} of ${size} leaves.`);
  }
  return checkpoint;
}

/** A hash as a line of a proof has it. @throws InputError for anything but the base64 of 32 bytes. */
export function parseHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (hash.length !== HASH_BYTES) throw new InputError(`A hash has ${HASH_BYTES} bytes, not ${hash.length}.`);
  return hash;
}
