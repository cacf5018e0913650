import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import type { BacktestReport, RuleReport } from "../../src/core/backtest/report.ts";
import type { Indexer } from "../support/indexer.ts";
import { runPlumbline } from "../support/plumbline.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { isAbsent } from "../support/require.ts";
import { type ServerProcess, startServerProcess } from "../support/server.ts";
import { indexAll, rpcUrlsOf, untilHeads } from "../support/world.ts";

const HISTORY = 96;
const SCHEMA = "backtest_test";
const CAP = "EU-CFD-LEV-CRYPTO";
const CLOSE_OUT = "EU-CFD-CLOSEOUT-50";
const WAD = 10n ** 18n;
const ABSENT = isAbsent("backtests", findPostgres() !== null, "there is no PostgreSQL; install postgresql");

type Rulebook = { rules: { id: string; threshold: string }[] };

describe.skipIf(ABSENT)("a backtest of recorded history", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-backtest-"));
  let postgres: Postgres;
  let devnet: Devnet;
  let indexer: Indexer;
  let server: ServerProcess;
  let pool: pg.Pool;
  /** The rulebook in force against itself: one run serves every test that needs nothing else. */
  let same: { report: BacktestReport; text: string };

  beforeAll(async () => {
    [postgres, devnet] = await Promise.all([startPostgres(), startDevnet({ historyBlocks: HISTORY })]);
    indexer = await indexAll(devnet, { databaseUrl: postgres.url, schema: SCHEMA, data: join(folder, "indexer") });
    await untilHeads(devnet, indexer);
    const { deploymentFile, url: indexerUrl } = indexer;
    const data = join(folder, "server");
    server = await startServerProcess({ data, deploymentFile, indexerUrl, rpcUrls: rpcUrlsOf(devnet) });
    pool = new pg.Pool({ connectionString: `${postgres.url}?options=-c%20search_path%3D${SCHEMA}` });
    same = await run("--rulebook", "rulebooks");
  }, 900_000);

  afterAll(async () => {
    await pool?.end();
    await server?.stop();
    await indexer?.stop();
    await devnet?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(...flags: string[]): Promise<{ report: BacktestReport; text: string }> {
    const command = runPlumbline(["backtest", ...flags, "--url", server.url, "--json"], {});
    if ((await command.exited) !== 0) throw new Error(`The backtest failed: ${command.stderr()}`);
    return { report: JSON.parse(command.stdout()) as BacktestReport, text: command.stdout() };
  }

  async function sql<T>(query: string, ...values: unknown[]): Promise<T[]> {
    return (await pool.query(query, values)).rows as T[];
  }

  /** The European rulebook with another threshold for one rule, as a file to put on trial. */
  function edited(ruleId: string, threshold: string): string {
    const rulebook = JSON.parse(readFileSync("rulebooks/eu.json", "utf8")) as Rulebook;
    for (const rule of rulebook.rules) if (rule.id === ruleId) rule.threshold = threshold;
    const file = join(mkdtempSync(join(folder, "rulebook-")), "eu.json");
    writeFileSync(file, JSON.stringify(rulebook));
    return file;
  }

  function ruleOf(report: BacktestReport, id: string): RuleReport {
    const rule = report.jurisdictions.flatMap(({ rules }) => rules).find((r) => r.rule === id);
    if (rule === undefined) throw new Error(`No rule ${id} in the report.`);
    return rule;
  }

  test("a rulebook against itself gains and loses nothing, and finds all that the indexer had found", async () => {
    const { report } = same;
    expect(report.rulebook.hash).toBe(report.against.hash);
    expect(report).toMatchObject({ gained: 0, lost: 0, accounts: 0, notional: "0", notionalUnknownFor: 0 });
    const recorded = await sql<{ rule_id: string; condition: string; n: string }>(
      "SELECT rule_id, condition, count(*) AS n FROM assessment GROUP BY rule_id, condition",
    );
    const expected = new Map(recorded.map((row) => [`${row.rule_id} ${row.condition}`, Number(row.n)]));
    const replayed = new Map(
      report.jurisdictions.flatMap(({ rules }) =>
        rules.flatMap((rule) => {
          expect(rule.tested).toEqual(rule.against);
          return Object.entries(rule.tested).flatMap(([condition, n]): [string, number][] =>
            n === 0 ? [] : [[`${rule.rule} ${condition}`, n]],
          );
        }),
      ),
    );
    expect(expected.size).toBeGreaterThan(20);
    expect(sorted(replayed)).toEqual(sorted(expected));
  });

  test("the same question has the same answer, byte by byte", async () => {
    expect((await run("--rulebook", "rulebooks")).text).toBe(same.text);
  });

  test("halving the European cap gains exactly the openings between the caps that SQL finds", async () => {
    const { report } = await run("--rulebook", edited(CAP, "1"));
    const between = "rule_id = $1 AND test_point LIKE 'log:%' AND condition = 'met' AND measured_value > $2";
    const [found] = await sql<{ gained: string; accounts: string }>(
      `SELECT count(*) AS gained, count(DISTINCT account) AS accounts FROM assessment WHERE ${between}`,
      ...[CAP, WAD.toString()],
    );
    expect(Number(found?.gained)).toBeGreaterThan(5);
    const rule = ruleOf(report, CAP);
    expect(rule).toMatchObject({ gained: Number(found?.gained), lost: 0, accounts: Number(found?.accounts) });
    expect(Number(rule.notional)).toBeGreaterThan(0);
    // Nothing else is touched.
    expect(report).toMatchObject({ gained: rule.gained, lost: 0, accounts: rule.accounts, notional: rule.notional });
  });

  test("a cap that is twice as high loses what SQL finds between", async () => {
    const { report } = await run("--rulebook", edited(CAP, "4"));
    const [found] = await sql<{ lost: string; accounts: string }>(
      `SELECT count(*) AS lost, count(DISTINCT account) AS accounts FROM assessment
       WHERE rule_id = $1 AND condition = 'not_met' AND measured_value <= $2`,
      ...[CAP, (4n * WAD).toString()],
    );
    expect(Number(found?.lost)).toBeGreaterThan(0);
    expect(ruleOf(report, CAP)).toMatchObject({
      gained: 0,
      lost: Number(found?.lost),
      accounts: Number(found?.accounts),
    });
  });

  test("only blocks of the range and chains asked for count", async () => {
    const chain = "eip155:902";
    const [edge] = await sql<{ low: string; high: string }>(
      `SELECT min(block_number) + 20 AS low, max(block_number) - 20 AS high FROM assessment WHERE chain = $1`,
      chain,
    );
    const { low, high } = edge as { low: string; high: string };
    const range = ["--from", low, "--to", high, "--chain", chain];
    const { report } = await run("--rulebook", edited(CAP, "1"), ...range);
    const [found] = await sql<{ gained: string }>(
      `SELECT count(*) AS gained FROM assessment WHERE rule_id = $1 AND chain = $2 AND condition = 'met'
       AND measured_value > $3 AND block_number BETWEEN $4 AND $5`,
      ...[CAP, chain, WAD.toString(), low, high],
    );
    expect(ruleOf(report, CAP).gained).toBe(Number(found?.gained));
    expect(report.chains).toMatchObject([{ chain, fromBlock: low, toBlock: high }]);
    const days = await run("--rulebook", edited(CAP, "1"), "--from", "1999-01-01", "--to", "1999-12-31");
    expect(days.report).toMatchObject({ gained: 0, lost: 0, chains: [{ blocks: 0 }, { blocks: 0 }] });
  });

  test("a stricter close-out only gains, and a laxer one only loses", async () => {
    const strict = ruleOf((await run("--rulebook", edited(CLOSE_OUT, "0.9"))).report, CLOSE_OUT);
    expect(strict.gained).toBeGreaterThan(0);
    expect(strict.lost).toBe(0);
    const lax = ruleOf((await run("--rulebook", edited(CLOSE_OUT, "0.1"))).report, CLOSE_OUT);
    expect(lax.lost).toBeGreaterThan(0);
    expect(lax.gained).toBe(0);
  });

  test("a rulebook that cannot be used is one sentence naming the rule", async () => {
    const command = runPlumbline(["backtest", "--rulebook", edited(CAP, "two"), "--url", server.url], {});
    expect(await command.exited).toBe(2);
    expect(command.stderr()).toMatch(/^Rulebook eu: rule EU-CFD-LEV-CRYPTO: .*"two".*\n$/);
    expect(command.stdout()).toBe("");
  });
});

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
