import { asc, desc, eq, gt, gte } from "drizzle-orm";
import { InvariantError } from "../../src/core/errors.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { MerkleTree } from "../../src/core/proof/merkle.ts";
import {
  checkpointText,
  isSignedBy,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  type Signer,
} from "../../src/core/proof/note.ts";
import type { Store } from "../store/database.ts";
import { checkpoint, leaf } from "../store/schema.ts";
import { checkLeafRow, type Entry, hashOf, type LeafRow, leafRowOf } from "./entry.ts";

/**
 * The log: leaves in SQLite, their tree in memory, a signed checkpoint for every size that was published.
 *
 * Why it never forks: leaves are appended only in transactions, never changed (triggers refuse it) and take the next
 * index. A checkpoint is signed only over leaves read back from disk, is stored before anyone sees it, and its size is a
 * primary key. A crash or a failed write at any point leaves either leaves without a checkpoint, which `publish` signs
 * the next time, or nothing.
 */
export type Ledger = {
  /** Appends entries whose `refId` is new; only within a transaction of the store. Returns how many were new. */
  append(entries: readonly Entry[]): number;
  /** Reads back, checks and signs what has been appended since the last checkpoint. */
  publish(): void;
  /** The last signed head; `null` before the first leaf. */
  head(): SignedHead | null;
  /** A published leaf by what it records, with its inclusion proof in the last head. */
  find(refId: string): { row: LeafRow; proof: Uint8Array[]; head: SignedHead } | null;
  /** Published leaves from an index on, in order. */
  rows(from: number, limit: number): LeafRow[];
  /** The tree, for tiles; may hold leaves beyond the head. */
  tree: MerkleTree;
  verifierKey: string;
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

/** Leaves read at a time. */
const CHUNK = 5_000;

/**
 * Opens the log of a store and publishes what an earlier process had appended but not signed.
 * @throws InvariantError when the leaves on disk are not those the last checkpoint was signed over.
 */
export function openLedger(store: Store, options: { signer: Signer; failpoint?: Failpoint }): Ledger {
  const { db } = store;
  const { signer } = options;
  const failpoint = options.failpoint ?? (() => {});
  const tree = new MerkleTree();
  const listeners = new Set<() => void>();
  let head: SignedHead | null = restore();

  /** Rebuilds the tree of the last checkpoint from leaf hashes; its root stands for all of them at once. */
  function restore(): SignedHead | null {
    const last = db.select().from(checkpoint).orderBy(desc(checkpoint.size)).limit(1).get();
    if (last === undefined) return null;
    for (const row of store.read.prepare("SELECT hash FROM leaf WHERE idx < ? ORDER BY idx").iterate(last.size)) {
      tree.append(hashOf((row as { hash: string }).hash));
    }
    if (tree.size !== last.size) {
      throw new InvariantError(`The log has ${tree.size} leaves, but a checkpoint of ${last.size} has been signed.`);
    }
    const signed = headOf(last.note, signer);
    if (signed.size !== last.size || !equalBytes(signed.root, tree.root())) {
      throw new InvariantError(`The ${last.size} leaves on disk are not those its checkpoint was signed over.`);
    }
    return signed;
  }

  function readBack(): void {
    for (;;) {
      const rows = db.select().from(leaf).where(gte(leaf.index, tree.size)).orderBy(asc(leaf.index)).limit(CHUNK).all();
      for (const row of rows) {
        if (row.index !== tree.size) throw new InvariantError(`Leaf ${tree.size} is missing before leaf ${row.index}.`);
        tree.append(checkLeafRow(row));
      }
      if (rows.length < CHUNK) return;
    }
  }

  function publish(): void {
    readBack();
    const size = tree.size;
    if (size === (head?.size ?? 0)) return;
    const root = tree.root();
    const text = checkpointText({ origin: signer.name, size, root, extensions: [] });
    const note = signer.sign(text);
    const known = db.select().from(checkpoint).where(eq(checkpoint.size, size)).get();
    // Ed25519 is deterministic: signing the same tree again gives the same note, and another tree must never be signed.
    if (known !== undefined && known.note !== note) {
      throw new InvariantError(`A checkpoint of another tree of ${size} leaves has been signed.`);
    }
    if (known === undefined) {
      store.transaction(() => {
        if (db.select().from(checkpoint).where(gt(checkpoint.size, size)).get() !== undefined) {
          throw new InvariantError(`A checkpoint of more than ${size} leaves has been signed.`);
        }
        db.insert(checkpoint)
          .values({ size, root: Buffer.from(root).toString("hex"), note })
          .run();
        failpoint("checkpoint: before commit");
      });
      failpoint("checkpoint: after commit");
    }
    head = { size, root, note };
    for (const listener of listeners) listener();
  }

  const ledger: Ledger = {
    tree,
    verifierKey: signer.verifierKey,
    append(entries) {
      let index =
        store.db.select({ index: leaf.index }).from(leaf).orderBy(desc(leaf.index)).limit(1).get()?.index ?? -1;
      let added = 0;
      for (const entry of entries) {
        const known = db.select({ index: leaf.index }).from(leaf).where(eq(leaf.refId, entry.refId)).get();
        if (known !== undefined) continue;
        db.insert(leaf).values(leafRowOf(entry, ++index)).run();
        added++;
      }
      return added;
    },
    publish,
    head: () => head,
    find(refId) {
      const row = db.select().from(leaf).where(eq(leaf.refId, refId)).get();
      if (row === undefined || head === null || row.index >= head.size) return null;
      return { row, proof: tree.inclusionProof(row.index, head.size), head };
    },
    rows(from, limit) {
      const end = Math.min(from + limit, head?.size ?? 0);
      if (from >= end) return [];
      const all = db.select().from(leaf).where(gte(leaf.index, from)).orderBy(asc(leaf.index));
      return all.limit(end - from).all();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  publish();
  return ledger;
}

function headOf(note: string, signer: Signer): SignedHead {
  const parsed = parseNote(note);
  if (!isSignedBy(parsed, parseVerifierKey(signer.verifierKey))) {
    throw new InvariantError(`The last checkpoint is not signed by this log's key ${signer.verifierKey}.`);
  }
  const { origin, size, root } = parseCheckpoint(parsed.text);
  if (origin !== signer.name) throw new InvariantError(`The last checkpoint is of ${origin}, not of ${signer.name}.`);
  return { size, root, note };
}
