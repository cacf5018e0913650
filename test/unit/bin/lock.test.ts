import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock, RUN_VARIABLE, requireUnlocked } from "../../../bin/supervisor/lock.ts";
import { InputError } from "../../../src/core/errors.ts";
import { isAbsent } from "../../support/require.ts";

/** A process's start time, and leftovers by their environment, are what only /proc shows. */
const NO_PROC = isAbsent("locks of processes that are gone", existsSync("/proc/self/environ"), "there is no /proc");

let dataDir: string;
let child: ChildProcess | null = null;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "plumbline-lock-"));
});
afterEach(() => {
  child?.kill("SIGKILL");
  child = null;
  rmSync(dataDir, { recursive: true, force: true });
});

const abandon = (holder: object) => writeFileSync(join(dataDir, "plumbline.lock"), JSON.stringify(holder));

describe("acquireLock", () => {
  it("refuses a second holder, and admits one after the release", async () => {
    const lock = await acquireLock(dataDir);
    await expect(acquireLock(dataDir)).rejects.toThrow(InputError);
    expect(() => requireUnlocked(dataDir)).toThrow(`process ${process.pid}`);
    lock.release();
    expect(readdirSync(dataDir)).toEqual([]);
    (await acquireLock(dataDir)).release();
  });

  it("takes over from a process that is gone", async () => {
    abandon({ pid: 2 ** 22 + 1, born: null, run: "gone" });
    (await acquireLock(dataDir)).release();
  });

  it.skipIf(NO_PROC)("takes over where the process id belongs to a stranger now", async () => {
    abandon({ pid: process.pid, born: "1", run: "gone" });
    (await acquireLock(dataDir)).release();
  });

  it("takes over a file that was cut short", async () => {
    writeFileSync(join(dataDir, "plumbline.lock"), '{"pid":');
    await expect(acquireLock(dataDir)).resolves.toBeDefined();
  });

  it.skipIf(NO_PROC)("waits for a killed run's processes, which end by themselves", async () => {
    child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 600)"], {
      env: { ...process.env, [RUN_VARIABLE]: "left-over" },
    });
    await new Promise((resolve) => child?.once("spawn", resolve));
    const gone = new Promise((resolve) => child?.once("exit", resolve));
    abandon({ pid: 2 ** 22 + 1, born: null, run: "left-over" });
    (await acquireLock(dataDir)).release();
    await gone;
    expect(child.exitCode).toBe(0);
  });
});
