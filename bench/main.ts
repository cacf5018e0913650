/**
 * The benchmark: one chain, three systems that index it, once with an empty cache of the chain and once with a full one.
 * Before that, what proofs cost. `npm run bench -- [--quick] [--seed N] [--profile DIR] [--only proofs]`
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startDevnet } from "../devnet/devnet.ts";
import { InputError, InvariantError } from "../src/core/errors.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { measureAssessment } from "./assess.ts";
import { buildChain } from "./chain.ts";
import { type Results, runAll } from "./contest.ts";
import { foldAll } from "./fold.ts";
import { savePlan } from "./plan.ts";
import { HISTORY_BLOCKS, measureProofs, type ProofResults } from "./proofs.ts";
import { figures, proofFigures, proofShortfalls, shortfalls, writeSection, wrongSums } from "./report.ts";
import { DEPLOYMENT } from "./workload/setting.ts";
import { createWorkload, FULL, QUICK } from "./workload/workload.ts";

/** Accounts that are assessed at once. */
const ACCOUNTS = 10_000;
const QUICK_ACCOUNTS = 1_000;

type Options = { quick: boolean; seed: number; profile: string | null; only: "proofs" | null };
type Say = (text: string) => void;

/** @throws InputError for an option or a part that does not exist, or a seed that is no whole number. */
function readOptions(): Options {
  const text = { type: "string" } as const;
  const options = { quick: { type: "boolean" }, seed: text, profile: text, only: text } as const;
  let values: { quick?: boolean; seed?: string; profile?: string; only?: string };
  try {
    values = parseArgs({ options }).values;
  } catch (error) {
    throw new InputError((error as Error).message);
  }
  const seed = Number(values.seed ?? FULL.seed);
  if (!Number.isSafeInteger(seed)) throw new InputError(`--seed is ${values.seed}; expected a whole number.`);
  const { only = null } = values;
  if (only !== null && only !== "proofs") throw new InputError(`--only is ${only}; expected proofs.`);
  return { quick: values.quick === true, seed, profile: values.profile ?? null, only };
}

/** What must be ended when the benchmark ends, the last first. */
type Stops = (() => unknown)[];

async function main(options: Options): Promise<number> {
  const started = performance.now();
  const say: Say = (text) => console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  const stops: Stops = [];
  const cleanUp = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  };
  // The contestant that runs ends with this process; the chains and the database would stay.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  try {
    const devnet = await startDevnet({ historyBlocks: HISTORY_BLOCKS });
    stops.push(() => devnet.stop());
    const proofs = await measureProofs(devnet, { quick: options.quick, say });
    await cleanUp();
    return options.only === null ? await contest(options, { proofs, say, stops }) : conclude(options, proofs);
  } finally {
    await cleanUp();
  }
}

/** Says what proofs cost, where nothing else was asked for. */
function conclude({ quick }: Options, proofs: ProofResults): number {
  console.log(`\n${proofFigures(proofs)}`);
  const failures = proofShortfalls(proofs);
  for (const failure of failures) console.error(failure);
  if (!quick) writeSection("proofs", proofFigures(proofs));
  return failures.length === 0 ? 0 : 1;
}

async function contest(
  { quick, seed, profile }: Options,
  { proofs, say, stops }: { proofs: ProofResults; say: Say; stops: Stops },
): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "plumbline-bench-"));
  stops.push(() => rmSync(directory, { recursive: true, force: true }));
  const assessed = await measureAssessment(quick ? QUICK_ACCOUNTS : ACCOUNTS, seed);
  say(`${assessed.accounts} accounts assessed in ${assessed.seconds.toFixed(2)} s`);
  const workload = createWorkload({ ...(quick ? QUICK : FULL), seed });
  say(`${workload.totals.logs} logs in ${workload.options.blocks} blocks generated`);
  let chain = await buildChain(workload, say);
  stops.push(() => chain.stop());
  const another = async () => {
    const { refs } = chain;
    await chain.stop();
    chain = await buildChain(workload, say);
    if (chain.refs.at(-1)?.hash !== refs.at(-1)?.hash)
      throw new InvariantError("The same workload gave another chain.");
    return chain;
  };
  const folded = await foldAll(workload.history, chain.refs);
  say(`folded in memory in ${folded.seconds.toFixed(1)} s`);
  const postgres = await startPostgres();
  stops.push(postgres.stop);
  const deploymentFile = join(directory, "deployment.json");
  writeFileSync(deploymentFile, JSON.stringify(DEPLOYMENT));
  const env = savePlan(join(directory, "plan.json"), { from: chain.refs[0]?.number ?? 0n, rows: folded.rows });
  const place = { directory, deploymentFile, postgresUrl: postgres.url, env, profile };
  const results: Results = { proofs, assessed, ...(await runAll({ workload, chain, another, folded, place, say })) };
  console.log(`\n${figures(results)}\n\n${proofFigures(proofs)}`);
  const wrong = wrongSums(results);
  const slow = shortfalls(results);
  for (const failure of [...wrong, ...slow]) console.error(failure);
  if (!quick && wrong.length === 0) {
    writeSection("figures", figures(results));
    writeSection("proofs", proofFigures(proofs));
  }
  return wrong.length + slow.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main(readOptions());
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
