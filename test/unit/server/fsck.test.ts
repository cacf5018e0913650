import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLeafStore } from "../../../server/epochs/leaf-store.ts";
import { assessmentEntry, epochEntry, factEntry } from "../../../server/ledger/entry.ts";
import { fsck } from "../../../server/ledger/fsck.ts";
import { openLedger } from "../../../server/ledger/ledger.ts";
import { openStore } from "../../../server/store/database.ts";
import { splitEvidence } from "../../../server/witnesses/parts.ts";
import { InputError } from "../../../src/core/errors.ts";
import { verdictId } from "../../../src/core/proof/ids.ts";
import { parseVerifierKey, signerOf } from "../../../src/core/proof/note.ts";
import { FakeChain } from "../../server/support/fake-chain.ts";

const signer = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));
const keys = [parseVerifierKey(signer.verifierKey)];

let folder: string;
let path: string;

/** A log of 60 leaves under checkpoints of 20, 40 and 60, two epochs, a sealed verdict, and evidence of one part. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-fsck-"));
  const store = openStore(join(folder, "good"));
  const ledger = openLedger(store, { signer });
  const chain = new FakeChain(901, `0x${"ab".repeat(32)}`);
  const facts = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => factEntry((from + i).toString(16).padStart(64, "0")));
  const blocks = [1, 2].map(() =>
    chain.add({
      epoch: true,
      assessments: [{ ruleId: "R", subject: `eip155:901:0x${"a".repeat(40)}`, condition: "met" }],
    }),
  );
  const placed = blocks.flatMap(({ assessments, epoch }) => [
    ...assessments.map(assessmentEntry),
    ...(epoch === null ? [] : [epochEntry(epoch)]),
  ]);
  const batches = [facts(0, 20), [...placed, ...facts(20, 36)], facts(36, 56)];
  for (const batch of batches) {
    store.transaction(() => ledger.append(batch));
    ledger.publish();
  }
  const raw = new Database(join(folder, "good", "server", "ledger.sqlite"));
  blocks.forEach(({ epoch }, i) => {
    if (epoch === null) return;
    const columns = { ...epoch, leafIndex: 21 + 2 * i };
    raw
      .prepare(
        `INSERT INTO epoch (chain, number, from_block, to_block, block_hash, state_root, state_count, assessment_root,
           assessment_count, rulebook_hash, deployment_hash, kernel, leaf_index, collateral_root, collateral_count,
           has_leaves)
         VALUES (@chain, @number, @fromBlock, @toBlock, @blockHash, @stateRoot, @stateCount,
           @assessmentRoot, @assessmentCount, @rulebookHash, @deploymentHash, @kernel, @leafIndex,
           @collateralRoot, @collateralCount, 1)`,
      )
      .run(columns);
  });
  const leaves = createLeafStore(store);
  for (const { chain: of, number, leaves: changed } of blocks) {
    store.transaction(() => leaves.write({ chain: of, toBlock: Number(number) }, changed));
  }
  const [assessment] = blocks[0]?.assessments ?? [];
  const id = assessment?.id as string;
  raw
    .prepare(
      `INSERT INTO verdict VALUES (?, ?, 'eip155:901', 1, 'h', 1, 0, 'p', 's', 'R', 'EU', 0, '', 'compliant', '[]', 'sealed')`,
    )
    .run(verdictId(id), id);
  const { manifest, parts } = splitEvidence({ kind: "test", text: "evidence" });
  raw
    .prepare(
      `INSERT INTO evidence VALUES (?, 'eip155:901', 1, 1, 'h', 's', 'proven', 'kept', NULL, NULL, ?, 'sealed', 0, 0, 1, 1)`,
    )
    .run(id, JSON.stringify(manifest));
  for (const part of parts) {
    raw.prepare("INSERT INTO part VALUES (?, ?)").run(part.hash, Buffer.from(part.bytes));
    raw.prepare("INSERT INTO part_use VALUES (?, ?)").run(part.hash, id);
  }
  raw.close();
  store.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  rmSync(join(folder, "copy"), { recursive: true, force: true });
  mkdirSync(join(folder, "copy"));
  path = join(folder, "copy", "ledger.sqlite");
  cpSync(join(folder, "good", "server", "ledger.sqlite"), path);
});

/** Changes the copy behind the triggers' backs, and puts them there again. */
function tamper(sql: string): void {
  const raw = new Database(path);
  const triggers = raw.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all() as {
    name: string;
    sql: string;
  }[];
  for (const { name } of triggers) raw.exec(`DROP TRIGGER ${name}`);
  raw.exec(sql);
  for (const trigger of triggers) raw.exec(trigger.sql);
  raw.close();
}

const flip = (at: number) =>
  `UPDATE leaf SET data = CAST(substr(data, 1, ${at - 1}) || x'7e' || substr(data, ${at + 1}) AS BLOB) WHERE idx = 25`;
const problems = () => fsck(path, { keys }).problems;

describe("a ledger that is checked", () => {
  test("and is right has no problems, also with leaves that wait for a checkpoint", () => {
    expect(fsck(path, { keys })).toEqual({
      ...{ problems: [], leaves: 60, checkpoints: 3, epochs: 2, verdicts: 1, parts: 1, unsigned: 0 },
    });
    tamper("DELETE FROM checkpoint WHERE size = 60");
    expect(fsck(path, { keys })).toMatchObject({ problems: [], unsigned: 20 });
  });

  test.each([
    ["a byte of a leaf's body hash", flip(120), [/^Leaf 25 .*bytes/]],
    ["a byte of a leaf's version", flip(1), [/^Leaf 25 .*bytes/]],
    ["a leaf's body", "UPDATE leaf SET body = replace(body, '0', '1') WHERE idx = 25", [/^Leaf 25 .*body/]],
    [
      "a leaf's hash",
      "UPDATE leaf SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE idx = 25",
      [/^Leaf 25 .*hash/],
    ],
    ["a leaf's id", "UPDATE leaf SET ref_id = 'other' WHERE idx = 25", [/^Leaf 25 has the id other/]],
    ["a leaf's assurance", "UPDATE leaf SET assurance = 'proven' WHERE idx = 25", [/^Leaf 25 has the assurance/]],
    ["a leaf's subject", "UPDATE leaf SET subject = NULL WHERE idx = 20", [/^Leaf 20 has the subject nothing/]],
    ["a leaf's outcome", "UPDATE leaf SET outcome = 'not_met' WHERE idx = 20", [/^Leaf 20 has the outcome not_met/]],
    [
      "a removed leaf",
      "DELETE FROM leaf WHERE idx = 30",
      [/^Leaf 30 is missing/, /up to 60 leaves .* leaf 30 is missing/],
    ],
    ["the last leaves", "DELETE FROM leaf WHERE idx > 50", [/^1 checkpoints of up to 60 .* ends at leaf 50/]],
    [
      "two leaves in each other's place",
      "UPDATE leaf SET idx = -1 WHERE idx = 45; UPDATE leaf SET idx = 45 WHERE idx = 50; UPDATE leaf SET idx = 50 WHERE idx = -1",
      [/^The checkpoint of 60 leaves was signed over another tree .* leaves 40 to 59/],
    ],
    [
      "a root",
      "UPDATE checkpoint SET root = replace(root, substr(root, 1, 1), 'x') WHERE size = 40",
      [/^The checkpoint of 40 leaves has another root/],
    ],
    [
      "a checkpoint of another size",
      "UPDATE checkpoint SET size = 39 WHERE size = 40",
      [/^The checkpoint of 39 leaves holds a note of 40/],
    ],
    [
      "a note",
      "UPDATE checkpoint SET note = replace(note, '40', '41') WHERE size = 40",
      [/^The checkpoint of 40 leaves does not hold/],
    ],
    [
      "an epoch's root",
      "UPDATE epoch SET state_root = 'x' WHERE number = 2",
      [/^Epoch 2 of eip155:901 has another stateRoot/],
    ],
    [
      "an epoch's leaf",
      "UPDATE epoch SET leaf_index = 22 WHERE number = 2",
      [/^Epoch 2 .* no epoch/, /^Leaf 23 is an epoch/],
    ],
    [
      "an epoch's body, nothing",
      "UPDATE leaf SET body = 'null' WHERE idx = 23",
      [/^Leaf 23 /, /^Epoch 2 .* leaf 23/, /^The leaves kept of epoch 2 of eip155:901 do not make its/],
    ],
    [
      "what an epoch has",
      "UPDATE epoch_leaf SET state = '{}' WHERE tree = 'state' AND to_block = 2",
      [/^The leaves kept of epoch 2 of eip155:901 do not make its stateRoot/],
    ],
    [
      "what an epoch has, gone",
      "DELETE FROM epoch_leaf WHERE tree = 'collateral' AND to_block = 1",
      [/^The leaves kept of epoch 1 of eip155:901 do not make its collateralRoot/],
    ],
    [
      "what an epoch has, as no JSON",
      "UPDATE epoch_leaf SET state = '{' WHERE tree = 'assessment' AND to_block = 1",
      [/^The assessment .* of epoch 1 of eip155:901 is none that can be read/],
    ],
    [
      "what no epoch has",
      "UPDATE epoch_leaf SET to_block = 9 WHERE tree = 'state' AND to_block = 2",
      [/^Leaves of eip155:901 say to be of an epoch that ends at block 9/, /^The leaves kept of epoch 2/],
    ],
    [
      "overlapping epochs",
      "UPDATE epoch SET from_block = 1 WHERE number = 2",
      [/another fromBlock/, /begins at block 1/],
    ],
    [
      "a sealed verdict on nothing",
      "UPDATE verdict SET assessment_id = 'x', needs_facts = 1",
      [/is not on the assessment x/, /^The assessment x .* no leaf/, /is no leaf/],
    ],
    ["a part of evidence", "UPDATE part SET bytes = zeroblob(8)", [/altered/]],
    ["a missing part", "DELETE FROM part", [/lacks its part/]],
    ["a list of parts", "UPDATE evidence SET manifest = '{'", [/damaged list/]],
    ["evidence for nothing", "UPDATE evidence SET assessment_id = 'x'", [/no leaf/]],
    ["a part without use", "DELETE FROM part_use", [/belongs to no evidence/]],
    ["a table too many", "CREATE TABLE extra (x)", [/^The table extra is not one/]],
  ])("names %s", (_, sql, expected) => {
    tamper(sql);
    const found = problems();
    expect(found).toHaveLength(expected.length);
    for (const [i, pattern] of expected.entries()) expect(found[i]).toMatch(pattern);
  });

  test("names a trigger that is gone", () => {
    const raw = new Database(path);
    raw.exec("DROP TRIGGER leaf_kept");
    raw.close();
    expect(problems()).toEqual(["The trigger leaf_kept is gone from the database."]);
  });

  test("names an id that is there twice, also where no index keeps it from being so", () => {
    tamper(`PRAGMA legacy_alter_table = ON; CREATE TABLE loose AS SELECT * FROM leaf; DROP TABLE leaf;
      ALTER TABLE loose RENAME TO leaf; UPDATE leaf SET ref_id = (SELECT ref_id FROM leaf WHERE idx = 3) WHERE idx = 4`);
    const found = problems();
    expect(found.join("\n")).toMatch(/The id [0-9a-f]{64} is in the log more than once, at 3, 4\./);
    expect(found).toContain("The table leaf is not the one that this program makes.");
  });

  test("names a checkpoint of another tree that its key has signed", () => {
    const other = openStore(join(folder, "other"));
    const ledger = openLedger(other, { signer });
    other.transaction(() => ledger.append(Array.from({ length: 40 }, (_, i) => factEntry(`${i}`.padStart(64, "f")))));
    ledger.publish();
    const head = ledger.head();
    other.close();
    const root = Buffer.from(head?.root as Uint8Array).toString("hex");
    tamper(`UPDATE checkpoint SET root = '${root}', note = '${head?.note}' WHERE size = 40`);
    expect(problems()).toEqual([
      expect.stringMatching(/^The checkpoint of 40 leaves was signed over another tree .* the checkpoint of 60 was/),
    ]);
  });

  test("names a signature of another key", () => {
    const stranger = parseVerifierKey(signerOf("plumbline.test/log", new Uint8Array(32).fill(6)).verifierKey);
    const found = fsck(path, { keys: [stranger] }).problems;
    expect(found).toHaveLength(3);
    expect(found[0]).toMatch(/not signed/);
  });

  test("names a file that is cut short, and one that is none", () => {
    truncateSync(path, Math.floor(statSync(path).size / 2));
    expect(problems().join()).toMatch(/malformed|SQLite finds|cannot be read/);
    writeFileSync(path, "nothing of the kind".repeat(100));
    expect(problems().join()).toMatch(/cannot be read/);
    writeFileSync(path, "");
    expect(problems().join()).toMatch(/no table of leaves/);
  });

  test("names a byte changed anywhere in a page of leaves", () => {
    // SQLite may have left copies of a row where pages were split; all of them are changed.
    const bytes = readFileSync(path);
    const body = Buffer.from(`"commitment":"${(55).toString(16).padStart(64, "0")}"`);
    for (let at = bytes.indexOf(body); at >= 0; at = bytes.indexOf(body, at + 1)) bytes[at + 20] = 0x7a;
    writeFileSync(path, bytes);
    expect(problems().join()).toMatch(/^Leaf 59 has a damaged body/);
  });

  test("is refused where it is not there, or of a newer version", () => {
    expect(() => fsck(join(folder, "nowhere.sqlite"), { keys })).toThrow(InputError);
    tamper("PRAGMA user_version = 99");
    expect(problems).toThrow(InputError);
  });
});
