/**
 * Proofs about the sums of an asset in a protocol: what an account adds to them, or that it adds nothing. The sums are
 * those of the very leaves the root commits to, so that whoever finds his own leaf in it knows that he was counted.
 */
import * as z from "zod";
import type { CollateralState, Epoch } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { fromHex, toHex } from "./bytes.ts";
import {
  type Absence,
  naturalOf,
  type Place,
  type Presence,
  proveIn,
  requireNeighbours,
  verifyNoState,
  verifyState,
} from "./epoch-proof.ts";
import type { CollateralTotals } from "./epoch-trees.ts";
import { hash, readShape } from "./shapes.ts";
import { isSameNode, rootOfSumPath, type SumNode, type SumTree, sumLeaf } from "./sum-tree.ts";

/** A sum as text: a decimal number that fits into 32 bytes or little more, so that nothing large is ever worked with. */
export const sumShape = z.string().regex(/^(0|[1-9]\d{0,77})$/, "expected a decimal number of 0 or more");

const totalsShape: z.ZodType<CollateralTotals> = z.strictObject({
  // Without accounts there is no leaf: sums over none would rest on nothing, and nobody would be in them.
  accounts: z.string().regex(/^[1-9]\d{0,15}$/, "expected a number of accounts from 1 on"),
  held: sumShape,
  required: sumShape,
  root: hash,
  unknown: sumShape,
});

/** A node of a sum tree, all of it text: its hash, and the sums over the leaves below it as decimal numbers. */
export type SumNodeText = { hash: string; held: string; required: string; unknown: string };

/** A leaf of a sum tree: whose, what it says, where it stands, and the nodes beside its way up. */
export type SumLeaf = { key: string; state: CollateralState; index: string; path: readonly SumNodeText[] };

/** What a sum tree says of one key, or between which leaves it would stand. */
export type HoldingProof = Place<SumLeaf>;

/**
 * Proof of what a sum tree says of a key, or that it says nothing.
 * @param stateOf what the tree's leaves were made from.
 */
export function proveHolding(
  tree: SumTree,
  { key, stateOf }: { key: string; stateOf: (key: string) => CollateralState },
): HoldingProof {
  return proveIn<SumLeaf>(tree, {
    key,
    leafAt: (at, index) => ({
      key: at,
      state: stateOf(at),
      index: index.toString(),
      path: tree.path(index).map(textOf),
    }),
  });
}

/** The members of an epoch that commit to its sums. */
type CollateralRoot = Pick<Epoch, "collateralRoot" | "collateralCount">;

/**
 * The totals of an asset that an epoch commits to.
 * @throws InputError when the proof does not show them.
 */
export function verifyTotals(epoch: CollateralRoot, proof: Presence): CollateralTotals {
  return readShape(totalsShape, verifyState(asStates(epoch), proof), `The totals of ${proof.leaf.key}`);
}

/** That an epoch commits to no totals of an asset. @throws InputError when the proof does not show it. */
export function verifyNoTotals(epoch: CollateralRoot, proof: Absence): void {
  verifyNoState(asStates(epoch), proof);
}

/** The tree over assets has the form of the tree of states. */
function asStates({ collateralRoot, collateralCount }: CollateralRoot) {
  return { stateRoot: collateralRoot, stateCount: collateralCount };
}

/**
 * That sums are over leaves of which one says this of a key, or none says anything.
 * @param totals what the epoch's tree of collateral says of the asset.
 * @throws InputError when the proof does not show it.
 */
export function verifyHolding(totals: CollateralTotals, proof: HoldingProof): void {
  if (proof.size !== totals.accounts) {
    throw new InputError(`The proof is of sums over ${proof.size} accounts; the epoch has ${totals.accounts}.`);
  }
  if ("leaf" in proof) checkLeaf(proof.leaf, totals);
  else {
    for (const leaf of [proof.before, proof.after]) if (leaf !== null) checkLeaf(leaf, totals);
    requireNeighbours(proof);
  }
}

function checkLeaf({ key, state, index, path }: SumLeaf, totals: CollateralTotals): void {
  const found = rootOfSumPath({
    index: naturalOf(index),
    size: naturalOf(totals.accounts),
    leaf: sumLeaf(key, state),
    path: path.map(nodeOf),
  });
  const root = nodeOf({ ...totals, hash: totals.root });
  if (found === null || !isSameNode(found, root)) {
    throw new InputError(`${key} is not leaf ${index} of the sums over ${totals.accounts} accounts.`);
  }
}

function textOf({ hash, sums: { held, required, unknown } }: SumNode): SumNodeText {
  return {
    hash: toHex(hash),
    held: held.toString(),
    required: required.toString(),
    unknown: unknown.toString(),
  };
}

function nodeOf({ hash, held, required, unknown }: SumNodeText): SumNode {
  return { hash: fromHex(hash), sums: { held: BigInt(held), required: BigInt(required), unknown: BigInt(unknown) } };
}
