/** How many rows the indexer writes in each block, for bare Ponder to write as many. */
import { readFileSync, writeFileSync } from "node:fs";
import { InputError } from "../src/core/errors.ts";
import type { RowCounts } from "./fold.ts";

const VARIABLE = "PLUMBLINE_BENCH_PLAN";

const NOTHING: RowCounts = {
  ...{ events: 0, prices: 0, readings: 0, positions: 0, accounts: 0, markets: 0 },
  ...{ assessments: 0, strikes: 0, exposures: 0, epochs: 0, epochLeaves: 0, epochCollateral: 0 },
};

/** Row counts by block number; a block that is not planned has none. */
export type Plan = { get(number: bigint): RowCounts };

/** Writes the plan file and returns the environment that names it. */
export function savePlan(
  file: string,
  { from, rows }: { from: bigint; rows: readonly RowCounts[] },
): NodeJS.ProcessEnv {
  writeFileSync(file, JSON.stringify({ from: from.toString(), rows }));
  return { [VARIABLE]: file };
}

/** The plan the environment names. @throws InputError when it names none. */
export function loadPlan(): Plan {
  const file = process.env[VARIABLE];
  if (!file) throw new InputError(`${VARIABLE} is not set; bare Ponder runs as part of the benchmark.`);
  const { from, rows } = JSON.parse(readFileSync(file, "utf8")) as { from: string; rows: RowCounts[] };
  return { get: (number) => rows[Number(number - BigInt(from))] ?? NOTHING };
}
