import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { NodeSet } from "../../../../src/core/proof/chain/node-set.ts";
import { readTrie } from "../../../../src/core/proof/chain/trie.ts";
import { buildTrie } from "../../../../src/core/proof/chain/trie-build.ts";
import { filled, hex } from "./tries.ts";

describe("a set of nodes", () => {
  const keys = Array.from({ length: 50 }, (_, i) => keccak256(Uint8Array.of(i)));
  const trie = buildTrie(keys.map((key, i) => ({ key, value: filled(33, i + 1) })));
  const some = keys.slice(0, 10);
  const unique = new Map(some.flatMap((key) => trie.prove(key)).map((raw) => [hex(raw), raw]));
  const nodes = [...unique.values()];

  it("shows many keys, each node given once", () => {
    const set = new NodeSet(nodes);
    some.forEach((key, i) => {
      expect(readTrie({ root: trie.root, key, nodeOf: set.read })).toEqual(filled(33, i + 1));
    });
    set.requireAllUsed();
    expect(nodes.length).toBeLessThan(some.flatMap((key) => trie.prove(key)).length);
  });

  it("refuses a key it has no nodes for, never saying that it is absent", () => {
    const set = new NodeSet(nodes.slice(1));
    expect(() => readTrie({ root: trie.root, key: some[0] as Uint8Array, nodeOf: set.read })).toThrow(InputError);
  });

  it("refuses a node that is given twice, and one that nothing led to", () => {
    expect(() => new NodeSet([...nodes, nodes[0] as Uint8Array])).toThrow(InputError);
    const set = new NodeSet(nodes);
    for (const key of some.slice(1)) readTrie({ root: trie.root, key, nodeOf: set.read });
    expect(() => set.requireAllUsed()).toThrow(InputError);
  });
});
