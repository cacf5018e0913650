import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fsck } from "../../server/ledger/fsck.ts";
import { openStore, type Store } from "../../server/store/database.ts";
import { leafHash, MerkleTree } from "../../src/core/proof/merkle.ts";
import { parseVerifierKey } from "../../src/core/proof/note.ts";
import { drawOf } from "../fuzz/draw.ts";
import { openSealing, SIGNER } from "../support/storage-seal.ts";
import { type Fault, isStraceThere, type Outcome, runTraced, type StorageCall } from "../support/storage-strace.ts";
import {
  copyData,
  MARK_DRAFT,
  makeTemplate,
  SEALED_AFTER,
  SEALED_UNDER_FAULTS,
  type Template,
} from "../support/storage-template.ts";

/** Calls at which each fault is tried, at most; all of them where `PLUMBLINE_STORAGE_FAULTS` is `all`. */
const TRIED = 40;
const SEED = 5;
const AT_ONCE = 2;
const WITHIN_MS = 60 * 60_000;

const FAULTS: Fault[] = ["EIO", "ENOSPC", "ENOSPC for good", "SIGKILL"];
const KEYS = [parseVerifierKey(SIGNER.verifierKey)];

/** Leaves in order, as hex, and signed roots by size, as they are on disk. */
type Log = { leaves: string[]; roots: [number, string][] };
type Strike = { call: StorageCall; fault: Fault };

const text = ({ call, fault }: Strike) => `${fault} at ${call.name} ${call.ordinal} on ${call.file}`;

describe.skipIf(!isStraceThere())("a seal whose storage fails", () => {
  let template: Template;
  let expected: Log;
  let tree: MerkleTree;
  let calls: StorageCall[];
  let files: string[];

  beforeAll(async () => {
    template = await makeTemplate();
    const { log, problems } = await restart(copied("undisturbed"), template);
    expect(problems).toEqual([]);
    expected = log;
    tree = MerkleTree.from(expected.leaves.map((leaf) => leafHash(Buffer.from(leaf, "hex"))));
    const { outcome } = await seal("dry");
    expect(linesOf(outcome, "sealed")).toHaveLength(1);
    ({ calls, files } = outcome);
  });
  afterAll(() => template?.remove());

  test("writes leaves, a checkpoint, the mark beside them, and the write-ahead log over into the database", () => {
    const kinds = new Set(calls.map(({ name, file }) => `${name} ${file}`));
    for (const file of ["server/ledger.sqlite", "server/ledger.sqlite-wal"]) {
      expect(kinds).toContain(`pwrite64 ${file}`);
      expect(kinds).toContain(`fsync ${file}`);
    }
    for (const name of ["openat", "write", "fsync", "rename"]) expect(kinds).toContain(`${name} ${MARK_DRAFT}`);
    expect(expected.leaves.length).toBeGreaterThan(60);
  });

  test.each(FAULTS)("by %s, one call at a time, leaves a log that is right", { timeout: WITHIN_MS }, async (fault) => {
    const strikes = chosen(calls, fault);
    const wrong: string[] = [];
    const work = async () => {
      for (let one = strikes.pop(); one !== undefined; one = strikes.pop()) wrong.push(...(await problemsAfter(one)));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(wrong).toEqual([]);
  });

  function copied(name: string): string {
    const data = join(template.data, "..", name);
    copyData(template.data, data);
    return data;
  }

  /** Seals in a process of its own, of which a call may go wrong. */
  async function seal(name: string, fault?: Strike): Promise<{ data: string; outcome: Outcome }> {
    const data = copied(name);
    const { program, hashesFile } = template;
    const outcome = await runTraced({
      command: [process.execPath, program, data, hashesFile, String(SEALED_UNDER_FAULTS)],
      env: { ...process.env, NODE_PATH: join(process.cwd(), "node_modules") },
      folder: data,
      ...(fault === undefined ? {} : { fault: { ...fault, files } }),
    });
    return { data, outcome };
  }

  /** Lets a call go wrong, starts again, and says what is not as it must be. */
  async function problemsAfter(strike: Strike): Promise<string[]> {
    const { data, outcome } = await seal(text(strike).replaceAll(/\W/g, "-"), strike);
    const { log, problems, found } = await restart(data, template);
    rmSync(data, { recursive: true });
    const shown = headsIn(outcome, "shown");
    const heads = [...headsIn(outcome, "signed"), ...shown, ...log.roots];
    const other = heads.filter(([size, root]) => size > tree.size || root !== hexOf(tree.root(size)));
    const isOnce = strike.fault === "EIO" || strike.fault === "ENOSPC";
    return [
      ...(isHit(strike, outcome) ? [] : ["It was not hit."]),
      ...linesOf(outcome, "impossible"),
      ...(isOnce && linesOf(outcome, "sealed").length === 0 ? ["The process did not get over it."] : []),
      ...other.map(([size]) => `A checkpoint of ${size} leaves is not of the undisturbed log.`),
      ...shown
        .filter(([size]) => !found.some(([kept]) => kept === size))
        .map(([size]) => `The head of ${size} leaves is lost.`),
      ...(log.leaves.join() === expected.leaves.join() ? [] : ["The leaves are not those of the undisturbed log."]),
      ...problems,
    ].map((problem) => `${text(strike)}: ${problem} ${outcome.stderr}`);
  }
});

/** Starts again without faults, seals the rest, and checks all of it. `found` are the roots there were at the start. */
async function restart(data: string, { hashes }: Template) {
  const store = openStore(data);
  try {
    const found = rootsIn(store);
    await openSealing(store, { hashes, onSign: () => {} }).seal(SEALED_AFTER);
    const leaves = store.read.prepare("SELECT data FROM leaf ORDER BY idx").pluck().all() as Buffer[];
    const { problems, unsigned } = fsck(join(data, "server", "ledger.sqlite"), { keys: KEYS });
    return {
      ...{ found, log: { leaves: leaves.map(hexOf), roots: rootsIn(store) } },
      problems: [...problems, ...(unsigned === 0 ? [] : [`${unsigned} leaves are not signed.`])],
    };
  } finally {
    store.close();
  }
}

/** Signed roots by size. */
function rootsIn({ read }: Store): [number, string][] {
  return read.prepare("SELECT size, root FROM checkpoint ORDER BY size").raw().all() as [number, string][];
}

/** Of each kind of call the first, the last, and by the seed as many between as there is time for. */
function chosen(calls: readonly StorageCall[], fault: Fault): Strike[] {
  const strikes = calls.map((call) => ({ call, fault }));
  if (process.env.PLUMBLINE_STORAGE_FAULTS === "all") return strikes;
  const isAlike = (a: Strike) => (b: Strike) => a.call.name === b.call.name && a.call.file === b.call.file;
  const picked = new Set(
    strikes.filter((one) => [strikes.find(isAlike(one)), strikes.findLast(isAlike(one))].includes(one)),
  );
  const draw = drawOf(SEED, FAULTS.indexOf(fault));
  while (picked.size < Math.min(TRIED, strikes.length)) picked.add(draw.one(strikes));
  return [...picked];
}

/** Whether the call that went wrong was the one meant: the last that a killed process made, or one on the same file. */
function isHit({ call, fault }: Strike, { calls, code, signal }: Outcome): boolean {
  const isKilled = signal === "SIGKILL" || code === 128 + 9;
  if (isKilled !== (fault === "SIGKILL")) return false;
  return calls.some(({ name, ordinal, file }) => name === call.name && ordinal === call.ordinal && file === call.file);
}

function linesOf({ stdout }: Outcome, word: string): string[] {
  return stdout.split("\n").filter((line) => line.split(" ")[0] === word);
}

function headsIn(outcome: Outcome, word: "signed" | "shown"): [number, string][] {
  return linesOf(outcome, word).map((line) => {
    const [, size, root] = line.split(" ");
    return [Number(size), root as string];
  });
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
