import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexToBytes } from "@noble/hashes/utils.js";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { check } from "../../bin/commands/fsck.ts";
import { type MonitorFlags, monitorCommand, watch } from "../../bin/commands/monitor.ts";
import { ensureSigningSeed } from "../../server/auth/keys.ts";
import { createApp } from "../../server/http/app.ts";
import { addLog } from "../../server/http/log.ts";
import { serve } from "../../server/http/serve.ts";
import { factEntry } from "../../server/ledger/entry.ts";
import { openLedger } from "../../server/ledger/ledger.ts";
import type { RunningServer } from "../../server/server.ts";
import { openStore } from "../../server/store/database.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { verifyEvidence } from "../../src/core/log/fault.ts";
import { signerOf } from "../../src/core/proof/note.ts";
import { keepPrinted, type Printed } from "../support/printed.ts";
import { createWorld, tellLongStory, until, type World } from "./support/world.ts";

let world: World;
let server: RunningServer;
let folder: string;
/** What stands between the monitor and the log: where it leads, and files it changes on their way. */
let target: string;
let changes: Map<string, (bytes: Buffer) => Buffer | null>;
let proxy: Server;
let url: string;
let printed: Printed;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-monitor-"));
  world = await createWorld();
  tellLongStory(world, 100);
  server = await world.start();
  target = server.url;
  changes = new Map();
  proxy = createServer(async (request, response) => {
    const answer = await fetch(`${target}${request.url}`, { headers: { connection: "close" } }).catch(() => null);
    if (answer === null) return void response.writeHead(502).end();
    const bytes = Buffer.from(await answer.arrayBuffer());
    const path = (request.url ?? "").replace(/^\/log\//, "");
    const [, change] = [...changes].find(([prefix]) => path.startsWith(prefix)) ?? [];
    const changed = change === undefined ? bytes : change(bytes);
    if (changed === null) response.writeHead(404).end();
    else response.writeHead(answer.status).end(changed);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/log`;
  printed = keepPrinted();
  await seal(20);
});

afterEach(async () => {
  vi.restoreAllMocks();
  for (const end of ends.splice(0)) await end();
  proxy.closeAllConnections();
  await new Promise((resolve) => proxy.close(resolve));
  await world.end();
  rmSync(folder, { recursive: true });
});

async function seal(upTo: number): Promise<void> {
  for (const chain of world.chains) chain.finalized = upTo;
  const sealed = async () => {
    const health = (await (await fetch(`${server.url}/v1/health`)).json()) as { chains: { sealed: string | null }[] };
    return health.chains.every((chain) => Number(chain.sealed) === upTo);
  };
  await until(sealed, `${upTo} sealed blocks`);
}

const state = () => join(folder, "state.json");
const evidence = () => join(folder, "state.evidence.json");
const key = () => signerOf(world.options.origin, hexToBytes(ensureSigningSeed(world.dataDir))).verifierKey;
const look = (flags: Partial<MonitorFlags> = {}) =>
  watch(url, { every: "1", once: true, state: state(), logKey: [key()], ...flags }, new AbortController().signal);
const kept = () => JSON.parse(readFileSync(state(), "utf8")) as { note: string; logKeys: string[] };
const keptSize = () => Number(kept().note.split("\n")[1]);

/** A copy of the log as it is now, in a folder of its own. */
function copyOfLog(): string {
  const dataDir = join(folder, "copy");
  const db = new Database(join(world.dataDir, "server", "ledger.sqlite"), { readonly: true });
  cpSync(join(world.dataDir, "server", "signing.key"), join(dataDir, "server", "signing.key"), { recursive: true });
  db.exec(`VACUUM INTO '${join(dataDir, "server", "ledger.sqlite")}'`);
  db.close();
  return dataDir;
}

/** Serves a copy of the log under its own key, after other entries up to a size. */
async function serveCopy(dataDir: string, upTo: number): Promise<void> {
  const store = openStore(dataDir);
  const ledger = openLedger(store, { signer: signerOf(world.options.origin, hexToBytes(ensureSigningSeed(dataDir))) });
  const entries = Array.from({ length: Math.max(0, upTo - ledger.tree.size) }, (_, i) =>
    factEntry(`${i}`.padStart(64, "f")),
  );
  store.transaction(() => ledger.append(entries));
  ledger.publish();
  const limiter = { consume: async () => {}, get: async () => null };
  const app = createApp({
    roleOf: () => ({ scope: [] }) as never,
    limiters: { requests: limiter as never, wrongKeys: limiter as never },
    onError: () => {},
  });
  addLog(app, ledger);
  const listening = await serve(app, { host: "127.0.0.1", port: 0 });
  ends.push(async () => {
    await listening.stop();
    store.close();
  });
  target = listening.url;
}

const sizeOf = async () => Number((await (await fetch(`${server.url}/log/checkpoint`)).text()).split("\n")[1]);

function judged() {
  return verifyEvidence(readFileSync(evidence()), { logKeys: [key()], timeKeys: [] });
}

async function checkEvidence(...args: string[]): Promise<number> {
  process.exitCode = undefined;
  await monitorCommand().parseAsync(["node", "monitor", "--check-evidence", ...args]);
  const code = process.exitCode;
  process.exitCode = undefined;
  return Number(code);
}

describe("a monitor of a running server", () => {
  test("follows it over seals and from one run to the next, and stops when it is told to", async () => {
    expect(await look()).toBe(0);
    const first = await sizeOf();
    expect(printed.out).toContain(`${first} leaves`);
    const stop = new AbortController();
    const watching = watch(url, { every: "1", state: state(), logKey: [key()] }, stop.signal);
    for (const upTo of [40, 60]) {
      await seal(upTo);
      const size = await sizeOf();
      await until(() => printed.out.includes(`${size} leaves`), `a line of ${size} leaves`);
    }
    stop.abort();
    expect(await watching).toBe(0);
    await seal(100);
    expect(await look()).toBe(0);
    expect(await look({ full: true })).toBe(0);
    expect(keptSize()).toBe(await sizeOf());
    expect(readdirSync(folder)).toEqual(["state.json"]);
    expect(printed.err).toBe("");
  });

  test("without a key believes the served one, says so, and stays with it", async () => {
    expect(await look({ logKey: [] })).toBe(0);
    expect(printed.err).toContain("no --log-key");
    expect(kept().logKeys).toEqual([key()]);
    printed.err = "";
    changes.set("key", () => Buffer.from(`${signerOf("other", new Uint8Array(32)).verifierKey}\n`));
    expect(await look({ logKey: [] })).toBe(0);
    expect(printed.err).toBe("");
  });

  test("refuses a log of another key, and a state of another log", async () => {
    const other = signerOf(world.options.origin, new Uint8Array(32)).verifierKey;
    await expect(look({ logKey: [other] })).rejects.toThrow(InputError);
    await look();
    await expect(look({ logKey: [other] })).rejects.toThrow(InputError);
    writeFileSync(state(), JSON.stringify({ ...kept(), log: "http://elsewhere/log" }));
    await expect(look()).rejects.toThrow(InputError);
    writeFileSync(state(), "{");
    await expect(look()).rejects.toThrow(InputError);
  });

  test("warns of a log that does not answer and tries again", async () => {
    changes.set("checkpoint", () => null);
    await expect(look()).rejects.toThrow(ProviderError);
    const stop = new AbortController();
    const watching = watch(url, { every: "1", state: state(), logKey: [key()] }, stop.signal);
    await until(() => printed.err.includes("Trying again in 1 s"), "a warning");
    changes.clear();
    await until(() => printed.out.includes("leaves"), "a head");
    stop.abort();
    expect(await watching).toBe(0);
  });
});

describe("within one look a monitor finds", () => {
  test("another tree of the same size, and its evidence stands on its own", async () => {
    const copy = copyOfLog();
    await seal(60);
    expect(await look()).toBe(0);
    await serveCopy(copy, keptSize());
    expect(await look()).toBe(1);
    expect(judged()).toMatchObject({ status: "proven", finding: "equivocation" });
    expect(await checkEvidence(evidence())).toBe(0);
    expect(await checkEvidence(evidence(), "--log-key", key())).toBe(0);
    const other = signerOf(world.options.origin, new Uint8Array(32)).verifierKey;
    expect(await checkEvidence(evidence(), "--log-key", other)).toBe(1);
    await expect(checkEvidence(state())).rejects.toThrow(InputError);
    // The last good head stays what it was, and the same evidence is found again.
    expect(await look()).toBe(1);
    expect(readdirSync(folder).filter((name) => name.includes("evidence"))).toHaveLength(1);
  });

  test("a longer log that does not begin with what was seen", async () => {
    const copy = copyOfLog();
    await seal(60);
    expect(await look()).toBe(0);
    await serveCopy(copy, keptSize() + 30);
    expect(await look()).toBe(1);
    expect(judged()).toMatchObject({ status: "proven", finding: "inconsistent" });
    expect(await checkEvidence(evidence())).toBe(0);
  });

  test("a log that was restored from an older backup", async () => {
    const copy = copyOfLog();
    await seal(60);
    expect(await look()).toBe(0);
    await serveCopy(copy, 0);
    expect(await look()).toBe(1);
    expect(judged()).toMatchObject({ status: "reported", finding: "rollback" });
    expect(await checkEvidence(evidence())).toBe(1);
  });

  test.each(["tile/0/000", "tile/entries/000"])(
    "%s cut short or gone, be the log longer than before or not",
    async (tile) => {
      const cut = (bytes: Buffer) => bytes.subarray(0, -7);
      changes.set(tile, cut);
      expect(await look()).toBe(1);
      expect(judged()).toMatchObject({ status: "reported", finding: "unserved" });
      expect(printed.out).toContain(tile);
      rmSync(evidence());
      changes.clear();
      expect(await look()).toBe(0);
      changes.set(tile, cut);
      expect(await look()).toBe(1);
      rmSync(evidence());
      changes.set(tile, () => null);
      expect(await look({ full: true })).toBe(1);
      rmSync(evidence());
      changes.clear();
      await seal(24);
      changes.set(tile.replace("000", "00"), cut);
      expect(await look()).toBe(1);
      expect(judged()).toMatchObject({ status: "reported", finding: "unserved" });
    },
  );
});

test("a monitor finds growth that tiles do not show, and leaves alone a file that is right the second time", async () => {
  expect(await look()).toBe(0);
  await seal(60);
  const flip = (bytes: Buffer) => Buffer.from(bytes.with(5, (bytes[5] as number) ^ 1));
  changes.set("tile/0/000", flip);
  expect(await look()).toBe(1);
  expect(judged()).toMatchObject({ status: "reported", finding: "unproven" });
  rmSync(evidence());
  changes.set("tile/0/000", (bytes) => {
    changes.clear();
    return flip(bytes);
  });
  expect(await look()).toBe(0);
  expect(readdirSync(folder)).toEqual(["state.json"]);
});

describe("a ledger on disk", () => {
  test("is found right while its server runs, and where it is stopped", async () => {
    expect(check({ data: world.dataDir })).toBe(0);
    await server.stop();
    expect(check({ data: world.dataDir })).toBe(0);
    expect(printed.out).toContain("Nothing is wrong");
  });

  test("is found wrong where it is cut short, also where not even its name can be read", async () => {
    const copy = copyOfLog();
    const file = join(copy, "server", "ledger.sqlite");
    expect(check({ data: copy })).toBe(0);
    truncateSync(file, 60_000);
    expect(check({ data: copy })).toBe(1);
    writeFileSync(file, "");
    expect(check({ data: copy })).toBe(1);
    expect(printed.out).toContain("no table of leaves");
  });

  test("is not checked without a key, or where there is none", async () => {
    const copy = copyOfLog();
    rmSync(join(copy, "server", "signing.key"));
    expect(() => check({ data: copy })).toThrow(InputError);
    expect(check({ data: copy, logKey: [key()] })).toBe(0);
    expect(() => check({ data: join(folder, "nowhere") })).toThrow(InputError);
    expect(readdirSync(folder)).toEqual(["copy"]);
  });
});
