/** Runs the systems one after another, each alone on the machine. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import pg from "pg";
import type { AssessmentCost } from "./assess.ts";
import type { BenchChain } from "./chain.ts";
import { checkEpochs, checkScript, checkTables } from "./checks.ts";
import { type Cost, launch, ponderLaunch } from "./contestant.ts";
import type { foldAll } from "./fold.ts";
import { type Delays, measureDelays } from "./live.ts";
import { FIRST_BLOCK } from "./workload/setting.ts";
import type { BlockPlan, Workload } from "./workload/workload.ts";

const FINISHED_WITHIN_MS = 15 * 60_000;

export type PonderApp = "plumbline" | "bare";

/** One system's runs. `mismatches` are sentences; none when all sums are right. */
export type PonderResult = { cold: Cost; warm: Cost; delays: Delays; mismatches: readonly string[] };
export type ScriptResult = { cost: Cost; mismatches: readonly string[] };

export type Results = {
  assessed: AssessmentCost;
  workload: Workload;
  folded: Awaited<ReturnType<typeof foldAll>>;
  script: ScriptResult;
  bare: PonderResult;
  plumbline: PonderResult;
};

type Place = {
  directory: string;
  deploymentFile: string;
  postgresUrl: string;
  env: NodeJS.ProcessEnv;
  profile: string | null;
};

type Contest = Pick<Results, "workload" | "folded"> & { chain: BenchChain; place: Place; say: (text: string) => void };

/** `another` gives the same chain anew, without the live blocks the one before has been given. */
type Series = Contest & { another: () => Promise<BenchChain> };

/** Everything, in one go. */
export async function runAll({ another, ...contest }: Series): Promise<Omit<Results, "assessed">> {
  const { workload, folded } = contest;
  const script = await runScript(contest);
  const bare = await runPonder("bare", contest);
  const plumbline = await runPonder("plumbline", { ...contest, chain: await another() });
  return { workload, folded, script, bare, plumbline };
}

async function runScript({ workload, chain, place, say }: Contest): Promise<ScriptResult> {
  const file = join(place.directory, "script.sqlite");
  const last = (workload.history.at(-1) as BlockPlan).number;
  const program = ["bin/run.mjs", "bench/script.ts", chain.url, file, String(last)];
  const logFile = join(place.directory, "script.log");
  const running = launch({ command: [process.execPath, ...program], env: process.env, logFile });
  try {
    const cost = await running.until(async () => isScriptDone(file), FINISHED_WITHIN_MS);
    say(`plain script: ${described(cost, workload)}`);
    return { cost, mismatches: checkScript(file, workload.totals) };
  } finally {
    await running.stop();
  }
}

function isScriptDone(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    const database = new Database(file, { readonly: true });
    const done = database.prepare("select count(*) as n from done").get() as { n: number };
    database.close();
    return done.n > 0;
  } catch {
    // Its tables are not there yet.
    return false;
  }
}

/** Cold: a database of its own, nothing in it. Warm: the same database, whose cache holds the chain, and a new schema. */
async function runPonder(app: PonderApp, contest: Contest): Promise<PonderResult> {
  const { place, workload } = contest;
  const database = `bench_${app}`;
  await withClient(place.postgresUrl, (client) => client.query(`create database ${database}`));
  const databaseUrl = place.postgresUrl.replace(/\/postgres$/, `/${database}`);
  const cold = await runOnce(app, { contest, databaseUrl, schema: "cold" });
  const warm = await runOnce(app, { contest, databaseUrl, schema: "warm", live: workload.live });
  return { cold: cold.cost, ...warm, warm: warm.cost, mismatches: [...cold.mismatches, ...warm.mismatches] };
}

type Once = { contest: Contest; databaseUrl: string; schema: "cold" | "warm"; live?: readonly BlockPlan[] };

async function runOnce(
  app: PonderApp,
  { contest, databaseUrl, schema, live }: Once,
): Promise<{ cost: Cost; delays: Delays; mismatches: string[] }> {
  const { chain, place, workload, folded, say } = contest;
  const { url } = chain;
  const wsUrl = live === undefined ? null : chain.wsUrl;
  const profile = app === "plumbline" && live !== undefined ? place.profile : null;
  const logFile = join(place.directory, `${app}-${schema}.log`);
  const { deploymentFile, env } = place;
  const options = { app, schema, databaseUrl, rpc: { url, wsUrl }, deploymentFile, env, profile, logFile };
  const running = launch(await ponderLaunch(options));
  try {
    return await withClient(databaseUrl, async (client) => {
      const isVisible = (number: bigint) => hasBlock(client, schema, number);
      const last = BigInt(FIRST_BLOCK + workload.options.blocks - 1);
      const cost = await running.until(() => isVisible(last), FINISHED_WITHIN_MS);
      say(`${app}, ${schema}: ${described(cost, workload)}`);
      const mismatches = await checkTables(client, schema, workload.totals);
      if (app === "plumbline") mismatches.push(...(await checkEpochs(client, schema, folded.epochs)));
      if (live === undefined) return { cost, delays: [], mismatches };
      const delays = await measureDelays(chain, { plans: live, isVisible });
      say(`${app}, live: ${delays.length} blocks seen`);
      return { cost, delays, mismatches };
    });
  } finally {
    await running.stop();
  }
}

async function hasBlock(client: pg.Client, schema: string, number: bigint): Promise<boolean> {
  try {
    const { rowCount } = await client.query(`select 1 from "${schema}".block where number = $1`, [number.toString()]);
    return rowCount === 1;
  } catch (error) {
    // 42P01: the table is not there yet. 3F000: neither is the schema.
    if (["42P01", "3F000"].includes((error as { code?: string }).code ?? "")) return false;
    throw error;
  }
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function described({ wallSeconds, cpuSeconds, peakMb }: Cost, { totals }: Workload): string {
  const perSecond = Math.round(totals.logs / wallSeconds);
  return `${wallSeconds.toFixed(1)} s, ${perSecond} events/s, ${cpuSeconds.toFixed(1)} CPU s, ${Math.round(peakMb)} MB`;
}
