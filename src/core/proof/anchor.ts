/**
 * Arguments of `contracts/CheckpointAnchor.sol`, and what its logs say. What the contract would refuse is refused here
 * first, by the same rules, so that no transaction is spent on it.
 */
import { toEventSelector } from "viem/utils";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { equalBytes, fromHex, toHex } from "./bytes.ts";
import { nameHash, parseLeaf } from "./leaf.ts";
import type { ProvenLog } from "./log-evidence.ts";
import { leafHash, verifyConsistency, verifyInclusion } from "./merkle.ts";
import { HASH_BYTES } from "./sha256.ts";

/** A head of a log: how many leaves, and their root. */
export type LogHead = { size: number; root: Uint8Array };

/** A place in a tree: which of how many leaves, and the hashes from its sibling up. */
export type TreePath = { index: number; size: number; proof: readonly Uint8Array[] };

/** A `TreePath` as the contracts take it. */
export type PathArgument = { index: bigint; size: bigint; proof: readonly Hex[] };

/** By which an anchor names its log: SHA-256 of the origin, the first line of the log's checkpoints. */
export function originHash(origin: string): Hex {
  return nameHash(origin);
}

/**
 * Arguments of `publish`: a head after the last published one, `null` before the first.
 * @param proof consistency proof from the last head to this one; empty for the first, and for the last one again.
 * @throws InputError where the contract would refuse.
 */
export function publishArguments(
  head: LogHead,
  { last, proof }: { last: LogHead | null; proof: readonly Uint8Array[] },
): readonly [size: bigint, root: Hex, proof: readonly Hex[]] {
  const refusal = headRefusal(head, { last, proof });
  if (refusal !== null) throw new InputError(`The head of size ${head.size} cannot be published: ${refusal}.`);
  return [BigInt(head.size), toHex(head.root), proof.map(toHex)];
}

/** Why an anchor whose last head is `last` would not publish a head, by the name of the contract's error. */
export type HeadRefusal = "NoTree" | "SmallerHead" | "AnotherRoot" | "InconsistentHead";

/** Why the contract would refuse to publish a head for its owner; null when it would not. */
export function headRefusal(
  head: LogHead,
  { last, proof }: { last: LogHead | null; proof: readonly Uint8Array[] },
): HeadRefusal | null {
  if (head.size === 0 || head.root.every((byte) => byte === 0)) return "NoTree";
  if (last === null) return proof.length === 0 ? null : "InconsistentHead";
  if (head.size < last.size) return "SmallerHead";
  if (head.size === last.size && !equalBytes(head.root, last.root)) return "AnotherRoot";
  const claim = { first: last.size, second: head.size, firstRoot: last.root, secondRoot: head.root, proof };
  return verifyConsistency(claim) ? null : "InconsistentHead";
}

/**
 * Arguments of `readLeaf`: a leaf and its place under an anchored head with this root.
 * @throws InputError where the contract would refuse.
 */
export function leafArguments(
  leaf: Uint8Array,
  { root, ...path }: TreePath & { root: Uint8Array },
): readonly [size: bigint, index: bigint, leaf: Hex, proof: readonly Hex[]] {
  parseLeaf(leaf);
  if (!verifyInclusion({ ...path, leafHash: leafHash(leaf), root })) {
    throw new InputError(`The proof does not show leaf ${path.index} in the head of size ${path.size}.`);
  }
  const { size, index, proof } = pathArgument(path);
  return [size, index, toHex(leaf), proof];
}

/** A path as the contracts take it. */
export function pathArgument({ index, size, proof }: TreePath): PathArgument {
  return { index: BigInt(index), size: BigInt(size), proof: proof.map(toHex) };
}

const HEAD_PUBLISHED = toEventSelector("HeadPublished(uint64,bytes32,uint64,bytes32)");
/** The old size, the old root and the new root; the new size is a topic. */
const HEAD_DATA_BYTES = 3 * HASH_BYTES;

/** The heads that a contract's logs say it published; that the contract is an anchor must be known from elsewhere. */
export function publishedHeads(
  logs: readonly Pick<ProvenLog, "address" | "topics" | "data">[],
  contract: Hex,
): { size: bigint; root: Uint8Array }[] {
  return logs.flatMap(({ address, topics, data }) => {
    const [selector, newSize] = topics;
    const words = fromHex(data);
    const isHead = address === contract && selector === HEAD_PUBLISHED && words.length === HEAD_DATA_BYTES;
    if (!isHead || newSize === undefined || topics.length !== 2) return [];
    return [{ size: BigInt(newSize), root: words.slice(-HASH_BYTES) }];
  });
}
