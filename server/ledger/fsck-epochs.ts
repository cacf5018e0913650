/** The leaves kept of sealed epochs, against the roots that the epochs committed to. */
import type Database from "better-sqlite3";
import type { EpochLeaf, EpochTree } from "../../src/core/assessment.ts";
import { InputError } from "../../src/core/errors.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { type EpochRoots, EpochTrees } from "../../src/core/proof/epoch-trees.ts";
import type { Findings } from "./fsck.ts";
import { hasTable } from "./fsck-tables.ts";

type EpochRow = { number: number; toBlock: number; body: string };
type LeafRow = { tree: EpochTree; key: string; state: string | null };

const MEMBERS: readonly (keyof EpochRoots)[] = [
  ...["stateRoot", "stateCount", "assessmentRoot", "assessmentCount"],
  ...["collateralRoot", "collateralCount"],
] as (keyof EpochRoots)[];

/**
 * What changed with each epoch, put on top of what changed before, makes the roots of the epoch. Of a chain the first epoch
 * that it does not hold for is told; those behind it rest on the same leaves.
 */
export function checkEpochLeaves(db: Database.Database, findings: Findings): void {
  findings.part(
    "The leaves of epochs",
    () => {
      if (!hasTable(db, "epoch_leaf")) return;
      const stray = db
        .prepare(
          `SELECT chain, min(to_block) AS toBlock FROM epoch_leaf AS leaf WHERE NOT EXISTS (
             SELECT 1 FROM epoch WHERE epoch.chain = leaf.chain AND epoch.to_block = leaf.to_block AND has_leaves = 1)
           GROUP BY chain`,
        )
        .all() as { chain: string; toBlock: number }[];
      for (const { chain, toBlock } of stray) {
        findings.add(
          `Leaves of ${chain} say to be of an epoch that ends at block ${toBlock}; there is none with leaves.`,
        );
      }
      const chains = db.prepare("SELECT DISTINCT chain FROM epoch WHERE has_leaves = 1").pluck().all() as string[];
      for (const chain of chains) {
        const problem = firstProblem(db, chain);
        if (problem !== null) findings.add(problem);
      }
    },
    undefined,
  );
}

function firstProblem(db: Database.Database, chain: string): string | null {
  const trees = new EpochTrees();
  const epochs = db
    .prepare(
      `SELECT number, to_block AS toBlock, body FROM epoch JOIN leaf ON idx = leaf_index
       WHERE epoch.chain = ? AND has_leaves = 1 AND kind = 'epoch' AND json_valid(body) ORDER BY to_block`,
    )
    .all(chain) as EpochRow[];
  const leaves = db.prepare("SELECT tree, key, state FROM epoch_leaf WHERE chain = ? AND to_block = ?");
  for (const epoch of epochs) {
    const name = `epoch ${epoch.number} of ${chain}`;
    for (const row of leaves.all(chain, epoch.toBlock) as LeafRow[]) {
      if (!put(trees, row)) return `The ${row.tree} ${row.key} of ${name} is none that can be read.`;
    }
    const roots = trees.roots();
    const sealed = JSON.parse(epoch.body) as EpochRoots | null;
    const wrong = MEMBERS.find((member) => sealed?.[member] !== roots[member]);
    if (wrong !== undefined) return `The leaves kept of ${name} do not make its ${wrong}.`;
  }
  return null;
}

/** Takes over a leaf; whether it could be read. */
function put(trees: EpochTrees, { tree, key, state }: LeafRow): boolean {
  try {
    const leaf: EpochLeaf = { tree, key, state: state === null ? null : (JSON.parse(state) as StateJson) };
    trees.put(leaf);
    return true;
  } catch (error) {
    if (error instanceof InputError || error instanceof SyntaxError) return false;
    throw error;
  }
}
