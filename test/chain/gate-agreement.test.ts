import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Hex } from "../../src/core/ids.ts";
import { fromHex, toHex } from "../../src/core/proof/bytes.ts";
import type { GateProof } from "../../src/core/proof/gate.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import { type AnchorWorld, startAnchorWorld } from "./anchor-world.ts";
import { ACCOUNTS, GateWorld } from "./gate-world.ts";

let world: AnchorWorld;
let gates: GateWorld;

beforeAll(async () => {
  world = await startAnchorWorld();
});

beforeEach(async () => {
  gates = await GateWorld.on(world);
});

afterAll(() => world?.anvil.stop());

describe("Solidity and TypeScript agree on a gate's answer", () => {
  const mutation = fc.record({
    account: fc.constantFrom(...ACCOUNTS),
    part: fc.constantFrom("nothing", "epochLeaf", "epochBody", "ruleLeaf", "inLog", "inAccount", "inEpoch"),
    how: fc.constantFrom("index", "size", "bit", "drop", "add"),
    at: fc.nat(),
    bit: fc.nat({ max: 7 }),
  });
  type Mutation = { part: string; how: string; at: number; bit: number };

  function mutated(proof: GateProof, { part, how, at, bit }: Mutation): GateProof {
    const flip = (hex: Hex): Hex => {
      const bytes = fromHex(hex);
      bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ (1 << bit);
      return toHex(bytes);
    };
    if (part === "epochLeaf" || part === "epochBody" || part === "ruleLeaf") {
      return { ...proof, [part]: flip(proof[part]) };
    }
    if (part !== "inLog" && part !== "inAccount" && part !== "inEpoch") return proof;
    const path = proof[part];
    if (how === "index" || how === "size") return { ...proof, [part]: { ...path, [how]: path[how] + 1n } };
    const i = at % Math.max(1, path.proof.length);
    const hashes = [...path.proof];
    const own = hashes[i];
    if (how === "bit" && own !== undefined) hashes[i] = flip(own);
    else if (how === "drop") hashes.splice(i, 1);
    else hashes.splice(i, 0, toHex(leafHash(Uint8Array.of(at & 0xff))));
    return { ...proof, [part]: { ...path, proof: hashes } };
  }

  it("on 200 seeded proofs, changed and not", async () => {
    const sealed = await gates.seal();
    const answers = new Map<string | null, number>();
    const property = fc.asyncProperty(mutation, async ({ account, ...change }) => {
      const said = await gates.answer(account, mutated(gates.proofFor(account, sealed), change));
      answers.set(said, (answers.get(said) ?? 0) + 1);
    });
    await fc.assert(property, { seed: 1, numRuns: 200 });
    expect(answers.get(null)).toBeGreaterThan(10);
    for (const name of ["LeafNotIncluded", "AnotherBody", "AnotherAccount", "NotInEpoch", "ConditionNotMet"]) {
      expect(answers.get(name), name).toBeGreaterThan(5);
    }
  });
});
