/**
 * Roots and proofs of a Merkle tree from the hashes of its complete subtrees, wherever those come from: a tree in memory,
 * or the tiles of somebody's log.
 * @see https://www.rfc-editor.org/rfc/rfc9162.html section 2.1
 */
import { InputError, InvariantError } from "../errors.ts";
import { hashNode } from "./node-hash.ts";
import { sha256 } from "./sha256.ts";

/** Hash of the complete subtree of 2^`level` leaves number `index`; null where there is none. */
export type NodeOf = (level: number, index: number) => Uint8Array | null;

/** Root of `size` leaves whose complete subtrees `nodeOf` knows. */
export function rootFrom(nodeOf: NodeOf, size: number): Uint8Array {
  return size === 0 ? sha256(new Uint8Array()) : range(nodeOf, { from: 0, to: size });
}

/** Proof that leaf `index` is among `size`, lowest first. @throws InputError when it is not. */
export function inclusionFrom(nodeOf: NodeOf, { index, size }: { index: number; size: number }): Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new InputError(`Leaf ${index} is not among the first ${size} leaves.`);
  }
  const path: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitPoint(to - from);
    path.push(range(nodeOf, index < middle ? { from: middle, to } : { from, to: middle }));
    if (index < middle) to = middle;
    else from = middle;
  }
  return path.reverse();
}

/** Proof that the first `first` of `second` leaves are their beginning. @throws InputError for sizes out of order, and for 0. */
export function consistencyFrom(nodeOf: NodeOf, { first, second }: { first: number; second: number }): Uint8Array[] {
  if (first === second && first > 0) return [];
  const path = growthFrom(nodeOf, { first, second });
  // When the first tree is complete it is itself the node to start from, and the verifier has its hash already.
  return isPowerOfTwo(first) ? path.slice(1) : path;
}

/**
 * The hashes of a consistency proof after the node it starts from, the largest subtree that ends the first tree: with it
 * they say by themselves what both roots are (`rootsOfGrowth`).
 * @throws InputError for sizes out of order, and for 0: nothing can be proven of the empty tree.
 */
export function growthFrom(nodeOf: NodeOf, { first, second }: { first: number; second: number }): Uint8Array[] {
  if (!Number.isSafeInteger(first) || first < 1 || first >= second) {
    throw new InputError(`No consistency proof leads from size ${first} to size ${second}.`);
  }
  const path: Uint8Array[] = [];
  let [from, to] = [0, second];
  while (to !== first) {
    const middle = from + splitPoint(to - from);
    path.push(range(nodeOf, first <= middle ? { from: middle, to } : { from, to: middle }));
    if (first <= middle) to = middle;
    else from = middle;
  }
  path.push(range(nodeOf, { from, to }));
  return path.reverse();
}

/** Hash of the leaves from `from` up to `to`, which a split of RFC 6962 has given. */
function range(nodeOf: NodeOf, { from, to }: { from: number; to: number }): Uint8Array {
  const width = to - from;
  if (isPowerOfTwo(width) && from % width === 0) {
    const hash = nodeOf(Math.log2(width), from / width);
    if (hash === null) throw new InvariantError(`The subtree of leaves ${from} to ${to} is missing.`);
    return hash;
  }
  const middle = from + splitPoint(width);
  return hashNode(range(nodeOf, { from, to: middle }), range(nodeOf, { from: middle, to }));
}

/** Whether a safe integer of at least 1 is a power of two. A logarithm would round the largest of them to one. */
export function isPowerOfTwo(width: number): boolean {
  let k = 1;
  while (k < width) k *= 2;
  return k === width;
}

/** The largest power of two below `width`. Exact: `width` is a safe integer of at least 2. */
function splitPoint(width: number): number {
  let k = 1;
  while (k * 2 < width) k *= 2;
  return k;
}
