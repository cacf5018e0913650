/**
 * Naming in what two operators' epochs differ: the rule, the account, the figure. What is named of the other's record is
 * first held against the root that its log has sealed.
 */
import type { EpochTree } from "../../src/core/assessment.ts";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import {
  differingMembers,
  differingRule,
  differingTrees,
  type EpochBody,
  type EpochState,
  firstDifferingLeaf,
  type LeafDifference,
} from "../../src/core/log/compare-epochs.ts";
import type { Difference } from "../../src/core/log/json-difference.ts";
import type { StateJson } from "../../src/core/margin-model.ts";
import { compareKeys } from "../../src/core/order.ts";
import { EpochTrees } from "../../src/core/proof/epoch-trees.ts";
import type { LeafPage, RemoteRecord } from "./remote-record.ts";

/** What was found out about a difference. `notes` say what could not be found out, and why. */
export type Explanation = {
  members: readonly Difference[];
  rule: Difference | null;
  leaf: LeafDifference | null;
  notes: readonly string[];
  /** Whether a server did not answer, so that asking once more may tell more. */
  isPartial: boolean;
};

/** The two epochs, the servers they are from, and until when to go on, in milliseconds of `now`. */
export type Explained = {
  theirs: EpochBody;
  ours: EpochBody;
  other: RemoteRecord;
  own: RemoteRecord;
  now(): number;
  untilMs: number;
};

type Side = { epoch: EpochBody; record: RemoteRecord; name: "The other server" | "The own server" };

/** More leaves than this of one tree are not read. */
const MAX_LEAVES = 1_000_000;

/** What can be found out; never more than a server serves and its log has sealed. */
export async function explainDifference(of: Explained): Promise<Explanation> {
  const members = differingMembers(of.theirs, of.ours);
  const notes: string[] = [];
  let isPartial = false;
  const noting = async <T>(work: () => Promise<T | null>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof InputError || error instanceof ProviderError)) throw error;
      isPartial ||= error instanceof ProviderError;
      notes.push(error.message);
      return null;
    }
  };
  const rule = await noting(() => explainRule(of));
  let leaf: LeafDifference | null = null;
  for (const tree of differingTrees(members)) {
    leaf = await noting(() => explainTree(tree, of));
    if (leaf !== null) break;
  }
  return { members, rule, leaf, notes, isPartial };
}

async function explainRule({ theirs, ours, other, own }: Explained): Promise<Difference | null> {
  if (theirs.rulebookHash === ours.rulebookHash) return null;
  const sourceOf = async (record: RemoteRecord, hash: Hex, name: Side["name"]) => {
    const source = await record.body(hash);
    if (source === null) throw new InputError(`${name} does not serve its rulebook ${hash}.`);
    return { hash, source };
  };
  return differingRule(
    await sourceOf(other, theirs.rulebookHash as Hex, "The other server"),
    await sourceOf(own, ours.rulebookHash as Hex, "The own server"),
  );
}

async function explainTree(tree: EpochTree, of: Explained): Promise<LeafDifference | null> {
  const theirs: Side = { epoch: of.theirs, record: of.other, name: "The other server" };
  const ours: Side = { epoch: of.ours, record: of.own, name: "The own server" };
  return await firstDifferingLeaf(tree, {
    theirs: readTree(tree, theirs, of),
    ours: readTree(tree, ours, of),
  });
}

/** All leaves of a tree in the order of their keys. @throws InputError at their end when they are not those of the epoch. */
async function* readTree(
  tree: EpochTree,
  { epoch, record, name }: Side,
  { now, untilMs }: Pick<Explained, "now" | "untilMs">,
): AsyncGenerator<EpochState> {
  const trees = new EpochTrees();
  let [after, count]: [string | null, number] = [null, 0];
  for (;;) {
    if (now() > untilMs) throw new InputError(`${name} takes too long to serve the leaves of the ${tree} tree.`);
    const page: LeafPage | null = await record.leaves({ chain: epoch.chain, number: epoch.number, tree, after });
    if (page === null) throw new InputError(`${name} does not serve the leaves of the ${tree} tree of this epoch.`);
    for (const leaf of page.leaves) {
      if (after !== null && compareKeys(after, leaf.key) >= 0) {
        throw new InputError(`${name} does not serve the leaves of the ${tree} tree in the order of their keys.`);
      }
      after = leaf.key;
      if (++count > MAX_LEAVES) throw new InputError(`${name} serves more than ${MAX_LEAVES} leaves of one tree.`);
      trees.put({ tree, key: leaf.key, state: leaf.state as StateJson });
      yield leaf;
    }
    if (page.next === null) break;
    if (page.leaves.length === 0 || page.next !== after) {
      throw new InputError(`${name} does not say where the leaves of the ${tree} tree go on.`);
    }
  }
  const roots: Readonly<Record<string, string>> = trees.roots();
  const isSealed = [`${tree}Root`, `${tree}Count`].every((member) => roots[member] === epoch[member]);
  if (!isSealed) throw new InputError(`${name} does not serve the ${tree} tree that its log has sealed.`);
}
