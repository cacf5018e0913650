/**
 * Nodes of a Merkle-Patricia trie. Decoding takes only what a trie can consist of, so that one set of entries has one
 * set of nodes.
 * @see Ethereum Yellow Paper, appendix D
 */
import { InputError } from "../../errors.ts";
import { KECCAK_BYTES } from "./keccak.ts";
import { asBytes, decodeRlp, type Rlp, type RlpLimits, rlpLength } from "./rlp.ts";

/** Where a subtree is: the hash of its root node, 32 bytes, or the node itself when it is shorter than that. */
export type TrieReference = Uint8Array | TrieNode;

/** A node; paths are nibbles, one per byte. */
export type TrieNode =
  | { kind: "leaf"; path: Uint8Array; value: Uint8Array }
  | { kind: "extension"; path: Uint8Array; child: TrieReference }
  | { kind: "branch"; children: readonly (TrieReference | null)[]; value: Uint8Array | null };

/** Room for the longest receipt in a leaf. Sixteen inline nodes have less than 32 items each, and are not deep. */
const LIMITS: RlpLimits = { bytes: 1 << 22, depth: 8, items: 1024 };

/** One for each nibble. */
export const BRANCH_CHILDREN = 16;

/** In the first nibble of an encoded path: whether a nibble of the path shares its byte, and whether the node is a leaf. */
const ODD = 1;
const LEAF = 2;

/** The nibbles of a key, high one first. */
export function nibblesOf(key: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(2 * key.length);
  key.forEach((byte, i) => {
    nibbles[2 * i] = byte >> 4;
    nibbles[2 * i + 1] = byte & 0xf;
  });
  return nibbles;
}

/** A path with its length's parity and the kind of its node in front: "hex prefix". */
export function encodePath(path: Uint8Array, isLeaf: boolean): Uint8Array {
  const odd = path.length % 2;
  const bytes = new Uint8Array(1 + (path.length - odd) / 2);
  bytes[0] = (((isLeaf ? LEAF : 0) | odd) << 4) | (odd === ODD ? (path[0] as number) : 0);
  for (let i = 1; i < bytes.length; i++) {
    bytes[i] = ((path[odd + 2 * i - 2] as number) << 4) | (path[odd + 2 * i - 1] as number);
  }
  return bytes;
}

/** A node from its raw bytes. @throws InputError when they are not the form of a node that a trie can have. */
export function decodeNode(raw: Uint8Array): TrieNode {
  return nodeOf(decodeRlp(raw, LIMITS));
}

function nodeOf(item: Rlp): TrieNode {
  if (item instanceof Uint8Array) throw new InputError("A trie node is a byte string, not a list.");
  if (item.length === BRANCH_CHILDREN + 1) return branchOf(item);
  if (item.length !== 2) throw new InputError(`A trie node has ${item.length} items, neither 2 nor 17.`);
  const { isLeaf, path } = decodePath(asBytes(item[0], "path of a trie node"));
  if (isLeaf) {
    const value = asBytes(item[1], "value of a leaf");
    if (value.length === 0) throw new InputError("A leaf of the trie has no value.");
    return { kind: "leaf", path, value };
  }
  if (path.length === 0) throw new InputError("An extension of the trie has no path.");
  const child = referenceOf(item[1] as Rlp);
  if (child === null) throw new InputError("An extension of the trie leads nowhere.");
  if (!(child instanceof Uint8Array)) requireBranch(child);
  return { kind: "extension", path, child };
}

/** An extension exists only because a branch follows it: another extension or a leaf would be one node with it. */
export function requireBranch(node: TrieNode): void {
  if (node.kind !== "branch")
    throw new InputError(`An extension of the trie leads to a ${node.kind}, not to a branch.`);
}

function branchOf(items: readonly Rlp[]): TrieNode {
  const children = items.slice(0, BRANCH_CHILDREN).map(referenceOf);
  const last = asBytes(items[BRANCH_CHILDREN], "value of a branch");
  const value = last.length === 0 ? null : last;
  const used = children.filter((child) => child !== null).length + (value === null ? 0 : 1);
  if (used < 2) throw new InputError("A branch of the trie does not branch: it has a single entry.");
  return { kind: "branch", children, value };
}

/** What a node says of a child; null when there is none. */
function referenceOf(item: Rlp): TrieReference | null {
  if (item instanceof Uint8Array) {
    if (item.length === 0) return null;
    if (item.length !== KECCAK_BYTES)
      throw new InputError(`A trie node names a child by ${item.length} bytes, not 32.`);
    return item;
  }
  const length = rlpLength(item);
  if (length >= KECCAK_BYTES) throw new InputError(`A trie node holds a child of ${length} bytes, which it must hash.`);
  return nodeOf(item);
}

function decodePath(bytes: Uint8Array): { isLeaf: boolean; path: Uint8Array } {
  const nibbles = nibblesOf(bytes);
  const flags = nibbles[0];
  if (flags === undefined || flags > (LEAF | ODD)) throw new InputError("The path of a trie node has no such prefix.");
  const isOdd = (flags & ODD) !== 0;
  if (!isOdd && nibbles[1] !== 0) throw new InputError("The path of a trie node is padded with something.");
  return { isLeaf: (flags & LEAF) !== 0, path: nibbles.subarray(isOdd ? 1 : 2) };
}
