import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { answerAddCheckpoint, encodeAddCheckpoint, parseAddCheckpoint } from "../../../src/core/log/add-checkpoint.ts";
import { makeEvidence, verifyEvidence } from "../../../src/core/log/fault.ts";
import { openHead, parseKeyList } from "../../../src/core/log/head.ts";
import { encodeTlogProof, parseTlogProof, verifyTlogProof } from "../../../src/core/log/tlog-proof.ts";
import { leafHash } from "../../../src/core/proof/merkle.ts";
import { logKey, SampleLog, signer, witnesses, witnessKeys } from "./sample.ts";

const log = new SampleLog(40);
const fork = new SampleLog(40, "fork");
const note = log.cosigned(witnesses);
const texts = {
  note,
  keys: `${signer.verifierKey}\n`,
  proof: encodeTlogProof({ index: 7, proof: log.tree.inclusionProof(7), note, extra: Uint8Array.of(1) }),
  request: encodeAddCheckpoint({ oldSize: 13, proof: log.tree.consistencyProof(13), note }),
};
const evidence = makeEvidence(
  { earlier: log.head(), later: fork.head(), path: null },
  { logKeys: [signer.verifierKey], timeKeys: [] },
);

const state = { keysOf: () => [logKey], lastOf: () => log.head(13) };
const quorum = { cosigners: witnessKeys, threshold: 3 };
const readers: ((text: string) => unknown)[] = [
  (text) => openHead(text, [logKey]),
  parseKeyList,
  parseTlogProof,
  (text) => verifyTlogProof(text, { leafHash: leafHash(log.entries[7] as Uint8Array), logKeys: [logKey], quorum }),
  parseAddCheckpoint,
];

/** One of the texts with a piece of it, or of another, put in place of a piece. */
const piece = fc.tuple(fc.constantFrom(...Object.values(texts)), fc.nat(), fc.nat({ max: 40 }));
const spliced = fc
  .tuple(fc.constantFrom(...Object.values(texts)), fc.nat(), fc.nat({ max: 40 }), fc.oneof(piece, fc.string()))
  .map(([text, at, length, given]) => {
    const start = at % text.length;
    const put = typeof given === "string" ? given : given[0].slice(given[1] % given[0].length).slice(0, given[2]);
    return text.slice(0, start) + put + text.slice(start + length);
  });

describe("what strangers send", () => {
  it("is read, or refused as input; nothing else happens", () => {
    fc.assert(
      fc.property(fc.oneof(spliced, fc.string({ unit: "binary", maxLength: 200 })), (text) => {
        for (const read of readers) {
          try {
            read(text);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("gets an answer from a witness, and never a head it should not cosign", () => {
    fc.assert(
      fc.property(spliced, (text) => {
        const answer = answerAddCheckpoint(text, state);
        if ("head" in answer) expect(answer.head.root).toEqual(log.tree.root());
        else expect([400, 403, 404, 409, 422]).toContain(answer.status);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("is judged as evidence, whatever it is", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat({ max: evidence.length }), fc.uint8Array({ maxLength: 30 })).map(([at, put]) => {
        return Uint8Array.of(...evidence.slice(0, at), ...put, ...evidence.slice(at + put.length));
      }),
    );
    fc.assert(
      fc.property(bytes, (file) => {
        expect(["proven", "refuted"]).toContain(verifyEvidence(file).status);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});
