import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";
import { InputError } from "../../src/core/errors.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import { newest } from "../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { acquireLock, RUN_VARIABLE } from "./lock.ts";
import { type Plan, PROJECT_DIR, requireFreePorts, withSchedule } from "./plan.ts";
import { keepVersions, nextVersion, planVersions, versionText } from "./rulebook-versions.ts";
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
    // Planned once more: a server left over from a killed run has followed on until the lock was ours.
    const settled = withSchedule(plan, planVersions(plan));
    keepVersions(settled.dataDir, settled.schedule);
    return await new Supervisor(settled, lock.run, say).run();
  } finally {
    lock.release();
  }
}

type Failure = Exclude<ServiceEnd, { kind: "stopped" }>;

class Supervisor {
  #plan: Plan;
  readonly #run: string;
  readonly #say: Say;
  /** In starting order. */
  #services: Service[] = [];
  readonly #ends: Promise<ServiceEnd>[] = [];
  /** Settles with the first process that is over although nobody stopped it. */
  readonly #failure: Promise<Failure>;
  #fail: (end: Failure) => void = () => {};
  /** Changes of the rulebook, one after another. */
  #changes: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(plan: Plan, run: string, say: Say) {
    this.#plan = plan;
    this.#run = run;
    this.#say = say;
    this.#failure = new Promise((resolve) => {
      this.#fail = resolve;
    });
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
  async #startAll(board: StatusBoard): Promise<Failure> {
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
      const early = await Promise.race([ready, this.#failure]);
      if (early) return early;
    }
    if (!this.#stopping) {
      this.#say(`rulebook  ${versionText(this.#plan.schedule)}`);
      this.#start(indexerService(this.#plan));
      this.#start(serverService(this.#plan));
      board.start();
    }
    return this.#failure;
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
    const end = service.run();
    this.#ends.push(end);
    void end.then((how) => {
      if (how.kind !== "stopped") this.#fail(how);
    });
  }

  /**
   * Reads the rulebook folder again. One that cannot be used changes nothing, not even for a moment; another one becomes a
   * new version, and indexer and server are started again with it.
   */
  async #changeRulebook(): Promise<void> {
    let rulebook: Rulebook;
    try {
      rulebook = readRulebooks(this.#plan.rulebooksDir);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.#say(`rulebook  refused, the running version stays: ${error.message}`);
      return;
    }
    if (newest(this.#plan.schedule).hash === rulebook.hash) {
      this.#say("rulebook  unchanged");
      return;
    }
    // Before there are chains nothing follows them, and what is started later takes the plan as it is by then.
    if (!this.#services.some(({ name }) => name === "server")) return this.#addVersion(rulebook);
    // The server first, so that what it has followed stands still while the blocks of the new version are chosen.
    await this.#stopOne("server");
    await this.#stopOne("indexer");
    if (this.#stopping) return;
    this.#addVersion(rulebook);
    this.#start(indexerService(this.#plan));
    this.#start(serverService(this.#plan));
  }

  /** To be called while no server runs. */
  #addVersion(rulebook: Rulebook): void {
    try {
      const { schedule, dataDir, deployment } = this.#plan;
      const next = nextVersion(schedule, { rulebook, dataDir, deployment });
      keepVersions(dataDir, next);
      this.#plan = withSchedule(this.#plan, next);
      this.#say(`rulebook  ${versionText(next)}`);
    } catch (error) {
      this.#say(`rulebook  not changed, the running version stays: ${(error as Error).message}`);
    }
  }

  async #stopOne(name: string): Promise<void> {
    const service = this.#services.find((one) => one.name === name);
    await service?.stop();
    this.#services = this.#services.filter((one) => one !== service);
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
      process.on("SIGINT", onSignal);
      process.on("SIGTERM", onSignal);
      const terminals = [0, 1].filter((fd) => isatty(fd));
      process.on("SIGHUP", () => {
        // A terminal that has been closed is one no more.
        if (terminals.some((fd) => !isatty(fd))) onSignal();
        else if (first === null) this.#changes = this.#changes.then(() => this.#changeRulebook());
      });
    });
  }

  /** The reverse of the starting order: nobody loses what it reads from before it has stopped itself. */
  async #stopAll(): Promise<void> {
    this.#stopping = true;
    await this.#changes;
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
    args: ["bin/run.mjs", "server/main.ts", "--rulebooks", plan.versionsFile, ...plan.serverArgs],
    env: {
      ...{ PORT: String(plan.port), PLUMBLINE_INDEXER_URL: `http://127.0.0.1:${plan.indexerPort}` },
      ...plan.anchorSettings,
    },
    stopWithinMs: STOP_WITHIN_MS.server,
  };
}

function commonEnvironment(plan: Plan): Record<string, string> {
  return {
    PLUMBLINE_DATA: plan.dataDir,
    PLUMBLINE_DEPLOYMENT: plan.deploymentFile,
    PLUMBLINE_RULEBOOKS: plan.versionsFile,
    ...Object.fromEntries([...plan.nodeUrls].map(([chainId, url]) => [`PONDER_RPC_URL_${chainId}`, url])),
  };
}
