/**
 * Merkle sum trees: every node commits to what is held and required in all leaves below it, so that a root's sums are
 * those of the very leaves it commits to, and nobody can leave one out of the sums or count it twice.
 *
 * A leaf's hash is that of RFC 6962 over the RFC 8785 form of `[key, state]`. A node's is SHA-256 of a one byte, and of
 * both children one after the other: hash (32 bytes), held (32 bytes, big-endian), required (32 bytes), unknown (8 bytes).
 * The shape is that of RFC 6962 over leaves in the order of their keys; a node without a neighbour moves up as it is.
 */
import type { CollateralState } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { canonicalBytes } from "./canonical.ts";
import { KeyedTree } from "./keyed-tree.ts";
import { climb, leafHash } from "./merkle.ts";
import { getHash, HASH_WORDS, hashWords, putHash } from "./node-hash.ts";
import { sha256 } from "./sha256.ts";

/**
 * Sums over leaves, 18 decimals: what is held, and what is required where that is known. `unknown` is the number of leaves
 * in which it is not.
 */
export type Sums = { held: bigint; required: bigint; unknown: bigint };

/** A node: 32 bytes of hash, and the sums over the leaves below it. */
export type SumNode = { hash: Uint8Array; sums: Sums };

/** A leaf's figures stay below this, so that no tree of fewer than 2³² leaves comes to 2²⁵⁶. */
const LEAF_BITS = 224;

/** First word of a sum in a node, and how many words it has. */
type Place = readonly [at: number, words: number];

const HELD: Place = [HASH_WORDS, 8];
const REQUIRED: Place = [HASH_WORDS + 8, 8];
const UNKNOWN: Place = [HASH_WORDS + 16, 2];
const NODE_WORDS = HASH_WORDS + 18;

/**
 * The node of one leaf.
 * @throws InputError when a figure is no decimal number, negative, or 2^224 or more.
 */
export function sumLeaf(key: string, state: CollateralState): SumNode {
  const held = figureOf("held", state.held);
  const sums =
    state.required === null
      ? { held, required: 0n, unknown: 1n }
      : { held, required: figureOf("required", state.required), unknown: 0n };
  return { hash: leafHash(canonicalBytes([key, state])), sums };
}

/** A tree over collateral by key; only what has changed since the last root is worked out again. */
export class SumTree {
  readonly #tree = new KeyedTree({ words: NODE_WORDS, combine });

  /** Sets the leaf of a key, as `sumLeaf` gives it. */
  set(key: string, leaf: SumNode): void {
    this.#tree.set(key, pack(leaf));
  }

  /** Removes a key, if it is there. */
  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** Number of keys. */
  get size(): number {
    return this.#tree.size;
  }

  /** The root. That of no leaves is the hash of nothing, and sums of nothing. */
  root(): SumNode {
    const root = this.#tree.root();
    return root === null ? { hash: sha256(new Uint8Array()), sums: NO_SUMS } : unpack(root);
  }

  /** Index of a key among the leaves, or where it would stand if it were there. */
  indexOf(key: string): number {
    return this.#tree.indexOf(key);
  }

  /** The key of a leaf; null beyond the last. */
  keyAt(index: number): string | null {
    return this.#tree.keyAt(index);
  }

  /** The nodes beside the way up from a leaf, its sibling first. @throws InputError when there is no such leaf. */
  path(index: number): SumNode[] {
    return this.#tree.path(index).map(unpack);
  }
}

/**
 * The root that a path leads to from leaf number `index` of a tree of `size` leaves; null when there is no such leaf or the
 * path has not the form that its place asks for.
 * @throws InputError when a hash has not 32 bytes, or a sum is negative or too large for its bytes.
 */
export function rootOfSumPath(claim: {
  index: number;
  size: number;
  leaf: SumNode;
  path: readonly SumNode[];
}): SumNode | null {
  const { index, size } = claim;
  const found = climb({ index, size, node: pack(claim.leaf), path: claim.path.map(pack), combine: parentOf });
  return found === null ? null : unpack(found);
}

/** Whether two nodes have the same hash and the same sums. */
export function isSameNode(a: SumNode, b: SumNode): boolean {
  const [x, y] = [pack(a), pack(b)];
  return x.every((word, i) => word === y[i]);
}

const NO_SUMS: Sums = { held: 0n, required: 0n, unknown: 0n };

function figureOf(what: string, text: string): bigint {
  if (!/^(0|[1-9]\d{0,67})$/.test(text) || BigInt(text) >> BigInt(LEAF_BITS) !== 0n) {
    throw new InputError(
      `"${text}" is no amount ${what}; expected a decimal number from 0 up to below 2^${LEAF_BITS}.`,
    );
  }
  return BigInt(text);
}

function parentOf(left: Int32Array, right: Int32Array): Int32Array {
  const below = new Int32Array(2 * NODE_WORDS);
  below.set(left);
  below.set(right, NODE_WORDS);
  const above = new Int32Array(NODE_WORDS);
  combine(below, above, 0);
  return above;
}

/** @throws InputError when a sum is too large for its bytes. Nothing that was built from leaves comes to that. */
function combine(below: Int32Array, above: Int32Array, at: number): void {
  const from = 2 * at * NODE_WORDS;
  const to = at * NODE_WORDS;
  hashWords(below, { from, count: 2 * NODE_WORDS }, { output: above, at: to });
  for (const [start, words] of [HELD, REQUIRED, UNKNOWN]) {
    let carry = 0;
    for (let i = start + words - 1; i >= start; i--) {
      const sum = ((below[from + i] as number) >>> 0) + ((below[from + NODE_WORDS + i] as number) >>> 0) + carry;
      above[to + i] = sum | 0;
      carry = sum > 0xffffffff ? 1 : 0;
    }
    if (carry !== 0) throw new InputError(`A sum takes more than ${32 * words} bits.`);
  }
}

function pack({ hash, sums }: SumNode): Int32Array {
  if (hash.length !== 4 * HASH_WORDS) throw new InputError(`A hash has ${4 * HASH_WORDS} bytes, not ${hash.length}.`);
  const node = new Int32Array(NODE_WORDS);
  putHash(node, 0, hash);
  putNumber(node, sums.held, HELD);
  putNumber(node, sums.required, REQUIRED);
  putNumber(node, sums.unknown, UNKNOWN);
  return node;
}

function unpack(node: Int32Array): SumNode {
  return {
    hash: getHash(node, 0),
    sums: {
      held: getNumber(node, HELD),
      required: getNumber(node, REQUIRED),
      unknown: getNumber(node, UNKNOWN),
    },
  };
}

function putNumber(node: Int32Array, value: bigint, [at, words]: Place): void {
  if (value < 0n || value >> BigInt(32 * words) !== 0n) {
    throw new InputError(`A sum is ${value}; expected 0 or more, below 2^${32 * words}.`);
  }
  let rest = value;
  for (let i = at + words - 1; rest !== 0n; i--) {
    node[i] = Number(rest & 0xffffffffn);
    rest >>= 32n;
  }
}

function getNumber(node: Int32Array, [at, words]: Place): bigint {
  let value = 0n;
  for (let i = at; i < at + words; i++) value = (value << 32n) | BigInt((node[i] as number) >>> 0);
  return value;
}
