import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { quorumOf } from "../../../src/core/log/cosignature.ts";
import { encodeTlogProof, parseTlogProof, verifyTlogProof } from "../../../src/core/log/tlog-proof.ts";
import { toBase64 } from "../../../src/core/proof/bytes.ts";
import { leafHash } from "../../../src/core/proof/merkle.ts";
import { logKey, SampleLog, witnesses } from "./sample.ts";

const log = new SampleLog(21);
const note = log.cosigned(witnesses.slice(0, 2));
const quorum = quorumOf(
  witnesses.map(({ verifierKey }) => verifierKey),
  2,
);
const by = { leafHash: leafHash(log.entries[13] as Uint8Array), logKeys: [logKey], quorum };
const parts = { index: 13, proof: log.tree.inclusionProof(13), note, extra: null };
const text = encodeTlogProof(parts);

describe("a proof as text", () => {
  it("has the lines the specification gives it", () => {
    const lines = parts.proof.map(toBase64);
    expect(text).toBe(["c2sp.org/tlog-proof@v1", "index 13", ...lines, "", note].join("\n"));
    const extra = encodeTlogProof({ ...parts, extra: Uint8Array.of(1, 2, 3) });
    expect(extra.split("\n").slice(0, 3)).toEqual(["c2sp.org/tlog-proof@v1", "extra AQID", "index 13"]);
  });

  it("reads back what it wrote", () => {
    for (const extra of [null, new Uint8Array(), Uint8Array.of(255)]) {
      expect(parseTlogProof(encodeTlogProof({ ...parts, extra }))).toEqual({ ...parts, extra });
    }
    const alone = new SampleLog(1);
    const single = { index: 0, proof: [], note: alone.note(), extra: null };
    expect(parseTlogProof(encodeTlogProof(single))).toEqual(single);
  });

  it("proves its entry, and says which witnesses saw it", () => {
    const { head, index, cosignatures } = verifyTlogProof(text, by);
    expect([head.size, index, cosignatures.map(({ name }) => name)]).toEqual([
      21,
      13,
      ["witness.test/w1", "witness.test/w2"],
    ]);
  });

  it("proves no other entry, and nothing without its log's key or enough witnesses", () => {
    const wrong = [
      { ...by, leafHash: leafHash(log.entries[12] as Uint8Array) },
      { ...by, logKeys: [] },
      { ...by, quorum: { ...quorum, threshold: 3 } },
    ];
    for (const other of wrong) expect(() => verifyTlogProof(text, other)).toThrow(InputError);
  });

  it("is refused with any one of its characters changed", () => {
    // Exactly as many cosignatures as are asked for: one that is spoilt is one too few.
    for (let at = 0; at < text.length; at++) {
      for (const character of ["A", "\n"]) {
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        if (changed === text) continue;
        expect(() => verifyTlogProof(changed, by), `character ${at}`).toThrow(InputError);
      }
    }
  });

  it.each([
    ["another version", text.replace("@v1", "@v2")],
    ["no index", text.replace("index 13\n", "")],
    ["a leading zero", text.replace("index 13", "index 013")],
    ["extra after the index", text.replace("index 13\n", "index 13\nextra AQID\n")],
    ["extra that is not base64", text.replace("index", "extra !\nindex")],
    ["a short hash", text.replace(/index 13\n[^\n]+/, "index 13\nAQID")],
    ["no empty line", text.replace("\n\n", "\n")],
    ["no checkpoint", text.slice(0, text.indexOf("\n\n") + 2)],
    ["an index beyond 2^53", text.replace("index 13", "index 9007199254740993")],
    ["too many hashes", text.replace("index 13\n", `index 13\n${`${toBase64(new Uint8Array(32))}\n`.repeat(60)}`)],
  ])("is refused with %s", (_, wrong) => {
    expect(() => parseTlogProof(wrong)).toThrow(InputError);
  });

  it("is not made of what cannot be read", () => {
    expect(() => encodeTlogProof({ ...parts, index: -1 })).toThrow(InputError);
    expect(() => encodeTlogProof({ ...parts, note: "no note" })).toThrow(InputError);
    expect(() => encodeTlogProof({ ...parts, proof: [new Uint8Array(31)] })).toThrow(InputError);
  });
});
