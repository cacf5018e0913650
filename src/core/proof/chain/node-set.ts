import { InputError } from "../../errors.ts";
import { toHex } from "../bytes.ts";
import { keccak256 } from "./keccak.ts";

/**
 * Trie nodes by hash, for many keys at once: proofs of neighbouring keys share their upper nodes, and a set holds each
 * once. Its `read` is a node reader.
 *
 * Invariant: `#nodes` is keyed by the hash of what it holds; `#unused` has the keys nobody has read yet.
 */
export class NodeSet {
  readonly #nodes = new Map<string, Uint8Array>();
  readonly #unused = new Set<string>();

  /** @throws InputError when a node comes twice. */
  constructor(nodes: Iterable<Uint8Array>) {
    for (const raw of nodes) {
      const hash = toHex(keccak256(raw));
      if (this.#nodes.has(hash)) throw new InputError(`The trie node ${hash} is given twice.`);
      this.#nodes.set(hash, raw);
      this.#unused.add(hash);
    }
  }

  /** The raw node of a hash. @throws InputError when it is not in the set. */
  readonly read = (hash: Uint8Array): Uint8Array => {
    const name = toHex(hash);
    const raw = this.#nodes.get(name);
    if (raw === undefined) throw new InputError(`The trie node ${name} is missing.`);
    this.#unused.delete(name);
    return raw;
  };

  /** To be called when everything has been read. @throws InputError when there are nodes that nothing led to. */
  requireAllUsed(): void {
    const [first] = this.#unused;
    if (first !== undefined) {
      throw new InputError(`${this.#unused.size} trie nodes are not on the way to any key, among them ${first}.`);
    }
  }
}
