import type { LeafRow } from "../../../server/ledger/entry.ts";
import type { HeadMark } from "../../../server/ledger/head-mark.ts";
import type { HeadRow, LedgerStore } from "../../../server/ledger/ledger-store.ts";

/** What storage is asked for, each of which can fail. */
export type Operation = keyof LedgerStore;

/** How a call fails: having done nothing, or having done all it was asked. */
export type Way = "failed" | "failed but persisted";

/** Which calls fail, counted over all operations from 0, and how. Asked at every call. */
export type Faults = (call: number, operation: Operation) => Way | null;

/** What a call that fails throws, and nothing else does. */
export class StorageFault extends Error {
  override name = "StorageFault";
}

type Kept = { leaves: readonly LeafRow[]; heads: readonly HeadRow[]; writer: string | null };

/**
 * A ledger's store in memory, of which any call fails as a test says. What is kept outlives the ledgers that are opened on
 * it. Like the one on disk it refuses a leaf that does not take the next index, and a second head of one size.
 */
export class LedgerTwin {
  /** What is kept for good. */
  kept: Kept = { leaves: [], heads: [], writer: null };
  keptMark: HeadMark | null = null;
  /** The calls so far, in order. */
  readonly calls: Operation[] = [];
  readonly #faults: Faults;
  #open: Kept | null = null;

  constructor(faults: Faults = () => null) {
    this.#faults = faults;
  }

  /** The store as a ledger sees it. */
  readonly store: LedgerStore = {
    transaction: (work) => this.#transaction(work),
    size: () => this.#call("size", () => this.#now().leaves.length),
    append: (row) => this.#call("append", () => this.#append(row)),
    find: (refId) => this.#call("find", () => this.kept.leaves.find((leaf) => leaf.refId === refId) ?? null),
    rows: (from, limit) => this.#call("rows", () => this.kept.leaves.slice(from, from + limit)),
    data: (from, limit) => this.#call("data", () => this.kept.leaves.slice(from, from + limit).map(({ data }) => data)),
    hashes: (size) => this.#call("hashes", () => this.kept.leaves.slice(0, size).map(({ hash }) => hash)),
    lastHead: () => this.#call("lastHead", () => this.#now().heads.at(-1) ?? null),
    headAt: (size) => this.#call("headAt", () => this.#now().heads.find((head) => head.size === size) ?? null),
    putHead: (head) => this.#call("putHead", () => this.#putHead(head)),
    writer: () => this.#call("writer", () => this.#now().writer),
    putWriter: (writer) => this.#call("putWriter", () => this.#change({ writer })),
    mark: () => this.#call("mark", () => this.keptMark),
    putMark: (mark) =>
      this.#call("putMark", () => {
        this.keptMark = mark;
      }),
  };

  #call<T>(operation: Operation, work: () => T): T {
    const way = this.#faults(this.calls.push(operation) - 1, operation);
    if (way === "failed") throw new StorageFault(`${operation} failed.`);
    const result = work();
    if (way === "failed but persisted") throw new StorageFault(`${operation} failed, but persisted.`);
    return result;
  }

  /** The fault is the commit's: `work` has run by then. */
  #transaction<T>(work: () => T): T {
    if (this.#open !== null) throw new Error("A transaction is open already.");
    this.#open = this.kept;
    try {
      const result = work();
      const done = this.#open;
      this.#call("transaction", () => {
        this.kept = done;
      });
      return result;
    } finally {
      this.#open = null;
    }
  }

  #now(): Kept {
    return this.#open ?? this.kept;
  }

  #change(change: Partial<Kept>): void {
    if (this.#open === null) throw new Error("Nothing is changed outside of a transaction.");
    this.#open = { ...this.#open, ...change };
  }

  #append(row: LeafRow): boolean {
    const { leaves } = this.#now();
    if (leaves.some(({ refId }) => refId === row.refId)) return false;
    if (row.index !== leaves.length) throw new Error(`Leaf ${row.index} does not take the next index.`);
    this.#change({ leaves: [...leaves, row] });
    return true;
  }

  #putHead(head: HeadRow): void {
    const { heads } = this.#now();
    if (heads.some(({ size }) => size === head.size))
      throw new Error(`There is a head of ${head.size} leaves already.`);
    this.#change({ heads: [...heads, head].sort((a, b) => a.size - b.size) });
  }
}
