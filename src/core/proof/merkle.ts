/**
 * The Merkle tree of Certificate Transparency, SHA-256. Hashes are 32 bytes; indexes and sizes are safe integers.
 * @see https://www.rfc-editor.org/rfc/rfc9162.html section 2.1
 */
import { InputError, InvariantError } from "../errors.ts";
import { equalBytes } from "./bytes.ts";
import { consistencyFrom, inclusionFrom, isPowerOfTwo, type NodeOf, rootFrom } from "./merkle-paths.ts";
import { hashBytes, hashNode } from "./node-hash.ts";
import { HASH_BYTES, sha256 } from "./sha256.ts";

const LEAF_PREFIX = 0;

/** Hash of a leaf's bytes. */
export function leafHash(data: Uint8Array): Uint8Array {
  return hashBytes(LEAF_PREFIX, data);
}

/** Hash of an inner node over two child hashes of 32 bytes each: SHA-256 of a one byte and both. */
export const nodeHash = hashNode;

/** Root of the tree over these leaf hashes, in order. The empty tree has the hash of nothing. */
export function rootOf(leafHashes: readonly Uint8Array[]): Uint8Array {
  if (leafHashes.length === 0) return sha256(new Uint8Array());
  let level = leafHashes;
  while (level.length > 1) {
    const above: Uint8Array[] = [];
    for (let i = 0; i + 1 < level.length; i += 2) {
      above.push(nodeHash(level[i] as Uint8Array, level[i + 1] as Uint8Array));
    }
    // A node without a neighbour moves up as it is, which gives the tree that RFC 6962 splits top down.
    if (level.length % 2 === 1) above.push(level[level.length - 1] as Uint8Array);
    level = above;
  }
  return level[0] as Uint8Array;
}

/**
 * An append-only tree in memory.
 *
 * Invariant: `#levels[k]` holds, in order, the hashes of all complete subtrees of 2^k leaves; nothing in it ever changes.
 */
export class MerkleTree {
  readonly #levels: Uint8Array[][] = [[]];

  /** A tree over leaf hashes. Hashes each inner node once. */
  static from(leafHashes: Iterable<Uint8Array>): MerkleTree {
    const tree = new MerkleTree();
    for (const hash of leafHashes) tree.append(hash);
    return tree;
  }

  /** Number of leaves. */
  get size(): number {
    return this.#level(0).length;
  }

  /** Appends a leaf by its hash and returns its index. */
  append(hash: Uint8Array): number {
    if (hash.length !== HASH_BYTES)
      throw new InvariantError(`A leaf hash has ${HASH_BYTES} bytes, not ${hash.length}.`);
    const index = this.size;
    this.#level(0).push(hash);
    for (let k = 0; this.#level(k).length % 2 === 0; k++) {
      const [left, right] = this.#level(k).slice(-2) as [Uint8Array, Uint8Array];
      this.#level(k + 1).push(nodeHash(left, right));
    }
    return index;
  }

  /** Hash of the complete subtree of 2^`level` leaves number `index`; null while it is not complete. */
  node(level: number, index: number): Uint8Array | null {
    return this.#levels[level]?.[index] ?? null;
  }

  /** Root of the first `size` leaves. @throws InputError when there are fewer. */
  root(size = this.size): Uint8Array {
    this.#checkSize(size);
    return rootFrom(this.#nodeOf, size);
  }

  /** Proof that leaf `index` is among the first `size`, lowest first. @throws InputError when it is not. */
  inclusionProof(index: number, size = this.size): Uint8Array[] {
    this.#checkSize(size);
    return inclusionFrom(this.#nodeOf, { index, size });
  }

  /**
   * Proof that the first `first` leaves are the beginning of the first `second`.
   * @throws InputError for sizes out of order or beyond the tree, and for 0: nothing can be proven of the empty tree.
   */
  consistencyProof(first: number, second = this.size): Uint8Array[] {
    this.#checkSize(second);
    return consistencyFrom(this.#nodeOf, { first, second });
  }

  readonly #nodeOf: NodeOf = (level, index) => this.node(level, index);

  #checkSize(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) {
      throw new InputError(`The tree has ${this.size} leaves, not ${size}.`);
    }
  }

  #level(k: number): Uint8Array[] {
    let level = this.#levels[k];
    if (level === undefined) {
      level = [];
      this.#levels[k] = level;
    }
    return level;
  }
}

/** Whether `proof` shows that the leaf is number `index` of the tree of `size` leaves with this root. Never throws. */
export function verifyInclusion(claim: {
  index: number;
  size: number;
  leafHash: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
}): boolean {
  const root = rootOfInclusion(claim);
  return root !== null && equalBytes(root, claim.root);
}

/**
 * The root that a proof leads to from leaf number `index` of a tree of `size` leaves; null when there is no such leaf or
 * the proof has not the form that its place asks for. Never throws.
 */
export function rootOfInclusion(claim: {
  index: number;
  size: number;
  leafHash: Uint8Array;
  proof: readonly Uint8Array[];
}): Uint8Array | null {
  const { index, size, proof } = claim;
  if (![claim.leafHash, ...proof].every((hash) => hash.length === HASH_BYTES)) return null;
  return climb({ index, size, node: claim.leafHash, path: proof, combine: nodeHash });
}

/**
 * What the nodes beside the way up from leaf number `index` of `size` lead to, whatever nodes are; null when there is no
 * such leaf or the path has not the form that its place asks for.
 * @throws what `combine` throws.
 */
export function climb<Node>(claim: {
  index: number;
  size: number;
  node: Node;
  path: readonly Node[];
  combine(left: Node, right: Node): Node;
}): Node | null {
  const { index, size, path, combine } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return null;
  const walk = new Walk(index, size - 1);
  let { node } = claim;
  for (const sibling of path) {
    if (walk.atTop) return null;
    node = walk.isRight ? combine(sibling, node) : combine(node, sibling);
    walk.up();
  }
  return walk.atTop ? node : null;
}

/**
 * Whether `proof` shows that the tree of `first` leaves is the beginning of the tree of `second`. Never throws. Refuses
 * size 0: an empty tree is the beginning of anything, so a caller that means it must say so itself.
 */
export function verifyConsistency(claim: {
  first: number;
  second: number;
  firstRoot: Uint8Array;
  secondRoot: Uint8Array;
  proof: readonly Uint8Array[];
}): boolean {
  const { first, second, firstRoot, secondRoot, proof } = claim;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second) || first < 1 || first > second) return false;
  if (![firstRoot, secondRoot, ...proof].every((hash) => hash.length === HASH_BYTES)) return false;
  if (first === second) return proof.length === 0 && equalBytes(firstRoot, secondRoot);
  const roots = rootsOfGrowth({ first, second, path: isPowerOfTwo(first) ? [firstRoot, ...proof] : proof });
  return roots !== null && equalBytes(roots.first, firstRoot) && equalBytes(roots.second, secondRoot);
}

/**
 * The roots of the first `first` and of all `second` leaves that follow from a path of `growthFrom`; null when it has not
 * the form such a path has. Whoever signed the second root has thereby said what the first one was, because no other
 * hashes in these places lead to it. Never throws.
 */
export function rootsOfGrowth(claim: {
  first: number;
  second: number;
  path: readonly Uint8Array[];
}): { first: Uint8Array; second: Uint8Array } | null {
  const { first, second, path } = claim;
  const [start, ...siblings] = path;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(second) || first < 1 || first >= second) return null;
  if (start === undefined || !path.every((hash) => hash.length === HASH_BYTES)) return null;
  const walk = new Walk(first - 1, second - 1);
  walk.skipRight();
  let [old, grown] = [start, start];
  for (const sibling of siblings) {
    if (walk.atTop) return null;
    if (walk.isRight) {
      old = nodeHash(sibling, old);
      grown = nodeHash(sibling, grown);
    } else grown = nodeHash(grown, sibling);
    walk.up();
  }
  return walk.atTop ? { first: old, second: grown } : null;
}

/**
 * The way from a node up to the root: `fn` and `sn` of RFC 9162, sections 2.1.3.2 and 2.1.4.2, as integers that no bit
 * operation of 32 bits touches.
 */
class Walk {
  #node: number;
  #last: number;

  constructor(node: number, last: number) {
    this.#node = node;
    this.#last = last;
  }

  get atTop(): boolean {
    return this.#last === 0;
  }

  /** Whether the next sibling stands on the left. */
  get isRight(): boolean {
    return this.#node % 2 === 1 || this.#node === this.#last;
  }

  /** Leaves out the levels at which the node is the right child of a complete subtree. */
  skipRight(): void {
    while (this.#node % 2 === 1) this.#halve();
  }

  up(): void {
    if (this.#node === this.#last) while (this.#node % 2 === 0 && this.#node !== 0) this.#halve();
    this.#halve();
  }

  #halve(): void {
    this.#node = Math.floor(this.#node / 2);
    this.#last = Math.floor(this.#last / 2);
  }
}
