import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { InputError } from "../../src/core/errors.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { parseCheckpoint, parseNote } from "../../src/core/proof/note.ts";
import { replaceFile } from "../store/files.ts";
import type { HeadRow } from "./ledger-store.ts";

/**
 * The largest head there is for all that is known beside the database: the last one signed here, whole, or, where others
 * were shown a later one, its size and who they are.
 */
export type HeadMark = { size: number; note: string | null; knownBy: string | null };

const VERSION = "plumbline-head/1";

const shape = z.strictObject({
  version: z.literal(VERSION),
  size: z.number().int().nonnegative(),
  note: z.string().nullable(),
  knownBy: z.string().nullable(),
});

/** Where the mark is, beside the database: a database that is put back from a backup does not take it back. */
function markFile(folder: string): string {
  return join(folder, "head.json");
}

/** Reads the mark of a folder; null where there is none. @throws InputError when the file holds something else. */
export function readMark(folder: string): HeadMark | null {
  const path = markFile(folder);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new InputError(`"${path}" does not hold the last head of the log: ${(error as Error).message}.`);
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new InputError(`"${path}" does not hold the last head of the log in its form.`);
  const { version: _, ...mark } = parsed.data;
  return mark;
}

/** Keeps a mark in place of the one before. */
export function writeMark(folder: string, mark: HeadMark): void {
  replaceFile(markFile(folder), `${JSON.stringify({ version: VERSION, ...mark }, null, 2)}\n`);
}

/**
 * Holds a store's heads against the mark.
 * @throws InputError when a head that is known to have been signed is not among them: signing on would fork the log.
 */
export function checkMark(
  mark: HeadMark | null,
  heads: { lastHead(): HeadRow | null; headAt(size: number): HeadRow | null },
): void {
  if (mark === null) return;
  const size = heads.lastHead()?.size ?? 0;
  const how = "Put the newest ledger.sqlite back; what else can be done is in docs/operations.md under Lost heads.";
  if (mark.size > size) {
    const known = mark.knownBy === null ? "was signed here" : `is known by ${mark.knownBy}`;
    throw new InputError(`The log ends at a head of ${size} leaves, but one of ${mark.size} ${known}. ${how}`);
  }
  if (mark.note === null) return;
  const { root } = parseCheckpoint(parseNote(mark.note).text);
  if (heads.headAt(mark.size)?.root !== toHex(root).slice(2)) {
    throw new InputError(`The log has not the head of ${mark.size} leaves that was signed here last. ${how}`);
  }
}
