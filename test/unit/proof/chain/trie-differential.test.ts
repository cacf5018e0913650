import { createMerkleProof, MerklePatriciaTrie, verifyMPTWithMerkleProof } from "@ethereumjs/mpt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalProof, verifyTrieProof } from "../../../../src/core/proof/chain/trie.ts";
import { buildTrie } from "../../../../src/core/proof/chain/trie-build.ts";
import { decodeNode } from "../../../../src/core/proof/chain/trie-node.ts";

const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const RUNS = 10_000;

/** Keys that share beginnings and end in each other's way, and keys of the length that hashes have. */
const digits = fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xff);
const shortKeys = fc.array(digits, { minLength: 1, maxLength: 4 }).map((key) => Uint8Array.from(key));
const longKeys = fc
  .tuple(fc.array(digits, { minLength: 2, maxLength: 2 }), fc.integer({ min: 0, max: 255 }))
  .map(([start, fill]) => Uint8Array.from([...start, ...new Array(30).fill(fill)]));
/** Values short enough that nodes stand in their parents, and longer ones. */
const values = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 2 }), fc.uint8Array({ minLength: 25, maxLength: 35 }));
const entry = fc.record({ key: fc.oneof({ weight: 4, arbitrary: shortKeys }, longKeys), value: values });
const tries = fc.record({
  entries: fc.uniqueArray(entry, { maxLength: 12, selector: ({ key }) => hex(key) }),
  asked: fc.oneof(shortKeys, longKeys),
  place: fc.nat(),
});

/** What the tries of a run had in them, so that a generator gone dull cannot pass unseen. */
const seen = { values: 0, absences: 0, branchValues: 0, inlineNodes: 0, extensions: 0, empty: 0 };

function note(proof: readonly Uint8Array[], value: Uint8Array | null): void {
  const nodes = proof.map(decodeNode);
  seen[value === null ? "absences" : "values"]++;
  if (nodes.some((node) => node.kind === "branch" && node.value !== null)) seen.branchValues++;
  if (
    nodes.some(
      (node) =>
        node.kind === "branch" && node.children.some((child) => child !== null && !(child instanceof Uint8Array)),
    )
  )
    seen.inlineNodes++;
  if (nodes.some((node) => node.kind === "extension")) seen.extensions++;
  if (nodes.length === 0) seen.empty++;
}

describe("tries as @ethereumjs/mpt has them", () => {
  it(`have its root and its proofs, and each accepts the other's: ${RUNS} random tries`, async () => {
    const property = fc.asyncProperty(tries, async ({ entries, asked, place }) => {
      const theirs = new MerklePatriciaTrie();
      for (const { key, value } of entries) await theirs.put(key, value);
      const ours = buildTrie(entries);
      expect(hex(ours.root)).toBe(hex(theirs.root()));
      const present = entries[place % Math.max(1, entries.length)]?.key ?? asked;
      for (const key of [present, asked]) {
        const expected = entries.find((known) => hex(known.key) === hex(key))?.value ?? null;
        const proof = ours.prove(key);
        expect(verifyTrieProof({ root: ours.root, key, proof })).toEqual(expected);
        const sent = normalProof(await createMerkleProof(theirs, key));
        note(proof, expected);
        if (expected === null && proof.length === 0) continue;
        expect(await verifyMPTWithMerkleProof(theirs, ours.root, key, proof)).toEqual(expected);
        expect(verifyTrieProof({ root: ours.root, key, proof: sent })).toEqual(expected);
      }
    });
    await fc.assert(property, { seed: 1, numRuns: RUNS });
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).toBeGreaterThan(kind === "empty" ? 50 : 1000);
  }, 120_000);
});
