import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { FeedPage } from "../../src/core/assessment.ts";
import type { Deployment } from "../../src/core/deployment.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { takePort } from "./ports.ts";

const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url));
const TETHER = join(PROJECT_DIR, "bin/supervisor/tether.mjs");
const PGLITE_GUARD = join(PROJECT_DIR, "bin/supervisor/pglite-guard.mjs");
const INDEXED_WITHIN_MS = 480_000;

/** What an indexer of a test's own runs on. */
export type IndexerOptions = {
  /** A file, or the deployment itself, which is then written into `data`. */
  deployment: string | Deployment;
  rpcUrls: Readonly<Record<number, string>>;
  /** PostgreSQL; PGlite in `data` when absent. */
  databaseUrl?: string;
  schema: string;
  /** Directory for PGlite, the log and the deployment file. */
  data: string;
  rulebooks?: string;
  /** Any free one when absent. */
  port?: number;
};

/** A running indexer. `url` is its loopback API, `deploymentFile` what it follows; `kill` is SIGKILL, `stop` a clean end that unlocks the schema. */
export type Indexer = {
  url: string;
  port: number;
  pid: number;
  deploymentFile: string;
  /** Resolves once the feed of a chain (CAIP-2) has reached a block. @throws ProviderError when it stops or takes too long. */
  untilBlock(chain: string, block: number | bigint): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

/** Starts `ponder start` on a free loopback port. It ends with the test process, even if that is killed. */
export async function startIndexer(options: IndexerOptions): Promise<Indexer> {
  mkdirSync(options.data, { recursive: true });
  const port = options.port ?? (await takePort());
  const logFile = join(options.data, "indexer.log");
  const log = openSync(logFile, "a");
  const ponder = join(PROJECT_DIR, "node_modules/ponder/dist/esm/bin/ponder.js");
  const flags = ["start", "--schema", options.schema, "--hostname", "127.0.0.1"];
  const child = spawn(process.execPath, ["--import", TETHER, "--import", PGLITE_GUARD, ponder, ...flags], {
    cwd: PROJECT_DIR,
    env: { ...environmentOf(options), PORT: String(port) },
    stdio: ["ignore", log, log, "pipe"],
    detached: true,
  });
  closeSync(log);
  const url = `http://127.0.0.1:${port}`;
  return {
    ...{ url, port, deploymentFile: deploymentFile(options) },
    pid: child.pid as number,
    untilBlock: (chain, block) => untilBlock({ url, child, logFile }, { chain, block: BigInt(block) }),
    stop: () => end(child, "SIGINT"),
    kill: () => end(child, "SIGKILL"),
  };
}

function environmentOf(options: IndexerOptions): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, ...inherited } = process.env;
  return {
    ...inherited,
    ...Object.fromEntries(Object.entries(options.rpcUrls).map(([id, rpcUrl]) => [`PONDER_RPC_URL_${id}`, rpcUrl])),
    ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
    PLUMBLINE_DATA: options.data,
    PLUMBLINE_DEPLOYMENT: deploymentFile(options),
    PLUMBLINE_RULEBOOKS: options.rulebooks ?? join(PROJECT_DIR, "rulebooks"),
    PONDER_TELEMETRY_DISABLED: "1",
  };
}

function deploymentFile({ deployment, data }: IndexerOptions): string {
  if (typeof deployment === "string") return deployment;
  const file = join(data, "deployment.json");
  writeFileSync(file, JSON.stringify(deployment));
  return file;
}

async function untilBlock(
  { url, child, logFile }: { url: string; child: ChildProcess; logFile: string },
  { chain, block }: { chain: string; block: bigint },
): Promise<void> {
  const until = performance.now() + INDEXED_WITHIN_MS;
  const query = `${url}/feed?chain=${encodeURIComponent(chain)}&after=${block}&limit=1`;
  while (performance.now() < until && child.exitCode === null && child.signalCode === null) {
    const page = await fetch(query)
      .then((response) => (response.ok ? (response.json() as Promise<FeedPage>) : null))
      .catch(() => null);
    if (page?.head && BigInt(page.head.number) >= block) return;
    await sleep(100);
  }
  const lastWords = readFileSync(logFile, "utf8").slice(-2_000);
  throw new ProviderError(`The indexer did not reach block ${block} of ${chain}. Its last words:\n${lastWords}`);
}

async function end(child: ChildProcess, signal: "SIGINT" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  const deadline = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await gone;
  clearTimeout(deadline);
}
