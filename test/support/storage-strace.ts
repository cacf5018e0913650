/** Runs programs under strace: which storage calls they make, and one of them failing. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Calls that read, write or name files. Those that a machine does not have are left out. */
const NAMES = [
  ...["openat", "read", "pread64", "write", "pwrite64", "writev", "pwritev", "fsync", "fdatasync", "ftruncate"],
  ...["fallocate", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "mkdir", "chmod"],
  ...["fchmod", "close"],
];

/** A storage call of a process: the `ordinal`th of its name on files of the folder, counted from 1. */
export type StorageCall = { name: string; ordinal: number; file: string };

/** What becomes of a call: it fails with an error, from then on fails always, or the process is killed at it. */
export type Fault = "EIO" | "ENOSPC" | "ENOSPC for good" | "SIGKILL";

const INJECTED: Record<Fault, (ordinal: number) => string> = {
  EIO: (ordinal) => `error=EIO:when=${ordinal}`,
  ENOSPC: (ordinal) => `error=ENOSPC:when=${ordinal}`,
  "ENOSPC for good": (ordinal) => `error=ENOSPC:when=${ordinal}+`,
  SIGKILL: (ordinal) => `signal=SIGKILL:when=${ordinal}`,
};

/** A program, its arguments, the folder whose files count, and the call that does not go well. */
export type Traced = {
  command: readonly string[];
  env: NodeJS.ProcessEnv;
  folder: string;
  /** `files` are all that the program touches in the folder: no other calls are counted. */
  fault?: { call: StorageCall; fault: Fault; files: readonly string[] };
};

/**
 * What came of it. `files` are all that were touched in the folder; `calls` those on them, in order: without a fault those
 * after the program said that it begins, and with a fault all.
 */
export type Outcome = {
  files: string[];
  calls: StorageCall[];
  stdout: string;
  stderr: string;
  code: number | null;
  signal: string | null;
};

/** Whether strace is there and may trace and tamper; if not, that is printed: it is no part of what `npm ci` installs. */
export function isStraceThere(): boolean {
  try {
    execFileSync("strace", ["-f", "--seccomp-bpf", "-e", "trace=openat", "-e", "inject=fsync:error=EIO", "true"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    process.stderr.write("SKIPPED storage that fails: strace cannot be run, or may not trace here.\n");
    return false;
  }
}

/** Runs a program under strace until it ends. */
export async function runTraced({ command, env, folder, fault }: Traced): Promise<Outcome> {
  const scratch = mkdtempSync(join(tmpdir(), "plumbline-strace-"));
  try {
    const trace = join(scratch, "trace");
    const injected =
      fault === undefined ? [] : ["-e", `inject=${fault.call.name}:${INJECTED[fault.fault](fault.call.ordinal)}`];
    const which = `trace=${NAMES.map((name) => `?${name}`).join(",")}`;
    // A filter in the kernel stops the program at these calls alone; but where it stops it no signal can be sent.
    const filter = fault?.fault === "SIGKILL" ? [] : ["--seccomp-bpf"];
    // Only what is on these counts: elsewhere Node.js makes a call more or less as it comes.
    const only = fault?.files.flatMap((file) => ["-P", join(folder, file)]) ?? [];
    const options = ["-f", ...filter, "-y", "-qq", "-o", trace, "-e", "signal=none", "-e", which, ...only, ...injected];
    const child = spawn("strace", [...options, ...command], { env, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString();
    }) as [() => string, () => string];
    const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (...end) => resolve(end));
    });
    const storage = storageIn(readFileSync(trace, "utf8"), { folder, isWhole: fault === undefined });
    return { ...storage, stdout: stdout(), stderr: stderr(), code, signal };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Only calls of the thread that seals are counted, as strace does: by thread. */
function storageIn(trace: string, { folder, isWhole }: { folder: string; isWhole: boolean }) {
  const lines = trace.split("\n").flatMap((text) => {
    const [, thread, name] = /^(\d+) +(\w+)\(/.exec(text) ?? [];
    return thread === undefined || name === undefined ? [] : [{ thread, name, text }];
  });
  const begin = isWhole ? lines.findIndex(({ name, text }) => name === "write" && text.includes('"begins\\n"')) : 0;
  const thread = lines[begin]?.thread;
  const counts = new Map<string, number>();
  const all = lines.flatMap(({ name, text, ...line }, i) => {
    const at = text.indexOf(`${folder}/`);
    if (line.thread !== thread || at === -1) return [];
    const file = /^[^>"]*/.exec(text.slice(at + folder.length + 1))?.[0] as string;
    const ordinal = (counts.get(name) ?? 0) + 1;
    counts.set(name, ordinal);
    return [{ i, call: { name, ordinal, file } }];
  });
  return {
    files: [...new Set(all.map(({ call }) => call.file))],
    calls: all.filter(({ i }) => i >= begin).map(({ call }) => call),
  };
}
