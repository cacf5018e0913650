/**
 * Proofs about what an epoch commits to: the state of an account or market, that there is none, and that the assessments
 * of a holder are these and no others.
 *
 * The leaves of an epoch's trees are ordered by the raw bytes of their keys, each key once; whoever indexes the chain can
 * strike the root again and see that it is so. A key that is not there would stand between two leaves that are neighbours.
 * That two leaves are neighbours follows from their paths alone, whatever size of the tree a proof names: from where the
 * two part, one path only turns right and the other only left, and both end in leaves, which no inner node can be taken for.
 */
import type { Epoch } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { compareKeys } from "../order.ts";
import { equalBytes, fromHex, toHex } from "./bytes.ts";
import type { Json } from "./canonical.ts";
import { holderKeyOf, keyedLeafHash } from "./epoch-trees.ts";
import { rootOf, verifyInclusion } from "./merkle.ts";
import type { SortedTree } from "./sorted-tree.ts";

/** A leaf of an epoch's tree: a key, what is said of it, where it stands, and the hashes beside its way up. All of it JSON. */
export type KeyedLeaf = { key: string; state: Json; index: string; proof: readonly string[] };

/** What a tree says of one key. `size` is the number of its leaves. */
export type Found<Leaf> = { size: string; leaf: Leaf };

/** That a tree says nothing of one key: the leaves it would stand between; null at the end of the tree. */
export type Between<Leaf> = { size: string; key: string; before: Leaf | null; after: Leaf | null };

/** Where a key stands in a tree, or would stand. */
export type Place<Leaf> = Found<Leaf> | Between<Leaf>;

/** Proof of a leaf, and of the two it would stand between. */
export type Presence = Found<KeyedLeaf>;
export type Absence = Between<KeyedLeaf>;

/**
 * All current assessments of a holder, those of its positions among them, in the order of their keys, and the holder's leaf
 * in the tree over holders. `subject` is the key it stands under there, the protocol and the holder: an account, or what is
 * nobody's, as a market.
 */
export type SubjectProof = {
  size: string;
  subject: string;
  assessments: readonly { key: string; state: Json }[];
  index: string;
  proof: readonly string[];
};

/**
 * Proof of what a tree says of a key, or that it says nothing.
 * @param stateOf what the tree's leaves were hashed from.
 */
export function proveKey(
  tree: SortedTree,
  { key, stateOf }: { key: string; stateOf: (key: string) => Json },
): Presence | Absence {
  return proveIn<KeyedLeaf>(tree, {
    key,
    leafAt: (at, index) => ({
      key: at,
      state: stateOf(at),
      index: index.toString(),
      proof: tree.inclusionProof(index).map(toHex),
    }),
  });
}

/** Where a key stands in a tree of any kind, or would stand; `leafAt` gives the leaf of a key, which stands at an index. */
export function proveIn<Leaf extends { key: string }>(
  tree: Pick<SortedTree, "size" | "indexOf" | "keyAt">,
  { key, leafAt }: { key: string; leafAt: (key: string, index: number) => Leaf },
): Place<Leaf> {
  const size = tree.size.toString();
  const leafOf = (index: number): Leaf | null => {
    const at = index < 0 ? null : tree.keyAt(index);
    return at === null ? null : leafAt(at, index);
  };
  const index = tree.indexOf(key);
  const leaf = leafOf(index);
  if (leaf?.key === key) return { size, leaf };
  return { size, key, before: leafOf(index - 1), after: leaf };
}

/**
 * Proof of all current assessments of a holder, or that there are none.
 * @param holders the tree over holders. `assessmentsOf` gives those of each, in the order of their keys.
 */
export function proveAssessments(
  holders: SortedTree,
  { subject, assessmentsOf }: { subject: string; assessmentsOf: (subject: string) => SubjectProof["assessments"] },
): SubjectProof | Absence {
  const found = proveKey(holders, { key: subject, stateOf: (key) => summaryOf(assessmentsOf(key)) });
  if (!("leaf" in found)) return found;
  const { index, proof } = found.leaf;
  return { size: found.size, subject, assessments: assessmentsOf(subject), index, proof };
}

/** What the tree over holders says of one: how many assessments it has, and the root of the tree over them. */
export function summaryOf(assessments: SubjectProof["assessments"]): Json {
  const root = rootOf(assessments.map(({ key, state }) => keyedLeafHash(key, state)));
  return { count: assessments.length.toString(), root: toHex(root) };
}

/**
 * The state that an epoch commits to under a key.
 * @returns the state.
 * @throws InputError when the proof does not show it.
 */
export function verifyState(epoch: Pick<Epoch, "stateRoot" | "stateCount">, { size, leaf }: Presence): Json {
  requireSize(size, epoch.stateCount);
  checkPlace(leaf, { root: fromHex(epoch.stateRoot), size: naturalOf(size) });
  return leaf.state;
}

/** That an epoch commits to no state under a key. @throws InputError when the proof does not show it. */
export function verifyNoState(epoch: Pick<Epoch, "stateRoot" | "stateCount">, proof: Absence): void {
  requireSize(proof.size, epoch.stateCount);
  checkAbsence(proof, fromHex(epoch.stateRoot));
}

/** That an epoch commits to no assessment of a holder. @throws InputError when the proof does not show it. */
export function verifyNoAssessments(epoch: Pick<Epoch, "assessmentRoot">, proof: Absence): void {
  checkAbsence(proof, fromHex(epoch.assessmentRoot));
}

/**
 * That these are all assessments of a holder that an epoch commits to.
 * @throws InputError when the proof does not show it.
 */
export function verifyAssessments(epoch: Pick<Epoch, "assessmentRoot">, proof: SubjectProof): void {
  const { subject, assessments, index, size } = proof;
  if (assessments.length === 0) throw new InputError(`A holder without assessments, as ${subject}, has no leaf.`);
  assessments.forEach(({ key }, i) => {
    const parts = key.split("|");
    if (parts.length !== 3 || parts.includes("") || holderKeyOf(key) !== subject) {
      throw new InputError(`${key} is no assessment of ${subject}.`);
    }
    const before = assessments[i - 1];
    if (before !== undefined && compareKeys(before.key, key) >= 0) {
      throw new InputError(`${key} does not stand behind ${before.key}; keys rise.`);
    }
  });
  const leaf: KeyedLeaf = { key: subject, state: summaryOf(assessments), index, proof: proof.proof };
  checkPlace(leaf, { root: fromHex(epoch.assessmentRoot), size: naturalOf(size) });
}

function checkAbsence(proof: Absence, root: Uint8Array): void {
  const { before, after } = proof;
  const tree = { root, size: naturalOf(proof.size) };
  if (tree.size === 0 && !equalBytes(root, rootOf([]))) throw new InputError("The epoch's tree is not the empty one.");
  if (before !== null) checkPlace(before, tree);
  if (after !== null) checkPlace(after, tree);
  requireNeighbours(proof);
}

/**
 * That two leaves, each known to stand where it says, are neighbours, and that a key would stand between them.
 * @throws InputError when they are not, or it would not.
 */
export function requireNeighbours({
  size,
  key,
  before,
  after,
}: Pick<Absence, "size" | "key"> & Record<"before" | "after", Pick<KeyedLeaf, "key" | "index"> | null>): void {
  const next = before === null ? 0 : naturalOf(before.index) + 1;
  if (next !== (after === null ? naturalOf(size) : naturalOf(after.index))) {
    throw new InputError(`The leaves around ${key} are not neighbours.`);
  }
  const isBetween =
    (before === null || compareKeys(before.key, key) < 0) && (after === null || compareKeys(key, after.key) < 0);
  if (!isBetween) throw new InputError(`${key} does not stand between the leaves around it.`);
}

function checkPlace(leaf: KeyedLeaf, { root, size }: { root: Uint8Array; size: number }): void {
  const hash = keyedLeafHash(leaf.key, leaf.state);
  const claim = { index: naturalOf(leaf.index), size, leafHash: hash, proof: leaf.proof.map(fromHex), root };
  if (!verifyInclusion(claim)) throw new InputError(`${leaf.key} is not leaf ${leaf.index} of the epoch's tree.`);
}

function requireSize(size: string, count: string): void {
  if (size !== count) throw new InputError(`The proof is of a tree of ${size} leaves; the epoch has ${count}.`);
}

/** A number of leaves. @throws InputError for text that is none. */
export function naturalOf(text: string): number {
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new InputError(`"${text}" is not a number of leaves.`);
  return value;
}
