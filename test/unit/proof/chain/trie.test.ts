import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { NodeSet } from "../../../../src/core/proof/chain/node-set.ts";
import { orderedTrie, verifyIndex } from "../../../../src/core/proof/chain/ordered-trie.ts";
import { encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";
import { EMPTY_TRIE_ROOT, normalProof, readTrie, verifyTrieProof } from "../../../../src/core/proof/chain/trie.ts";
import { buildTrie } from "../../../../src/core/proof/chain/trie-build.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const filled = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
const NOTHING = new Uint8Array();
const LONG = filled(40);
const SHORT = bytes("01");

/** A branch with these items, and nothing elsewhere. */
function branch(items: Record<number, Rlp>): Rlp[] {
  return Array.from({ length: 17 }, (_, i) => items[i] ?? NOTHING);
}

/** The root that a raw node has when nothing stands above it. */
const rootOf = (raw: Uint8Array): Uint8Array => keccak256(raw);
const trieOf = (entries: Record<string, Uint8Array>) =>
  buildTrie(Object.entries(entries).map(([key, value]) => ({ key: bytes(key), value })));

/** Looks a key up in a proof whose nodes are given as structures, against the hash of the first. */
function lookUp(key: string, ...nodes: Rlp[]): Uint8Array | null {
  const proof = nodes.map((node) => encodeRlp(node));
  return verifyTrieProof({ root: rootOf(proof[0] as Uint8Array), key: bytes(key), proof });
}

describe("a trie by hand", () => {
  it("is a leaf when it has one entry", () => {
    // An even path: prefix 0x20, then the key.
    expect(lookUp("1234", [bytes("201234"), SHORT])).toEqual(SHORT);
    expect(hex(trieOf({ "1234": SHORT }).root)).toBe(hex(rootOf(encodeRlp([bytes("201234"), SHORT]))));
  });

  it("has the empty root when it has no entry", () => {
    expect(hex(EMPTY_TRIE_ROOT)).toBe(hex(keccak256(encodeRlp(NOTHING))));
    expect(hex(trieOf({}).root)).toBe(hex(EMPTY_TRIE_ROOT));
  });

  it("has the root of the test suite that all clients share", () => {
    // "dogs" of the Ethereum tests' trieanyorder.json: a branch value, an extension and inline nodes in one trie.
    const text = (value: string): Uint8Array => new TextEncoder().encode(value);
    const entries = { doe: "reindeer", dog: "puppy", dogglesworth: "cat" };
    const dogs = Object.entries(entries).map(([key, value]) => ({ key: text(key), value: text(value) }));
    expect(hex(buildTrie(dogs).root)).toBe("8aad789dff2f538bca5d8ea56e8abe10f4c7ba3a5dea95fea4cd6e7c3a1168d3");
    expect(hex(buildTrie(dogs.toReversed()).root)).toBe(hex(buildTrie(dogs).root));
  });

  it("holds each key once and no empty value", () => {
    const key = bytes("12");
    expect(() => buildTrie([{ key, value: NOTHING }])).toThrow(InputError);
    expect(() =>
      buildTrie([
        { key, value: SHORT },
        { key, value: LONG },
      ]),
    ).toThrow(InputError);
  });
});

describe("branch values", () => {
  const trie = trieOf({ "12": LONG, "1234": filled(40, 0xbb), "1256": filled(40, 0xcc) });

  it("are the value of a key that ends at a branch", () => {
    const proof = trie.prove(bytes("12"));
    expect(verifyTrieProof({ root: trie.root, key: bytes("12"), proof })).toEqual(LONG);
  });

  it("do not stand for a key that goes on", () => {
    const proof = trie.prove(bytes("1278"));
    expect(verifyTrieProof({ root: trie.root, key: bytes("1278"), proof })).toBeNull();
    expect(() => verifyTrieProof({ root: trie.root, key: bytes("1234"), proof: trie.prove(bytes("12")) })).toThrow(
      InputError,
    );
  });

  it("are absent from a branch that only leads on", () => {
    const without = trieOf({ "1234": LONG, "1256": LONG });
    expect(verifyTrieProof({ root: without.root, key: bytes("12"), proof: without.prove(bytes("12")) })).toBeNull();
  });

  it("are byte strings", () => {
    expect(() => lookUp("10", branch({ 1: [bytes("30"), SHORT], 2: [bytes("30"), SHORT], 16: [SHORT] }))).toThrow(
      InputError,
    );
  });
});

describe("inline nodes", () => {
  // Two leaves of three and four bytes in a branch: neither is hashed.
  const inline = branch({ 1: [bytes("30"), SHORT], 2: [bytes("32"), bytes("0203")] });

  it("stand in their parent, so that the proof has no node of their own", () => {
    expect(lookUp("10", inline)).toEqual(SHORT);
    expect(lookUp("22", inline)).toEqual(bytes("0203"));
    expect(trieOf({ "10": SHORT, "22": bytes("0203") }).prove(bytes("10"))).toEqual([encodeRlp(inline)]);
  });

  it("can hold inline nodes themselves", () => {
    const lower = branch({ 5: [bytes("36"), SHORT], 6: [bytes("36"), SHORT] });
    const extension: Rlp = [bytes("13"), lower];
    expect(encodeRlp(extension).length).toBeLessThan(32);
    const node = branch({ 1: extension, 2: keccak256(LONG) });
    expect(lookUp("1356", node)).toEqual(SHORT);
    expect(lookUp("1357", node)).toBeNull();
    expect(lookUp("1376", node)).toBeNull();
    expect(lookUp("1456", node)).toBeNull();
  });

  it("show absence as well", () => {
    expect(lookUp("23", inline)).toBeNull();
    expect(lookUp("1011", inline)).toBeNull();
  });

  it("are refused when they are listed again", () => {
    expect(() => lookUp("10", inline, [bytes("30"), SHORT])).toThrow(InputError);
  });

  it("are refused when they are hashed", () => {
    const leaf = [bytes("30"), SHORT];
    const parent = branch({ 1: keccak256(encodeRlp(leaf)), 2: [bytes("32"), SHORT] });
    expect(() => lookUp("10", parent, leaf)).toThrow(InputError);
    expect(lookUp("22", parent)).toEqual(SHORT);
  });

  it("are refused when they are 32 bytes or longer, also off the way", () => {
    const leaf = (length: number): Rlp => [bytes("30"), filled(length)];
    expect(encodeRlp(leaf(28)).length).toBe(31);
    expect(lookUp("10", branch({ 1: leaf(28), 2: [bytes("32"), SHORT] }))).toEqual(filled(28));
    expect(() => lookUp("10", branch({ 1: leaf(29), 2: [bytes("32"), SHORT] }))).toThrow(InputError);
    expect(() => lookUp("22", branch({ 1: leaf(29), 2: [bytes("32"), SHORT] }))).toThrow(InputError);
  });

  it("have a root of their own length: a root is hashed however short it is", () => {
    const trie = trieOf({ "1234": SHORT });
    expect(trie.prove(bytes("1234"))).toEqual([encodeRlp([bytes("201234"), SHORT])]);
    expect(verifyTrieProof({ root: trie.root, key: bytes("1234"), proof: trie.prove(bytes("1234")) })).toEqual(SHORT);
  });
});

describe("absence proofs", () => {
  const trie = trieOf({ "123400": LONG, "123411": LONG, "567800": LONG });
  const proven = (key: string): Uint8Array | null =>
    verifyTrieProof({ root: trie.root, key: bytes(key), proof: trie.prove(bytes(key)) });

  it.each([
    ["a branch has no child there", "9abcde"],
    ["the leaf there has another path", "567811"],
    ["the leaf there goes on", "5678"],
    ["the leaf there ends before", "56780000"],
    ["the extension there has another path", "125400"],
    ["the key ends in an extension", "12"],
    ["the key ends at a branch without value", "1234"],
    ["the key is empty", ""],
  ])("hold when %s", (_, key) => {
    expect(proven(key)).toBeNull();
  });

  it("hold for what the trie has only when it has it", () => {
    expect(proven("123411")).toEqual(LONG);
  });

  it("need no node for the empty trie, and take none", () => {
    const claim = { root: EMPTY_TRIE_ROOT, key: bytes("12") };
    expect(verifyTrieProof({ ...claim, proof: [] })).toBeNull();
    expect(() => verifyTrieProof({ ...claim, proof: [bytes("80")] })).toThrow(InputError);
  });

  it("cannot be made by leaving out the end of an inclusion proof", () => {
    const proof = trie.prove(bytes("123411"));
    expect(proof.length).toBeGreaterThan(2);
    for (let length = 0; length < proof.length; length++) {
      expect(() => verifyTrieProof({ root: trie.root, key: bytes("123411"), proof: proof.slice(0, length) })).toThrow(
        InputError,
      );
    }
  });

  it("do not fit another key", () => {
    const proof = trie.prove(bytes("9abcde"));
    expect(() => verifyTrieProof({ root: trie.root, key: bytes("123400"), proof })).toThrow(InputError);
  });
});

describe("a proof", () => {
  const key = bytes("123411");
  const trie = trieOf({ "123400": LONG, "123411": filled(50), "567800": LONG });
  const proof = trie.prove(key);
  const [first, second, third] = proof as [Uint8Array, Uint8Array, Uint8Array];

  it("from a forged trie is refused, however consistent it is", () => {
    const forged = trieOf({ "123400": LONG, "123411": filled(50, 0xff), "567800": LONG });
    expect(verifyTrieProof({ root: forged.root, key, proof: forged.prove(key) })).toEqual(filled(50, 0xff));
    expect(() => verifyTrieProof({ root: trie.root, key, proof: forged.prove(key) })).toThrow(InputError);
    expect(() => verifyTrieProof({ root: forged.root, key, proof })).toThrow(InputError);
    expect(() => verifyTrieProof({ root: filled(32, 0), key, proof })).toThrow(InputError);
  });

  it.each<[string, Uint8Array[]]>([
    ["a node that is not used at its end", [...proof, first]],
    ["its last node twice", [...proof, proof.at(-1) as Uint8Array]],
    ["a foreign node in front", [encodeRlp([bytes("20"), LONG]), ...proof]],
    ["a foreign node between", [first, encodeRlp([bytes("20"), LONG]), second, third]],
    ["its nodes in another order", [second, first, third]],
    ["no first node", proof.slice(1)],
    ["no nodes", []],
  ])("with %s is refused", (_, nodes) => {
    expect(() => verifyTrieProof({ root: trie.root, key, proof: nodes })).toThrow(InputError);
  });

  it("with any byte changed is refused", () => {
    proof.forEach((raw, place) => {
      for (let at = 0; at < raw.length; at++) {
        const changed = raw.map((byte, i) => (i === at ? byte ^ 1 : byte));
        const nodes = proof.map((node, i) => (i === place ? changed : node));
        expect(() => verifyTrieProof({ root: trie.root, key, proof: nodes })).toThrow(InputError);
      }
    });
  });

  it("is brought into its one form from what nodes send", () => {
    const inlineLeaf = encodeRlp([bytes("30"), SHORT]);
    expect(normalProof([...proof, inlineLeaf])).toEqual(proof);
    expect(normalProof([bytes("80")])).toEqual([]);
    expect(normalProof([])).toEqual([]);
    expect(normalProof([inlineLeaf])).toEqual([inlineLeaf]);
  });
});

describe("nodes that no trie has", () => {
  const leaf: Rlp = [bytes("30"), LONG];
  const leafHash = keccak256(encodeRlp(leaf));
  const shortBranch = branch({ 1: [bytes("30"), SHORT], 2: [bytes("30"), SHORT] });
  const shortExtension: Rlp = [bytes("11"), branch({ 1: [bytes("20"), SHORT], 2: [bytes("20"), SHORT] })];

  it.each<[string, string, Rlp[]]>([
    ["a byte string", "12", [filled(40)]],
    ["a list of no items", "12", [[]]],
    ["three items", "12", [[bytes("2012"), LONG, LONG]]],
    ["sixteen items", "12", [branch({ 1: leafHash, 2: leafHash }).slice(1)]],
    ["eighteen items", "12", [[...branch({ 1: leafHash, 2: leafHash }), NOTHING]]],
    ["a leaf without value", "12", [[bytes("2012"), NOTHING]]],
    ["a leaf whose value is a list", "12", [[bytes("2012"), [LONG]]]],
    ["a path that is a list", "12", [[[bytes("2012")], LONG]]],
    ["a path without prefix", "12", [[NOTHING, LONG]]],
    ["an unknown prefix", "12", [[bytes("4012"), LONG]]],
    ["an unknown odd prefix", "12", [[bytes("5012"), LONG]]],
    ["an even path whose padding is not zero", "12", [[bytes("2112"), LONG]]],
    ["an extension without path", "12", [[bytes("00"), keccak256(encodeRlp(shortBranch))]]],
    ["an extension that leads nowhere", "12", [[bytes("11"), NOTHING]]],
    ["an extension to an inline leaf", "12", [[bytes("11"), [bytes("32"), SHORT]]]],
    ["an extension to an inline extension", "1111", [[bytes("11"), shortExtension]]],
    [
      "an extension to a leaf",
      "12",
      [
        [bytes("11"), keccak256(encodeRlp([bytes("32"), LONG]))],
        [bytes("32"), LONG],
      ],
    ],
    [
      "an extension to an extension",
      "1134",
      [
        [bytes("11"), keccak256(encodeRlp([bytes("11"), leafHash]))],
        [bytes("11"), leafHash],
      ],
    ],
    ["a branch with one child", "10", [branch({ 1: leafHash }), leaf]],
    ["a branch with a value and no child", "", [branch({ 16: LONG })]],
    ["a branch of nothing", "10", [branch({})]],
    ["a child named by 31 bytes", "30", [branch({ 1: filled(31), 2: leafHash })]],
    ["a child named by 33 bytes", "30", [branch({ 1: filled(33), 2: leafHash })]],
    ["an inline child of a wrong form", "30", [branch({ 1: [SHORT], 2: leafHash })]],
    ["an inline branch that does not branch", "30", [branch({ 1: branch({ 1: [bytes("20"), SHORT] }), 2: leafHash })]],
  ])("are refused: %s", (_, key, nodes) => {
    expect(() => lookUp(key, ...nodes)).toThrow(InputError);
  });

  it("are refused when their RLP is not canonical, though the hash is right", () => {
    const canonical = encodeRlp([bytes("2012"), SHORT]);
    expect(hex(canonical)).toBe("c482201201");
    expect(verifyTrieProof({ root: rootOf(canonical), key: bytes("12"), proof: [canonical] })).toEqual(SHORT);
    for (const form of ["c58220128101", "f80482201201", "c48220120100", "c6b80220128101", "c5b802201201"]) {
      const raw = bytes(form);
      expect(() => verifyTrieProof({ root: rootOf(raw), key: bytes("12"), proof: [raw] })).toThrow(InputError);
    }
  });

  it("are refused when they nest without end: depth bombs", () => {
    const nested = (depth: number, around: (inner: Rlp) => Rlp): Rlp => {
      let node: Rlp = [bytes("30"), SHORT];
      for (let i = 0; i < depth; i++) node = around(node);
      return node;
    };
    expect(() =>
      lookUp(
        "10",
        nested(1000, (inner) => [inner]),
      ),
    ).toThrow(InputError);
    expect(() =>
      lookUp(
        "11".repeat(100),
        nested(200, (inner) => branch({ 1: inner, 2: leafHash })),
      ),
    ).toThrow(InputError);
    expect(() =>
      lookUp(
        "11".repeat(500),
        nested(1000, (inner) => [bytes("11"), inner]),
      ),
    ).toThrow(InputError);
  });

  it("are refused when a proof is deeper than its key", () => {
    // A chain of branches by hash, as deep as anyone likes. The fourth is where a key of two bytes ends.
    const chain: Rlp[] = [leaf];
    for (let i = 0; i < 1000; i++) {
      chain.unshift(branch({ 1: keccak256(encodeRlp(chain[0] as Rlp)), 2: leafHash }));
    }
    expect(lookUp("1111", ...chain.slice(0, 5))).toBeNull();
    expect(() => lookUp("1111", ...chain)).toThrow(InputError);
    expect(lookUp(`${"11".repeat(500)}00`, ...chain)).toBeNull();
  });
});

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

describe("an ordered trie", () => {
  it("proves every element of lists of every length up to 300, and that nothing follows", () => {
    const element = (i: number): Uint8Array => filled(1 + (i % 60), 1 + (i % 255));
    for (const size of [0, 1, 2, 3, 16, 17, 127, 128, 129, 255, 256, 257, 300]) {
      const trie = orderedTrie(Array.from({ length: size }, (_, i) => element(i)));
      for (let index = 0; index < size; index++) {
        expect(verifyIndex({ root: trie.root, index, proof: trie.prove(index) })).toEqual(element(index));
      }
      expect(verifyIndex({ root: trie.root, index: size, proof: trie.prove(size) })).toBeNull();
    }
  });

  it("gives no element for another", () => {
    const trie = orderedTrie(Array.from({ length: 20 }, (_, i) => filled(40, i)));
    fc.assert(
      fc.property(fc.nat({ max: 19 }), fc.nat({ max: 19 }), (index, other) => {
        fc.pre(index !== other);
        const proof = trie.prove(index);
        expect(() => verifyIndex({ root: trie.root, index: other, proof })).toThrow(InputError);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it("refuses what is not an index, and an empty element", () => {
    const trie = orderedTrie([LONG]);
    for (const index of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => verifyIndex({ root: trie.root, index, proof: trie.prove(0) })).toThrow(InputError);
    }
    expect(() => orderedTrie([NOTHING])).toThrow(InputError);
  });
});
