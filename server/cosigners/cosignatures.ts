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
  /** Whether enough of the witnesses that count have cosigned the head of a size. */
  isCosigned(size: number): boolean;
  /** The largest head of at least `from` leaves that is cosigned; null while there is none. */
  newest(from: number): CosignedHead | null;
  /** Cosigned heads of more than `after` leaves, the smallest first. */
  list(range: { after: number; limit: number }): CosignedHead[];
  /** The size of the largest head that a witness has cosigned; 0 where it has none. */
  lastOf(witness: string): number;
};

/** Whose cosignatures count, by key, and how many of them a head needs to count as cosigned; where it is 0 none does. */
export type CountedWitnesses = { keys: readonly string[]; quorum: number };

/**
 * The cosignatures in a store. Lines of witnesses that no longer count stay below their heads.
 *
 * Heads that enough witnesses have cosigned are found by going from one that may be to the next, at a few look-ups each:
 * `quorum` witnesses have cosigned none above the size that is in that place among the largest of each. So it costs no more
 * where very many heads have been cosigned by too few.
 */
export function createCosignatures(
  { connection, read, transaction }: Store,
  { keys, quorum }: CountedWitnesses,
): Cosignatures {
  const insert = connection.prepare(
    "INSERT INTO cosignature (size, witness, line) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  );
  const noteAt = read.prepare("SELECT note FROM checkpoint WHERE size = ?").pluck();
  const linesAt = read.prepare("SELECT line FROM cosignature WHERE size = ?").pluck();
  const hasAt = read.prepare("SELECT 1 FROM cosignature WHERE size = ? AND witness = ?").pluck();
  const upTo = read.prepare("SELECT max(size) FROM cosignature WHERE witness = ? AND size <= ?").pluck();
  const behind = read.prepare("SELECT min(size) FROM cosignature WHERE witness = ? AND size > ?").pluck();
  const lastOf = read.prepare("SELECT coalesce(max(size), 0) FROM cosignature WHERE witness = ?").pluck();

  const isCosigned = (size: number): boolean =>
    quorum > 0 && keys.filter((key) => hasAt.get(size, key) !== undefined).length >= quorum;

  /** Sizes of cosigned heads, one after the other in a direction. */
  function* cosigned(next: typeof upTo, { from, isRising }: { from: number; isRising: boolean }): Generator<number> {
    for (let start = from; ; ) {
      const nexts = keys.map((key) => next.get(key, start) as number | null).filter((size) => size !== null);
      const size = nexts.sort((a, b) => (isRising ? a - b : b - a))[quorum - 1];
      if (size === undefined) return;
      if (isCosigned(size)) yield size;
      start = isRising ? size : size - 1;
    }
  }

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
    isCosigned,
    newest(from) {
      const [size] = cosigned(upTo, { from: Number.MAX_SAFE_INTEGER, isRising: false });
      return size === undefined || size < from ? null : at(size);
    },
    list({ after, limit }) {
      const heads: CosignedHead[] = [];
      for (const size of cosigned(behind, { from: after, isRising: true })) {
        const head = at(size);
        if (head !== null && heads.push(head) === limit) break;
      }
      return heads;
    },
    lastOf: (witness) => lastOf.get(witness) as number,
  };
}
