/** A leaf of every kind, and a leaf as the contracts give it. */
import type { Hex } from "../../src/core/ids.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { globalLeaf, type Leaf, type LeafKind } from "../../src/core/proof/leaf.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";

/** Kinds and outcomes in the order of the contract's enums. */
const KINDS = ["none", "rulebook", "deployment", "epoch", "assessment", "verdict", "fact", "correction"] as const;
const OUTCOMES = ["none", "met", "not_met", "unknown"] as const;

/** Some hash. */
export const hash = (i: number): Hex => toHex(leafHash(Uint8Array.of(i)));

/** A leaf as the contract gives it. */
export function fieldsOf(leaf: Leaf): Record<string, unknown> {
  return { ...leaf, kind: KINDS.indexOf(leaf.kind), outcome: OUTCOMES.indexOf(leaf.outcome) };
}

const PLACED = { chainId: 901n, blockNumber: 4711n, blockHash: hash(1), bodyHash: hash(2) };
const ABOUT = { subjectHash: hash(3), ruleHash: hash(4) };
const UNNAMED = { subjectHash: `0x${"00".repeat(32)}`, ruleHash: `0x${"00".repeat(32)}` } as const;
export const SAMPLES: readonly Leaf[] = [
  globalLeaf("rulebook", hash(5)),
  globalLeaf("deployment", hash(6)),
  { kind: "epoch", ...PLACED, ...UNNAMED, outcome: "none" },
  { kind: "assessment", ...PLACED, ...ABOUT, outcome: "met" },
  { kind: "assessment", ...PLACED, ...ABOUT, outcome: "unknown", chainId: 2n ** 64n - 1n },
  { kind: "verdict", ...PLACED, ...ABOUT, outcome: "none", blockNumber: 2n ** 64n - 1n },
  globalLeaf("fact", hash(7)),
  { kind: "correction", ...PLACED, ...ABOUT, ...{ ruleHash: UNNAMED.ruleHash }, outcome: "none" },
  { kind: "correction", ...PLACED, ...UNNAMED, outcome: "none" },
];

/** The first sample of a kind. */
export function sampleOf(kind: LeafKind): Leaf {
  return SAMPLES.find((leaf) => leaf.kind === kind) as Leaf;
}
