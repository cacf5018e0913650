import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { Health } from "../../server/http/health.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { takePort } from "./ports.ts";

const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url));
const TETHER = join(PROJECT_DIR, "bin/supervisor/tether.mjs");

/** What a server of a test's own runs on. */
export type ServerProcessOptions = {
  data: string;
  deploymentFile: string;
  rpcUrls: Readonly<Record<number, string>>;
  indexerUrl: string;
  /** Any free one when absent. */
  port?: number;
  facts?: { file: string; key: string };
  webhook?: { url: string; secret: string };
  /** The key that owns the deployment's anchor, and from one head there to the next; none is published without. */
  anchor?: { keyFile: string; everySeconds: number };
  /** Whether evidence is captured, which takes a processor of its own; not unless told. */
  evidence?: boolean;
};

/** The server as a process of its own. `kill` is SIGKILL, `stop` a clean end. */
export type ServerProcess = {
  url: string;
  port: number;
  /** The key of the first supervisor. */
  key: string;
  health(): Promise<Health | null>;
  /** Asks the stitched GraphQL; `key` makes the asker a supervisor. */
  // biome-ignore lint/suspicious/noExplicitAny: answers have as many shapes as there are questions
  ask(query: string, options?: { key?: string }): Promise<any>;
  /** Resolves once every chain has been followed and sealed up to these blocks. */
  untilAt(blocks: Readonly<Record<string, { followed: number; sealed: number }>>): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
};

const WITHIN_MS = 300_000;

/** Starts the server on loopback. It ends with the test process, even if that is killed. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  mkdirSync(options.data, { recursive: true });
  const port = options.port ?? (await takePort());
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(options.data, "server.log");
  const child = spawnServer(options, { port, logFile });
  const health = () =>
    fetch(`${url}/v1/health`)
      .then((response) => (response.ok ? (response.json() as Promise<Health>) : null))
      .catch(() => null);
  const until = async (check: (health: Health) => boolean, what: string) => {
    const end = performance.now() + WITHIN_MS;
    while (performance.now() < end && isAlive(child)) {
      const now = await health();
      if (now !== null && check(now)) return;
      await sleep(100);
    }
    throw new ProviderError(`The server was never ${what}. Its last words:\n${tailOf(logFile)}`);
  };
  await until(() => true, "up");
  return {
    ...{ url, port, health, key: ensureDemoKey(options.data) },
    ask: (query, { key } = {}) => ask(url, query, key),
    untilAt: (blocks) =>
      until(
        ({ chains }) =>
          chains.every(({ chain, followed, sealed }) => {
            const wanted = blocks[chain];
            return wanted === undefined || (Number(followed) === wanted.followed && Number(sealed) === wanted.sealed);
          }),
        `at ${JSON.stringify(blocks)}`,
      ),
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

function spawnServer(options: ServerProcessOptions, { port, logFile }: { port: number; logFile: string }) {
  const { facts, webhook } = options;
  const args = [
    ...["--deployment", options.deploymentFile, "--rulebooks", join(PROJECT_DIR, "rulebooks")],
    ...(facts === undefined ? [] : ["--facts", facts.file, "--facts-key", facts.key]),
    ...(webhook === undefined
      ? []
      : ["--webhook", webhook.url, "--webhook-secret", webhook.secret, "--allow-loopback"]),
  ];
  const log = openSync(logFile, "a");
  const child = spawn(process.execPath, ["--import", TETHER, "bin/run.mjs", "server/main.ts", ...args], {
    cwd: PROJECT_DIR,
    env: {
      ...process.env,
      ...Object.fromEntries(Object.entries(options.rpcUrls).map(([id, rpcUrl]) => [`PONDER_RPC_URL_${id}`, rpcUrl])),
      ...{ PORT: String(port), PLUMBLINE_DATA: options.data, PLUMBLINE_INDEXER_URL: options.indexerUrl },
      PLUMBLINE_EVIDENCE: options.evidence ? "on" : "off",
      ...(options.anchor === undefined
        ? {}
        : {
            PLUMBLINE_ANCHOR_KEY_FILE: options.anchor.keyFile,
            PLUMBLINE_ANCHOR_EVERY_SECONDS: String(options.anchor.everySeconds),
          }),
    },
    stdio: ["ignore", log, log, "pipe"],
    detached: true,
  });
  closeSync(log);
  return child;
}

async function ask(url: string, query: string, key?: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({ query }),
  });
  return await response.json();
}

function isAlive(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function tailOf(logFile: string): string {
  return readFileSync(logFile, "utf8").slice(-2_000);
}

async function end(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (!isAlive(child)) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill(signal);
  const deadline = setTimeout(() => child.kill("SIGKILL"), 15_000);
  await gone;
  clearTimeout(deadline);
}
