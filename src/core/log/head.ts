/**
 * Heads of a log as whoever follows it keeps them, and the keys a log signs with over time.
 */
import { InputError } from "../errors.ts";
import { equalBytes } from "../proof/bytes.ts";
import { rootOf } from "../proof/merkle.ts";
import { isSignedBy, parseCheckpoint, parseNote, parseVerifierKey, type Signer } from "../proof/note.ts";
import type { Verifier } from "../proof/note-key.ts";

/** More keys than this at a time are a mistake: an overlap has two. */
const MAX_KEYS = 16;

/** A head whose signature has been checked: what the log stated, and the whole signed note in which it did. */
export type Head = { origin: string; size: number; root: Uint8Array; note: string };

/**
 * Opens a signed checkpoint of a log.
 * @param keys the log's keys, several while it changes from one to the next. One of them must have signed; signatures of
 * other keys mean nothing, but a wrong one in the name of one of these spoils the note.
 * @throws InputError when it is no checkpoint, not signed by the log, or of an empty tree with a root of its own.
 */
export function openHead(note: string, keys: readonly Verifier[]): Head {
  const parsed = parseNote(note);
  const { origin, size, root } = parseCheckpoint(parsed.text);
  const own = keys.filter(({ name }) => name === origin);
  if (own.length === 0) throw new InputError(`The checkpoint is of ${origin}, of which no key was given.`);
  const present = own.filter((key) =>
    parsed.signatures.some(({ name, id }) => name === key.name && equalBytes(id, key.id)),
  );
  if (present.length === 0 || !present.every((key) => isSignedBy(parsed, key))) {
    throw new InputError(`The checkpoint of ${origin} is not signed by a key of it that was given.`);
  }
  if (size === 0 && !equalBytes(root, rootOf([]))) {
    throw new InputError(`The checkpoint of ${origin} gives an empty tree a root that it does not have.`);
  }
  return { origin, size, root, note };
}

/** A note with more signature lines below it. Lines that are there already are not added again. @throws InputError for what is no line. */
export function addSignatures(note: string, lines: readonly string[]): string {
  const { text } = parseNote(note);
  const below = note.slice(text.length + 1);
  const present = new Set(below.split("\n"));
  const added = lines.filter((line, i) => !present.has(line.trimEnd()) && lines.indexOf(line) === i);
  const extended = note + added.join("");
  if (parseNote(extended).text !== text)
    throw new InputError("What was to be added to a note are not signature lines.");
  return extended;
}

/**
 * One signer of several keys of a log, for the overlap in which it changes from one to the next: every note has a
 * signature of each, so that those who know either can open it. The first key is the one that stays.
 * @throws InputError for none, too many, or keys of different names.
 */
export function jointSigner(signers: readonly Signer[]): Signer {
  const [first, ...others] = signers;
  checkKeys(signers.map(({ verifierKey }) => parseVerifierKey(verifierKey)));
  return {
    ...(first as Signer),
    sign: (text) =>
      addSignatures(
        (first as Signer).sign(text),
        others.map((signer) => signer.sign(text).slice(text.length + 1)),
      ),
  };
}

/** The keys of a log as text, one a line, the one that stays first. @throws InputError as `jointSigner`. */
export function keyListText(keys: readonly string[]): string {
  checkKeys(keys.map(parseVerifierKey));
  return keys.map((key) => `${key}\n`).join("");
}

/** Reads a list of keys of one log. @throws InputError when it is malformed, empty, or of several logs. */
export function parseKeyList(text: string): Verifier[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new InputError("A list of keys ends in a newline.");
  const keys = lines.map(parseVerifierKey);
  checkKeys(keys);
  return keys;
}

function checkKeys(keys: readonly Verifier[]): void {
  if (keys.length === 0 || keys.length > MAX_KEYS) {
    throw new InputError(`A log signs with 1 to ${MAX_KEYS} keys, not with ${keys.length}.`);
  }
  const isRepeated = keys.some((one, i) =>
    keys.slice(0, i).some((other) => equalBytes(one.publicKey, other.publicKey)),
  );
  const isMixed = keys.some(({ name }) => name !== keys[0]?.name);
  if (isRepeated || isMixed) throw new InputError("The keys of a log are different keys of one name.");
}
