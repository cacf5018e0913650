/**
 * The checkpoint in a proof, in the one form it has there: the log's own signatures, then the cosignatures of witnesses,
 * in an order that nobody chooses. So a proof cannot be changed without changing who has signed what.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import { compareBytes } from "../order.ts";
import { type Checkpoint, type Note, type NoteSignature, parseCheckpoint, parseNote } from "../proof/note.ts";
import { SIGNATURE_BYTES, signatureLine } from "../proof/note-key.ts";
import { COSIGNATURE_BYTES } from "./cosignature.ts";
import { addSignatures } from "./head.ts";

/** A checkpoint taken apart; nothing of it has been checked but the form. `cosigned` is how many lines say to be witnesses'. */
export type HeadNote = { note: Note; checkpoint: Checkpoint; cosigned: number };

/**
 * A signed checkpoint with further lines below it, in its one form.
 * @param lines signature lines, each with its newline.
 * @throws InputError when it has no such form.
 */
export function headNote(signed: string, lines: readonly string[] = []): string {
  const { text, signatures } = parseNote(addSignatures(signed, lines));
  const { origin } = parseCheckpoint(text);
  const ordered = [...signatures].sort((a, b) => compareSigners(a, b, origin));
  const note = `${text}\n${ordered.map((one) => signatureLine(one.name, one)).join("")}`;
  readHeadNote(note);
  return note;
}

/**
 * Reads a checkpoint in that form: three lines; signatures in the log's own name, at least one; cosignatures in names of
 * others. Each kind rises by name and by the id of its key, and no key has two lines.
 * @throws InputError naming what is not so.
 */
export function readHeadNote(text: string): HeadNote {
  const note = parseNote(text);
  const checkpoint = parseCheckpoint(note.text);
  const { origin, extensions } = checkpoint;
  const { signatures } = note;
  if (extensions.length > 0) throw new InputError("Checkpoint: expected three lines of text.");
  for (const [i, line] of signatures.entries()) {
    const isOwn = line.name === origin;
    if (line.signature.length !== (isOwn ? SIGNATURE_BYTES : COSIGNATURE_BYTES)) {
      throw new InputError(`Checkpoint: the line of ${line.name} is neither the log's signature nor a cosignature.`);
    }
    const before = signatures[i - 1];
    if (before !== undefined && compareSigners(before, line, origin) >= 0) {
      throw new InputError(`Checkpoint: the line of ${line.name} is there twice or out of order.`);
    }
  }
  const cosigned = signatures.filter(({ name }) => name !== origin).length;
  if (cosigned === signatures.length) throw new InputError(`Checkpoint: there is no signature of ${origin}.`);
  return { note, checkpoint, cosigned };
}

/** The log's own before all others; then by the bytes of the name, then of the key's id. */
function compareSigners(a: NoteSignature, b: NoteSignature, origin: string): number {
  const isOther = (line: NoteSignature) => Number(line.name !== origin);
  return isOther(a) - isOther(b) || compareBytes(utf8ToBytes(a.name), utf8ToBytes(b.name)) || compareBytes(a.id, b.id);
}
