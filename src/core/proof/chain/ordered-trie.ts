/**
 * The trie of a list, as blocks have them of their receipts and transactions: the key of an element is the RLP of its
 * index.
 */
import { InputError } from "../../errors.ts";
import { encodeInteger, encodeRlp } from "./rlp.ts";
import { type NodeReader, readTrie, verifyTrieProof } from "./trie.ts";
import { buildTrie } from "./trie-build.ts";

/** The trie of a list that is known as a whole. */
export type OrderedTrie = {
  /** 32 bytes. */
  root: Uint8Array;
  /** Proof of the element at an index; for an index behind the last, proof that there is none. */
  prove: (index: number) => Uint8Array[];
};

/** The trie of raw receipts, or other byte strings, in order. @throws InputError for an empty one. */
export function orderedTrie(values: readonly Uint8Array[]): OrderedTrie {
  const trie = buildTrie(values.map((value, index) => ({ key: keyOf(index), value })));
  return { root: trie.root, prove: (index) => trie.prove(keyOf(index)) };
}

/** A claim about one place of a list: the nodes from the root down. */
export type IndexProof = { root: Uint8Array; index: number; proof: readonly Uint8Array[] };

/**
 * The raw receipt, or other byte string, that a proof shows at an index, or null when it shows that the list is shorter.
 * @throws InputError as `verifyTrieProof` does, and for what is not an index.
 */
export function verifyIndex({ root, index, proof }: IndexProof): Uint8Array | null {
  return verifyTrieProof({ root, key: keyOf(index), proof });
}

/**
 * The element at an index, or null when the list is shorter, over a set of nodes shared with other places.
 * @throws InputError when the nodes do not show it, and for what is not an index.
 */
export function readIndex(
  root: Uint8Array,
  { index, nodeOf }: { index: number; nodeOf: NodeReader },
): Uint8Array | null {
  return readTrie({ root, key: keyOf(index), nodeOf });
}

function keyOf(index: number): Uint8Array {
  if (!Number.isSafeInteger(index) || index < 0) throw new InputError(`${index} is not the index of an element.`);
  return encodeRlp(encodeInteger(index));
}
