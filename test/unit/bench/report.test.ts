import { describe, expect, it } from "vitest";
import type { EpochCost } from "../../../bench/epochs.ts";
import type { LogCost } from "../../../bench/log.ts";
import { epochFigures, epochShortfalls, logFigures, logShortfalls } from "../../../bench/log-report.ts";
import type { ProofCost, ProofResults } from "../../../bench/proofs.ts";
import { proofFigures, proofShortfalls } from "../../../bench/report.ts";

const PARTS = { code: 200, nodes: 100, accounts: 50, rulebook: 20, deployment: 20, rest: 10 };

function results(changes: Partial<ProofCost> = {}): ProofResults {
  const proof = { name: "a proof", captureMs: [30, 10, 20], verifyMs: [9, 5], bytes: 400, parts: PARTS, ...changes };
  const trie = { encodeMs: 70, buildMs: 40, proofBytes: 2_100, verifyMs: 0.25 };
  return { proofs: [proof], trie };
}

describe("what proofs cost", () => {
  it("is said in two tables and a sentence", () => {
    const text = proofFigures(results());
    expect(text).toContain("| a proof | 20 / 30 | 5 / 9 | 3, 2 |");
    expect(text).toContain("| a proof | 400 | 200 | 100 | 50 | 20 | 20 | 10 |");
    expect(text).toContain("70 ms to encode");
  });

  it("fails beyond a second or 400,000 bytes, at no less", () => {
    expect(proofShortfalls(results({ verifyMs: [1_000], bytes: 400_000 }))).toEqual([]);
    expect(proofShortfalls(results({ verifyMs: [5, 1_001] }))).toHaveLength(1);
    expect(proofShortfalls(results({ bytes: 400_001 }))).toHaveLength(1);
  });
});

describe("what the log costs", () => {
  const cost = (seconds: number): LogCost => ({
    seals: { leaves: 50_000, checkpoints: 200, seconds },
    serving: [{ name: "a tile", requests: 6_000, bytes: 3_000_000, seconds: 2 }],
  });

  it("is said in a sentence and a table", () => {
    const text = logFigures(cost(2));
    expect(text).toContain("**25,000 leaves a second**, 50,000 of them in 200 signed checkpoints of 250");
    expect(text).toContain("| a tile | 3,000 | 1.5 | 6,000 |");
  });

  it("fails below 20,000 leaves a second, at no more", () => {
    expect(logShortfalls(cost(2.5))).toEqual([]);
    expect(logShortfalls(cost(2.6))).toHaveLength(1);
  });
});

describe("what epochs cost", () => {
  const cost = (incremental: number): EpochCost => ({
    accounts: 1_000,
    changed: 10,
    leaves: 3_000,
    trees: [
      { name: "one", leaves: 1_000, scratch: 1.5, incremental: 0.5 },
      { name: "other", leaves: 2_000, scratch: 0.25, incremental },
    ],
  });

  it("is said in a table with sums", () => {
    const text = epochFigures(cost(0.25));
    expect(text).toContain("| other | 2,000 | 250 | 250 |");
    expect(text).toContain("| all | 3,000 | **1,750** | **750** |");
  });

  it("fails beyond a second for what has changed, at no less", () => {
    expect(epochShortfalls(cost(0.5))).toEqual([]);
    expect(epochShortfalls(cost(0.6))).toHaveLength(1);
  });
});
