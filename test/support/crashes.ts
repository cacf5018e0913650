import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import type { Health } from "../../server/http/health.ts";
import { caip2 } from "../../src/core/ids.ts";
import { type CheckedLog, checkLog, sequences } from "../server/support/check-log.ts";
import { type Killable, prepareKillable } from "./killed.ts";
import { findPostgres, type Postgres, startPostgres } from "./postgres.ts";
import { isAbsent } from "./require.ts";
import { startServerProcess } from "./server.ts";
import { differences, readPgliteTables, readTables, type Tables } from "./tables.ts";
import { indexAll, rpcUrlsOf } from "./world.ts";

const HISTORY = 56;
/** `finalized` is this far behind the head on a devnet, and where backfilling ends a little less. */
const FINAL_BEHIND = 32;
const BACKFILL_BEHIND = 30;
const BLOCK_MS = 1_500;
/** A machine that is too busy to follow at that pace would only fall behind. */
const AHEAD_MAX = 16;
const CHAINS = [901, 902].map(caip2);
const ABSENT =
  isAbsent("crashes", findPostgres() !== null, "there is no PostgreSQL; install postgresql") ||
  isAbsent("crashes", existsSync("/proc/self/environ"), "processes are found by /proc");

/** The test of a store. Each store's is in a file of its own, since most of it is waiting for locks of the killed. */
export function describeCrashes(store: "PGlite" | "PostgreSQL"): void {
  describe.skipIf(ABSENT)("kill -9 of indexer and server, while backfilling and live", () => {
    let run: Killable;
    let postgres: Postgres;
    let devnet: Devnet;

    beforeEach(async () => {
      // One of the two is killed with captures under way.
      run = await prepareKillable({ evidence: store === "PostgreSQL" });
      [postgres, devnet] = await Promise.all([startPostgres(), startDevnet({ historyBlocks: HISTORY })]);
      for (const [chainId, url] of Object.entries(rpcUrlsOf(devnet))) run.settings[`PONDER_RPC_URL_${chainId}`] = url;
      if (store === "PostgreSQL") run.settings.DATABASE_URL = postgres.url;
    }, 300_000);

    afterEach(async () => {
      await run?.end();
      await devnet?.stop();
      await postgres?.stop();
    });

    test(`leaves the tables and leaves of an undisturbed run, on ${store}`, { timeout: 1_800_000 }, async () => {
      const command = run.start();
      await killWhileBackfilling(run, devnet);
      await run.untilHealth(
        ({ chains }) => chains.every(({ sealed, state }) => sealed !== null && state === "current"),
        "a server that follows",
      );
      const log = await killWhileLive(run, devnet);
      const schema = /schema (\S+)/.exec(command.stdout())?.[1] as string;
      command.child.kill("SIGINT");
      expect(await command.exited).toBe(0);
      const tables =
        store === "PGlite"
          ? await readPgliteTables(join(run.data, "pglite"), schema)
          : await readTables(postgres.url, schema);

      const expected = await undisturbed({ schema, data: run.data, devnet, postgres });
      expect(differences(tables, expected.tables)).toEqual([]);
      const leaves = sequences(log);
      expect(leaves).toEqual(sequences(expected.log));
      for (const all of Object.values(leaves)) expect(new Set(all).size).toBe(all.length);
      expect(log.size).toBeGreaterThan(100);
    });
  });
}

/** Kills both once rows stand and before backfilling ends. */
async function killWhileBackfilling(run: Killable, devnet: Devnet): Promise<void> {
  const heads = await headsOf(devnet);
  const found = await run.untilIndexed(CHAINS);
  await run.kill("indexer");
  await run.kill("server");
  const unfinished = CHAINS.filter((chain, i) => (found[i] as number) < (heads[chain] as number) - BACKFILL_BEHIND);
  expect(unfinished.length).toBeGreaterThan(0);
}

/** Kills one after the other while blocks come in. @returns the log once everything is sealed. */
async function killWhileLive(run: Killable, devnet: Devnet): Promise<CheckedLog> {
  const stop = live(run, devnet);
  let older: CheckedLog;
  try {
    older = await checkLog(run.serverUrl);
    for (const program of ["server", "indexer"] as const) {
      const before = await run.health();
      await run.kill(program);
      await run.untilHealth(
        ({ chains }) => chains.every(({ followed }, i) => Number(followed) > Number(before?.chains[i]?.followed)),
        `new blocks after the ${program} was killed`,
      );
      older = await checkLog(run.serverUrl, older);
    }
  } finally {
    await stop();
  }
  const heads = await headsOf(devnet);
  await run.untilHealth(
    ({ chains }) =>
      chains.every(
        ({ chain, followed, sealed }) =>
          Number(followed) === heads[chain] && Number(sealed) === (heads[chain] as number) - FINAL_BEHIND,
      ),
    "everything sealed",
  );
  return await checkLog(run.serverUrl, older);
}

/** Lays a block on every chain at a steady pace until stopped, but not more than a few that nobody has followed. */
function live(run: Killable, devnet: Devnet): () => Promise<void> {
  const stopping = new AbortController();
  let last: Health | null = null;
  const isFarAhead = async () => {
    last = (await run.health()) ?? last;
    const heads = await headsOf(devnet);
    return (
      last?.chains.some(({ chain, followed }) => (heads[chain] as number) - Number(followed) >= AHEAD_MAX) ?? false
    );
  };
  const done = (async () => {
    while (!stopping.signal.aborted) {
      if (!(await isFarAhead())) await devnet.step();
      await sleep(BLOCK_MS);
    }
  })();
  return async () => {
    stopping.abort();
    await done;
  };
}

type Undisturbed = { schema: string; data: string; devnet: Devnet; postgres: Postgres };

/** Indexes the same chains once more, in one go and elsewhere, and seals them under the same secrets. */
async function undisturbed(given: Undisturbed): Promise<{ tables: Tables; log: CheckedLog }> {
  const { schema, devnet, postgres } = given;
  const data = join(given.data, "undisturbed");
  mkdirSync(join(data, "server"), { recursive: true });
  for (const name of ["operator.secret", "signing.key"]) {
    copyFileSync(join(given.data, "server", name), join(data, "server", name));
  }
  const databaseUrl = await postgres.create("undisturbed");
  const indexer = await indexAll(devnet, { schema, data, databaseUrl });
  const tables = await readTables(databaseUrl, schema);
  const server = await startServerProcess({
    ...{ data, deploymentFile: indexer.deploymentFile, indexerUrl: indexer.url, rpcUrls: rpcUrlsOf(devnet) },
    facts: { file: "devnet/facts.json", key: readFileSync("devnet/facts.pub", "utf8").trim() },
  });
  try {
    const heads = Object.entries(await headsOf(devnet));
    await server.untilAt(
      Object.fromEntries(heads.map(([chain, head]) => [chain, { followed: head, sealed: head - FINAL_BEHIND }])),
    );
    return { tables, log: await checkLog(server.url) };
  } finally {
    await server.stop();
    await indexer.stop();
  }
}

async function headsOf(devnet: Devnet): Promise<Record<string, number>> {
  const heads = devnet.chains.map(async ({ chainId, kit }) => [caip2(chainId), Number(await kit.blockNumber())]);
  return Object.fromEntries(await Promise.all(heads));
}
