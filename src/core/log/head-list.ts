/**
 * Several signed checkpoints of a log in one text, for archives: notes one after the other, an empty line between two. An
 * empty line also stands within each, between text and signatures, and nowhere else; so they are told apart by counting.
 */
import { InputError } from "../errors.ts";
import { parseCheckpoint, parseNote } from "../proof/note.ts";

/** The text of some signed checkpoints, in the order given; empty for none. @throws InputError for what is none. */
export function headListText(notes: readonly string[]): string {
  const text = notes.join("\n");
  parseHeadList(text);
  return text;
}

/** Reads such a text, and checks nothing but its form. @throws InputError when it is none. */
export function parseHeadList(text: string): string[] {
  if (text === "") return [];
  const parts = text.split("\n\n");
  if (parts.length % 2 !== 0) throw new InputError("A list of checkpoints ends within one.");
  const notes: string[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    const isLast = i + 2 === parts.length;
    const note = `${parts[i]}\n\n${parts[i + 1]}${isLast ? "" : "\n"}`;
    parseCheckpoint(parseNote(note).text);
    notes.push(note);
  }
  return notes;
}
