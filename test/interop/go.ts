import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where Debian puts the sources of Go packages. */
const PACKAGES = "/usr/share/gocode";
const SOURCE = fileURLToPath(new URL("read-log", import.meta.url));

/** What the program says of a log, or why it does not accept it. */
export type Reading = { ok: true; size: number; older: number } | { ok: false; reason: string };

/** What is to be read, as the program's own options. */
export type Wanted = { log: string; key: string; older?: string; witness?: string };

/** Whether Go and its packages for logs are there; if not, that is printed: they are no part of what `npm ci` installs. */
export function isGoThere(): boolean {
  try {
    execFileSync("go", ["version"], { stdio: "ignore" });
  } catch {
    process.stderr.write("SKIPPED the log as Go reads it: there is no go on the path.\n");
    return false;
  }
  if (existsSync(join(PACKAGES, "src/golang.org/x/mod/sumdb/tlog"))) return true;
  process.stderr.write(`SKIPPED the log as Go reads it: golang.org/x/mod is not in ${PACKAGES}.\n`);
  return false;
}

/** Builds the program into a folder, from the packages that are there and without a network. @returns its path. */
export function buildReader(folder: string): string {
  const program = join(folder, "read-log");
  const env = { ...process.env, GO111MODULE: "off", GOPATH: PACKAGES, GOFLAGS: "", GOPROXY: "off" };
  const cache = process.env.HOME === undefined ? { GOCACHE: join(folder, "cache") } : {};
  execFileSync("go", ["build", "-o", program, "."], { cwd: SOURCE, env: { ...env, ...cache } });
  return program;
}

/** Runs the program. */
export async function readWithGo(program: string, wanted: Wanted): Promise<Reading> {
  const options = Object.entries(wanted).flatMap(([name, value]) => [`-${name}`, value]);
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "pipe"] });
  const [output, reason, code] = await Promise.all([
    gather(child.stdout),
    gather(child.stderr),
    new Promise<number | null>((resolve) => child.on("close", resolve)),
  ]);
  if (code !== 0) return { ok: false, reason: reason.trim() };
  return { ok: true, ...(JSON.parse(output) as { size: number; older: number }) };
}

async function gather(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}
