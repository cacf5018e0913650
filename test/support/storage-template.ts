import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { build } from "esbuild";
import { createOutbox } from "../../server/alerts/outbox.ts";
import { openStore, WAL_PAGES } from "../../server/store/database.ts";
import { createRecorder } from "../../server/verdicts/recorder.ts";
import { createJudge } from "../../server/verdicts/verdicts.ts";
import { chainIdOf, type Hex } from "../../src/core/ids.ts";
import { parseFacts } from "../../src/core/rules/facts.ts";
import { scheduleOf } from "../../src/core/rules/schedule.ts";
import { FakeChain } from "../server/support/fake-chain.ts";
import { realRulebook, tellStory, testFactsFile } from "../server/support/world.ts";
import { CHAIN, openSealing } from "./storage-seal.ts";

/** Blocks of the story that are sealed already, those that are sealed where storage fails, and those sealed after it. */
const SEALED_BEFORE = 8;
export const SEALED_UNDER_FAULTS = 16;
export const SEALED_AFTER = 24;

/** The name of the head's mark until it takes the place of the one before. */
export const MARK_DRAFT = `server/head.json.${"0".repeat(16)}`;

const PAGE_BYTES = 4_096 + 24;

/** A data directory to copy, with blocks to seal in it; the chain's hashes, also in a file; and the program that seals. */
export type Template = { data: string; hashes: readonly Hex[]; hashesFile: string; program: string; remove(): void };

/**
 * Makes the template: a store in which all blocks of the story are recorded and the first are sealed, as a killed server
 * leaves it, with a write-ahead log so long that the next seal carries it over.
 */
export async function makeTemplate(): Promise<Template> {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-storage-"));
  const rulebook = realRulebook();
  const chain = new FakeChain(chainIdOf(CHAIN), rulebook.hash);
  tellStory(chain, { which: 0, length: SEALED_AFTER });
  const hashes = chain.blocks.map(({ hash }) => hash);
  const open = join(folder, "open");
  const store = openStore(open);
  const { seal } = openSealing(store, { hashes, onSign: () => {} });
  const schedule = scheduleOf(rulebook);
  const facts = testFactsFile();
  createRecorder(store, {
    judge: createJudge(schedule, parseFacts(facts.text, facts.key)),
    schedule,
    outbox: createOutbox(store.db, [], { publicUrl: "http://plumbline.test", now: () => 0 }),
  }).record(chain.blocks);
  await seal(SEALED_BEFORE);
  lengthenLog(join(open, "server", "ledger.sqlite"));
  const data = join(folder, "template");
  copyData(open, data);
  store.close();
  rmSync(open, { recursive: true });
  const hashesFile = join(folder, "hashes.json");
  writeFileSync(hashesFile, JSON.stringify(hashes));
  const program = join(folder, "storage-process.cjs");
  await build({
    entryPoints: [join(import.meta.dirname, "storage-process.ts")],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["better-sqlite3"],
    // A file that is to take another's place has a random name; strace is to know it beforehand.
    banner: { js: 'require("node:crypto").randomBytes = (size) => Buffer.alloc(size);' },
    logLevel: "error",
  });
  return { data, hashes, hashesFile, program, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Copies a data directory as it lies on disk, without what only the processes that have it open share. */
export function copyData(from: string, to: string): void {
  for (const name of readdirSync(join(from, "server"))) {
    if (name.endsWith("-shm") || name.startsWith("lock.")) continue;
    cpSync(join(from, "server", name), join(to, "server", name), { recursive: true });
  }
}

/** Commits until the write-ahead log is a few pages short of being carried over. */
function lengthenLog(path: string): void {
  const other = new Database(path);
  other.pragma("wal_checkpoint(TRUNCATE)");
  other.pragma("synchronous = OFF");
  other.pragma(`wal_autocheckpoint = ${WAL_PAGES}`);
  const fill = other.prepare("INSERT OR REPLACE INTO meta VALUES ('filler', ?)");
  for (let i = 0; statSync(`${path}-wal`).size < (WAL_PAGES - 8) * PAGE_BYTES; i++) fill.run(String(i));
  other.close();
}
