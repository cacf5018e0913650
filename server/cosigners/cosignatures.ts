/** Cosignatures that witnesses have given under heads of this log, and the heads with them. */
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { headNote } from "../../src/core/log/head-note.ts";
import type { Store } from "../store/database.ts";

/** A signed head with the cosignatures gathered for it below its note. */
export type CosignedHead = { size: number; note: string };

export type Cosignatures = {
  /** Keeps a witness's line under the head of a size, unless it has one there. The line must have been checked. */
  add(given: { size: number; witness: string; line: string }): void;
  /** The head of a size, with its cosignatures; null where none of this size was signed. */
  at(size: number): CosignedHead | null;
  /** Whether as many witnesses as count have cosigned the head of a size. */
  isCosigned(size: number): boolean;
  /** The largest head of at least `from` leaves that is cosigned; null while there is none. */
  newest(from: number): CosignedHead | null;
  /** Cosigned heads of more than `after` leaves, the smallest first. */
  list(range: { after: number; limit: number }): CosignedHead[];
  /** The size of the largest head that a witness has cosigned; 0 where it has none. */
  lastOf(witness: string): number;
};

/**
 * The cosignatures in a store.
 * @param quorum how many witnesses must have cosigned a head for it to count as cosigned; where it is 0 none does.
 */
export function createCosignatures({ connection, read, transaction }: Store, quorum: number): Cosignatures {
  const insert = connection.prepare(
    "INSERT INTO cosignature (size, witness, line) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const noteAt = read.prepare("SELECT note FROM checkpoint WHERE size = ?").pluck();
  const linesAt = read.prepare("SELECT line FROM cosignature WHERE size = ?").pluck();
  const countAt = read.prepare("SELECT count(*) FROM cosignature WHERE size = ?").pluck();
  const counted = "FROM cosignature WHERE size > ? GROUP BY size HAVING count(*) >= ? ORDER BY size";
  const newest = read.prepare(`SELECT size ${counted} DESC LIMIT 1`).pluck();
  const list = read.prepare(`SELECT size ${counted} LIMIT ?`).pluck();
  const lastOf = read.prepare("SELECT coalesce(max(size), 0) FROM cosignature WHERE witness = ?").pluck();
  const needed = quorum === 0 ? Number.MAX_SAFE_INTEGER : quorum;

  function at(size: number): CosignedHead | null {
    const note = noteAt.get(size) as string | undefined;
    if (note === undefined) return null;
    try {
      return { size, note: headNote(note, linesAt.all(size) as string[]) };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InvariantError(`The cosignatures under the head of ${size} leaves came back altered.`, {
        cause: error,
      });
    }
  }

  return {
    add: ({ size, witness, line }) => void transaction(() => insert.run(size, witness, line)),
    at,
    isCosigned: (size) => (countAt.get(size) as number) >= needed,
    newest(from) {
      const size = newest.get(from - 1, needed) as number | undefined;
      return size === undefined ? null : at(size);
    },
    list: ({ after, limit }) => (list.all(after, needed, limit) as number[]).flatMap((size) => at(size) ?? []),
    lastOf: (witness) => lastOf.get(witness) as number,
  };
}
