import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import { caip2 } from "../../src/core/ids.ts";
import { type CheckedLog, checkLog } from "../server/support/check-log.ts";
import type { Indexer } from "../support/indexer.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { crash, reorg, sendCall } from "../support/reorgs.ts";
import { isAbsent } from "../support/require.ts";
import { type ServerProcess, startServerProcess } from "../support/server.ts";
import { differences, readTables } from "../support/tables.ts";
import { indexAll, rpcUrlsOf, until, untilHeads, untilSameHeads } from "../support/world.ts";

type Breach = { id: string; chain: string; status: string; lane: string; openedAtBlock: string; ruleId: string };

const SCHEMA = "reorg_test";
const HISTORY = 60;
/** `finalized` is this far behind the head on a devnet. */
const FINAL_BEHIND = 32;
const ABSENT = isAbsent("reorgs", findPostgres() !== null, "there is no PostgreSQL; install postgresql");

describe.skipIf(ABSENT)("a reorg while live, with transactions in the new blocks", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-reorg-"));
  let postgres: Postgres;
  let devnet: Devnet;
  let indexer: Indexer;
  let receiver: Receiver;
  let server: ServerProcess;
  let log: CheckedLog;
  /** An indexer that has read the chains as they are after the last reorg, and no earlier ones. */
  let fresh: { indexer: Indexer; databaseUrl: string } | undefined;

  beforeAll(async () => {
    [postgres, devnet, receiver] = await Promise.all([
      startPostgres(),
      startDevnet({ historyBlocks: HISTORY }),
      startReceiver(),
    ]);
    indexer = await indexAll(devnet, { schema: SCHEMA, data: join(folder, "live"), databaseUrl: postgres.url });
    server = await startServerProcess({
      ...{ data: join(folder, "server"), deploymentFile: indexer.deploymentFile, indexerUrl: indexer.url },
      rpcUrls: rpcUrlsOf(devnet),
      facts: { file: "devnet/facts.json", key: readFileSync("devnet/facts.pub", "utf8").trim() },
      webhook: receiver,
    });
    await untilSealed();
    log = await checkLog(server.url);
  }, 900_000);

  afterAll(async () => {
    await server?.stop();
    await fresh?.indexer.stop();
    await indexer?.stop();
    await receiver?.stop();
    await devnet?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function untilSealed(): Promise<void> {
    const heads = await untilHeads(devnet, indexer);
    await server.untilAt(
      Object.fromEntries(
        Object.entries(heads).map(([chain, head]) => [chain, { followed: head, sealed: head - FINAL_BEHIND }]),
      ),
    );
  }

  async function breaches(): Promise<Breach[]> {
    const query = "{ breaches(limit: 1000) { id chain status lane openedAtBlock ruleId } }";
    return (await server.ask(query, { key: server.key })).data.breaches;
  }

  test.each([1, 5, 20])(
    "of depth %i leaves the tables of a fresh index, and takes back what vanished",
    async (depth) => {
      await prepare(depth);
      const common = new Map<string, bigint>();
      for (const { chainId, kit } of devnet.chains) {
        common.set(caip2(chainId), (await kit.blockNumber()) - BigInt(depth));
      }
      const vanishing = (await breaches()).filter((b) => BigInt(b.openedAtBlock) > (common.get(b.chain) as bigint));
      expect(vanishing.length).toBeGreaterThan(0);
      expect(new Set(vanishing.map(({ status }) => status))).toContain("open");
      const before = await checkLog(server.url, log);

      for (const chain of devnet.chains) {
        const old = await chain.kit.client.getBlock();
        await reorg(chain, depth);
        const fresh = await chain.kit.client.getBlock();
        expect(fresh.number).toBe(old.number);
        expect(fresh.hash).not.toBe(old.hash);
      }
      await untilSameHeads(devnet, indexer);
      await expectFreshTables(`same_height_${depth}`);

      await devnet.step();
      await untilSameHeads(devnet, indexer);
      await untilSealed();
      const after = new Map((await breaches()).map((b) => [b.id, b]));
      for (const { id } of vanishing) expect(after.get(id)?.status).toBe("retracted");
      const retracted = () => receiver.notices.filter(({ type }) => type === "breach.retracted");
      await until(() => vanishing.every(({ id }) => retracted().some(({ data }) => data.breachId === id)), "notices");
      log = await checkLog(server.url, before);
      expect(log.leaves.slice(0, before.size)).toEqual(before.leaves);
      expect(log.size).toBeGreaterThan(before.size);
    },
    300_000,
  );

  test("and in the end the server holds what a fresh one holds", async () => {
    const { indexer: other, databaseUrl } = fresh as { indexer: Indexer; databaseUrl: string };
    await untilSameHeads(devnet, other);
    expect(differences(await readTables(postgres.url, SCHEMA), await readTables(databaseUrl, SCHEMA))).toEqual([]);
    const freshServer = await startServerProcess({
      ...{ data: join(folder, "fresh"), deploymentFile: other.deploymentFile, indexerUrl: other.url },
      rpcUrls: rpcUrlsOf(devnet),
      facts: { file: "devnet/facts.json", key: readFileSync("devnet/facts.pub", "utf8").trim() },
    });
    try {
      const { chains } = (await server.health()) ?? { chains: [] };
      const place = ({ followed, sealed }: { followed: string | null; sealed: string | null }) => ({
        followed: Number(followed),
        sealed: Number(sealed),
      });
      await freshServer.untilAt(Object.fromEntries(chains.map((chain) => [chain.chain, place(chain)])));
      const query = `{ breaches(limit: 1000, where: { status: { ne: "retracted" } }) { id status lane curedAtBlock }
        verdicts(limit: 1000, where: { lane: { eq: "provisional" } }) { id outcome } }`;
      const [ours, theirs] = [await server.ask(query, server), await freshServer.ask(query, freshServer)];
      expect(theirs.data.verdicts.length).toBeGreaterThan(0);
      expect(sorted(ours.data.verdicts)).toEqual(sorted(theirs.data.verdicts));
      expect(sorted(ours.data.breaches)).toEqual(sorted(theirs.data.breaches));
    } finally {
      await freshServer.stop();
    }
  }, 900_000);

  /** Lays blocks so that the last `depth` hold a crash that opens breaches and, when that is many, an epoch's end. */
  async function prepare(depth: number): Promise<void> {
    const crashed = Math.min(depth, 6);
    for (const chain of devnet.chains) {
      const { epochBlocks } = chain.venue.deployment;
      const isEnd = async () => (Number(await chain.kit.blockNumber()) + 1) % epochBlocks === 0;
      while (depth > crashed && !(await isEnd())) await chain.step();
      await chain.kit.batch(() => sendCall(chain, crash(chain)));
      for (let i = 1; i < crashed; i++) await chain.step();
    }
    await untilSameHeads(devnet, indexer);
    await untilSealed();
  }

  async function expectFreshTables(name: string): Promise<void> {
    await fresh?.indexer.stop();
    const databaseUrl = await postgres.create(name);
    const data = join(folder, name);
    fresh = { indexer: await indexAll(devnet, { schema: SCHEMA, data, databaseUrl }), databaseUrl };
    const expected = await readTables(databaseUrl, SCHEMA);
    for (const table of [
      "event",
      "position",
      "assessment",
      "epoch_root",
      "epoch_leaf",
      "epoch_collateral",
      "reading",
    ]) {
      expect(expected[table]?.length).toBeGreaterThan(0);
    }
    expect(differences(await readTables(postgres.url, SCHEMA), expected)).toEqual([]);
  }
});

function sorted(rows: readonly { id: string }[]): { id: string }[] {
  return [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
}
