import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ProviderError } from "../../src/core/errors.ts";

const COMMAND = fileURLToPath(new URL("../../bin/plumbline.mjs", import.meta.url));

/** Settings of the machine the tests run on must not reach the command. */
const OWN_VARIABLES = /^(PLUMBLINE_|PONDER_|DATABASE_|PORT$|HOST$)/;

/** A run of the `plumbline` command. `exited` gives its exit code. */
export type Command = {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  exited: Promise<number | null>;
  /** Resolves once stdout holds `text`. @throws ProviderError when the command ends before, or takes longer. */
  untilPrinted(text: string, withinMs: number): Promise<void>;
};

/** Runs `plumbline` with these arguments and exactly these of its settings. */
export function runPlumbline(args: readonly string[], settings: Readonly<Record<string, string>>): Command {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.test(name)));
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { ...inherited, ...settings }, stdio: "pipe" });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.on("data", (chunk: Buffer) => {
      output[stream] += chunk.toString();
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const untilPrinted = async (text: string, withinMs: number) => {
    const until = performance.now() + withinMs;
    while (!output.stdout.includes(text)) {
      if (child.exitCode !== null || performance.now() > until) {
        throw new ProviderError(`"${text}" was not printed, but:\n${output.stdout}${output.stderr}`);
      }
      await sleep(100);
    }
  };
  return { child, stdout: () => output.stdout, stderr: () => output.stderr, exited, untilPrinted };
}

/** A process as the kernel lists it. */
export type Listed = { pid: number; command: string };

/** Processes that were started for a data directory and still run, their own children included. Needs /proc. */
export function processesOn(dataDir: string): Listed[] {
  const entry = `PLUMBLINE_DATA=${dataDir}`;
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(join("/proc", pid, "environ"), "utf8").split("\0");
        if (!environment.includes(entry)) return [];
        return [
          { pid: Number(pid), command: readFileSync(join("/proc", pid, "cmdline"), "utf8").replaceAll("\0", " ") },
        ];
      } catch {
        return [];
      }
    });
}
