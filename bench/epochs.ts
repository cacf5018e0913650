/** What the roots of an epoch cost over very many accounts: all worked out at once, and when few have changed. */
import type { EpochLeaf } from "../src/core/assessment.ts";
import { InvariantError } from "../src/core/errors.ts";
import type { StateJson } from "../src/core/margin-model.ts";
import { EpochTrees } from "../src/core/proof/epoch-trees.ts";
import { sha256Hex } from "../src/core/proof/sha256.ts";
import { createFolder, refsOf } from "./fold.ts";
import { createWorkload, QUICK } from "./workload/workload.ts";

const ACCOUNTS = 100_000;
const QUICK_ACCOUNTS = 10_000;
/** One account in so many has changed by the second epoch, and of those one in so many has only come. */
const ONE_CHANGED_IN = 100;
const ONE_NEW_IN = 100;
/** Blocks after which accounts have states to lend. */
const BLOCKS = 40;
const PROTOCOL = "eip155:1/perp-v2";
const ASSET = "eip155:1/erc20:0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";
const RULES = ["PERP-V2-MAINTENANCE", "EU-CFD-CLOSEOUT-50"];

/** Seconds that the leaves of a tree and its root took; `incremental` where only changed leaves are put. */
export type TreeCost = { name: string; leaves: number; scratch: number; incremental: number };
export type EpochCost = { accounts: number; changed: number; leaves: number; trees: readonly TreeCost[] };

type Tree = EpochLeaf["tree"];
type Account = { address: string; version: number };

const NAMES: Record<Tree, string> = {
  state: "state of every account",
  assessment: `assessments, ${RULES.length} an account`,
  collateral: "collateral with its sums",
};

/** Measures each of an epoch's trees, from nothing and then incrementally. */
export async function measureEpochs({ quick, seed }: { quick: boolean; seed: number }): Promise<EpochCost> {
  const states = await statesOf(seed);
  const accounts = quick ? QUICK_ACCOUNTS : ACCOUNTS;
  const changed = accounts / ONE_CHANGED_IN;
  const all = Array.from({ length: accounts }, (_, i) => ({ address: addressAt(i), version: 0 }));
  const some = all.filter((_, i) => i % ONE_CHANGED_IN === 0).map(({ address }) => ({ address, version: 1 }));
  const coming = new Set(some.filter((_, i) => i % ONE_NEW_IN === 0).map(({ address }) => address));
  const trees = new EpochTrees();
  const costs = (Object.keys(NAMES) as Tree[]).map((tree) => {
    const leavesOf = (list: readonly Account[]) => list.flatMap((account) => leaves(tree, { account, states }));
    const before = leavesOf(all.filter(({ address }) => !coming.has(address)));
    const after = leavesOf(some);
    const scratch = timed(trees, before);
    const incremental = timed(trees, after);
    return { name: NAMES[tree], leaves: before.length + coming.size * (after.length / changed), scratch, incremental };
  });
  return { accounts, changed, leaves: costs.reduce((sum, cost) => sum + cost.leaves, 0), trees: costs };
}

/** Seconds it takes to put leaves and work out the roots. */
function timed(trees: EpochTrees, leaves: readonly EpochLeaf[]): number {
  const began = performance.now();
  for (const leaf of leaves) trees.put(leaf);
  trees.roots();
  return (performance.now() - began) / 1000;
}

/** An account's leaves in a tree; another version of an account has other figures. */
function leaves(tree: Tree, { account, states }: { account: Account; states: readonly StateJson[] }): EpochLeaf[] {
  const { address, version } = account;
  const number = Number.parseInt(address.slice(-6), 16) + version;
  if (tree === "state") {
    return [{ tree, key: `${PROTOCOL}/account:${address}`, state: states[number % states.length] as StateJson }];
  }
  if (tree === "collateral") {
    const [held, required] = [10n ** 20n + BigInt(number), 10n ** 19n + BigInt(number)].map(String) as [string, string];
    return [{ tree, key: `${PROTOCOL}|${ASSET}|${address}`, state: { held, required } }];
  }
  return RULES.map((rule) => {
    const key = `${PROTOCOL}|eip155:1:${address}|${rule}`;
    const measured = String(10n ** 18n + BigInt(number));
    return { tree, key, state: { id: sha256Hex(key + measured), condition: "met", measured, reason: null } };
  });
}

function addressAt(i: number): string {
  return `0x${sha256Hex(`account ${i}`).slice(0, 40)}`;
}

/** States of accounts that trade, as a protocol's model gives them. */
async function statesOf(seed: number): Promise<StateJson[]> {
  const { history } = createWorkload({ ...QUICK, seed });
  const { book, fold } = createFolder();
  for (const [i, ref] of refsOf(history).slice(0, BLOCKS).entries()) {
    await fold(history[i] as (typeof history)[number], ref);
  }
  const states = book.venues.flatMap(({ model }) =>
    [...model.addresses()].map((address) => model.accountState(address)),
  );
  if (states.length === 0) throw new InvariantError(`After ${BLOCKS} blocks nobody trades.`);
  return states;
}
