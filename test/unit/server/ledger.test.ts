import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { factEntry } from "../../../server/ledger/entry.ts";
import { type Ledger, openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { InputError, InvariantError } from "../../../src/core/errors.ts";
import { leafHash, rootOf, verifyInclusion } from "../../../src/core/proof/merkle.ts";
import { signerOf } from "../../../src/core/proof/note.ts";

const signer = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-ledger-"));
  store = openStore(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

const entry = (i: number) => factEntry(i.toString(16).padStart(64, "0"));

function add(ledger: Ledger, from: number, to: number): void {
  const entries = Array.from({ length: to - from }, (_, i) => entry(from + i));
  store.transaction(() => ledger.append(entries));
}

function reopen(): void {
  store.close();
  store = openStore(folder);
}

/** Changes the database behind the server's back, as a broken disk or a careless hand would. */
function tamper(sql: string): void {
  store.close();
  const raw = new Database(join(folder, "server", "ledger.sqlite"));
  for (const trigger of ["leaf_kept", "leaf_stays", "leaf_next", "checkpoint_kept", "checkpoint_stays"]) {
    raw.exec(`DROP TRIGGER ${trigger}`);
  }
  raw.exec(sql);
  raw.close();
  store = openStore(folder);
}

describe("the log", () => {
  test("proves every leaf in its signed head", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 37);
    ledger.publish();
    const head = ledger.head();
    expect(head?.size).toBe(37);
    for (let i = 0; i < 37; i++) {
      const found = ledger.find(entry(i).refId);
      const claim = {
        index: i,
        size: 37,
        leafHash: leafHash(found?.row.data as Uint8Array),
        root: head?.root as Uint8Array,
      };
      expect(verifyInclusion({ ...claim, proof: found?.proof ?? [] })).toBe(true);
    }
    expect(head?.root).toEqual(rootOf(ledger.rows(0, 100).map((row) => leafHash(row.data))));
  });

  test("takes each thing once", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 3);
    add(ledger, 0, 5);
    ledger.publish();
    expect(ledger.rows(0, 10).map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  });

  test("shows nothing that is not under a signed head yet", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 3);
    expect(ledger.find(entry(0).refId)).toBeNull();
    expect(ledger.rows(0, 10)).toEqual([]);
    expect(store.read.prepare("SELECT count(*) AS n FROM ledger_entry").get()).toEqual({ n: 0 });
    expect(ledger.data(0, 10)).toEqual([]);
    ledger.publish();
    expect(ledger.rows(0, 10)).toHaveLength(3);
    expect(ledger.data(1, 10)).toEqual(ledger.rows(1, 10).map(({ data }) => data));
  });

  test("signs at the next start what a crash left unsigned", () => {
    add(openLedger(store, { signer }), 0, 3);
    reopen();
    expect(openLedger(store, { signer }).head()?.size).toBe(3);
  });

  test("refuses to change or remove a leaf or a checkpoint", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 3);
    ledger.publish();
    const raw = new Database(join(folder, "server", "ledger.sqlite"));
    for (const sql of [
      ...[
        "UPDATE leaf SET outcome = 'met'",
        "DELETE FROM leaf",
        "UPDATE checkpoint SET note = ''",
        "DELETE FROM checkpoint",
      ],
      "INSERT INTO leaf SELECT 9, hash, kind, 'x', chain, block_number, block_hash, subject, rule_id, outcome, assurance, data, body FROM leaf LIMIT 1",
    ]) {
      expect(() => raw.exec(sql)).toThrow(/never|next index/);
    }
    raw.close();
  });

  test.each([
    ["a published leaf's hash", "UPDATE leaf SET hash = (SELECT hash FROM leaf WHERE idx = 0) WHERE idx = 1"],
    ["the last published leaf", "DELETE FROM leaf WHERE idx = 4"],
    ["the checkpoint's note", "UPDATE checkpoint SET note = replace(note, '5', '4')"],
  ])("does not open over another %s", (_, sql) => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 5);
    ledger.publish();
    tamper(sql);
    expect(() => openLedger(store, { signer })).toThrow();
  });

  test.each([
    ["bytes", "UPDATE leaf SET data = zeroblob(147) WHERE idx = 4"],
    ["hash", "UPDATE leaf SET hash = (SELECT hash FROM leaf WHERE idx = 0) WHERE idx = 4"],
    ["body", "UPDATE leaf SET body = '{}' WHERE idx = 4"],
    ["kind", "UPDATE leaf SET kind = 'verdict' WHERE idx = 4"],
    ["outcome", "UPDATE leaf SET outcome = 'met' WHERE idx = 4"],
    ["block", "UPDATE leaf SET block_number = 7 WHERE idx = 4"],
    ["chain", "UPDATE leaf SET chain = 'eip155:1' WHERE idx = 4"],
    ["subject", "UPDATE leaf SET subject = 'x' WHERE idx = 4"],
  ])("does not sign over a leaf that came back with other %s", (_, sql) => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 4);
    ledger.publish();
    add(ledger, 4, 5);
    tamper(sql);
    expect(() => openLedger(store, { signer })).toThrow(InvariantError);
  });

  test("does not go on under another key or name", () => {
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 3);
    ledger.publish();
    for (const other of [
      signerOf("plumbline.test/log", new Uint8Array(32).fill(6)),
      signerOf("other", new Uint8Array(32).fill(5)),
    ]) {
      expect(() => openLedger(store, { signer: other })).toThrow(InvariantError);
    }
  });

  test("opens 50,000 leaves within half a second of processor time", () => {
    const count = 50_000;
    const ledger = openLedger(store, { signer });
    add(ledger, 0, 1);
    const raw = new Database(join(folder, "server", "ledger.sqlite"));
    // Copies of one leaf, written in SQL: only the opening is measured, and it hashes copies as it hashes any leaf.
    raw.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
      INSERT INTO leaf SELECT i, hash, kind, i, chain, block_number, block_hash, subject, rule_id, outcome, assurance,
        data, body FROM n JOIN (SELECT * FROM leaf WHERE idx = 0)`);
    raw.close();
    ledger.publish();
    reopen();
    const start = process.cpuUsage();
    const opened = openLedger(store, { signer });
    const { user, system } = process.cpuUsage(start);
    expect(opened.head()?.size).toBe(count);
    // Eight times the figure aimed at: processors differ, and their time grows where caches are shared.
    expect((user + system) / 1_000).toBeLessThan(4_000);
  });
});

describe("the store", () => {
  test("is refused to a second server, and given once the first has closed it", () => {
    expect(() => openStore(folder)).toThrow(InputError);
    reopen();
  });

  test("of a newer version is refused", () => {
    store.close();
    const raw = new Database(join(folder, "server", "ledger.sqlite"));
    const version = raw.pragma("user_version", { simple: true });
    raw.pragma("user_version = 99");
    expect(() => openStore(folder)).toThrow(InputError);
    raw.pragma(`user_version = ${version}`);
    raw.close();
    store = openStore(folder);
  });
});
