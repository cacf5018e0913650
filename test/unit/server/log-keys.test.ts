import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keyCommand } from "../../../bin/commands/key.ts";
import {
  ensureLogKeys,
  keysOfLog,
  readLogKeys,
  retireKey,
  rotateKey,
  verifierKeysOf,
} from "../../../server/auth/log-keys.ts";
import { factEntry } from "../../../server/ledger/entry.ts";
import { fsck } from "../../../server/ledger/fsck.ts";
import { type Ledger, openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { meta } from "../../../server/store/schema.ts";
import { InputError, InvariantError } from "../../../src/core/errors.ts";
import { openHead } from "../../../src/core/log/head.ts";
import { parseNote, parseVerifierKey } from "../../../src/core/proof/note.ts";

const ORIGIN = "plumbline.test/log";

let folder: string;
let entries = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-keys-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A run of the server, as far as the log goes: it opens, takes some entries, and closes. Returns the head and its keys. */
function run(added = 3): { note: string; keys: readonly string[] } {
  const store = openStore(folder);
  try {
    nameLog(store);
    const ledger = openLedger(store, ensureLogKeys(folder, ORIGIN));
    add(store, ledger, added);
    return { note: ledger.head()?.note ?? "", keys: ledger.verifierKeys };
  } finally {
    store.close();
  }
}

function nameLog(store: Store): void {
  store.db.insert(meta).values({ key: "origin", value: ORIGIN }).onConflictDoNothing().run();
}

function add(store: Store, ledger: Ledger, count: number): void {
  const made = Array.from({ length: count }, () => factEntry((entries++).toString(16).padStart(64, "0")));
  store.transaction(() => ledger.append(made));
  ledger.publish();
}

const verifiers = (keys: readonly string[]) => keys.map(parseVerifierKey);
const opens = (note: string, key: string) => openHead(note, verifiers([key])).size;
const file = (name: string) => join(folder, "server", name);

describe("a change of the log's key", () => {
  test("overlaps: both sign until the one before is retired, and heads of every time open and check", () => {
    const before = run();
    const next = rotateKey(folder);
    const [old] = before.keys as [string];
    const during = run();
    expect(during.keys).toEqual([next, old]);
    expect(parseNote(during.note).signatures).toHaveLength(2);
    expect([opens(during.note, old), opens(during.note, next)]).toEqual([6, 6]);

    expect(retireKey(folder)).toBe(old);
    expect(keysOfLog(folder).keys).toMatchObject({ next: null, retired: [old] });
    expect(run(0).note).toBe(during.note);
    const after = run();
    expect(after.keys).toEqual([next]);
    expect(opens(after.note, next)).toBe(9);
    expect(() => opens(after.note, old)).toThrow(InputError);
    const known = verifierKeysOf(keysOfLog(folder).keys);
    expect(fsck(file("ledger.sqlite"), { keys: verifiers(known) })).toMatchObject({ problems: [], checkpoints: 3 });
    expect(fsck(file("ledger.sqlite"), { keys: verifiers([next]) }).problems).toHaveLength(1);
  });

  test("can be made again and again", () => {
    const seen = [...run().keys];
    for (let i = 0; i < 3; i++) {
      seen.push(rotateKey(folder));
      run();
      retireKey(folder);
    }
    const { keys } = keysOfLog(folder);
    expect([...keys.retired, keys.signer.verifierKey]).toEqual(seen);
    expect(run().keys).toEqual([seen.at(-1)]);
    expect(fsck(file("ledger.sqlite"), { keys: verifiers(verifierKeysOf(keys)) }).problems).toEqual([]);
  });

  test("is not begun twice, and not ended before the next key has signed a head", () => {
    run();
    expect(() => retireKey(folder)).toThrow(InputError);
    rotateKey(folder);
    expect(() => rotateKey(folder)).toThrow(InputError);
    expect(() => retireKey(folder)).toThrow(InputError);
    const kept = readFileSync(file("signing.key"), "utf8");
    run(0);
    expect(() => retireKey(folder)).toThrow(InputError);
    expect(readFileSync(file("signing.key"), "utf8")).toBe(kept);
    run(1);
    retireKey(folder);
    expect(readFileSync(file("signing.key"), "utf8")).not.toBe(kept);
  });

  test("that was cut short between keeping the old key's name and removing it is ended again", () => {
    run();
    const next = rotateKey(folder);
    const [, old] = run().keys as [string, string];
    writeFileSync(file("signing.retired"), `${old}\n`);
    expect(run().keys).toEqual([next, old]);
    retireKey(folder);
    expect(keysOfLog(folder).keys.retired).toEqual([old]);
  });

  test("is made by the command, which prints keys and never a secret", async () => {
    let printed = "";
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      printed += text;
      return true;
    });
    const key = async (command: string) => {
      printed = "";
      await keyCommand().parseAsync(["node", "key", command, "--data", folder]);
      return printed.split("\n");
    };
    try {
      const [old] = run().keys as [string];
      expect(await key("list")).toEqual([`signs    ${old}`, ""]);
      const [next] = await key("rotate");
      const secret = readFileSync(file("signing.next.key"), "utf8").trim();
      expect(printed).not.toContain(secret);
      run();
      expect(await key("list")).toEqual([`next     ${next}`, `signs    ${old}`, ""]);
      expect((await key("retire"))[0]).toBe(old);
      expect(await key("list")).toEqual([`signs    ${next}`, `retired  ${old}`, ""]);
      expect(readFileSync(file("signing.key"), "utf8").trim()).toBe(secret);
      await expect(key("retire")).rejects.toThrow(InputError);
    } finally {
      write.mockRestore();
    }
  });

  test("needs a log with a key", () => {
    expect(() => rotateKey(folder)).toThrow(InputError);
    expect(() => keysOfLog(folder)).toThrow(InputError);
    expect(readLogKeys(folder, ORIGIN)).toBeNull();
    run();
    rmSync(file("signing.key"));
    expect(() => rotateKey(folder)).toThrow(InputError);
    expect(() => retireKey(folder)).toThrow(InputError);
  });

  test("leaves secrets to their owner, and no head unopened where a key is lost or damaged", () => {
    run();
    rotateKey(folder);
    run();
    expect(statSync(file("signing.next.key")).mode & 0o077).toBe(0);
    writeFileSync(file("signing.next.key"), "nothing\n");
    expect(() => ensureLogKeys(folder, ORIGIN)).toThrow(InputError);
    rmSync(file("signing.next.key"));
    expect(run(0).keys).toHaveLength(1);
    rmSync(file("signing.key"));
    expect(() => run()).toThrow(InvariantError);
    writeFileSync(file("signing.retired"), "not a key\n");
    expect(() => ensureLogKeys(folder, ORIGIN)).toThrow(InputError);
  });
});

test("a ledger that cannot be opened is told by its name", () => {
  mkdirSync(join(folder, "server", "ledger.sqlite"), { recursive: true });
  expect(() => keysOfLog(folder)).toThrow(InputError);
  expect(() => keysOfLog(folder)).toThrow("ledger.sqlite");
});
