import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import { startIndexer } from "../support/indexer.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { isAbsent } from "../support/require.ts";
import { differences, readPgliteTables, readTables, type Tables } from "../support/tables.ts";
import { indexAll, rpcUrlsOf, untilHeads } from "../support/world.ts";

const SCHEMA = "stores_test";
const ABSENT = isAbsent("PGlite against PostgreSQL", findPostgres() !== null, "there is no PostgreSQL");

describe.skipIf(ABSENT)("the same chains on PGlite and on PostgreSQL", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-stores-"));
  let postgres: Postgres;
  let devnet: Devnet;
  let onPostgres: Tables;
  let onPglite: Tables;

  beforeAll(async () => {
    [postgres, devnet] = await Promise.all([startPostgres(), startDevnet({ historyBlocks: 60 })]);
    const data = join(folder, "pglite");
    const { deployment } = devnet;
    const indexer = await startIndexer({ schema: SCHEMA, data, deployment, rpcUrls: rpcUrlsOf(devnet) });
    const databaseUrl = postgres.url;
    const other = await indexAll(devnet, { schema: SCHEMA, data: join(folder, "postgres"), databaseUrl });
    // Some blocks come live, to both.
    for (let i = 0; i < 6; i++) await devnet.step();
    for (const each of [indexer, other]) await untilHeads(devnet, each);
    onPostgres = await readTables(postgres.url, SCHEMA);
    await Promise.all([indexer.stop(), other.stop()]);
    onPglite = await readPgliteTables(join(data, "pglite"), SCHEMA);
  }, 600_000);

  afterAll(async () => {
    await devnet?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("have the same epoch roots", () => {
    expect(onPostgres.epoch_root?.length).toBeGreaterThanOrEqual(4);
    expect(onPglite.epoch_root).toEqual(onPostgres.epoch_root);
  });

  test("have the same rows in every table and view", () => {
    for (const name of ["position", "account", "market", "assessment", "exposure", "counterparty", "reading"]) {
      expect(onPostgres[name]?.length).toBeGreaterThan(0);
    }
    expect(differences(onPglite, onPostgres)).toEqual([]);
  });
});
