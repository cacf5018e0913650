import { deflateRawSync, inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { joinEvidence, partsIn, splitEvidence } from "../../../server/witnesses/parts.ts";
import { InvariantError } from "../../../src/core/errors.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { sha256Hex } from "../../../src/core/proof/sha256.ts";

const CALLS: Json = {
  kind: "calls",
  witness: {
    version: "w",
    header: "0x00",
    codes: { "0xaa": "AAAA", "0xbb": { like: "0xaa", changes: [] } },
    nodes: [],
  },
};
const LOGS: Json = { kind: "logs", header: "0x00", transactions: ["0"], nodes: ["AA"] };

function stored(evidence: Json): { text: string; parts: Map<string, Uint8Array> } {
  const { manifest, parts } = splitEvidence(evidence);
  expect(parts.map(({ hash }) => hash).sort()).toEqual(partsIn(manifest).sort());
  return { text: JSON.stringify(manifest), parts: new Map(parts.map(({ hash, bytes }) => [hash, bytes])) };
}

describe("evidence in parts", () => {
  test.each([
    ["of calls", CALLS, 3],
    ["of logs", LOGS, 1],
  ])("%s is itself again", (_, evidence, count) => {
    const { text, parts } = stored(evidence);
    expect(parts.size).toBe(count);
    for (const [hash, bytes] of parts) expect(sha256Hex(inflateRawSync(bytes))).toBe(hash);
    expect(joinEvidence(text, (hash) => parts.get(hash) ?? null)).toEqual(evidence);
  });

  test("shares the parts of the same code, whatever else differs", () => {
    const other = { ...CALLS, witness: { ...(CALLS.witness as object), header: "0x01" } };
    const [ours, theirs] = [stored(CALLS).parts, stored(other).parts];
    expect([...ours.keys()].filter((hash) => theirs.has(hash))).toHaveLength(2);
  });

  test("of which one is missing or altered is refused by name", () => {
    const { text, parts } = stored(CALLS);
    for (const [hash, bytes] of parts) {
      const content = inflateRawSync(bytes);
      content[content.length - 2] = (content[content.length - 2] as number) ^ 1;
      for (const [instead, says] of [
        [null, `Part ${hash} of evidence is missing.`],
        [deflateRawSync(content), `Part ${hash} of evidence came back from disk altered.`],
        [bytes.slice(1), `Part ${hash} of evidence came back from disk altered.`],
      ] as const) {
        const read = () => joinEvidence(text, (of) => (of === hash ? instead : (parts.get(of) ?? null)));
        expect(read).toThrow(InvariantError);
        expect(read).toThrow(says);
      }
    }
    expect(() => joinEvidence('{"rest":"x"}', () => null)).toThrow(InvariantError);
  });
});
