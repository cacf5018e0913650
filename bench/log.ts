/** What the log costs: sealing leaves on disk, and serving them to whoever reads it. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { PUBLIC } from "../server/auth/roles.ts";
import { createApp } from "../server/http/app.ts";
import { addLog } from "../server/http/log.ts";
import { serve } from "../server/http/serve.ts";
import { assessmentEntry, type Entry } from "../server/ledger/entry.ts";
import { type Ledger, openLedger } from "../server/ledger/ledger.ts";
import { openStore, type Store } from "../server/store/database.ts";
import type { Assessment } from "../src/core/assessment.ts";
import { signerOf } from "../src/core/proof/note.ts";
import { TILE_WIDTH, tilePath, tilesOf } from "../src/core/proof/tiles.ts";
import { createFolder, refsOf } from "./fold.ts";
import { createWorkload, QUICK } from "./workload/workload.ts";

/** Leaves for which a checkpoint is signed. */
const LEAVES_PER_SEAL = 256;
/** Different assessments; more leaves repeat them under made-up ids. */
const ASSESSMENTS = 4_000;
const SIGNER = signerOf("plumbline.example/bench", new Uint8Array(32).fill(1));
/** The frame's limit of requests is asked, and never reached. */
const UNLIMITED = { points: Number.MAX_SAFE_INTEGER, duration: 3_600 };

/** `seals`: leaves appended, read back, checked and signed on disk. `serving`: by what was asked for. */
export type LogCost = {
  seals: { leaves: number; checkpoints: number; seconds: number };
  serving: readonly { name: string; requests: number; bytes: number; seconds: number }[];
};

const FULL = { leaves: 100_000, seconds: 5 };
const SHORT = { leaves: 5_000, seconds: 1 };

/** Measures it all in a folder of its own. */
export async function measureLog({ quick, seed }: { quick: boolean; seed: number }): Promise<LogCost> {
  const { leaves, seconds } = quick ? SHORT : FULL;
  const entries = entriesOf(await assessmentsOf(seed), leaves);
  const directory = mkdtempSync(join(tmpdir(), "plumbline-bench-"));
  const store = openStore(directory);
  try {
    const ledger = openLedger(store, { signer: SIGNER });
    const seals = measureSeals(entries, { store, ledger });
    return { seals, serving: await measureServing(ledger, { leaves, seconds }) };
  } finally {
    store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Assessments of a workload's first blocks. */
async function assessmentsOf(seed: number): Promise<Assessment[]> {
  const { history } = createWorkload({ ...QUICK, seed });
  const { fold } = createFolder();
  const all: Assessment[] = [];
  for (const [i, ref] of refsOf(history).entries()) {
    if (all.length >= ASSESSMENTS) break;
    all.push(...(await fold(history[i] as (typeof history)[number], ref)).outcome.assessments);
  }
  return all;
}

function entriesOf(all: readonly Assessment[], leaves: number): Entry[] {
  return Array.from({ length: leaves }, (_, i) => {
    const entry = assessmentEntry(all[i % all.length] as Assessment);
    return { ...entry, refId: i.toString(16).padStart(64, "0") };
  });
}

function measureSeals(entries: readonly Entry[], { store, ledger }: { store: Store; ledger: Ledger }) {
  const began = performance.now();
  let checkpoints = 0;
  for (let from = 0; from < entries.length; from += LEAVES_PER_SEAL) {
    store.transaction(() => ledger.append(entries.slice(from, from + LEAVES_PER_SEAL)));
    ledger.publish();
    checkpoints++;
  }
  return { leaves: entries.length, checkpoints, seconds: (performance.now() - began) / 1000 };
}

/** Serves the log as the server does, to a reader that is a process of its own. */
async function measureServing(ledger: Ledger, { leaves, seconds }: { leaves: number; seconds: number }) {
  const app = createApp({
    roleOf: () => PUBLIC,
    limiters: { requests: new RateLimiterMemory(UNLIMITED), wrongKeys: new RateLimiterMemory(UNLIMITED) },
    onError: (error) => {
      throw error;
    },
  });
  addLog(app, ledger);
  const server = await serve(app, { host: "127.0.0.1", port: 0 });
  try {
    const tiles = tilesOf(leaves).filter(({ width }) => width === TILE_WIDTH);
    const pathsOf = (kind: string) =>
      tiles.filter((tile) => tile.kind === kind).map((tile) => `/log/${tilePath(tile)}`);
    const asked = {
      [`a tile of ${TILE_WIDTH} hashes`]: pathsOf("hashes"),
      [`a bundle of ${TILE_WIDTH} leaves`]: pathsOf("entries"),
      "the checkpoint": ["/log/checkpoint"],
    };
    const serving: LogCost["serving"][number][] = [];
    for (const [name, paths] of Object.entries(asked)) {
      serving.push({ name, ...(await read([server.url, String(seconds), ...paths])) });
    }
    return serving;
  } finally {
    await server.stop();
  }
}

async function read(args: readonly string[]): Promise<{ requests: number; bytes: number; seconds: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, ["bin/run.mjs", "bench/reader.ts", ...args]);
  return JSON.parse(stdout) as { requests: number; bytes: number; seconds: number };
}
