import { randomBytes } from "node:crypto";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { type Head, jointSigner, openHead } from "../../src/core/log/head.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { MerkleTree } from "../../src/core/proof/merkle.ts";
import { checkpointText, parseVerifierKey, type Signer } from "../../src/core/proof/note.ts";
import type { Store } from "../store/database.ts";
import { checkLeafRow, type Entry, hashOf, isSameRow, type LeafRow, leafRowOf } from "./entry.ts";
import { checkMark } from "./head-mark.ts";
import { type HeadRow, type LedgerStore, sqliteLedgerStore } from "./ledger-store.ts";

/**
 * The log: leaves in a store, their tree in memory, a signed checkpoint for every size that was published.
 *
 * Why it never forks: leaves are appended only in transactions, never changed (triggers refuse it) and take the next
 * index. A checkpoint is signed only over leaves read back from the store, is kept there and in a mark beside it before
 * anyone sees it, and its size is a primary key. A crash or a failed write at any point leaves either leaves without a
 * checkpoint, which `publish` signs the next time, or nothing. Whoever opens the log becomes its writer, and every
 * transaction of an earlier one fails from then on. A store that has lost heads is known by its mark, or by whoever was
 * shown a later one.
 */
export type Ledger = {
  /**
   * Appends entries whose `refId` is new; only within a transaction of the store. Returns how many were new.
   * @throws InvariantError when another process has become the writer; InputError while the log does not sign.
   */
  append(entries: readonly Entry[]): number;
  /**
   * Reads back, checks and signs what has been appended since the last checkpoint.
   * @throws InvariantError when that is not what was appended, or another process has become the writer; InputError while
   * the log does not sign.
   */
  publish(): void;
  /** The last signed head; `null` before the first leaf. */
  head(): SignedHead | null;
  /** A published leaf by what it records, with its inclusion proof in the last head. */
  find(refId: string): { row: LeafRow; proof: Uint8Array[]; head: SignedHead } | null;
  /** Published leaves from an index on, in order. */
  rows(from: number, limit: number): LeafRow[];
  /** Bytes of published leaves from an index on, in order: all that a bundle has of them. */
  data(from: number, limit: number): Uint8Array[];
  /** The tree, for tiles; may hold leaves beyond the head. */
  tree: MerkleTree;
  /** Text forms of the keys that sign, the one that stays first. */
  verifierKeys: readonly string[];
  /**
   * Tells the log that somebody has been shown a head of `size` leaves. When that is more than it has signed, it has lost
   * leaves: from now on it signs nothing, also after a restart, because it would sign other trees of sizes already signed.
   */
  laterHeadKnownBy(known: { who: string; size: number }): void;
  /** Why the log does not sign, as a sentence; `null` while it does. */
  stopped(): string | null;
  /** Milliseconds by which the clock lies behind the time of the last checkpoint; 0 where it does not. */
  clockBehindMs(): number;
  /** Calls `listener` after each new head; returns the function that ends that. */
  subscribe(listener: () => void): () => void;
};

export type SignedHead = { size: number; root: Uint8Array; note: string };

/** Called at named steps, so that tests can fail there: before a write is on disk, and after. */
export type Failpoint = (step: FailStep) => void;
export type FailStep =
  | "append: before commit"
  | "append: after commit"
  | "checkpoint: before commit"
  | "checkpoint: after commit"
  | "evidence: before commit"
  | "evidence: after commit";

/** Keys of a log, and what tests replace of its surroundings. */
export type LedgerOptions = {
  signer: Signer;
  /** The key that is to take the signer's place; until it has, both sign. */
  next?: Signer | null;
  /** Text forms of keys that have signed earlier heads. */
  retired?: readonly string[];
  /** Unix milliseconds. */
  now?: () => number;
  failpoint?: Failpoint;
};

/** Leaves read at a time. */
const CHUNK = 5_000;

/** Opens the log in the server's store, as `openLedgerIn` does. */
export function openLedger(store: Store, options: LedgerOptions): Ledger {
  return openLedgerIn(sqliteLedgerStore(store), options);
}

/**
 * Opens the log of a store, becomes its writer, and publishes what an earlier process had appended but not signed.
 * @throws InvariantError when the leaves on disk are not those the last checkpoint was signed over; InputError when the
 * store lacks a head that has been signed.
 */
export function openLedgerIn(store: LedgerStore, options: LedgerOptions): Ledger {
  const { now = Date.now, failpoint = () => {} } = options;
  const signer = jointSigner(options.next ? [options.next, options.signer] : [options.signer]);
  const verifierKeys = [...(options.next ? [options.next] : []), options.signer].map((each) => each.verifierKey);
  const tree = new MerkleTree();
  const listeners = new Set<() => void>();
  /** What this process has appended and not yet read back, by index; of a transaction that failed, until that index is taken. */
  const appended = new Map<number, LeafRow>();
  const writer = randomBytes(16).toString("hex");
  let lastRow = store.lastHead();
  let head: SignedHead | null = lastRow === null ? null : restore(lastRow);
  let stopped: string | null = null;
  /** Leaves of the largest head that others know of and this log lacks. */
  let lacked = 0;

  /** Rebuilds the tree of the last checkpoint from leaf hashes; its root stands for all of them at once. */
  function restore(last: HeadRow): SignedHead {
    for (const hash of store.hashes(last.size)) tree.append(hashOf(hash));
    if (tree.size !== last.size) {
      throw new InvariantError(`The log has ${tree.size} leaves, but a checkpoint of ${last.size} has been signed.`);
    }
    const signed = openOwn(last.note, { name: signer.name, keys: [...verifierKeys, ...(options.retired ?? [])] });
    if (signed.size !== last.size || !equalBytes(signed.root, tree.root())) {
      throw new InvariantError(`The ${last.size} leaves on disk are not those its checkpoint was signed over.`);
    }
    return { size: signed.size, root: signed.root, note: last.note };
  }

  function checkWriter(): void {
    if (store.writer() !== writer) throw new InvariantError("Another process writes this log; this one must not.");
  }

  /** The hash of a leaf that came back; of one this process appended when it is the same, of another when it is right in itself. */
  function checkedHash(row: LeafRow): Uint8Array {
    const made = appended.get(row.index);
    if (made === undefined) return checkLeafRow(row);
    if (isSameRow(row, made)) return hashOf(made.hash);
    throw new InvariantError(`Leaf ${row.index} came back from disk as another than was appended.`);
  }

  function readBack(): void {
    for (;;) {
      const rows = store.rows(tree.size, CHUNK);
      for (const row of rows) {
        if (row.index !== tree.size) throw new InvariantError(`Leaf ${tree.size} is missing before leaf ${row.index}.`);
        tree.append(checkedHash(row));
        appended.delete(row.index);
      }
      if (rows.length < CHUNK) return;
    }
  }

  /** Signs the tree as it stands and keeps the head, or finds it kept by an attempt that was reported as failed. */
  function keepHead(): HeadRow {
    const { size } = tree;
    const root = tree.root();
    const hex = Buffer.from(root).toString("hex");
    const known = store.lastHead();
    if (known !== null && known.size > size) {
      throw new InvariantError(`A checkpoint of more than ${size} leaves has been signed.`);
    }
    if (known?.size === size) {
      if (known.root === hex) return known;
      throw new InvariantError(`A checkpoint of another tree of ${size} leaves has been signed.`);
    }
    const note = signer.sign(checkpointText({ origin: signer.name, size, root, extensions: [] }));
    // Times of checkpoints never fall, so that a clock that does is known by the last of them.
    const kept = { size, root: hex, note, signedMs: Math.max(now(), known?.signedMs ?? 0) };
    store.putHead(kept);
    return kept;
  }

  function publish(): void {
    if (stopped !== null) throw new InputError(stopped);
    readBack();
    if (tree.size === (head?.size ?? 0)) return;
    const kept = store.transaction(() => {
      checkWriter();
      const row = keepHead();
      failpoint("checkpoint: before commit");
      return row;
    });
    failpoint("checkpoint: after commit");
    store.putMark({ size: kept.size, note: kept.note, knownBy: null });
    lastRow = kept;
    head = { size: kept.size, root: hashOf(kept.root), note: kept.note };
    for (const listener of listeners) listener();
  }

  /** How many of these leaves are under the head. */
  function published(from: number, limit: number): number {
    return Math.max(0, Math.min(limit, (head?.size ?? 0) - from));
  }

  const ledger: Ledger = {
    tree,
    verifierKeys,
    append(entries) {
      if (stopped !== null) throw new InputError(stopped);
      checkWriter();
      const before = store.size();
      let index = before;
      for (const entry of entries) {
        const row = leafRowOf(entry, index);
        if (!store.append(row)) continue;
        appended.set(index, row);
        index++;
      }
      return index - before;
    },
    publish,
    head: () => head,
    find(refId) {
      const row = store.find(refId);
      if (row === null || head === null || row.index >= head.size) return null;
      return { row, proof: tree.inclusionProof(row.index, head.size), head };
    },
    rows: (from, limit) => store.rows(from, published(from, limit)),
    data: (from, limit) => store.data(from, published(from, limit)),
    laterHeadKnownBy({ who, size }) {
      const own = head?.size ?? 0;
      if (size <= Math.max(own, lacked)) return;
      lacked = size;
      stopped = `The log has ${own} leaves, and it is said that ${who} was shown a head of ${size}: if so, an older copy of the log has been put back. It signs nothing until the newest is, or what is said turns out untrue; docs/operations.md, Lost heads.`;
      store.putMark({ size, note: null, knownBy: who });
    },
    stopped: () => stopped,
    clockBehindMs: () => Math.max(0, (lastRow?.signedMs ?? 0) - now()),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const mark = store.mark();
  checkMark(mark, store);
  // A process that ended between its last checkpoint and the mark of it, or an earlier release, has left it behind.
  if (head !== null && (mark?.size ?? 0) < head.size)
    store.putMark({ size: head.size, note: head.note, knownBy: null });
  store.transaction(() => store.putWriter(writer));
  publish();
  return ledger;
}

function openOwn(note: string, { name, keys }: { name: string; keys: readonly string[] }): Head {
  try {
    const head = openHead(note, keys.map(parseVerifierKey));
    if (head.origin === name) return head;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  throw new InvariantError(`The last checkpoint is not signed by this log's keys ${keys.join(" ")}.`);
}
