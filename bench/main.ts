/**
 * The benchmark: one chain, three systems that index it, once with an empty cache of the chain and once with a full one.
 * Before that, what proofs, the log and epochs cost.
 * `npm run bench -- [--quick] [--seed N] [--profile DIR] [--only proofs|log|epochs]`
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
import { measureEpochs } from "./epochs.ts";
import { foldAll } from "./fold.ts";
import { measureLog } from "./log.ts";
import { epochFigures, epochShortfalls, logFigures, logShortfalls } from "./log-report.ts";
import { savePlan } from "./plan.ts";
import { HISTORY_BLOCKS, measureProofs } from "./proofs.ts";
import { figures, proofFigures, proofShortfalls, type Section, shortfalls, writeSection, wrongSums } from "./report.ts";
import { DEPLOYMENT } from "./workload/setting.ts";
import { createWorkload, FULL, QUICK } from "./workload/workload.ts";

/** Accounts that are assessed at once. */
const ACCOUNTS = 10_000;
const QUICK_ACCOUNTS = 1_000;

/** What is measured before the contest, each also by itself; each has a section of that name in the document. */
const PARTS = ["proofs", "log", "epochs"] as const satisfies readonly Section[];
type PartName = (typeof PARTS)[number];

type Options = { quick: boolean; seed: number; profile: string | null; only: PartName | null };
type Say = (text: string) => void;

/** A part's figures as Markdown, and where it falls short of what is asked, a sentence each. */
type Part = { name: PartName; figures: string; shortfalls: string[] };

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
  const only = PARTS.find((part) => part === values.only) ?? null;
  if (values.only !== undefined && only === null) {
    throw new InputError(`--only is ${values.only}; expected one of ${PARTS.join(", ")}.`);
  }
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
    const parts: Part[] = [];
    for (const name of PARTS) {
      if (options.only !== null && options.only !== name) continue;
      parts.push({ name, ...(await measured(name, { ...options, say, stops })) });
      await cleanUp();
    }
    const failures = options.only === null ? await contest(options, { say, stops }) : [];
    for (const { name, figures, shortfalls } of parts) {
      console.log(`\n${figures}`);
      failures.push(...shortfalls);
      if (!options.quick) writeSection(name, figures);
    }
    for (const failure of failures) console.error(failure);
    return failures.length === 0 ? 0 : 1;
  } finally {
    await cleanUp();
  }
}

type Measuring = { quick: boolean; seed: number; say: Say; stops: Stops };

async function measured(name: PartName, { quick, seed, say, stops }: Measuring): Promise<Omit<Part, "name">> {
  if (name === "log") {
    const cost = await measureLog({ quick, seed });
    return { figures: logFigures(cost), shortfalls: logShortfalls(cost) };
  }
  if (name === "epochs") {
    const cost = await measureEpochs({ quick, seed });
    return { figures: epochFigures(cost), shortfalls: epochShortfalls(cost) };
  }
  const devnet = await startDevnet({ historyBlocks: HISTORY_BLOCKS });
  stops.push(() => devnet.stop());
  const cost = await measureProofs(devnet, { quick, say });
  return { figures: proofFigures(cost), shortfalls: proofShortfalls(cost) };
}

/** Measures the systems against each other. @returns what is wrong or too slow, a sentence each. */
async function contest({ quick, seed, profile }: Options, { say, stops }: { say: Say; stops: Stops }) {
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
  const results: Results = { assessed, ...(await runAll({ workload, chain, another, folded, place, say })) };
  console.log(`\n${figures(results)}`);
  const wrong = wrongSums(results);
  if (!quick && wrong.length === 0) writeSection("figures", figures(results));
  return [...wrong, ...shortfalls(results)];
}

try {
  process.exitCode = await main(readOptions());
} catch (error) {
  if (!(error instanceof InputError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
