import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Service, type ServiceOptions } from "../../../bin/supervisor/service.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const FOREVER = "setInterval(() => {}, 1000);";

let folder: string;
let service: Service | null = null;
let lines: string[];
let notices: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-service-"));
  lines = [];
  notices = [];
});
afterEach(async () => {
  await service?.stop();
  service = null;
  rmSync(folder, { recursive: true, force: true });
});

/** What a program may take to end is more than a busy machine needs, unless it is one that never ends. */
function serviceOf(script: string, { env = {}, stopWithinMs = 60_000 }: Partial<ServiceOptions> = {}): Service {
  writeFileSync(join(folder, "program.mjs"), script);
  service = new Service({
    name: "thing",
    args: [join(folder, "program.mjs")],
    env,
    cwd: folder,
    logFile: join(folder, "thing.log"),
    stopWithinMs,
    onLine: (line) => lines.push(line),
    onNotice: (sentence) => notices.push(sentence),
  });
  return service;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie has nobody left to reap it in a container without an init; it is as dead as can be.
    return !/\) Z /.test(existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "");
  } catch {
    return false;
  }
}

const until = (what: () => boolean) => vi.waitFor(() => expect(what()).toBe(true), { timeout: 60_000, interval: 20 });

describe("Service", () => {
  it("starts a process that died again, and passes its environment and output on", async () => {
    const running = serviceOf(`console.log(process.env.WORD); ${FOREVER}`, { env: { WORD: "hello" } }).run();
    await until(() => lines.length === 1);
    process.kill(service?.pid as number, "SIGKILL");
    await until(() => lines.length === 2);
    expect(lines).toEqual(["hello", "hello"]);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain("SIGKILL");
    await service?.stop();
    expect(await running).toEqual({ kind: "stopped" });
  });

  it("does not restart what refuses its input, and repeats its sentence", async () => {
    const end = await serviceOf('console.error("The port is taken."); process.exitCode = 2;').run();
    expect(end).toEqual({ kind: "refused", sentence: "The port is taken." });
    expect(notices).toEqual([]);
  });

  it("stops by SIGINT", async () => {
    const running = serviceOf(
      `process.on("SIGINT", () => { console.log("bye"); process.exit(0); }); console.log("up"); ${FOREVER}`,
    ).run();
    await until(() => lines.includes("up"));
    await service?.stop();
    await running;
    expect(lines).toEqual(["up", "bye"]);
  });

  it("kills a process that does not stop, and everything it has started", async () => {
    const script = `
      import { spawn } from "node:child_process";
      const child = spawn(process.execPath, ["-e", "process.on('SIGINT', () => {}); ${FOREVER}"]);
      process.on("SIGINT", () => {});
      console.log(child.pid);
      ${FOREVER}
    `;
    const running = serviceOf(script, { stopWithinMs: 500 }).run();
    await until(() => lines.length === 1);
    const [child, parent] = [Number(lines[0]), service?.pid as number];
    await service?.stop();
    await running;
    await until(() => !isAlive(child) && !isAlive(parent));
  });

  it("stops while it waits to start a dead process again", async () => {
    const running = serviceOf("process.exitCode = 1;").run();
    await until(() => notices.length === 1);
    await service?.stop();
    expect(await running).toEqual({ kind: "stopped" });
  });

  it("ends its process by SIGINT when the supervisor is killed", async () => {
    writeFileSync(
      join(folder, "program.mjs"),
      `process.on("SIGINT", () => { console.log("bye"); process.exit(0); }); console.log(process.pid); ${FOREVER}`,
    );
    const options = {
      name: "thing",
      args: [join(folder, "program.mjs")],
      env: {},
      cwd: folder,
      logFile: join(folder, "thing.log"),
      stopWithinMs: 500,
    };
    const script = `
      import { Service } from ${JSON.stringify(join(PROJECT, "bin/supervisor/service.ts"))};
      await new Service({ ...${JSON.stringify(options)}, onLine: (line) => console.log(line), onNotice() {} }).run();
    `;
    writeFileSync(join(folder, "supervisor.mts"), script);
    const supervisor: ChildProcess = spawn(process.execPath, [
      join(PROJECT, "bin/run.mjs"),
      join(folder, "supervisor.mts"),
    ]);
    let output = "";
    supervisor.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    await until(() => output.includes("\n"));
    const pid = Number(output);
    expect(isAlive(pid)).toBe(true);
    supervisor.kill("SIGKILL");
    await until(() => !isAlive(pid));
    expect(readFileSync(options.logFile, "utf8")).toBe(`${pid}\nbye\n`);
  });
});
