import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";
import { verifyTrieProof } from "../../../../src/core/proof/chain/trie.ts";
import { branch, bytes, filled, hex, LONG, lookUp, NOTHING, rootOf, SHORT } from "./tries.ts";

describe("nodes that no trie has", () => {
  const leaf: Rlp = [bytes("30"), LONG];
  const leafHash = keccak256(encodeRlp(leaf));
  const longBranch = branch({ 1: leafHash, 2: leafHash });
  const shortExtension: Rlp = [bytes("11"), branch({ 1: [bytes("20"), SHORT], 2: [bytes("20"), SHORT] })];

  it.each<[string, string, Rlp[]]>([
    ["a byte string", "12", [filled(40)]],
    ["a byte string as long as a branch", "12", [filled(17)]],
    ["a list of no items", "12", [[]]],
    ["three items", "12", [[bytes("2012"), LONG, LONG]]],
    ["sixteen items", "12", [branch({ 1: leafHash, 2: leafHash }).slice(1)]],
    ["eighteen items", "12", [[...branch({ 1: leafHash, 2: leafHash }), NOTHING]]],
    ["a leaf without value", "12", [[bytes("2012"), NOTHING]]],
    ["a leaf whose value is a list", "12", [[bytes("2012"), [LONG]]]],
    ["a path that is a list", "12", [[[bytes("2012")], LONG]]],
    ["a path without prefix", "12", [[NOTHING, LONG]]],
    ["an unknown prefix", "34", [[bytes("4012"), leafHash]]],
    ["an unknown odd prefix", "34", [[bytes("5012"), leafHash]]],
    ["an unknown prefix that looks like a leaf's", "12", [[bytes("6012"), LONG]]],
    ["an even path whose padding is not zero", "12", [[bytes("2112"), LONG]]],
    ["an extension without path", "30", [[bytes("00"), keccak256(encodeRlp(longBranch))], longBranch]],
    ["an extension that leads nowhere", "12", [[bytes("11"), NOTHING]]],
    ["an extension to an inline leaf", "12", [[bytes("11"), [bytes("32"), SHORT]]]],
    ["an extension to an inline leaf, off the way", "22", [[bytes("11"), [bytes("32"), SHORT]]]],
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
