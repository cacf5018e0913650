import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRpc } from "../../devnet/rpc.ts";
import { takePort } from "../support/ports.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

type Run = { child: ChildProcess; out(): string; err(): string; urls: Promise<string[]>; code: Promise<number | null> };

let data: string;
let ports: [number, number];
const runs: Run[] = [];

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "plumbline-devnet-"));
  ports = [await takePort(), await takePort()];
});

afterEach(async () => {
  for (const { child, code } of runs.splice(0)) {
    child.kill("SIGTERM");
    await code;
  }
  rmSync(data, { recursive: true, force: true });
});

/** Runs the program as `npm run devnet` does. */
function devnet(...args: string[]): Run {
  const child = spawn(process.execPath, ["bin/run.mjs", "devnet/main.ts", "--data", data, "--history", "40", ...args], {
    cwd: ROOT,
    env: { ...process.env, PLUMBLINE_DEVNET_PORT_901: `${ports[0]}`, PLUMBLINE_DEVNET_PORT_902: `${ports[1]}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, err] = ["", ""];
  child.stderr?.on("data", (chunk) => {
    err += chunk;
  });
  const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const urls = new Promise<string[]>((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      out += chunk;
      const lines = out.split("\n").slice(0, -1);
      if (lines.length === 2) resolve(lines);
    });
    code.then((c) => reject(new Error(`exit ${c}: ${err}`)));
  });
  urls.catch(() => {});
  const run = { child, out: () => out, err: () => err, urls, code };
  runs.push(run);
  return run;
}

type State = { chains: Record<string, { height: number; hash: string }>; pids: number[] };

function state(): State {
  return JSON.parse(readFileSync(join(data, "devnet.json"), "utf8"));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function hashAt(url: string, height: number): Promise<string> {
  const block = await createRpc(url)("eth_getBlockByNumber", [`0x${height.toString(16)}`, false]);
  return (block as { hash: string }).hash;
}

describe("npm run devnet", () => {
  it("prints a URL a line, mines to its limit, and after kill -9 comes back with the same blocks", async () => {
    const first = devnet("--blocks", "7", "--block-time", "0.2");
    const urls = await first.urls;
    expect(urls).toEqual(ports.map((port) => `http://127.0.0.1:${port}`));
    await expect.poll(() => first.err()).toContain("Mining has stopped");
    const killed = state();
    first.child.kill("SIGKILL");
    await first.code;
    const heights = Object.values(killed.chains).map((chain) => chain.height);
    expect(killed.pids.every(isAlive)).toBe(true);

    const second = devnet("--blocks", "7");
    const again = await second.urls;
    expect(killed.pids.some(isAlive)).toBe(false);
    expect(second.err()).toMatch(/eip155:901: block \d+ came out again as 0x/);
    const hashes = Object.values(killed.chains).map((chain) => chain.hash);
    expect(await Promise.all(again.map((url, i) => hashAt(url, heights[i] as number)))).toEqual(hashes);

    const rival = devnet();
    expect(await rival.code).toBe(2);
    expect(rival.err()).toContain("is in use by another devnet");

    const nodes = state().pids;
    second.child.kill("SIGINT");
    expect(await second.code).toBe(0);
    expect(nodes.some(isAlive)).toBe(false);

    const forged = state();
    (forged.chains["901"] as { hash: string }).hash = `0x${"ab".repeat(32)}`;
    writeFileSync(join(data, "devnet.json"), JSON.stringify(forged));
    const third = devnet();
    expect(await third.code).toBe(2);
    expect(third.err()).toMatch(/eip155:901: block \d+ was 0xabab.* in the former run/);
    expect(third.out()).toBe("");
  });

  it("says in one sentence that a port is taken", async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(ports[1], "127.0.0.1", resolve));
    try {
      const run = devnet();
      expect(await run.code).toBe(2);
      expect(run.err()).toBe(
        `devnet: Port ${ports[1]} for chain eip155:902 is in use; stop what listens there, or set PLUMBLINE_DEVNET_PORT_902.\n`,
      );
    } finally {
      squatter.close();
    }
  });

  it.each([
    ["a state file that is none", "{}", [], "is not a devnet's state"],
    ["another seed than the folder's", null, ["--seed", "9"], "holds a devnet of seed 1"],
  ])("refuses %s", async (_name, text, args, sentence) => {
    const path = join(data, "devnet.json");
    const other = { version: 2, seed: 1, historyBlocks: 40, gate: null, chains: {}, owner: null, pids: [] };
    writeFileSync(path, text ?? JSON.stringify(other));
    const run = devnet(...args);
    expect(await run.code).toBe(2);
    expect(run.err()).toContain(sentence);
    expect(readFileSync(path, "utf8")).toBe(text ?? JSON.stringify(other));
  });
});
