import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Assessment, Epoch } from "../../../src/core/assessment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { assessmentId, blind, saltOf, verdictId } from "../../../src/core/proof/ids.ts";
import {
  assessmentLeaf,
  bodyHash,
  correctionLeaf,
  encodeLeaf,
  epochLeaf,
  globalLeaf,
  LEAF_BYTES,
  type Leaf,
  nameHash,
  parseLeaf,
  verdictLeaf,
} from "../../../src/core/proof/leaf.ts";
import { blindVerdict, commitmentTo } from "../../../src/core/proof/verdict.ts";
import { sampleAssessment } from "./sample.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const SECRET = new Uint8Array(32).fill(3);
const assessment: Assessment = sampleAssessment();
const epoch: Epoch = {
  chain: "eip155:902",
  number: "3",
  fromBlock: "96",
  toBlock: "127",
  blockHash: `0x${"ab".repeat(32)}`,
  stateRoot: `0x${"01".repeat(32)}`,
  stateCount: "40",
  assessmentRoot: `0x${"02".repeat(32)}`,
  assessmentCount: "80",
  collateralRoot: `0x${"05".repeat(32)}`,
  collateralCount: "4",
  rulebookHash: `0x${"03".repeat(32)}`,
  deploymentHash: `0x${"04".repeat(32)}`,
  kernel: "plumbline-kernel/1",
};

const LEAVES: Leaf[] = [
  globalLeaf("rulebook", bodyHash({ rules: [] })),
  globalLeaf("deployment", bodyHash({ name: "x" })),
  globalLeaf("fact", bodyHash({ commitment: "x" })),
  epochLeaf(epoch),
  assessmentLeaf(assessment),
  assessmentLeaf({ ...assessment, condition: "met" }),
  assessmentLeaf({ ...assessment, condition: "unknown" }),
  verdictLeaf(
    blindVerdict(assessment, { verdict: { outcome: "breach", profile: "X", missing: [] }, secret: SECRET }).body,
  ),
  correctionLeaf({ ...assessment, subject: null, ruleId: null }, { sealed: "a", now: "b" }),
];

describe("leaves", () => {
  it("have the layout that is documented, byte for byte", () => {
    const rulebookHash = sha256('{"rules":[]}');
    expect(hex(encodeLeaf(LEAVES[0] as Leaf))).toBe(`0101${"00".repeat(113)}${rulebookHash}`);
    expect(hex(encodeLeaf(epochLeaf(epoch)))).toBe(
      `01030000000000000386000000000000007f${"ab".repeat(32)}${"00".repeat(65)}${sha256(
        `{"assessmentCount":"80","assessmentRoot":"0x${"02".repeat(32)}","blockHash":"0x${"ab".repeat(32)}",` +
          `"chain":"eip155:902","collateralCount":"4","collateralRoot":"0x${"05".repeat(32)}","deploymentHash":"0x${"04".repeat(32)}","fromBlock":"96","kernel":"plumbline-kernel/1",` +
          `"number":"3","rulebookHash":"0x${"03".repeat(32)}","stateCount":"40","stateRoot":"0x${"01".repeat(32)}",` +
          `"toBlock":"127"}`,
      )}`,
    );
    const bytes = encodeLeaf(assessmentLeaf(assessment));
    expect(hex(bytes.slice(0, 2))).toBe("0104");
    expect(hex(bytes.slice(50, 82))).toBe(sha256(assessment.subject));
    expect(hex(bytes.slice(82, 114))).toBe(sha256(assessment.ruleId));
    expect(bytes[114]).toBe(2);
  });

  it("read back as what was written", () => {
    for (const leaf of LEAVES) {
      const bytes = encodeLeaf(leaf);
      expect(bytes).toHaveLength(LEAF_BYTES);
      expect(parseLeaf(bytes)).toEqual(leaf);
      expect(parseLeaf(Buffer.concat([Buffer.from("x"), bytes]).subarray(1))).toEqual(leaf);
    }
  });

  it("are refused, or are another leaf, when a byte is changed", () => {
    const change = fc.tuple(
      fc.constantFrom(...LEAVES),
      fc.nat({ max: LEAF_BYTES - 1 }),
      fc.integer({ min: 1, max: 255 }),
    );
    fc.assert(
      fc.property(change, ([leaf, at, xor]) => {
        const bytes = encodeLeaf(leaf);
        bytes[at] = (bytes[at] as number) ^ xor;
        let read: Leaf;
        try {
          read = parseLeaf(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
          return;
        }
        expect(encodeLeaf(read)).toEqual(bytes);
        expect(read).not.toEqual(leaf);
      }),
      { seed: 1, numRuns: 600 },
    );
  });

  it.each([
    ["a verdict with an outcome", { ...(LEAVES[7] as Leaf), outcome: "met" }],
    ["an assessment without one", { ...(LEAVES[4] as Leaf), outcome: "none" }],
    ["an assessment without a chain", { ...(LEAVES[4] as Leaf), chainId: 0n }],
    ["an assessment without a subject", { ...(LEAVES[4] as Leaf), subjectHash: `0x${"00".repeat(32)}` }],
    ["a fact with a subject", { ...(LEAVES[2] as Leaf), subjectHash: nameHash("x") }],
    ["a fact with a block", { ...(LEAVES[2] as Leaf), blockNumber: 1n }],
    ["an epoch with a rule", { ...(LEAVES[3] as Leaf), ruleHash: nameHash("x") }],
    ["a block number beyond 64 bits", { ...(LEAVES[4] as Leaf), blockNumber: 2n ** 64n }],
    ["a short hash", { ...(LEAVES[4] as Leaf), bodyHash: "0x00" }],
  ] as [string, Leaf][])("cannot be %s", (_, leaf) => {
    expect(() => encodeLeaf(leaf)).toThrow(InputError);
  });

  it("have one length and known codes", () => {
    const bytes = encodeLeaf(LEAVES[4] as Leaf);
    expect(() => parseLeaf(bytes.slice(1))).toThrow(InputError);
    expect(() => parseLeaf(Uint8Array.from([...bytes, 0]))).toThrow(InputError);
    for (const [at, value] of [
      [0, 2],
      [1, 0],
      [1, 8],
      [114, 4],
    ] as const) {
      expect(() => parseLeaf(bytes.with(at, value))).toThrow(InputError);
    }
  });
});

describe("ids and commitments", () => {
  it("are SHA-256 of the documented text", () => {
    const a = assessment;
    const about =
      `{"blockHash":"${a.blockHash}","chain":"${a.chain}","kernel":"${a.kernel}","protocol":"${a.protocol}",` +
      `"ruleId":"${a.ruleId}","rulebookHash":"${a.rulebookHash}","subject":"${a.subject}","testPoint":"${a.testPoint}"}`;
    expect(assessmentId(a)).toBe(sha256(about));
    expect(verdictId("aa")).toBe(sha256("plumbline-verdict/1:aa"));
    expect(blind("00ff", { b: "x" })).toBe(sha256('{"body":{"b":"x"},"salt":"00ff"}'));
    expect(saltOf(SECRET, "id")).toBe(createHmac("sha256", SECRET).update("id").digest("hex"));
  });

  it("depend on everything the assessment is about, and on nothing it found", () => {
    const ids = (
      ["chain", "protocol", "blockHash", "subject", "ruleId", "testPoint", "rulebookHash", "kernel"] as const
    ).map((field) => assessmentId({ ...assessment, [field]: `${assessment[field]}1` }));
    expect(new Set([...ids, assessment.id]).size).toBe(9);
    expect(assessmentId({ ...assessment, measured: "7", condition: "met" } as Assessment)).toBe(assessment.id);
  });

  it("blind a verdict so that only its salt opens it", () => {
    const verdict = { outcome: "breach", profile: "EU_RETAIL", missing: ["a"] } as const;
    const { body, opening } = blindVerdict(assessment, { verdict, secret: SECRET });
    expect(blindVerdict(assessment, { verdict, secret: SECRET }).body).toEqual(body);
    expect(JSON.stringify(body)).not.toMatch(/breach|EU_RETAIL/);
    expect(commitmentTo(opening)).toBe(body.commitment);
    expect(commitmentTo({ ...opening, outcome: "compliant" })).not.toBe(body.commitment);
    const other = blindVerdict({ ...assessment, id: "ab".repeat(32) }, { verdict, secret: SECRET });
    expect(other.body.commitment).not.toBe(body.commitment);
  });
});
