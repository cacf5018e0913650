import type { Store } from "../store/database.ts";
import type { LeafRow } from "./entry.ts";
import { type HeadMark, readMark, writeMark } from "./head-mark.ts";

/** A signed head as it is kept. `root` is 64 hex digits; `signedMs` Unix milliseconds, null where an earlier release signed it. */
export type HeadRow = { size: number; root: string; note: string; signedMs: number | null };

/**
 * Everything a ledger asks of whatever keeps it. Each of these may fail, with or without having done what it was asked;
 * the ledger must be right in either case.
 */
export type LedgerStore = {
  /** Runs `work` in one transaction: when this returns all of it is kept, and none of it where `work` throws. */
  transaction<T>(work: () => T): T;
  /** Number of leaves, within a transaction also those that it has appended. */
  size(): number;
  /** Keeps a leaf, only within a transaction. Returns false, and keeps nothing, where there is a leaf of this `refId`. */
  append(row: LeafRow): boolean;
  /** The leaf of a `refId`. */
  find(refId: string): LeafRow | null;
  /** Leaves from an index on, in order, at most `limit`, of those that are kept for good. */
  rows(from: number, limit: number): LeafRow[];
  /** The bytes of those leaves. */
  data(from: number, limit: number): Uint8Array[];
  /** The stored hashes of the first `size` leaves, 64 hex digits each, in order; fewer where there are fewer. */
  hashes(size: number): Iterable<string>;
  /** The head of the largest tree. */
  lastHead(): HeadRow | null;
  /** The head of the tree of this size. */
  headAt(size: number): HeadRow | null;
  /** Keeps a head, only within a transaction. */
  putHead(head: HeadRow): void;
  /** Who writes this log; null before the first. */
  writer(): string | null;
  /** Sets who writes this log, only within a transaction. */
  putWriter(writer: string): void;
  /** What is kept of the last head outside of all transactions, where no backup of the rest takes it back. */
  mark(): HeadMark | null;
  /** Keeps a mark in place of the one before: one of the two is there at any moment. */
  putMark(mark: HeadMark): void;
};

const LEAF_COLUMNS = `idx AS "index", hash, kind, ref_id AS refId, chain, block_number AS blockNumber,
  block_hash AS blockHash, subject, rule_id AS ruleId, outcome, assurance, data, body`;
const HEAD_COLUMNS = "size, root, note, signed_ms AS signedMs";

/**
 * A ledger's store in the server's database, and its mark in a file beside it. Statements are prepared once: they run for
 * every leaf. Leaves are read through the connection that sees only what is committed.
 */
export function sqliteLedgerStore({ connection, read, transaction, folder }: Store): LedgerStore {
  const last = connection.prepare("SELECT coalesce(max(idx) + 1, 0) FROM leaf").pluck();
  const insert = connection.prepare(
    `INSERT INTO leaf (idx, hash, kind, ref_id, chain, block_number, block_hash, subject, rule_id, outcome, assurance,
       data, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ref_id) DO NOTHING`,
  );
  const byRef = read.prepare(`SELECT ${LEAF_COLUMNS} FROM leaf WHERE ref_id = ?`);
  const from = read.prepare(`SELECT ${LEAF_COLUMNS} FROM leaf WHERE idx >= ? ORDER BY idx LIMIT ?`);
  const dataFrom = read.prepare("SELECT data FROM leaf WHERE idx >= ? ORDER BY idx LIMIT ?").pluck();
  const hashes = read.prepare("SELECT hash FROM leaf WHERE idx < ? ORDER BY idx").pluck();
  const lastHead = connection.prepare(`SELECT ${HEAD_COLUMNS} FROM checkpoint ORDER BY size DESC LIMIT 1`);
  const headAt = connection.prepare(`SELECT ${HEAD_COLUMNS} FROM checkpoint WHERE size = ?`);
  const putHead = connection.prepare("INSERT INTO checkpoint (size, root, note, signed_ms) VALUES (?, ?, ?, ?)");
  const writer = connection.prepare("SELECT value FROM meta WHERE key = 'writer'").pluck();
  const putWriter = connection.prepare(
    "INSERT INTO meta VALUES ('writer', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
  );
  return {
    transaction,
    size: () => last.get() as number,
    append(row) {
      const { index, hash, kind, refId, chain, blockNumber, blockHash, subject, ruleId, outcome } = row;
      const about = [chain, blockNumber, blockHash, subject, ruleId, outcome];
      return insert.run(index, hash, kind, refId, ...about, row.assurance, row.data, row.body).changes === 1;
    },
    find: (refId) => (byRef.get(refId) as LeafRow | undefined) ?? null,
    rows: (index, limit) => from.all(index, limit) as LeafRow[],
    data: (index, limit) => dataFrom.all(index, limit) as Buffer[],
    hashes: (size) => hashes.iterate(size) as Iterable<string>,
    lastHead: () => (lastHead.get() as HeadRow | undefined) ?? null,
    headAt: (size) => (headAt.get(size) as HeadRow | undefined) ?? null,
    putHead: ({ size, root, note, signedMs }) => void putHead.run(size, root, note, signedMs),
    writer: () => (writer.get() as string | undefined) ?? null,
    putWriter: (id) => void putWriter.run(id),
    mark: () => readMark(folder),
    putMark: (mark) => writeMark(folder, mark),
  };
}
