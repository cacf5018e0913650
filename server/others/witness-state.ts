import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { hexToBytes } from "@noble/hashes/utils.js";
import Database from "better-sqlite3";
import { InputError } from "../../src/core/errors.ts";
import type { Head } from "../../src/core/log/head.ts";
import { equalBytes, toHex } from "../../src/core/proof/bytes.ts";

/** The last head of a log that was cosigned, with the note it was asked for with, and when, in seconds since 1970. */
export type Cosigned = { size: number; root: Uint8Array; note: string; time: number };

/** How far a log has been followed: the last head of which every epoch was compared, and the last epoch of each chain. */
export type Followed = { note: string; epochs: Readonly<Record<string, string>> };

/** A log as it is followed: with its epochs compared, or not. What was followed without does not count as compared. */
export type Following = { origin: string; mode: "epochs" | "consistency" };

/**
 * Why heads of a log are never cosigned again: those of more than `index` leaves. `details` is what is needed to explain
 * an epoch that differs, JSON; null where the log has contradicted itself. `evidence` is the file it was written to.
 */
export type Refused = { index: number; sentence: string; details: string | null; evidence: string | null };

/** What came of keeping a head as the last cosigned one. */
export type Kept = "kept" | "moved" | "clock";

/** What a witness has on disk about the logs it follows. Several processes may use it at once. */
export type WitnessStore = {
  /** The keys by which the log at a URL was first read; null before. */
  keysAt(url: string): readonly string[] | null;
  keepKeys(url: string, keys: readonly string[]): void;
  cosigned(origin: string): Cosigned | null;
  /**
   * Keeps a head as the last cosigned one; on disk when this returns "kept", and only then may a cosignature leave.
   * "moved": the last one is no longer that by which it was decided. "clock": the time lies before that of the last one.
   */
  keep(head: Head, by: { last: Pick<Cosigned, "size" | "root"> | null; time: number }): Kept;
  followed(of: Following): Followed | null;
  follow(of: Following, followed: Followed): void;
  refused(origin: string): Refused | null;
  /** Keeps a refusal. One that begins at an earlier leaf stays, and so does one of a log that has contradicted itself. */
  refuse(origin: string, refused: Refused): void;
  /** Adds what was found out about the refusal later. */
  explain(origin: string, of: Pick<Refused, "sentence" | "evidence">): void;
  /**
   * Forgets the refusal of an epoch: what was compared since the last good head is compared again.
   * @throws InputError where the log has contradicted itself, which no later answer makes good.
   */
  forgive(origin: string): void;
  close(): void;
};

type CosignedRow = { size: number; root: string; note: string; time: number };

/** A head once cosigned is never followed by a smaller one, another of its size, or an earlier time: the database refuses it. */
const TABLES = `
CREATE TABLE IF NOT EXISTS cosigned (
  origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL, note TEXT NOT NULL, time INTEGER NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS cosigned_grows BEFORE UPDATE ON cosigned
WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size OR NEW.time < OLD.time
  OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
BEGIN SELECT RAISE(ABORT, 'a cosigned head is never followed by a smaller one'); END;
CREATE TRIGGER IF NOT EXISTS cosigned_replaced BEFORE INSERT ON cosigned WHEN EXISTS (
  SELECT 1 FROM cosigned WHERE origin = NEW.origin
    AND (size > NEW.size OR time > NEW.time OR (size = NEW.size AND root <> NEW.root)))
BEGIN SELECT RAISE(ABORT, 'a cosigned head is never replaced by a smaller one'); END;
CREATE TRIGGER IF NOT EXISTS cosigned_stays BEFORE DELETE ON cosigned
BEGIN SELECT RAISE(ABORT, 'a cosigned head is never forgotten'); END;
CREATE TABLE IF NOT EXISTS followed (
  origin TEXT NOT NULL, mode TEXT NOT NULL, note TEXT NOT NULL, epochs TEXT NOT NULL, PRIMARY KEY (origin, mode)
) STRICT;
CREATE TABLE IF NOT EXISTS log (url TEXT PRIMARY KEY, keys TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS refused (
  origin TEXT PRIMARY KEY, idx INTEGER NOT NULL, sentence TEXT NOT NULL, details TEXT, evidence TEXT
) STRICT;
`;

/**
 * Opens (and creates) the file in which a witness keeps what it has cosigned. It must never be put back to an older copy:
 * with it lost, the witness needs a new key.
 * @throws InputError when it cannot be used.
 */
export function openWitnessStore(file: string): WitnessStore {
  const db = open(file);
  const cosigned = (origin: string): Cosigned | null => {
    const row = db.prepare("SELECT size, root, note, time FROM cosigned WHERE origin = ?").get(origin) as
      | CosignedRow
      | undefined;
    return row === undefined ? null : { ...row, root: hexToBytes(row.root) };
  };
  const refused = (origin: string): Refused | null => {
    const row = db.prepare("SELECT idx, sentence, details, evidence FROM refused WHERE origin = ?").get(origin) as
      | { idx: number; sentence: string; details: string | null; evidence: string | null }
      | undefined;
    if (row === undefined) return null;
    const { idx, ...rest } = row;
    return { index: idx, ...rest };
  };
  const keep = db.transaction((head: Head, { last, time }: Parameters<WitnessStore["keep"]>[1]): Kept => {
    const now = cosigned(head.origin);
    if (
      (now?.size ?? 0) !== (last?.size ?? 0) ||
      (now !== null && !equalBytes(now.root, last?.root ?? new Uint8Array()))
    )
      return "moved";
    if (now !== null && time < now.time) return "clock";
    db.prepare(
      `INSERT INTO cosigned (origin, size, root, note, time) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note, time = excluded.time`,
    ).run(head.origin, head.size, toHex(head.root).slice(2), head.note, time);
    return "kept";
  });
  return {
    cosigned,
    keep: (head, by) => keep.immediate(head, by),
    keysAt(url) {
      const row = db.prepare("SELECT keys FROM log WHERE url = ?").get(url) as { keys: string } | undefined;
      return row === undefined ? null : (JSON.parse(row.keys) as string[]);
    },
    keepKeys(url, keys) {
      db.prepare("INSERT OR REPLACE INTO log (url, keys) VALUES (?, ?)").run(url, JSON.stringify(keys));
    },
    followed({ origin, mode }) {
      const row = db.prepare("SELECT note, epochs FROM followed WHERE origin = ? AND mode = ?").get(origin, mode) as
        | { note: string; epochs: string }
        | undefined;
      return row === undefined ? null : { note: row.note, epochs: JSON.parse(row.epochs) };
    },
    follow({ origin, mode }, { note, epochs }) {
      db.prepare("INSERT OR REPLACE INTO followed (origin, mode, note, epochs) VALUES (?, ?, ?, ?)").run(
        ...[origin, mode, note, JSON.stringify(epochs)],
      );
    },
    refused,
    refuse(origin, { index, sentence, details, evidence }) {
      db.prepare(
        `INSERT INTO refused (origin, idx, sentence, details, evidence) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (origin) DO UPDATE SET idx = excluded.idx, sentence = excluded.sentence,
           details = excluded.details, evidence = excluded.evidence
         WHERE refused.details IS NOT NULL AND (excluded.details IS NULL OR excluded.idx < refused.idx)`,
      ).run(origin, index, sentence, details, evidence);
    },
    explain(origin, { sentence, evidence }) {
      db.prepare("UPDATE refused SET sentence = ?, evidence = ? WHERE origin = ?").run(sentence, evidence, origin);
    },
    forgive(origin) {
      db.prepare("DELETE FROM refused WHERE origin = ? AND details IS NOT NULL").run(origin);
      const left = refused(origin);
      if (left !== null) {
        throw new InputError(
          `The log ${origin} has two histories by its own signatures, which is not taken back: ${left.sentence}`,
        );
      }
    },
    close: () => db.close(),
  };
}

function open(file: string): Database.Database {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const db = new Database(file);
    chmodSync(file, 0o600);
    // FULL: what is cosigned has reached the disk before anyone sees it, also when the machine dies and not only the process.
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.exec(TABLES);
    return db;
  } catch (error) {
    throw new InputError(`What a witness has cosigned cannot be kept in ${file}: ${(error as Error).message}.`);
  }
}
