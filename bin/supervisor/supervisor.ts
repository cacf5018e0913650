import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../src/core/errors.ts";
import { acquireLock, RUN_VARIABLE } from "./lock.ts";
import { type Plan, PROJECT_DIR, requireFreePorts } from "./plan.ts";
import { Service, type ServiceEnd, type ServiceOptions } from "./service.ts";
import { StatusBoard } from "./status.ts";

const PGLITE_GUARD = new URL("./pglite-guard.mjs", import.meta.url).href;

/** npm hands a terminal's Ctrl-C on to us once more, a moment after we got it ourselves. */
const ECHO_MS = 1_000;

const STOP_WITHIN_MS = { server: 10_000, indexer: 10_000, devnet: 10_000 };

/** Where a sentence for the operator goes. */
export type Say = (line: string) => void;

/**
 * Runs devnet, indexer and server until a signal or until one of them cannot be kept alive.
 * @returns the exit code: 0 after a signal, 1 when a process kept dying.
 * @throws InputError when the data directory or a port is taken, or a process refuses what it was given.
 */
export async function supervise(plan: Plan, say: Say): Promise<number> {
  const lock = await acquireLock(plan.dataDir);
  try {
    await requireFreePorts(plan);
    return await new Supervisor(plan, lock.run, say).run();
  } finally {
    lock.release();
  }
}

class Supervisor {
  readonly #plan: Plan;
  readonly #run: string;
  readonly #say: Say;
  /** In starting order. */
  readonly #services: Service[] = [];
  readonly #ends: Promise<ServiceEnd>[] = [];
  #stopping = false;

  constructor(plan: Plan, run: string, say: Say) {
    this.#plan = plan;
    this.#run = run;
    this.#say = say;
  }

  async run(): Promise<number> {
    mkdirSync(join(this.#plan.dataDir, "logs"), { recursive: true });
    const signalled = this.#awaitSignal();
    const board = new StatusBoard(this.#plan, this.#say);
    const failed = this.#startAll(board);
    const end = await Promise.race([signalled, failed]);
    board.stop();
    await this.#stopAll();
    if (end === null) return 0;
    if (end.kind === "refused") throw new InputError(end.sentence);
    this.#say(end.sentence);
    return 1;
  }

  /** Starts all in order; resolves when one of them is over although nobody stopped it. */
  async #startAll(board: StatusBoard): Promise<Exclude<ServiceEnd, { kind: "stopped" }>> {
    if (this.#plan.devnetPorts !== null) {
      let announced = 0;
      const chains = this.#plan.devnetPorts.size;
      const ready = new Promise<void>((resolve) => {
        this.#start(devnetService(this.#plan), (line) => {
          if (announced >= chains) return;
          if (/^http:\/\//.test(line)) announced += 1;
          else if (line !== "" && !this.#plan.verbose) this.#say(`devnet    ${line.replace(/^devnet: /, "")}`);
          if (announced >= chains) resolve();
        });
      });
      const early = await Promise.race([ready, this.#firstFailure()]);
      if (early) return early;
    }
    if (!this.#stopping) {
      this.#start(indexerService(this.#plan));
      this.#start(serverService(this.#plan));
      board.start();
    }
    return this.#firstFailure();
  }

  #start(own: Own, onLine: (line: string) => void = () => {}): void {
    if (this.#stopping) return;
    const logFile = join(this.#plan.dataDir, "logs", `${own.name}.log`);
    if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
    const service = new Service({
      ...own,
      env: { ...commonEnvironment(this.#plan), ...own.env, [RUN_VARIABLE]: this.#run },
      cwd: PROJECT_DIR,
      logFile,
      onNotice: this.#say,
      onLine: (line) => {
        onLine(line);
        if (this.#plan.verbose) this.#say(`${own.name.padEnd(9)} ${line}`);
      },
    });
    this.#services.push(service);
    this.#ends.push(service.run());
  }

  async #firstFailure(): Promise<Exclude<ServiceEnd, { kind: "stopped" }>> {
    return Promise.race(
      this.#ends.map(async (pending) => {
        const end = await pending;
        return end.kind === "stopped" ? new Promise<never>(() => {}) : end;
      }),
    );
  }

  /** Resolves with null at the first signal. A later one, if it is no echo, ends everything at once. */
  async #awaitSignal(): Promise<null> {
    return new Promise((resolve) => {
      let first: number | null = null;
      const onSignal = () => {
        if (first === null) {
          first = performance.now();
          this.#say("Stopping; once more to hurry.");
          resolve(null);
        } else if (performance.now() - first > ECHO_MS) {
          for (const service of this.#services) service.kill();
        }
      };
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
    });
  }

  /** The reverse of the starting order: nobody loses what it reads from before it has stopped itself. */
  async #stopAll(): Promise<void> {
    this.#stopping = true;
    for (const service of [...this.#services].reverse()) await service.stop();
    await Promise.all(this.#ends);
  }
}

type Own = Pick<ServiceOptions, "name" | "args" | "env" | "stopWithinMs">;

function devnetService(plan: Plan): Own {
  const ports = [...(plan.devnetPorts ?? [])];
  return {
    name: "devnet",
    args: ["bin/run.mjs", "devnet/main.ts", "--data", plan.dataDir],
    env: Object.fromEntries(ports.map(([chainId, port]) => [`PLUMBLINE_DEVNET_PORT_${chainId}`, String(port)])),
    stopWithinMs: STOP_WITHIN_MS.devnet,
  };
}

function indexerService(plan: Plan): Own {
  return {
    name: "indexer",
    args: [
      ...["--import", PGLITE_GUARD],
      ...["node_modules/ponder/dist/esm/bin/ponder.js", "start", "--schema", plan.schema],
      ...["--hostname", "127.0.0.1"],
    ],
    // Ponder prefers PORT to its own --port, and PORT is the server's in our environment.
    env: { PORT: String(plan.indexerPort), PONDER_TELEMETRY_DISABLED: "1" },
    stopWithinMs: STOP_WITHIN_MS.indexer,
  };
}

function serverService(plan: Plan): Own {
  return {
    name: "server",
    args: ["bin/run.mjs", "server/main.ts", ...plan.serverArgs],
    env: { PORT: String(plan.port), PLUMBLINE_INDEXER_URL: `http://127.0.0.1:${plan.indexerPort}` },
    stopWithinMs: STOP_WITHIN_MS.server,
  };
}

function commonEnvironment(plan: Plan): Record<string, string> {
  return {
    PLUMBLINE_DATA: plan.dataDir,
    PLUMBLINE_DEPLOYMENT: plan.deploymentFile,
    PLUMBLINE_RULEBOOKS: plan.rulebooksDir,
    ...Object.fromEntries([...plan.nodeUrls].map(([chainId, url]) => [`PONDER_RPC_URL_${chainId}`, url])),
  };
}
