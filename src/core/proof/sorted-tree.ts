/**
 * A Merkle tree over a set of keyed hashes that changes: what epoch roots are struck from.
 */
import { InvariantError } from "../errors.ts";
import { KeyedTree } from "./keyed-tree.ts";
import { getHash, HASH_WORDS, hashPair, putHash } from "./node-hash.ts";
import { HASH_BYTES, sha256 } from "./sha256.ts";

/** The tree of RFC 6962 over leaves ordered by the raw bytes of their key. */
export class SortedTree {
  readonly #tree = new KeyedTree({ words: HASH_WORDS, combine: hashPair });

  /** Sets the leaf hash of a key. */
  set(key: string, hash: Uint8Array): void {
    if (hash.length !== HASH_BYTES)
      throw new InvariantError(`A leaf hash has ${HASH_BYTES} bytes, not ${hash.length}.`);
    const leaf = new Int32Array(HASH_WORDS);
    putHash(leaf, 0, hash);
    this.#tree.set(key, leaf);
  }

  /** Removes a key, if it is there. */
  delete(key: string): void {
    this.#tree.delete(key);
  }

  /** Number of keys. */
  get size(): number {
    return this.#tree.size;
  }

  /** The root, 32 bytes. That of no leaves is the hash of nothing. */
  root(): Uint8Array {
    const root = this.#tree.root();
    return root === null ? sha256(new Uint8Array()) : getHash(root, 0);
  }

  /** Index of a key among the leaves, or where it would stand if it were there. */
  indexOf(key: string): number {
    return this.#tree.indexOf(key);
  }

  /** The key of a leaf; null beyond the last. */
  keyAt(index: number): string | null {
    return this.#tree.keyAt(index);
  }

  /** Proof that the leaf is where it is, its sibling first: that of RFC 6962. @throws InputError when there is no such leaf. */
  inclusionProof(index: number): Uint8Array[] {
    return this.#tree.path(index).map((node) => getHash(node, 0));
  }
}
