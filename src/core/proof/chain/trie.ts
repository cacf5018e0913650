/**
 * What a Merkle-Patricia trie says of a key, proven by the nodes on the way to it. There is no default root: a proof
 * that is not held against a root that is trusted shows nothing.
 */
import { InputError } from "../../errors.ts";
import { equalBytes, fromHex, toHex } from "../bytes.ts";
import { KECCAK_BYTES, keccak256 } from "./keccak.ts";
import { decodeNode, nibblesOf, requireBranch, type TrieNode } from "./trie-node.ts";

/** Root of the trie without entries: the hash of RLP's empty string. */
export const EMPTY_TRIE_ROOT = fromHex("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/** Gives the raw node that hashes to `hash`, or throws InputError. Whoever calls it relies on the hash. */
export type NodeReader = (hash: Uint8Array) => Uint8Array;

/** A key, the root of the trie it is looked up in, 32 bytes, and where the nodes come from. */
export type TrieLookup = { root: Uint8Array; key: Uint8Array; nodeOf: NodeReader };

/**
 * The value of a key in the trie with this root, or null when the key is not in it. Looks at the nodes on the way to
 * the key and at no others.
 * @throws InputError when a node is missing or not in the one form a trie has.
 */
export function readTrie({ root, key, nodeOf }: TrieLookup): Uint8Array | null {
  if (equalBytes(root, EMPTY_TRIE_ROOT)) return null;
  const path = nibblesOf(key);
  let at = 0;
  let node = decodeNode(nodeOf(root));
  // Ends because every turn that does not return takes a nibble of the key.
  for (;;) {
    if (node.kind === "leaf") return equalBytes(node.path, path.subarray(at)) ? node.value : null;
    if (node.kind === "extension") {
      const end = at + node.path.length;
      if (!equalBytes(node.path, path.subarray(at, end))) return null;
      at = end;
      node = childOf(node.child, nodeOf);
      requireBranch(node);
      continue;
    }
    const nibble = path[at++];
    if (nibble === undefined) return node.value;
    const child = node.children[nibble];
    if (!child) return null;
    node = childOf(child, nodeOf);
  }
}

function childOf(reference: Uint8Array | TrieNode, nodeOf: NodeReader): TrieNode {
  if (!(reference instanceof Uint8Array)) return reference;
  const raw = nodeOf(reference);
  if (raw.length < KECCAK_BYTES) {
    throw new InputError(`The trie node ${toHex(reference)} has ${raw.length} bytes and must stand in its parent.`);
  }
  return decodeNode(raw);
}

/** A claim about one key: the nodes from the root down, each named by the one before it. */
export type TrieProof = { root: Uint8Array; key: Uint8Array; proof: readonly Uint8Array[] };

/**
 * The value that a proof shows for a key, or null when it shows that the key is not in the trie. Nodes that stand in
 * their parent are not listed again; the empty list is the one proof that an empty trie has no such key.
 * @param root 32 bytes, known beforehand.
 * @throws InputError when a node is missing, is another one, is not canonical, or is not on the way to the key.
 */
export function verifyTrieProof({ root, key, proof }: TrieProof): Uint8Array | null {
  let used = 0;
  const nodeOf = (hash: Uint8Array): Uint8Array => {
    const raw = proof[used];
    if (raw === undefined) throw new InputError(`The proof ends before its node ${used}, ${toHex(hash)}.`);
    const actual = keccak256(raw);
    if (!equalBytes(actual, hash)) {
      throw new InputError(`Node ${used} of the proof hashes to ${toHex(actual)}, not to ${toHex(hash)}.`);
    }
    used++;
    return raw;
  };
  const value = readTrie({ root, key, nodeOf });
  if (used < proof.length) throw new InputError(`Node ${used} of the proof is not on the way to the key.`);
  return value;
}

/**
 * The form that {@link verifyTrieProof} takes of a proof that a node sent: some list inline nodes once more, and some
 * send the RLP of nothing for the empty trie.
 */
export function normalProof(nodes: readonly Uint8Array[]): Uint8Array[] {
  return nodes.filter((raw, i) => raw.length > 1 && (i === 0 || raw.length >= KECCAK_BYTES));
}

/** What `read` gives; whose proof it is about goes into the message of its InputError. */
export function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`The ${name} is not proven. ${error.message}`);
    throw error;
  }
}
