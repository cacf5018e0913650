import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Health } from "../../server/http/health.ts";
import type { FeedPage } from "../../src/core/assessment.ts";
import { type Command, processesOn, runPlumbline } from "./plumbline.ts";
import { takePort } from "./ports.ts";
import { until } from "./world.ts";

/** A killed indexer's schema stays locked for up to 25 s; on a busy machine the next one takes long to start. */
const BACK_WITHIN_MS = 400_000;

/** How a process is known in the list of processes. */
const PROGRAMS = { indexer: "ponder.js", server: "server/main.ts", devnet: "devnet/main.ts" } as const;
export type Program = keyof typeof PROGRAMS;

/** `plumbline start` with a data directory and ports of its own, of which single processes can be killed. */
export type Killable = {
  data: string;
  /** Environment variables; what is added before `start` holds. */
  settings: Record<string, string>;
  serverUrl: string;
  start(): Command;
  /** Kills a process at once and waits until the supervisor has started it again. */
  kill(program: Program): Promise<void>;
  health(): Promise<Health | null>;
  /** Resolves once the server says so. @throws ProviderError when it does not in time. */
  untilHealth(check: (health: Health) => boolean, what: string): Promise<void>;
  /** Resolves with the highest block of each chain whose rows stand, or 0, once there is one; also while backfilling. */
  untilIndexed(chains: readonly string[]): Promise<number[]>;
  /** Stops what still runs and removes the data. */
  end(): Promise<void>;
};

/** @param evidence whether the server captures evidence, which takes a processor of its own. */
export async function prepareKillable({ evidence }: { evidence: boolean }): Promise<Killable> {
  const data = mkdtempSync(join(tmpdir(), "plumbline-killed-"));
  const names = ["PORT", "PLUMBLINE_INDEXER_PORT", "PLUMBLINE_DEVNET_PORT_901", "PLUMBLINE_DEVNET_PORT_902"];
  const ports = await Promise.all(names.map(async (name) => [name, String(await takePort())]));
  const settings: Record<string, string> = {
    ...{ PLUMBLINE_DATA: data, PLUMBLINE_DEVNET_HISTORY: "64", PLUMBLINE_EVIDENCE: evidence ? "on" : "off" },
    ...Object.fromEntries(ports),
  };
  const serverUrl = `http://127.0.0.1:${settings.PORT}`;
  let running: Command | null = null;
  const health = () => answer<Health>(`${serverUrl}/v1/health`);
  return {
    ...{ data, settings, serverUrl, health },
    start() {
      running = runPlumbline(["start"], settings);
      return running;
    },
    async kill(program) {
      const pid = pidOf(data, program);
      if (pid === null) throw new Error(`The ${program} does not run.`);
      process.kill(pid, "SIGKILL");
      await until(() => (pidOf(data, program) ?? pid) !== pid, `another ${program}`);
    },
    async untilHealth(check, what) {
      const holds = async () => {
        const now = await health();
        return now !== null && check(now);
      };
      await until(holds, what, BACK_WITHIN_MS);
    },
    async untilIndexed(chains) {
      let found: number[] = [];
      const some = async () => {
        found = await Promise.all(chains.map((chain) => indexedHead(settings, chain)));
        return found.some((head) => head > 0);
      };
      await until(some, "the first rows", BACK_WITHIN_MS);
      return found;
    },
    async end() {
      running?.child.kill("SIGINT");
      await running?.exited;
      rmSync(data, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function pidOf(data: string, program: Program): number | null {
  const own = processesOn(data).filter(({ command }) => command.includes(PROGRAMS[program]));
  return own[0]?.pid ?? null;
}

async function indexedHead(settings: Readonly<Record<string, string>>, chain: string): Promise<number> {
  const url = `http://127.0.0.1:${settings.PLUMBLINE_INDEXER_PORT}/feed?chain=${chain}&after=0&limit=1`;
  const page = await answer<FeedPage>(url);
  return Number(page?.head?.number ?? 0);
}

async function answer<T>(url: string): Promise<T | null> {
  return await fetch(url).then(
    (response) => (response.ok ? (response.json() as Promise<T>) : null),
    () => null,
  );
}
