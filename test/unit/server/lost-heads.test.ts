import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { watchClock } from "../../../server/ledger/clock-watch.ts";
import { factEntry } from "../../../server/ledger/entry.ts";
import { fsck } from "../../../server/ledger/fsck.ts";
import { type Ledger, openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { InputError, InvariantError } from "../../../src/core/errors.ts";
import { parseVerifierKey, signerOf } from "../../../src/core/proof/note.ts";

const signer = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-heads-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const file = (name: string) => join(folder, "server", name);

function add(ledger: Ledger, from: number, to: number): void {
  const entries = Array.from({ length: to - from }, (_, i) => factEntry((from + i).toString(16).padStart(64, "0")));
  store.transaction(() => ledger.append(entries));
  ledger.publish();
}

/** Keeps a copy of the database as it is, or puts that copy back. */
function backUp(): void {
  store.close();
  copyFileSync(file("ledger.sqlite"), file("backup"));
  store = openStore(folder);
}
function putBack(): void {
  store.close();
  for (const name of ["ledger.sqlite-wal", "ledger.sqlite-shm"]) rmSync(file(name), { force: true });
  copyFileSync(file("backup"), file("ledger.sqlite"));
  store = openStore(folder);
}

describe("a database that is older than its last head", () => {
  beforeEach(() => {
    add(openLedger(store, { signer }), 0, 5);
    backUp();
    add(openLedger(store, { signer }), 5, 9);
  });

  test("is refused, each time, and opens once the newest is back", () => {
    store.close();
    copyFileSync(file("ledger.sqlite"), file("newest"));
    store = openStore(folder);
    putBack();
    for (let i = 0; i < 2; i++) expect(() => openLedger(store, { signer })).toThrow(InputError);
    expect(() => openLedger(store, { signer })).toThrow(/5 leaves.* 9 was signed here/);
    copyFileSync(file("newest"), file("backup"));
    putBack();
    expect(openLedger(store, { signer }).head()?.size).toBe(9);
  });

  test("is found by a check of what is on disk, and so is a mark that cannot be read", () => {
    const keys = [parseVerifierKey(signer.verifierKey)];
    const problems = () => fsck(file("ledger.sqlite"), { keys }).problems;
    expect(problems()).toEqual([]);
    putBack();
    expect(problems()).toEqual([expect.stringMatching(/5 leaves.* 9 was signed here/)]);
    writeFileSync(file("head.json"), "{");
    expect(problems()).toEqual([expect.stringContaining("head.json")]);
  });

  test("is refused also when it has grown to that size otherwise", () => {
    const mark = readFileSync(file("head.json"));
    putBack();
    rmSync(file("head.json"));
    add(openLedger(store, { signer }), 100, 110);
    writeFileSync(file("head.json"), mark);
    expect(() => openLedger(store, { signer })).toThrow(InputError);
  });

  test("is opened where the mark has been taken away, which is how one goes on knowingly", () => {
    putBack();
    rmSync(file("head.json"));
    expect(openLedger(store, { signer }).head()?.size).toBe(5);
    expect(JSON.parse(readFileSync(file("head.json"), "utf8"))).toMatchObject({ size: 5, knownBy: null });
  });

  test("is not opened beside a mark that cannot be read", () => {
    for (const text of ["", "{", "{}", '{"version":"plumbline-head/1","size":-1,"note":null,"knownBy":null}']) {
      writeFileSync(file("head.json"), text);
      expect(() => openLedger(store, { signer }), text).toThrow(InputError);
    }
  });
});

describe("the mark of the last head", () => {
  test("is there before anyone is told of the head, for its owner only", () => {
    const ledger = openLedger(store, { signer });
    const marks: unknown[] = [];
    ledger.subscribe(() => marks.push(JSON.parse(readFileSync(file("head.json"), "utf8"))));
    add(ledger, 0, 5);
    expect(marks).toEqual([{ version: "plumbline-head/1", size: 5, note: ledger.head()?.note, knownBy: null }]);
    expect(statSync(file("head.json")).mode & 0o077).toBe(0);
  });

  test("that a crash left behind, or an earlier release never made, is made at the next start", () => {
    add(openLedger(store, { signer }), 0, 5);
    const behind = readFileSync(file("head.json"));
    add(openLedger(store, { signer }), 5, 9);
    for (const leave of [() => writeFileSync(file("head.json"), behind), () => rmSync(file("head.json"))]) {
      leave();
      openLedger(store, { signer });
      expect(JSON.parse(readFileSync(file("head.json"), "utf8"))).toMatchObject({ size: 9 });
    }
  });
});

describe("a later head that others know of", () => {
  test("ends signing and appending, also after a restart, until the log has it", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 5);
    ledger.laterHeadKnownBy({ who: "witness w1", size: 5 });
    expect(ledger.stopped()).toBeNull();
    add(ledger, 5, 6);
    ledger.laterHeadKnownBy({ who: "witness w1", size: 8 });
    expect(ledger.stopped()).toMatch(/6 leaves.* said that witness w1 was shown a head of 8: if so, .*Lost heads\.$/);
    expect(() => add(ledger, 6, 7)).toThrow(InputError);
    expect(() => ledger.publish()).toThrow(InputError);
    expect(ledger.head()?.size).toBe(6);
    expect(ledger.rows(0, 10)).toHaveLength(6);
    expect(() => openLedger(store, { signer })).toThrow(/8 is known by witness w1/);
    rmSync(file("head.json"));
    add(openLedger(store, { signer }), 6, 7);
  });

  test("is the largest that anyone knows of, whoever tells of theirs last", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 5);
    ledger.laterHeadKnownBy({ who: "witness w1", size: 9 });
    ledger.laterHeadKnownBy({ who: "witness w2", size: 7 });
    expect(ledger.stopped()).toMatch(/witness w1.* 9/);
    expect(() => openLedger(store, { signer })).toThrow(/9 is known by witness w1/);
  });

  test("is forgotten once the database with it is put back", () => {
    add(openLedger(store, { signer }), 0, 9);
    backUp();
    const ledger = openLedger(store, { signer });
    writeFileSync(file("head.json"), '{"version":"plumbline-head/1","size":9,"note":null,"knownBy":"the anchor"}');
    const reopened = openLedger(store, { signer });
    expect(reopened.stopped()).toBeNull();
    expect(() => add(ledger, 9, 10)).toThrow(InvariantError);
    add(reopened, 9, 10);
    expect(JSON.parse(readFileSync(file("head.json"), "utf8"))).toMatchObject({ size: 10, knownBy: null });
  });
});

describe("a second writer", () => {
  test("takes the log over: the first appends and signs nothing more", () => {
    const first = openLedger(store, { signer });
    add(first, 0, 5);
    const second = openLedger(store, { signer });
    expect(() => add(first, 5, 6)).toThrow(InvariantError);
    add(second, 5, 8);
    expect(() => first.publish()).toThrow(InvariantError);
    expect(first.head()?.size).toBe(5);
    expect(second.head()?.size).toBe(8);
    expect(store.read.prepare("SELECT size FROM checkpoint ORDER BY size").pluck().all()).toEqual([5, 8]);
  });
});

describe("a clock that runs backwards", () => {
  test("is told by how much, and the times of checkpoints do not fall", () => {
    let time = 1_000_000;
    const now = () => time;
    const ledger = openLedger(store, { signer, now });
    add(ledger, 0, 1);
    time += 500;
    expect(ledger.clockBehindMs()).toBe(0);
    add(ledger, 1, 2);
    time -= 90_000;
    expect(ledger.clockBehindMs()).toBe(90_000);
    add(ledger, 2, 3);
    expect(ledger.clockBehindMs()).toBe(90_000);
    expect(openLedger(store, { signer, now }).clockBehindMs()).toBe(90_000);
    time += 100_000;
    expect(ledger.clockBehindMs()).toBe(0);
    const times = store.read.prepare("SELECT signed_ms FROM checkpoint ORDER BY size").pluck().all();
    expect(times).toEqual([1_000_000, 1_000_500, 1_000_500]);
  });

  test("is warned of once, until it has caught up and falls back again; a second back is no matter", () => {
    let time = 1_000_000;
    const ledger = openLedger(store, { signer, now: () => time });
    const told: number[] = [];
    const stop = watchClock(ledger, (behindMs) => told.push(behindMs));
    const steps = [0, -1_000, -4_000, -4_000, 20_000, -7_000];
    for (const [i, step] of steps.entries()) {
      time += step;
      add(ledger, i, i + 1);
    }
    expect(told).toEqual([5_000, 7_000]);
    stop();
    time -= 90_000;
    add(ledger, 6, 7);
    expect(told).toHaveLength(2);
    watchClock(ledger, (behindMs) => told.push(behindMs));
    expect(told.at(-1)).toBe(97_000);
  });
});
