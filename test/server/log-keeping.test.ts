import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { retireKey, rotateKey } from "../../server/auth/log-keys.ts";
import type { Health } from "../../server/http/health.ts";
import { createMonitor } from "../../server/others/monitor.ts";
import { remoteLog } from "../../server/others/remote-log.ts";
import type { RunningServer } from "../../server/server.ts";
import { InputError } from "../../src/core/errors.ts";
import { parseNote } from "../../src/core/proof/note.ts";
import { verify } from "../../verifier/index.ts";
import { ask, createWorld, tellLongStory, until, type World } from "./support/world.ts";

const LENGTH = 24;

let world: World;
beforeEach(async () => {
  world = await createWorld();
  tellLongStory(world, LENGTH);
});
afterEach(() => world.end());

const text = async ({ url }: RunningServer, path: string) => await (await fetch(`${url}${path}`)).text();
const health = async (server: RunningServer) => JSON.parse(await text(server, "/v1/health")) as Health;

/** Calls the chains final up to a block, and waits until all of that is sealed. */
async function seal(server: RunningServer, number: number): Promise<void> {
  for (const chain of world.chains) chain.finalized = number;
  await until(
    async () => (await health(server)).chains.every(({ sealed }) => Number(sealed) === number),
    `block ${number}`,
  );
}

describe("the delay from a final block to the head with its leaves", () => {
  test("is within the goal, and told by chain in health and metrics", async () => {
    const server = await world.start();
    await seal(server, 8);
    const delays = async () => (await health(server)).chains.map(({ mergeDelay }) => mergeDelay);
    // What was final before the first look has no delay that anybody could know.
    expect(await text(server, "/v1/metrics")).not.toMatch(/supervision_merge_delay_seconds_count\{/);
    for (const number of [16, LENGTH]) await seal(server, number);
    const { ledger } = await health(server);
    expect(ledger.mergeGoalSeconds).toBe(60);
    for (const { lastSeconds, maxSeconds, waitingSeconds } of await delays()) {
      expect(lastSeconds).toBeGreaterThan(0);
      expect(maxSeconds).toBeGreaterThanOrEqual(lastSeconds as number);
      expect(maxSeconds).toBeLessThan(ledger.mergeGoalSeconds);
      expect(waitingSeconds).toBeNull();
    }
    const metrics = await text(server, "/v1/metrics");
    for (const { chain } of world.chains) {
      expect(metrics).toContain(`supervision_merge_delay_seconds_count{chain="${chain}"} 2`);
      expect(metrics).toContain(`supervision_merge_waiting_seconds{chain="${chain}"} 0`);
    }
  });

  test("grows while a final block cannot be sealed", async () => {
    for (const chain of world.chains) chain.indexed = 8;
    const server = await world.start();
    await seal(server, 8);
    for (const chain of world.chains) chain.finalized = 16;
    const waiting = async () => (await health(server)).chains[0]?.mergeDelay.waitingSeconds ?? 0;
    await until(async () => (await waiting()) > 0, "a block that waits");
    const before = await waiting();
    await sleep(50);
    expect(await waiting()).toBeGreaterThan(before);
    for (const chain of world.chains) chain.indexed = Number.POSITIVE_INFINITY;
    await until(async () => (await waiting()) === 0, "that block");
    expect((await health(server)).chains[0]?.mergeDelay.maxSeconds).toBeGreaterThan(before);
  });
});

test("a server does not start on a database that is older than the last head, and does on the newest", async () => {
  const database = join(world.dataDir, "server", "ledger.sqlite");
  const copies = ["older", "newest"].map((name) => `${database}.${name}`);
  for (const [i, copy] of copies.entries()) {
    const server = await world.start();
    await seal(server, 8 * (i + 1));
    await server.stop();
    copyFileSync(database, copy);
  }
  const [older, newest] = copies as [string, string];
  copyFileSync(older, database);
  await expect(world.start()).rejects.toThrow(InputError);
  await expect(world.start()).rejects.toThrow("was signed here");
  copyFileSync(newest, database);
  await seal(await world.start(), LENGTH);
});

/** Whether a bundle's signature holds for whoever knows these keys of the log. */
async function signatureOf(server: RunningServer, logKeys: string[]): Promise<boolean | null | undefined> {
  // Right after a start there is no schema to ask in yet.
  await until(async () => (await ask(server, "{ __typename }")).data !== undefined, "GraphQL");
  const { data } = await ask(server, "{ ledgerEntries(limit: 50) { kind refId } }");
  const { refId } = data.ledgerEntries.find(({ kind }: { kind: string }) => kind === "assessment");
  const bundle = new Uint8Array(await (await fetch(`${server.url}/v1/proofs/${refId}`)).arrayBuffer());
  const { links } = await verify(bundle, { logKeys });
  return links.find(({ link }) => link === "signature")?.ok;
}

test("monitors and bundles hold by either key while a log changes its key, then by the next", async () => {
  const look = async (server: RunningServer, ...logKeys: string[]) => {
    const options = { logKeys, last: null, full: true, retryMs: 10 };
    return await createMonitor(remoteLog(`${server.url}/log`, { timeoutMs: 10_000 }), options).look();
  };
  let server = await world.start();
  await seal(server, 8);
  const first = (await text(server, "/log/key")).trimEnd();
  await server.stop();

  const next = rotateKey(world.dataDir);
  server = await world.start();
  await seal(server, 16);
  expect(await text(server, "/log/key")).toBe(`${next}\n${first}\n`);
  expect(parseNote(await text(server, "/log/checkpoint")).signatures).toHaveLength(2);
  for (const keys of [[first], [next], [next, first]]) {
    expect(await look(server, ...keys)).toMatchObject({ type: "good" });
    expect(await signatureOf(server, keys)).toBe(true);
  }
  await server.stop();

  retireKey(world.dataDir);
  server = await world.start();
  await seal(server, LENGTH);
  expect(await text(server, "/log/key")).toBe(`${next}\n`);
  expect(await look(server, next)).toMatchObject({ type: "good", head: { origin: world.options.origin } });
  expect(await signatureOf(server, [next])).toBe(true);
  await expect(look(server, first)).rejects.toThrow("not signed by a key");
  expect(await signatureOf(server, [first])).toBe(false);
});
