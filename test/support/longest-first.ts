import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, longest first: with two at a time, one of them at the end would run alone. */
const LONGEST = [
  "system/two-operators",
  "system/crash-pglite",
  "system/crash-postgres",
  "system/reorg",
  "e2e/rulebook-change",
  "system/crash-day",
  "e2e/start",
  "system/backtest",
  "system/anchor",
  "system/storage-faults",
  "fuzz/mutations",
  "system/fold",
  "server/evidence-survival",
  "system/rules-bite",
  "server/monitor",
  "system/crash-devnet",
  "server/reorg",
  "chain/devnet",
  "chain/devnet-command",
  "server/crash",
  "server/two-servers",
  "e2e/start-refusals",
  "browser/verify-page",
  "server/evidence",
  "chain/log-evidence",
  "browser/proven",
  "server/witness",
  "server/evidence-faults",
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
