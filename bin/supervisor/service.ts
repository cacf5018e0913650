import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LogTail } from "./log-tail.ts";

const TETHER = fileURLToPath(new URL("./tether.mjs", import.meta.url));
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;
/** A process that lived this long counts as healthy again. */
const HEALTHY_MS = 60_000;
const QUICK_DEATHS_MAX = 8;
/** Exit code by which our own programs say that trying again cannot help. */
const EXIT_UNUSABLE = 2;

/** One process to keep alive. */
export type ServiceOptions = {
  /** As in messages: "indexer". */
  name: string;
  /** Arguments of `node`. */
  args: readonly string[];
  /** Environment on top of ours. */
  env: Readonly<Record<string, string>>;
  cwd: string;
  logFile: string;
  /** How long the process may take to stop by itself. */
  stopWithinMs: number;
  onLine: (line: string) => void;
  /** Told of deaths and restarts, one sentence each. */
  onNotice: (sentence: string) => void;
};

/** Why a service is over: we stopped it, it refused its input (exit code 2), or it kept dying. */
export type ServiceEnd = { kind: "stopped" } | { kind: "refused" | "gave-up"; sentence: string };

type Exit = { code: number | null; signal: NodeJS.Signals | null; livedMs: number };

/**
 * A process in a group of its own that is started again when it dies: after 1 s, 2 s, 4 s … at most 30 s, until it has
 * died eight times in a row within a minute of its start.
 *
 * Invariant: while `run` is pending at most one process of this service is alive, and after it none of its group is.
 */
export class Service {
  readonly #options: ServiceOptions;
  readonly #stop = new AbortController();
  #child: ChildProcess | null = null;
  #lastLine = "";

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Process id, or null between two lives. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Runs until stopped, refused or given up. */
  async run(): Promise<ServiceEnd> {
    for (let quickDeaths = 0; ; ) {
      const exit = await this.#live();
      if (this.#stop.signal.aborted) return { kind: "stopped" };
      const why = exit.signal === null ? `exit code ${exit.code}` : exit.signal;
      if (exit.code === EXIT_UNUSABLE) {
        return { kind: "refused", sentence: this.#lastLine || `The ${this.name} refused to start (${why}).` };
      }
      quickDeaths = exit.livedMs < HEALTHY_MS ? quickDeaths + 1 : 1;
      const log = `see ${this.#options.logFile}`;
      if (quickDeaths >= QUICK_DEATHS_MAX) {
        return { kind: "gave-up", sentence: `The ${this.name} died ${quickDeaths} times in a row (${why}): ${log}.` };
      }
      const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** (quickDeaths - 1), BACKOFF_MAX_MS);
      this.#options.onNotice(`The ${this.name} died (${why}); starting it again in ${waitMs / 1000} s; ${log}.`);
      await pause(waitMs, this.#stop.signal);
      if (this.#stop.signal.aborted) return { kind: "stopped" };
    }
  }

  /**
   * Ends the service: SIGINT, then SIGKILL for the whole group when the process takes too long. SIGINT for all of them,
   * because the indexer leaves its schema locked on SIGTERM.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGINT");
    const deadline = setTimeout(() => this.kill(), this.#options.stopWithinMs);
    await gone;
    clearTimeout(deadline);
  }

  /** Ends the process and everything it has started, at once. */
  kill(): void {
    this.#stop.abort();
    if (this.#child) killGroup(this.#child);
  }

  /** One life of the process. */
  async #live(): Promise<Exit> {
    const { args, env, cwd, logFile, onLine } = this.#options;
    const log = openSync(logFile, "a");
    const tail = new LogTail(logFile, (line) => {
      if (line !== "") this.#lastLine = line;
      onLine(line);
    });
    const startedAt = performance.now();
    const child = spawn(process.execPath, ["--import", TETHER, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", log, log, "pipe"],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
      child.once("exit", (...how) => resolve(how));
      child.once("error", () => resolve([null, null]));
    });
    // What the process had started must not outlive it: a new life would find their ports taken.
    killGroup(child);
    this.#child = null;
    tail.close();
    return { code, signal, livedMs: performance.now() - startedAt };
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
