/** The systems compared: each one process, measured from outside. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "../devnet/anvil.ts";
import { ProviderError } from "../src/core/errors.ts";
import { CHAIN_ID } from "./workload/setting.ts";

const PROJECT_DIR = fileURLToPath(new URL("..", import.meta.url));
const TETHER = join(PROJECT_DIR, "bin/supervisor/tether.mjs");
const PONDER = join(PROJECT_DIR, "node_modules/ponder/dist/esm/bin/ponder.js");
const POLL_MS = 50;
const STOP_WITHIN_MS = 20_000;
/** `USER_HZ`: every Linux that Node runs on counts processor time in these. */
const TICKS_PER_SECOND = 100;

/** What a run cost. Memory is the process's own highest resident size; the database's is not in it. */
export type Cost = { wallSeconds: number; cpuSeconds: number; peakMb: number };

/** A running process. */
export type Running = {
  /** Polls `isDone` until it says so. @throws ProviderError when the process ends first or takes too long. */
  until(isDone: () => Promise<boolean>, withinMs: number): Promise<Cost>;
  stop(): Promise<void>;
};

export type Launch = {
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
};

/** The command line of a Ponder app of this project: the indexer itself, or the bare one. */
export async function ponderLaunch(options: {
  app: "plumbline" | "bare";
  schema: string;
  databaseUrl: string;
  rpc: { url: string; wsUrl: string | null };
  deploymentFile: string;
  env: NodeJS.ProcessEnv;
  /** Directory for a processor profile, or null. */
  profile: string | null;
  logFile: string;
}): Promise<Launch> {
  const { app, schema, rpc } = options;
  const flags = ["start", "--schema", schema, "--port", String(await freePort()), "--hostname", "127.0.0.1"];
  const root = app === "bare" ? ["--root", "bench/bare"] : [];
  const profile = options.profile === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`];
  const command = [process.execPath, ...profile, "--import", TETHER, PONDER, ...root, ...flags];
  const env = {
    ...process.env,
    ...options.env,
    [`PONDER_RPC_URL_${CHAIN_ID}`]: rpc.url,
    ...(rpc.wsUrl === null ? {} : { [`PONDER_WS_URL_${CHAIN_ID}`]: rpc.wsUrl }),
    DATABASE_URL: options.databaseUrl,
    PLUMBLINE_DEPLOYMENT: options.deploymentFile,
    PLUMBLINE_RULEBOOKS: join(PROJECT_DIR, "rulebooks"),
    PONDER_TELEMETRY_DISABLED: "1",
  };
  return { command, env, logFile: options.logFile };
}

/** Starts a process that ends when this one does. */
export function launch({ command, env, logFile }: Launch): Running {
  const log = openSync(logFile, "a");
  const [program, ...args] = command as [string, ...string[]];
  const started = performance.now();
  const child = spawn(program, args, { cwd: PROJECT_DIR, env, stdio: ["ignore", log, log, "pipe"], detached: true });
  closeSync(log);
  return {
    until: async (isDone, withinMs) => {
      for (;;) {
        if (await isDone()) break;
        const elapsed = performance.now() - started;
        if (hasEnded(child) || elapsed > withinMs) throw new ProviderError(lastWords(logFile, elapsed));
        await sleep(POLL_MS);
      }
      const wallSeconds = (performance.now() - started) / 1000;
      return { wallSeconds, ...usage(child.pid as number) };
    },
    stop: () => stop(child),
  };
}

/** Processor time and highest resident size of a live process, from /proc. */
function usage(pid: number): Omit<Cost, "wallSeconds"> {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const peakKb = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
  // The second field, the program's name, may hold spaces; what follows its closing bracket does not.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakMb: peakKb / 1024 };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** SIGINT: on SIGTERM Ponder would leave its schema locked. */
async function stop(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGINT");
  const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
  await gone;
  clearTimeout(deadline);
}

function lastWords(logFile: string, elapsedMs: number): string {
  const words = readFileSync(logFile, "utf8").slice(-3_000);
  return `After ${Math.round(elapsedMs / 1000)} s it had not finished. Its last words:\n${words}`;
}
