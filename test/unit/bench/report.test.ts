import { describe, expect, it } from "vitest";
import type { ProofCost, ProofResults } from "../../../bench/proofs.ts";
import { proofFigures, proofShortfalls } from "../../../bench/report.ts";

const PARTS = { code: 200, nodes: 100, accounts: 50, rulebook: 20, deployment: 20, rest: 10 };

function results(changes: Partial<ProofCost> = {}): ProofResults {
  const proof = { name: "a proof", captureMs: [30, 10, 20], verifyMs: [9, 5], bytes: 400, parts: PARTS, ...changes };
  const trie = { encodeMs: 70, buildMs: 40, proofBytes: 2_100, verifyMs: 0.25 };
  return { proofs: [proof], trie, seals: { leaves: 5_000, checkpoints: 20, seconds: 2 } };
}

describe("what proofs cost", () => {
  it("is said in two tables and two sentences", () => {
    const text = proofFigures(results());
    expect(text).toContain("| a proof | 20 / 30 | 5 / 9 | 3, 2 |");
    expect(text).toContain("| a proof | 400 | 200 | 100 | 50 | 20 | 20 | 10 |");
    expect(text).toContain("70 ms to encode");
    expect(text).toContain("**2,500 leaves a second**, in 20 signed checkpoints of 250 leaves");
  });

  it("fails beyond a second or 400,000 bytes, at no less", () => {
    expect(proofShortfalls(results({ verifyMs: [1_000], bytes: 400_000 }))).toEqual([]);
    expect(proofShortfalls(results({ verifyMs: [5, 1_001] }))).toHaveLength(1);
    expect(proofShortfalls(results({ bytes: 400_001 }))).toHaveLength(1);
  });
});
