import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, longest first: with two at a time, one of them at the end would run alone. */
const LONGEST = [
  "system/crash-postgres",
  "e2e/rulebook-change",
  "system/crash-pglite",
  "system/reorg",
  "system/crash-day",
  "e2e/start",
  "system/crash-devnet",
  "system/backtest",
  "fuzz/mutations",
  "system/storage-faults",
  "server/evidence",
  "server/evidence-survival",
  "server/evidence-faults",
  "browser/proven",
  "browser/verify-page",
  "system/stores",
  "system/fold",
  "system/rules-bite",
  "server/reorg",
  "chain/devnet",
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
