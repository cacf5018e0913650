/**
 * Checks a ledger's database against itself, and everything in it that was signed against the log's key. Reads only, from
 * one snapshot, so that it can run beside the server.
 */
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { InputError } from "../../src/core/errors.ts";
import { openHead } from "../../src/core/log/head.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { MerkleTree } from "../../src/core/proof/merkle.ts";
import type { Verifier } from "../../src/core/proof/note-key.ts";
import { MIGRATIONS } from "../store/migrations.ts";
import type { LeafRow } from "./entry.ts";
import { checkAnchors } from "./fsck-anchors.ts";
import { checkCosignatures } from "./fsck-cosignatures.ts";
import { checkEpochLeaves } from "./fsck-epochs.ts";
import { inspectLeaf } from "./fsck-leaf.ts";
import { checkEpochs, checkEvidence, checkVerdicts } from "./fsck-tables.ts";
import { checkMark, readMark } from "./head-mark.ts";
import type { HeadRow } from "./ledger-store.ts";

/** What a check came to. `problems` are sentences, the log's before what rests on it. */
export type FsckReport = {
  problems: readonly string[];
  leaves: number;
  checkpoints: number;
  epochs: number;
  verdicts: number;
  parts: number;
  /** Leaves that no checkpoint has been signed over yet, as a server leaves them between two steps. */
  unsigned: number;
};

export type FsckOptions = {
  /** Keys of the log. */
  keys: readonly Verifier[];
  /** Told now and then how far it is. */
  onProgress?: (done: number, total: number) => void;
};

/** Where a check puts what it finds. */
export type Findings = {
  add(problem: string): void;
  /** Runs a part of the check; a database that cannot be read there is a finding of its own. */
  part<T>(what: string, work: () => T, otherwise: T): T;
};

/** More sentences of one part than this are counted and not told. */
const MAX_TOLD = 20;
const PROGRESS_EVERY = 2_000;

const LEAF_COLUMNS = `idx AS "index", hash, kind, ref_id AS refId, chain, block_number AS blockNumber,
  block_hash AS blockHash, subject, rule_id AS ruleId, outcome, assurance, data, body`;

/**
 * Checks the database at a path.
 * @throws InputError when there is none, or it is of a newer version than this program.
 */
export function fsck(path: string, { keys, onProgress }: FsckOptions): FsckReport {
  const findings = collector();
  // Read before the database: while a server runs, the mark may be behind its heads and never ahead of them.
  const mark = findings.input(() => readMark(dirname(path)), null);
  const nothing = { leaves: 0, checkpoints: 0, epochs: 0, verdicts: 0, parts: 0, unsigned: 0 };
  const db = open(path);
  try {
    const readable = findings.part(
      "The database",
      () => {
        db.exec("BEGIN");
        return checkSchema(db, findings);
      },
      false,
    );
    if (!readable) return { ...nothing, problems: findings.all() };
    findings.part("The database", () => checkPages(db, findings), undefined);
    const log = readLeaves(db, { findings, onProgress: onProgress ?? (() => {}) });
    const checkpoints = checkCheckpoints(db, { findings, keys, log });
    findings.part(
      "The table of checkpoints",
      () => findings.input(() => checkMark(mark, headsIn(db)), undefined),
      undefined,
    );
    const epochs = checkEpochs(db, findings);
    checkEpochLeaves(db, findings);
    const verdicts = checkVerdicts(db, findings);
    const parts = checkEvidence(db, findings);
    checkAnchors(db, findings);
    checkCosignatures(db, findings);
    const unsigned = Math.max(0, log.count - checkpoints.largest);
    const counts = { leaves: log.count, checkpoints: checkpoints.count, epochs, verdicts, parts, unsigned };
    return { ...counts, problems: findings.all() };
  } finally {
    db.close();
  }
}

function open(path: string): Database.Database {
  try {
    return new Database(path, { readonly: true, fileMustExist: true });
  } catch (error) {
    throw new InputError(`There is no ledger that can be opened at ${path}: ${(error as Error).message}.`);
  }
}

type Collector = Findings & {
  /** Runs a part of the check whose `InputError` is a finding. */
  input<T>(work: () => T, otherwise: T): T;
  all(): string[];
};

function collector(): Collector {
  const parts: { told: string[]; untold: number }[] = [{ told: [], untold: 0 }];
  const add = (problem: string) => {
    const part = parts.at(-1) as { told: string[]; untold: number };
    if (part.told.length < MAX_TOLD) part.told.push(problem);
    else part.untold++;
  };
  return {
    add,
    part(what, work, otherwise) {
      parts.push({ told: [], untold: 0 });
      try {
        return work();
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error;
        add(`${what} cannot be read: ${error.message}.`);
        return otherwise;
      }
    },
    input(work, otherwise) {
      try {
        return work();
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        add(error.message);
        return otherwise;
      }
    },
    all: () =>
      parts.flatMap(({ told, untold }) => [
        ...new Set(told),
        ...(untold === 0 ? [] : [`${untold} more of the kind before are not listed.`]),
      ]),
  };
}

/** Tables, indexes and triggers are those that the steps up to the database's version make. Whether it can be read at all. */
function checkSchema(db: Database.Database, { add }: Findings): boolean {
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > MIGRATIONS.length) {
    throw new InputError(
      `The ledger has store version ${version}; this program knows versions up to ${MIGRATIONS.length}.`,
    );
  }
  const model = new Database(":memory:");
  try {
    for (const step of MIGRATIONS.slice(0, version)) model.exec(step);
    const expected = schemaOf(model);
    const actual = schemaOf(db);
    for (const [name, sql] of expected) {
      if (!actual.has(name)) add(`The ${name} is gone from the database.`);
      else if (actual.get(name) !== sql) add(`The ${name} is not the one that this program makes.`);
    }
    for (const name of actual.keys()) if (!expected.has(name)) add(`The ${name} is not one that this program makes.`);
    if (!actual.has("table leaf")) add("The database has no table of leaves.");
    return actual.has("table leaf") && actual.has("table checkpoint");
  } finally {
    model.close();
  }
}

function schemaOf(db: Database.Database): Map<string, string> {
  const rows = db
    .prepare(
      "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
    )
    .all() as { type: string; name: string; sql: string }[];
  return new Map(rows.map(({ type, name, sql }) => [`${type} ${name}`, sql]));
}

/** SQLite's own check: pages, and whether indexes say what their tables say. */
function checkPages(db: Database.Database, { add }: Findings): void {
  const rows = db.pragma(`integrity_check(${MAX_TOLD})`) as { integrity_check: string }[];
  for (const { integrity_check: said } of rows) if (said !== "ok") add(`SQLite finds: ${said}.`);
}

/** The leaves as far as they could be read. The tree ends before the first one that is missing. */
type Log = { tree: MerkleTree; count: number };

function readLeaves(
  db: Database.Database,
  { findings, onProgress }: { findings: Findings; onProgress: (done: number, total: number) => void },
): Log {
  const tree = new MerkleTree();
  const { add } = findings;
  let next = 0;
  findings.part(
    "The table of leaves",
    () => {
      const { total } = db.prepare("SELECT coalesce(max(idx) + 1, 0) AS total FROM leaf").get() as { total: number };
      const rows = db.prepare(`SELECT ${LEAF_COLUMNS} FROM leaf ORDER BY idx`).iterate() as Iterable<LeafRow>;
      for (const row of rows) {
        if (row.index !== next) add(`${leavesFrom(next, row.index)} missing.`);
        const { problem, hash } = inspectLeaf(row);
        if (problem !== null) add(problem);
        if (row.index === tree.size) tree.append(hash);
        next = row.index + 1;
        if (next % PROGRESS_EVERY === 0) onProgress(next, total);
      }
    },
    undefined,
  );
  findings.part("The table of leaves", () => checkIds(db, findings), undefined);
  return { tree, count: next };
}

/** Without the index that makes ids unique, which may be what is damaged. */
function checkIds(db: Database.Database, { add }: Findings): void {
  const rows = db
    .prepare(
      `SELECT ref_id AS id, group_concat(idx, ', ') AS places FROM leaf NOT INDEXED
       GROUP BY ref_id HAVING count(*) > 1 LIMIT ${MAX_TOLD}`,
    )
    .all() as { id: string; places: string }[];
  for (const { id, places } of rows) add(`The id ${id} is in the log more than once, at ${places}.`);
}

function leavesFrom(from: number, to: number): string {
  return to - from === 1 ? `Leaf ${from} is` : `Leaves ${from} to ${to - 1} are`;
}

type CheckpointRow = { size: number; root: string; note: string };

function checkCheckpoints(
  db: Database.Database,
  { findings, keys, log }: { findings: Findings; keys: readonly Verifier[]; log: Log },
): { count: number; largest: number } {
  const { tree } = log;
  const { add } = findings;
  let [count, largest] = [0, 0];
  const good: number[] = [];
  const before = (size: number) => good.findLast((one) => one < size) ?? 0;
  const beyond: number[] = [];
  const other: number[] = [];
  findings.part(
    "The table of checkpoints",
    () => {
      const rows = db.prepare("SELECT size, root, note FROM checkpoint ORDER BY size").iterate();
      for (const row of rows as Iterable<CheckpointRow>) {
        count++;
        largest = row.size;
        const wrong = noteProblem(row, keys);
        if (wrong !== null) add(`The checkpoint of ${row.size} leaves ${wrong}`);
        else if (row.size > tree.size) beyond.push(row.size);
        else if (toHex(tree.root(row.size)).slice(2) === row.root) good.push(row.size);
        else other.push(row.size);
      }
      if (other[0] !== undefined) add(otherTree(other, { before: before(other[0]), largestGood: good.at(-1) ?? 0 }));
      if (beyond[0] !== undefined) {
        const cut = log.count < largest ? `the log ends at leaf ${log.count - 1}` : `leaf ${tree.size} is missing`;
        add(`${beyond.length} checkpoints of up to ${largest} leaves have been signed, but ${cut}.`);
      }
    },
    undefined,
  );
  return { count, largest };
}

function headsIn(db: Database.Database): Parameters<typeof checkMark>[1] {
  const columns = "SELECT size, root, note, NULL AS signedMs FROM checkpoint";
  const first = (sql: string, ...values: number[]) => (db.prepare(sql).get(...values) as HeadRow | undefined) ?? null;
  return {
    lastHead: () => first(`${columns} ORDER BY size DESC LIMIT 1`),
    headAt: (size) => first(`${columns} WHERE size = ?`, size),
  };
}

/** A larger checkpoint that holds shows that the leaves are right, and what was signed is not. */
function otherTree(sizes: readonly number[], good: { before: number; largestGood: number }): string {
  const [first, ...others] = sizes as [number, ...number[]];
  const more = others.length === 0 ? "" : `, and so were ${others.length} more`;
  const why =
    good.largestGood > first
      ? `these are the leaves that the checkpoint of ${good.largestGood} was signed over`
      : `what differs is among leaves ${good.before} to ${first - 1}`;
  return `The checkpoint of ${first} leaves was signed over another tree than these leaves make${more}; ${why}.`;
}

/** What is wrong with a checkpoint in itself; null when nothing is. */
function noteProblem({ size, root, note }: CheckpointRow, keys: readonly Verifier[]): string | null {
  try {
    const head = openHead(note, keys);
    if (head.size !== size) return `holds a note of ${head.size} leaves.`;
    return toHex(head.root).slice(2) === root ? null : "has another root than its note.";
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return `does not hold: ${error.message}`;
  }
}
