import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "../../src/core/errors.ts";

/** Names a run in the environment of every process it starts, so that leftovers can be told from strangers. */
export const RUN_VARIABLE = "PLUMBLINE_RUN";

/** Longer than a tethered process takes to stop by itself. */
const LEFTOVERS_GONE_WITHIN_MS = 10_000;

/** Who holds a data directory. `born` is the kernel's start time of the process, null where there is no /proc. */
type Holder = { pid: number; born: string | null; run: string };

/** The process that runs on a data directory; null when none does. */
export function holderOf(dataDir: string): number | null {
  const holder = readHolder(dataDir);
  return holder !== null && isAlive(holder) ? holder.pid : null;
}

/** A held data directory. */
export type Lock = { run: string; release(): void };

/** @throws InputError when a live supervisor holds the data directory. Writes nothing. */
export function requireUnlocked(dataDir: string): void {
  const holder = readHolder(dataDir);
  if (holder && isAlive(holder)) {
    throw new InputError(`Plumbline is already running on ${dataDir} (process ${holder.pid}); stop it first.`);
  }
}

/** Whether a killed run has left its lock, and so perhaps processes of its own that hold the ports. */
export function isAbandoned(dataDir: string): boolean {
  return readHolder(dataDir) !== null;
}

/**
 * Takes the data directory for this process. What a killed supervisor has left running is ended first: it is known by
 * the run's name in its environment.
 * @throws InputError when a live supervisor holds it.
 */
export async function acquireLock(dataDir: string): Promise<Lock> {
  requireUnlocked(dataDir);
  const former = readHolder(dataDir);
  if (former) await endLeftovers(former.run);
  // Another start may have been waiting for the same leftovers.
  requireUnlocked(dataDir);
  mkdirSync(dataDir, { recursive: true });
  const path = lockPath(dataDir);
  const holder: Holder = { pid: process.pid, born: bornOf(process.pid), run: randomBytes(8).toString("hex") };
  const draft = `${path}.${holder.run}`;
  rmSync(path, { force: true });
  // Linked, not written in place: nobody may read half a lock and take it for an abandoned one.
  writeFileSync(draft, JSON.stringify(holder), { flag: "wx", flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new InputError(`Plumbline is just being started on ${dataDir} by another process.`);
  } finally {
    rmSync(draft);
  }
  return { run: holder.run, release: () => rmSync(path, { force: true }) };
}

function lockPath(dataDir: string): string {
  return join(dataDir, "plumbline.lock");
}

/** A file that a crash has cut short names nobody. */
function readHolder(dataDir: string): Holder | null {
  try {
    return JSON.parse(readFileSync(lockPath(dataDir), "utf8")) as Holder;
  } catch {
    return null;
  }
}

/** A process id may have been given to a stranger since; its start time tells. */
function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return holder.born === null || bornOf(holder.pid) === holder.born;
}

/** Field 22 of /proc/<pid>/stat. The name before it may hold spaces and brackets, so count from the last one. */
function bornOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

async function endLeftovers(run: string): Promise<void> {
  const until = performance.now() + LEFTOVERS_GONE_WITHIN_MS;
  while (leftoversOf(run).length > 0 && performance.now() < until) await sleep(100);
  for (const pid of leftoversOf(run)) process.kill(pid, "SIGKILL");
}

/** Processes of a run. Empty where there is no /proc: then the tether alone has to do. */
function leftoversOf(run: string): number[] {
  const entry = `${RUN_VARIABLE}=${run}`;
  return listProcesses().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry);
    } catch {
      return false;
    }
  });
}

function listProcesses(): number[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
