import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";
import { verifyTrieProof } from "../../../../src/core/proof/chain/trie.ts";
import { buildTrie, type Trie } from "../../../../src/core/proof/chain/trie-build.ts";

export const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
export const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
export const filled = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
export const NOTHING = new Uint8Array();
export const LONG = filled(40);
export const SHORT = bytes("01");

/** A branch with these items, and nothing elsewhere. */
export function branch(items: Record<number, Rlp>): Rlp[] {
  return Array.from({ length: 17 }, (_, i) => items[i] ?? NOTHING);
}

/** The root that a raw node has when nothing stands above it. */
export const rootOf = (raw: Uint8Array): Uint8Array => keccak256(raw);

/** The trie of entries whose keys are given in hex. */
export const trieOf = (entries: Record<string, Uint8Array>): Trie =>
  buildTrie(Object.entries(entries).map(([key, value]) => ({ key: bytes(key), value })));

/** Looks a key up in a proof whose nodes are given as structures, against the hash of the first. */
export function lookUp(key: string, ...nodes: Rlp[]): Uint8Array | null {
  const proof = nodes.map((node) => encodeRlp(node));
  return verifyTrieProof({ root: rootOf(proof[0] as Uint8Array), key: bytes(key), proof });
}
