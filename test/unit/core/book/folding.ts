/** Folding the benchmark's blocks, whose hashes are their numbers. */
import type { Folder } from "../../../../bench/fold.ts";
import type { BlockPlan } from "../../../../bench/workload/workload.ts";
import type { BlockOutcome } from "../../../../src/core/book/pending.ts";
import type { BlockRef } from "../../../../src/core/event.ts";

export const hashOf = (number: bigint) => `0x${number.toString(16).padStart(64, "0")}` as const;

export const refOf = ({ number, timestamp }: BlockPlan): BlockRef => ({
  ...{ number, timestamp },
  ...{ hash: hashOf(number), parentHash: hashOf(number - 1n) },
});

/** What can be compared, as text: bigints are no JSON. */
export const text = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? v.toString() : v));

/** Folds blocks; `after` is given what each of them leaves behind. */
export async function fold(
  blocks: readonly BlockPlan[],
  into: Folder,
  after: (outcome: BlockOutcome) => void = () => {},
): Promise<BlockOutcome[]> {
  const folded: BlockOutcome[] = [];
  for (const plan of blocks) {
    const { outcome } = await into.fold(plan, refOf(plan));
    after(outcome);
    folded.push(outcome);
  }
  return folded;
}
