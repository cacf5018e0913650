import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, longest first: with two at a time, one of them at the end would run alone. */
const LONGEST = [
  "system/crash-pglite",
  "e2e/rulebook-change",
  "system/reorg",
  "system/two-operators",
  "system/crash-postgres",
  "system/crash-day",
  "system/storage-faults",
  "system/anchor",
  "fuzz/mutations",
  "e2e/start",
  "system/backtest",
  "system/fold",
  "system/crash-devnet",
  "server/evidence-survival",
  "system/anchor",
  "system/rules-bite",
  "server/monitor",
  "e2e/start-refusals",
  "browser/verify-page",
  "chain/devnet-command",
  "server/evidence-faults",
  "server/reorg",
  "server/crash",
  "chain/log-evidence",
  "chain/devnet",
  "server/evidence",
  "browser/proven",
];

/** Orders test files so that two workers finish at about the same time, also where no former run is remembered. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => placeOf(a) - placeOf(b));
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place === -1 ? LONGEST.length : place;
}
