import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freePort } from "../../devnet/anvil.ts";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import type { Health } from "../../server/http/health.ts";
import type { FeedPage } from "../../src/core/assessment.ts";
import { caip2 } from "../../src/core/ids.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { parseLeaf } from "../../src/core/proof/leaf.ts";
import { type CheckedLog, checkLog } from "../server/support/check-log.ts";
import { type Command, processesOn, runPlumbline } from "../support/plumbline.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { isAbsent } from "../support/require.ts";
import { startServerProcess } from "../support/server.ts";
import { differences, readPgliteTables, readTables, type Tables } from "../support/tables.ts";
import { indexAll, rpcUrlsOf, until } from "../support/world.ts";

const HISTORY = 56;
/** `finalized` is this far behind the head on a devnet, and where backfilling ends a little less. */
const FINAL_BEHIND = 32;
const BACKFILL_BEHIND = 30;
const BLOCK_MS = 800;
/** A killed indexer's schema stays locked for up to 25 s. */
const BACK_WITHIN_MS = 120_000;
const CHAINS = [901, 902].map(caip2);
const ABSENT =
  isAbsent("crashes", findPostgres() !== null, "there is no PostgreSQL; install postgresql") ||
  isAbsent("crashes", existsSync("/proc/self/environ"), "processes are found by /proc");

/** How a process is known in the list of processes. */
const PROGRAMS = { indexer: "ponder.js", server: "server/main.ts", devnet: "devnet/main.ts" } as const;
type Program = keyof typeof PROGRAMS;

let data: string;
let settings: Record<string, string>;
let running: Command | null;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "plumbline-crash-"));
  const names = ["PORT", "PLUMBLINE_INDEXER_PORT", "PLUMBLINE_DEVNET_PORT_901", "PLUMBLINE_DEVNET_PORT_902"];
  const ports = await Promise.all(names.map(async (name) => [name, String(await freePort())]));
  settings = { PLUMBLINE_DATA: data, ...Object.fromEntries(ports) };
  running = null;
});

afterEach(async () => {
  running?.child.kill("SIGINT");
  await running?.exited;
  rmSync(data, { recursive: true, force: true });
});

const serverUrl = () => `http://127.0.0.1:${settings.PORT}`;

function start(): Command {
  running = runPlumbline(["start"], settings);
  return running;
}

function pidOf(program: Program): number | null {
  const own = processesOn(data).filter(({ command }) => command.includes(PROGRAMS[program]));
  return own[0]?.pid ?? null;
}

/** Kills a process at once and waits until the supervisor has started it again. */
async function kill(program: Program): Promise<void> {
  const pid = pidOf(program);
  if (pid === null) throw new Error(`The ${program} does not run.`);
  process.kill(pid, "SIGKILL");
  await until(() => (pidOf(program) ?? pid) !== pid, `another ${program}`);
}

async function health(): Promise<Health | null> {
  return await fetch(`${serverUrl()}/v1/health`).then(
    (response) => response.json() as Promise<Health>,
    () => null,
  );
}

async function untilHealth(check: (health: Health) => boolean, what: string): Promise<void> {
  const holds = async () => {
    const now = await health();
    return now !== null && check(now);
  };
  await until(holds, what, BACK_WITHIN_MS);
}

/** The highest block whose rows stand, or null; also while the indexer still backfills. */
async function indexedHead(chain: string): Promise<number | null> {
  const url = `http://127.0.0.1:${settings.PLUMBLINE_INDEXER_PORT}/feed?chain=${chain}&after=0&limit=1`;
  const page = await fetch(url).then(
    (response) => (response.ok ? (response.json() as Promise<FeedPage>) : null),
    () => null,
  );
  return page?.head ? Number(page.head.number) : null;
}

/** Lays a block on every chain at a steady pace until stopped. */
function live(devnet: Devnet): () => Promise<void> {
  const stopping = new AbortController();
  const done = (async () => {
    while (!stopping.signal.aborted) {
      await devnet.step();
      await sleep(BLOCK_MS);
    }
  })();
  return async () => {
    stopping.abort();
    await done;
  };
}

/** Each chain's leaves in order. Chains interleave freely, so only these sequences are the same in every run. */
function sequences(log: CheckedLog): Record<string, string[]> {
  const byChain: Record<string, string[]> = {};
  for (const bytes of log.leaves) {
    const chain = String(parseLeaf(bytes).chainId);
    byChain[chain] = [...(byChain[chain] ?? []), toHex(bytes)];
  }
  return byChain;
}

describe.skipIf(ABSENT)("kill -9 of indexer and server, while backfilling and live", () => {
  let postgres: Postgres;
  let devnet: Devnet;

  beforeEach(async () => {
    [postgres, devnet] = await Promise.all([startPostgres(), startDevnet({ historyBlocks: HISTORY })]);
    for (const [chainId, url] of Object.entries(rpcUrlsOf(devnet))) settings[`PONDER_RPC_URL_${chainId}`] = url;
  }, 120_000);

  afterEach(async () => {
    await devnet?.stop();
    await postgres?.stop();
  });

  test.each(["PGlite", "PostgreSQL"])(
    "leaves the tables and leaves of an undisturbed run, on %s",
    async (store) => {
      if (store === "PostgreSQL") settings.DATABASE_URL = postgres.url;
      const command = start();
      await killWhileBackfilling();
      await untilHealth(
        ({ chains }) => chains.every(({ sealed, state }) => sealed !== null && state === "current"),
        "a server that follows",
      );

      const stop = live(devnet);
      let older = await checkLog(serverUrl());
      for (const program of ["server", "indexer"] as const) {
        const before = await health();
        await kill(program);
        await untilHealth(
          ({ chains }) => chains.every(({ followed }, i) => Number(followed) > Number(before?.chains[i]?.followed)),
          `new blocks after the ${program} was killed`,
        );
        older = await checkLog(serverUrl(), older);
      }
      await stop();
      const heads = await headsOf(devnet);
      await untilHealth(
        ({ chains }) =>
          chains.every(
            ({ chain, followed, sealed }) =>
              Number(followed) === heads[chain] && Number(sealed) === (heads[chain] as number) - FINAL_BEHIND,
          ),
        "everything sealed",
      );
      const log = await checkLog(serverUrl(), older);
      const schema = /schema (\S+)/.exec(command.stdout())?.[1] as string;
      command.child.kill("SIGINT");
      expect(await command.exited).toBe(0);
      const tables =
        store === "PGlite"
          ? await readPgliteTables(join(data, "pglite"), schema)
          : await readTables(postgres.url, schema);

      const expected = await undisturbed(schema);
      expect(differences(tables, expected.tables)).toEqual([]);
      const leaves = sequences(log);
      expect(leaves).toEqual(sequences(expected.log));
      for (const all of Object.values(leaves)) expect(new Set(all).size).toBe(all.length);
      expect(log.size).toBeGreaterThan(100);
    },
    600_000,
  );

  /** Kills both once rows stand and before backfilling ends. */
  async function killWhileBackfilling(): Promise<void> {
    const heads = await headsOf(devnet);
    let found: number[] = [];
    await until(
      async () => {
        found = (await Promise.all(CHAINS.map(indexedHead))).map((head) => head ?? 0);
        return found.some((head) => head > 0);
      },
      "the first rows",
      BACK_WITHIN_MS,
    );
    await kill("indexer");
    await kill("server");
    const unfinished = CHAINS.filter((chain, i) => (found[i] as number) < (heads[chain] as number) - BACKFILL_BEHIND);
    expect(unfinished.length).toBeGreaterThan(0);
  }

  /** Indexes the same chains once more, in one go and elsewhere, and seals them under the same secrets. */
  async function undisturbed(schema: string): Promise<{ tables: Tables; log: CheckedLog }> {
    const folder = join(data, "undisturbed");
    mkdirSync(join(folder, "server"), { recursive: true });
    for (const name of ["operator.secret", "signing.key"]) {
      copyFileSync(join(data, "server", name), join(folder, "server", name));
    }
    const databaseUrl = await postgres.create("undisturbed");
    const indexer = await indexAll(devnet, { schema, data: folder, databaseUrl });
    const tables = await readTables(databaseUrl, schema);
    const server = await startServerProcess({
      ...{ data: folder, deploymentFile: indexer.deploymentFile, indexerUrl: indexer.url, rpcUrls: rpcUrlsOf(devnet) },
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
});

describe.skipIf(ABSENT)("kill -9 of the devnet", () => {
  test("the supervisor starts it again, and it goes on with the chains it had", async () => {
    const command = start();
    await command.untilPrinted("Plumbline is up.", BACK_WITHIN_MS);
    await untilHealth(({ chains }) => chains.every(({ sealed }) => sealed !== null), "a sealed block");
    const before = await health();
    const log = await checkLog(serverUrl());
    await kill("devnet");
    await untilHealth(
      ({ status, chains }) =>
        status === "ok" &&
        chains.every(({ followed }, i) => Number(followed) > Number(before?.chains[i]?.followed) + FINAL_BEHIND / 8),
      "the chains go on",
    );
    expect((await checkLog(serverUrl(), log)).size).toBeGreaterThanOrEqual(log.size);
    command.child.kill("SIGINT");
    expect(await command.exited).toBe(0);
    expect(processesOn(data)).toEqual([]);
  }, 420_000);
});

async function headsOf(devnet: Devnet): Promise<Record<string, number>> {
  const heads = devnet.chains.map(async ({ chainId, kit }) => [caip2(chainId), Number(await kit.blockNumber())]);
  return Object.fromEntries(await Promise.all(heads));
}
