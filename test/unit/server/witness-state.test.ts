import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWitnessStore, type WitnessStore } from "../../../server/others/witness-state.ts";
import { InputError } from "../../../src/core/errors.ts";
import { ORIGIN, SampleLog } from "../log/sample.ts";

const log = new SampleLog(40);
const fork = new SampleLog(40, "fork");

let folder: string;
let file: string;
let store: WitnessStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-witness-"));
  file = join(folder, "deeper", "witness.sqlite");
  store = openWitnessStore(file);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const reopen = () => {
  store.close();
  store = openWitnessStore(file);
};

describe("what a witness has cosigned", () => {
  test("grows from head to head, and is there after a restart", () => {
    expect(store.cosigned(ORIGIN)).toBeNull();
    expect(store.keep(log.head(13), { last: null, time: 100 })).toBe("kept");
    reopen();
    expect(store.cosigned(ORIGIN)).toEqual({ size: 13, root: log.tree.root(13), note: log.note(13), time: 100 });
    expect(store.keep(log.head(40), { last: log.head(13), time: 100 })).toBe("kept");
    // The same once more: what was kept may not have been answered.
    expect(store.keep(log.head(40), { last: log.head(40), time: 101 })).toBe("kept");
    expect(store.cosigned(ORIGIN)).toMatchObject({ size: 40, time: 101 });
    expect(store.cosigned("another.test/log")).toBeNull();
  });

  test("is kept only where the last is still that by which it was decided", () => {
    store.keep(log.head(13), { last: null, time: 100 });
    store.keep(log.head(20), { last: log.head(13), time: 100 });
    for (const [head, last] of [
      [log.head(30), log.head(13)],
      [log.head(30), null],
      [log.head(15), log.head(13)],
      [fork.head(30), fork.head(20)],
    ] as const) {
      expect(store.keep(head, { last, time: 200 })).toBe("moved");
    }
    expect(store.cosigned(ORIGIN)).toMatchObject({ size: 20, time: 100 });
  });

  test("is kept by one of two processes that decided by the same head", () => {
    const other = openWitnessStore(file);
    store.keep(log.head(13), { last: null, time: 100 });
    const last = other.cosigned(ORIGIN);
    expect(other.keep(log.head(40), { last, time: 101 })).toBe("kept");
    expect(store.keep(log.head(20), { last, time: 101 })).toBe("moved");
    other.close();
    expect(store.cosigned(ORIGIN)).toMatchObject({ size: 40 });
  });

  test("has no time before the last", () => {
    store.keep(log.head(13), { last: null, time: 100 });
    expect(store.keep(log.head(20), { last: log.head(13), time: 99 })).toBe("clock");
    expect(store.cosigned(ORIGIN)).toMatchObject({ size: 13, time: 100 });
  });

  test("never goes back, whoever writes to the database", () => {
    store.keep(log.head(20), { last: null, time: 100 });
    const db = new Database(file);
    for (const statement of [
      "UPDATE cosigned SET size = 19",
      "UPDATE cosigned SET root = 'ff'",
      "UPDATE cosigned SET time = 99",
      "UPDATE cosigned SET origin = 'x'",
      "DELETE FROM cosigned",
      "INSERT OR REPLACE INTO cosigned SELECT origin, 5, root, note, time FROM cosigned",
    ]) {
      expect(() => db.exec(statement), statement).toThrow(/cosigned head/);
    }
    db.close();
    expect(store.cosigned(ORIGIN)).toMatchObject({ size: 20 });
  });
});

describe("besides, a witness keeps", () => {
  test("how far it followed, apart for heads followed without their epochs", () => {
    const [epochs, consistency] = (["epochs", "consistency"] as const).map((mode) => ({ origin: ORIGIN, mode }));
    store.follow(consistency as never, { note: log.note(13), epochs: {} });
    expect(store.followed(epochs as never)).toBeNull();
    store.follow(epochs as never, { note: log.note(20), epochs: { "eip155:901": "4" } });
    reopen();
    expect(store.followed(epochs as never)).toEqual({ note: log.note(20), epochs: { "eip155:901": "4" } });
    expect(store.followed(consistency as never)?.note).toBe(log.note(13));
    store.keepKeys("http://host/log", ["a", "b"]);
    expect(store.keysAt("http://host/log")).toEqual(["a", "b"]);
    expect(store.keysAt("http://other/log")).toBeNull();
  });

  test("a refusal, the earliest, until it is forgiven", () => {
    const refused = { index: 17, sentence: "It differs.", details: "{}", evidence: null };
    store.refuse(ORIGIN, refused);
    store.refuse(ORIGIN, { ...refused, index: 30, sentence: "Later." });
    reopen();
    expect(store.refused(ORIGIN)).toEqual(refused);
    store.explain(ORIGIN, { sentence: "It differs there.", evidence: "file.json" });
    expect(store.refused(ORIGIN)).toEqual({ ...refused, sentence: "It differs there.", evidence: "file.json" });
    store.refuse(ORIGIN, { ...refused, index: 0, sentence: "Forked." });
    expect(store.refused(ORIGIN)).toMatchObject({ index: 0, sentence: "Forked.", evidence: null });
    store.forgive(ORIGIN);
    expect(store.refused(ORIGIN)).toBeNull();
  });

  test("that a log has contradicted itself, for ever and before any epoch", () => {
    const epoch = { index: 0, sentence: "It differs.", details: "{}", evidence: null };
    const forked = { index: 0, sentence: "equivocation: Two roots.", details: null, evidence: null };
    store.refuse(ORIGIN, epoch);
    store.refuse(ORIGIN, forked);
    store.refuse(ORIGIN, epoch);
    expect(store.refused(ORIGIN)).toEqual(forked);
    for (let i = 0; i < 2; i++) expect(() => store.forgive(ORIGIN)).toThrow(InputError);
    reopen();
    expect(store.refused(ORIGIN)).toEqual(forked);
    expect(() => store.forgive("another.test/log")).not.toThrow();
  });
});

test("a file that is no database of a witness is refused", () => {
  const other = join(folder, "other.sqlite");
  writeFileSync(other, "not a database at all, but long enough to be taken for one that is damaged".repeat(10));
  expect(() => openWitnessStore(other)).toThrow(InputError);
  expect(() => openWitnessStore(folder)).toThrow(InputError);
});
