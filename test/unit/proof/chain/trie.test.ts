import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";
import { EMPTY_TRIE_ROOT, normalProof, verifyTrieProof } from "../../../../src/core/proof/chain/trie.ts";
import { buildTrie } from "../../../../src/core/proof/chain/trie-build.ts";
import { branch, bytes, filled, hex, LONG, lookUp, NOTHING, rootOf, SHORT, trieOf } from "./tries.ts";

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
    const parentOf = (leaf: Rlp): Rlp => branch({ 1: keccak256(encodeRlp(leaf)), 2: [bytes("32"), SHORT] });
    const leaf = (length: number): Rlp => [bytes("30"), filled(length)];
    expect(encodeRlp(leaf(29)).length).toBe(32);
    expect(lookUp("10", parentOf(leaf(29)), leaf(29))).toEqual(filled(29));
    for (const length of [1, 28]) {
      expect(() => lookUp("10", parentOf(leaf(length)), leaf(length))).toThrow(InputError);
      expect(lookUp("22", parentOf(leaf(length)))).toEqual(SHORT);
    }
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
