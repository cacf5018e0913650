import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";

const TETHER = join(import.meta.dirname, "../../../bin/supervisor/tether.mjs");

let child: ChildProcess | null = null;

afterEach(() => {
  if (child?.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
});

/** Starts a program as the supervisor does, and waits until it says that it runs. */
async function start(program: string): Promise<ChildProcess> {
  child = spawn(process.execPath, ["--import", TETHER, "--eval", program], {
    stdio: ["ignore", "pipe", "inherit", "pipe"],
    detached: true,
  });
  await once(child.stdout as Readable, "data");
  return child;
}

/** Lets go of the pipe, as the kernel does of a supervisor that was killed. @returns how the process ended. */
async function letGo(process: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  const ended = once(process, "exit");
  (process.stdio[3] as Writable).destroy();
  return (await ended) as [number | null, NodeJS.Signals | null];
}

describe("a process whose supervisor is gone", () => {
  test("is asked to end, and ends by itself", async () => {
    const program = 'process.on("SIGINT", () => process.exit(7)); setInterval(() => {}, 1_000); console.log("runs");';
    expect(await letGo(await start(program))).toEqual([7, null]);
  });

  test("is killed when its main thread never comes to its turn", async () => {
    const program = 'process.on("SIGINT", () => process.exit(7)); require("node:fs").writeSync(1, "runs"); for (;;);';
    expect(await letGo(await start(program))).toEqual([null, "SIGKILL"]);
  });

  test("is killed when it does not want to end", async () => {
    const program = 'process.on("SIGINT", () => {}); setInterval(() => {}, 1_000); console.log("runs");';
    expect(await letGo(await start(program))).toEqual([null, "SIGKILL"]);
  });
});

test("a process that has nothing left to do ends, although the supervisor is there", async () => {
  const process = await start('console.log("runs");');
  if (process.exitCode === null) await once(process, "exit");
  expect(process.exitCode).toBe(0);
});
