import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { factEntry } from "../../../server/ledger/entry.ts";
import { type Ledger, openLedgerIn } from "../../../server/ledger/ledger.ts";
import { sqliteLedgerStore } from "../../../server/ledger/ledger-store.ts";
import { openStore } from "../../../server/store/database.ts";
import { rootOf } from "../../../src/core/proof/merkle.ts";
import { parseCheckpoint, type Signer, signerOf } from "../../../src/core/proof/note.ts";
import { type Faults, LedgerTwin, type Operation, StorageFault, type Way } from "./ledger-twin.ts";

const SIGNER = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));
const WAYS: Way[] = ["failed", "failed but persisted"];

/** What a server does with its log: seals entries by number, publishes again, or is started again. */
type Step = { type: "seal"; entries: number[] } | { type: "publish" } | { type: "restart" };

/** Seals that overlap, as a block does that is tried again; restarts between. */
const STORY: Step[] = [
  { type: "seal", entries: [0, 1, 2] },
  { type: "seal", entries: [2, 3] },
  { type: "restart" },
  { type: "seal", entries: [4, 5, 6, 7, 8] },
  { type: "publish" },
  { type: "seal", entries: [8, 9, 10] },
  { type: "restart" },
  { type: "seal", entries: [11] },
];

/** Signing is most of the work here, and the same text has the same signature. */
const signatures = new Map<string, string>();
function sign(text: string): string {
  const note = signatures.get(text) ?? SIGNER.sign(text);
  signatures.set(text, note);
  return note;
}

const refOf = (i: number) => i.toString(16).padStart(64, "0");

/** A server on a log whose store fails: what it signed, and what it showed. */
class Runner {
  readonly twin: LedgerTwin;
  readonly signed: { size: number; root: string }[] = [];
  readonly shown: { size: number; root: string }[] = [];
  faults = 0;
  #ledger: Ledger | null = null;
  #withFaults = true;

  constructor(faults: Faults) {
    this.twin = new LedgerTwin((call, operation) => (this.#withFaults ? faults(call, operation) : null));
  }

  /** Takes a step once. A step that fails is over; a start that fails leaves no server. */
  take(step: Step): boolean {
    const before = this.twin.kept.leaves.map(({ hash }) => hash);
    try {
      if (step.type === "restart") this.#ledger = null;
      const ledger = this.#start();
      if (step.type === "seal") {
        this.twin.store.transaction(() => ledger.append(step.entries.map((i) => factEntry(refOf(i)))));
        const kept = this.twin.kept.leaves.map(({ refId }) => refId);
        expect(kept).toEqual(expect.arrayContaining(step.entries.map((i) => factEntry(refOf(i)).refId)));
      }
      ledger.publish();
      return true;
    } catch (error) {
      // Nothing but the store may fail, and the log must not take a failure for a contradiction.
      if (!(error instanceof StorageFault)) throw error;
      this.faults++;
      return false;
    } finally {
      expect(this.twin.kept.leaves.map(({ hash }) => hash).slice(0, before.length)).toEqual(before);
    }
  }

  /** Starts again on storage that works, seals all that was to be sealed, and holds everything ever said against it. */
  conclude(steps: readonly Step[]): void {
    this.#withFaults = false;
    this.take({ type: "restart" });
    for (const step of steps) expect(this.take(step)).toBe(true);
    const { leaves, heads } = this.twin.kept;
    expect(leaves.map(({ index }) => index)).toEqual(leaves.map((_, i) => i));
    expect(new Set(leaves.map(({ refId }) => refId)).size).toBe(leaves.length);
    const wanted = steps.flatMap((step) => (step.type === "seal" ? step.entries : []));
    expect(leaves).toHaveLength(new Set(wanted).size);
    const rootAt = (size: number) => hexOf(rootOf(leaves.slice(0, size).map(({ hash }) => Buffer.from(hash, "hex"))));
    for (const { size, root } of [...this.signed, ...this.shown, ...heads]) expect(root).toBe(rootAt(size));
    for (const { size, root } of this.shown) expect(heads).toContainEqual(expect.objectContaining({ size, root }));
    const sizes = this.shown.map(({ size }) => size);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(this.#ledger?.head()?.size ?? 0).toBe(leaves.length);
    expect(this.twin.keptMark?.size ?? 0).toBe(leaves.length);
  }

  #start(): Ledger {
    if (this.#ledger !== null) return this.#ledger;
    const ledger = openLedgerIn(this.twin.store, { signer: this.#telling(), now: () => 0 });
    this.#ledger = ledger;
    const show = () => {
      const head = ledger.head();
      if (head !== null) this.shown.push({ size: head.size, root: hexOf(head.root) });
    };
    show();
    ledger.subscribe(show);
    return ledger;
  }

  #telling(): Signer {
    return {
      ...SIGNER,
      sign: (text) => {
        const { size, root } = parseCheckpoint(text);
        this.signed.push({ size, root: hexOf(root) });
        return sign(text);
      },
    };
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function run(steps: readonly Step[], faults: Faults): Runner {
  const runner = new Runner(faults);
  for (const step of steps) runner.take(step);
  return runner;
}

describe("a log whose store fails", () => {
  const calls = run(STORY, () => null).twin.calls;

  test("asks of it every operation that it has, but those that only readers need", () => {
    const asked = new Set<Operation>(calls);
    const all = Object.keys(new LedgerTwin().store).filter((operation) => !["find", "data"].includes(operation));
    expect([...asked].sort()).toEqual(all.sort());
  });

  test.each(WAYS)("at any one call, which %s, is right after the next start", (way) => {
    for (const at of calls.keys()) {
      const runner = run(STORY, (call) => (call === at ? way : null));
      expect(runner.faults).toBe(1);
      runner.conclude(STORY);
    }
  });

  test.each(WAYS)("at any call and all that follow, which %s, is right after the next start", (way) => {
    for (const at of calls.keys()) run(STORY, (call) => (call >= at ? way : null)).conclude(STORY);
  });

  test("at any calls, in any story, is right after the next start", () => {
    const seal = fc.record({ type: fc.constant("seal" as const), entries: fc.array(fc.nat(40), { maxLength: 6 }) });
    const other = fc.constantFrom<Step>({ type: "publish" }, { type: "restart" });
    const step: fc.Arbitrary<Step> = fc.oneof({ arbitrary: seal, weight: 3 }, { arbitrary: other, weight: 1 });
    const failing = { arbitrary: fc.constantFrom(...WAYS), weight: 1 };
    const fault = fc.oneof({ arbitrary: fc.constant(null), weight: 12 }, failing);
    fc.assert(
      fc.property(fc.array(step, { maxLength: 16 }), fc.infiniteStream(fault), (steps, faults) => {
        const drawn: (Way | null)[] = [];
        const nth = (call: number) => {
          while (drawn.length <= call) drawn.push(faults.next().value);
          return drawn[call] ?? null;
        };
        run(steps, nth).conclude(steps);
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});

describe("the twin of a log's store", () => {
  test("keeps what the store on disk keeps", () => {
    const folder = mkdtempSync(join(tmpdir(), "plumbline-twin-"));
    const store = openStore(folder);
    try {
      const { twin } = run(STORY, () => null);
      const disk = sqliteLedgerStore(store);
      let ledger = openLedgerIn(disk, { signer: SIGNER, now: () => 0 });
      for (const step of STORY) {
        if (step.type === "restart") ledger = openLedgerIn(disk, { signer: SIGNER, now: () => 0 });
        if (step.type === "seal") disk.transaction(() => ledger.append(step.entries.map((i) => factEntry(refOf(i)))));
        ledger.publish();
      }
      expect(disk.rows(0, 100)).toEqual(twin.kept.leaves);
      expect(disk.data(2, 5)).toEqual(twin.store.data(2, 5));
      for (const head of twin.kept.heads) expect(disk.headAt(head.size)).toEqual(head);
      expect(disk.lastHead()).toEqual(twin.store.lastHead());
      expect([...disk.hashes(100)]).toEqual([...twin.store.hashes(100)]);
      expect(disk.mark()).toEqual(twin.keptMark);
      expect(disk.find(refOf(3))).toEqual(twin.store.find(refOf(3)));
    } finally {
      store.close();
      rmSync(folder, { recursive: true });
    }
  });
});
