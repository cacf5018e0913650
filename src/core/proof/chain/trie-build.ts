import { InputError, InvariantError } from "../../errors.ts";
import { compareBytes } from "../../order.ts";
import { toHex } from "../bytes.ts";
import { KECCAK_BYTES, keccak256 } from "./keccak.ts";
import { encodeRlp, type Rlp } from "./rlp.ts";
import { EMPTY_TRIE_ROOT, readTrie } from "./trie.ts";
import { BRANCH_CHILDREN, encodePath, nibblesOf } from "./trie-node.ts";

/** A trie all of whose entries are known. */
export type Trie = {
  /** 32 bytes. */
  root: Uint8Array;
  /** Proof of a key's value, or that it has none, in the form `verifyTrieProof` takes. */
  prove: (key: Uint8Array) => Uint8Array[];
};

type Entry = { path: Uint8Array; value: Uint8Array };

const NOTHING = new Uint8Array();

/**
 * The trie of these entries, in whatever order they come.
 * @throws InputError for an empty value, which a trie cannot hold, and for a key that comes twice.
 */
export function buildTrie(entries: readonly { key: Uint8Array; value: Uint8Array }[]): Trie {
  const nodes = new Map<string, Uint8Array>();
  const put: Put = (raw) => {
    const hash = keccak256(raw);
    nodes.set(toHex(hash), raw);
    return hash;
  };
  const sorted = sortedEntries(entries);
  const root =
    sorted.length === 0
      ? EMPTY_TRIE_ROOT
      : put(encodeRlp(nodeOver(sorted, { from: 0, to: sorted.length, at: 0, put })));
  return { root, prove: (key) => proofFrom(nodes, { root, key }) };
}

function sortedEntries(entries: readonly { key: Uint8Array; value: Uint8Array }[]): Entry[] {
  const sorted = [...entries].sort((a, b) => compareBytes(a.key, b.key));
  sorted.forEach(({ key, value }, i) => {
    const next = sorted[i + 1];
    if (next !== undefined && compareBytes(key, next.key) === 0) throw new InputError(`Key ${toHex(key)} comes twice.`);
    if (value.length === 0) throw new InputError(`Key ${toHex(key)} has an empty value, which a trie cannot hold.`);
  });
  return sorted.map(({ key, value }) => ({ path: nibblesOf(key), value }));
}

/** Stores a raw node and returns its hash. */
type Put = (raw: Uint8Array) => Uint8Array;

/** Some entries that follow each other and agree in their first `at` nibbles, and where their nodes go. */
type Range = { from: number; to: number; at: number; put: Put };

/** The node over a range that is not empty. */
function nodeOver(entries: readonly Entry[], { from, to, at, put }: Range): Rlp {
  const first = entries[from] as Entry;
  if (to - from === 1) return [encodePath(first.path.subarray(at), true), first.value];
  // In sorted entries the first and the last share no more than all of them do.
  const fork = forkOf(first.path, { other: (entries[to - 1] as Entry).path, at });
  if (fork > at) {
    const branch = nodeOver(entries, { from, to, at: fork, put });
    return [encodePath(first.path.subarray(at, fork), false), reference(branch, put)];
  }
  const items: Rlp[] = Array.from({ length: BRANCH_CHILDREN + 1 }, () => NOTHING);
  let next = from;
  // Shorter keys sort first, so that a key which ends here is the first of the range.
  if (first.path.length === at) {
    items[BRANCH_CHILDREN] = first.value;
    next++;
  }
  while (next < to) {
    const nibble = (entries[next] as Entry).path[at] as number;
    let end = next + 1;
    while (end < to && (entries[end] as Entry).path[at] === nibble) end++;
    items[nibble] = reference(nodeOver(entries, { from: next, to: end, at: at + 1, put }), put);
    next = end;
  }
  return items;
}

/** Where two paths part that agree up to `at`. */
function forkOf(path: Uint8Array, { other, at }: { other: Uint8Array; at: number }): number {
  let fork = at;
  while (fork < path.length && path[fork] === other[fork]) fork++;
  return fork;
}

/** What a parent holds of a node: the node itself while it is shorter than a hash. */
function reference(node: Rlp, put: Put): Rlp {
  const raw = encodeRlp(node);
  return raw.length < KECCAK_BYTES ? node : put(raw);
}

/** Reads the key as a verifier would, and keeps the nodes it looks at. */
function proofFrom(nodes: ReadonlyMap<string, Uint8Array>, { root, key }: { root: Uint8Array; key: Uint8Array }) {
  const proof: Uint8Array[] = [];
  const nodeOf = (hash: Uint8Array): Uint8Array => {
    const raw = nodes.get(toHex(hash));
    if (raw === undefined) throw new InvariantError(`The trie names a node that it does not have: ${toHex(hash)}.`);
    proof.push(raw);
    return raw;
  };
  readTrie({ root, key, nodeOf });
  return proof;
}
