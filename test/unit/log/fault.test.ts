import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { cosignerOf } from "../../../src/core/log/cosignature.ts";
import { compareHeads, type HeadPair, makeEvidence, verifyEvidence } from "../../../src/core/log/fault.ts";
import { addSignatures, type Head, openHead } from "../../../src/core/log/head.ts";
import { canonicalBytes, type Json, parseCanonical } from "../../../src/core/proof/canonical.ts";
import { parseVerifierKey, signerOf } from "../../../src/core/proof/note.ts";
import { logKey, ORIGIN, SampleLog, secret, signer } from "./sample.ts";

const log = new SampleLog(60);
/** A copy of the log that went its own way after 30 entries. */
const fork = new SampleLog(30);
for (let i = 30; i < 60; i++) fork.add(new TextEncoder().encode(`fork ${i}`));

const clock = cosignerOf(ORIGIN, secret(21));
const keys = { logKeys: [signer.verifierKey], timeKeys: [] };
const timed = (of: SampleLog, size: number, time: bigint): Head =>
  openHead(addSignatures(of.note(size), [clock.cosign(of.text(size), time)]), [logKey]);

const pairs: Record<string, HeadPair> = {
  equivocation: { earlier: log.head(40), later: fork.head(40), path: null },
  inconsistent: { earlier: log.head(40), later: fork.head(50), path: fork.path(40, 50) },
  "inconsistent, from a power of two": { earlier: log.head(32), later: fork.head(50), path: fork.path(32, 50) },
  "inconsistent, backwards": { earlier: fork.head(50), later: log.head(40), path: fork.path(40, 50) },
  rollback: { earlier: log.head(50), later: log.head(40), path: log.path(40, 50) },
  "rollback, without a proof": { earlier: log.head(50), later: log.head(40), path: null },
  "rollback to nothing": { earlier: log.head(50), later: log.head(0), path: null },
  unproven: { earlier: log.head(40), later: log.head(50), path: null },
  "unproven, by a wrong path": { earlier: log.head(40), later: log.head(50), path: log.path(41, 50) },
};
const faultOf = (name: string) => name.split(",")[0]?.split(" ")[0];
const everyPair = Object.entries(pairs);

describe("two heads of a log", () => {
  it("are the same, or have grown, at every pair of sizes", () => {
    for (let first = 0; first <= 40; first++) {
      expect(compareHeads({ earlier: log.head(first), later: log.head(first), path: null })).toEqual({
        finding: "same",
      });
      for (let second = first + 1; second <= 40; second += 3) {
        const path = first === 0 ? null : log.path(first, second);
        const pair = { earlier: log.head(first), later: log.head(second), path };
        expect(compareHeads(pair)).toEqual({ finding: "grown", by: second - first });
      }
    }
  });

  it.each(everyPair)("are found to be %s", (name, pair) => {
    expect(compareHeads(pair).finding).toBe(faultOf(name));
  });

  it("are found inconsistent wherever the fork lies between them, and grown wherever it lies behind", () => {
    for (let first = 1; first < 60; first++) {
      for (let second = Math.max(first + 1, 31); second <= 60; second += 4) {
        const pair = { earlier: log.head(first), later: fork.head(second), path: fork.path(first, second) };
        expect(compareHeads(pair).finding).toBe(first <= 30 ? "grown" : "inconsistent");
      }
    }
  });

  it("are of one log", () => {
    const other = signerOf("other.test/log", secret(5));
    const note = other.sign(log.text().replace(ORIGIN, other.name));
    const later = openHead(note, [parseVerifierKey(other.verifierKey)]);
    expect(() => compareHeads({ earlier: log.head(), later, path: null })).toThrow(InputError);
  });

  it("that are no fault make no evidence", () => {
    const grown = { earlier: log.head(40), later: log.head(50), path: log.path(40, 50) };
    for (const pair of [grown, { ...grown, later: grown.earlier }]) {
      expect(() => makeEvidence(pair, keys)).toThrow(InputError);
    }
  });
});

describe("evidence", () => {
  it.each(everyPair)("of %s holds on its own, by its own key and by the log's", (name, pair) => {
    const bytes = makeEvidence(pair, keys);
    const finding = faultOf(name);
    const status = finding === "equivocation" || finding === "inconsistent" ? "proven" : "reported";
    expect(verifyEvidence(bytes)).toMatchObject({ status, finding, keys: keys.logKeys });
    expect(verifyEvidence(bytes, keys)).toMatchObject({ status, finding });
  });

  it("means nothing against the holder of another key", () => {
    const bytes = makeEvidence(pairs.equivocation as HeadPair, keys);
    const other = { logKeys: [signerOf(ORIGIN, secret(9)).verifierKey], timeKeys: [] };
    expect(verifyEvidence(bytes, other)).toMatchObject({ status: "refuted", finding: null });
    expect(() => makeEvidence(pairs.equivocation as HeadPair, other)).toThrow(InputError);
  });

  it("of a rollback is proven by the log's own word on the time, if it gave one", () => {
    const both = { ...keys, timeKeys: [clock.verifierKey] };
    const judge = (earlier: Head, later: Head, path: readonly Uint8Array[] | null = null) =>
      verifyEvidence(makeEvidence({ earlier, later, path }, both), both);
    const proven = judge(timed(log, 50, 1_000n), timed(log, 40, 1_001n));
    expect(proven).toMatchObject({ status: "proven", finding: "rollback", keys: [...keys.logKeys, clock.verifierKey] });
    expect(judge(timed(log, 50, 1_000n), timed(log, 40, 1_000n)).status).toBe("reported");
    expect(judge(timed(log, 50, 1_000n), timed(log, 40, 900n)).status).toBe("reported");
    expect(judge(timed(log, 50, 1_000n), log.head(40)).status).toBe("reported");
    const unknown = makeEvidence({ earlier: timed(log, 50, 1n), later: timed(log, 40, 2n), path: null }, both);
    expect(verifyEvidence(unknown, keys).status).toBe("reported");
    // What a witness says of the time is no word of the log.
    const witness = cosignerOf("witness.test/w9", secret(22));
    const seen = (size: number, time: bigint): Head =>
      openHead(addSignatures(log.note(size), [witness.cosign(log.text(size), time)]), [logKey]);
    const foreign = { ...keys, timeKeys: [witness.verifierKey] };
    const witnessed = makeEvidence({ earlier: seen(50, 1n), later: seen(40, 2n), path: null }, foreign);
    expect(verifyEvidence(witnessed, foreign).status).toBe("reported");
  });

  it("cannot be made against a log that did nothing wrong, whatever path is brought", () => {
    const [earlier, later] = [log.head(13), log.head(40)];
    const hash = fc.constantFrom(...log.path(13, 40), ...fork.path(33, 60), log.tree.root(13), log.tree.root(40));
    fc.assert(
      fc.property(fc.array(hash, { maxLength: 8 }), (path) => {
        const { finding } = compareHeads({ earlier, later, path });
        expect(["grown", "unproven"]).toContain(finding);
        const back = compareHeads({ earlier: later, later: earlier, path });
        expect(back.finding).toBe("rollback");
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it.each(everyPair)("of %s is refuted or says no more with any one byte of it changed", (_, pair) => {
    const bytes = makeEvidence(pair, keys);
    const { status, finding } = verifyEvidence(bytes, keys);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = bytes.with(at, (bytes[at] as number) ^ mask);
        const judged = verifyEvidence(changed, keys);
        if (judged.status === "refuted") return;
        // The file's own keys play no part where others are trusted; what fails to prove anything may fail in another way.
        const rest = (file: Uint8Array) => {
          const json = parseCanonical(file) as { [name: string]: Json };
          return { ...json, logKeys: null, ...(status === "proven" ? {} : { path: null }) };
        };
        expect(rest(changed)).toEqual(rest(bytes));
        expect(judged).toMatchObject({ status, finding });
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it.each([
    ["another finding", { finding: "rollback" }],
    ["a path where none belongs", { path: ["0x".padEnd(66, "0")] }],
    ["another version", { version: "plumbline-log-fault/2" }],
    ["a part too many", { more: "x" }],
    ["no keys", { logKeys: [] }],
    ["a note that is none", { later: "x" }],
    ["the notes swapped, which is as true", null],
  ])("with %s is judged for what it is", (_, change) => {
    const file = parseCanonical(makeEvidence(pairs.equivocation as HeadPair, keys)) as { [name: string]: string };
    const swapped = { earlier: file.later as string, later: file.earlier as string };
    const judged = verifyEvidence(canonicalBytes({ ...file, ...(change ?? swapped) }));
    expect(judged.status).toBe(change === null ? "proven" : "refuted");
  });

  it("of files that were not served is the reporter's word, and takes the place of no other finding", () => {
    const unserved = "tile/0/000.p/40 has 3 bytes; expected 1280.";
    const grown = { earlier: log.head(40), later: log.head(50), path: log.path(40, 50) };
    const seenOnce = { earlier: log.head(40), later: log.head(40), path: null };
    for (const pair of [grown, seenOnce, pairs.unproven as HeadPair]) {
      const bytes = makeEvidence({ ...pair, unserved }, keys);
      expect(verifyEvidence(bytes)).toMatchObject({ status: "reported", finding: "unserved" });
      expect(verifyEvidence(bytes).sentence).toContain(unserved);
      const file = parseCanonical(bytes) as { [name: string]: Json };
      for (const change of [{ detail: null }, { detail: "\u001b[2J" }, { detail: "" }, { finding: "unproven" }]) {
        expect(verifyEvidence(canonicalBytes({ ...file, ...change })).status).toBe("refuted");
      }
    }
    for (const name of ["equivocation", "inconsistent", "rollback"]) {
      expect(() => makeEvidence({ ...(pairs[name] as HeadPair), unserved }, keys)).toThrow(InputError);
    }
    expect(() => makeEvidence(grown, keys)).toThrow(InputError);
  });

  it("that is no canonical JSON is refuted", () => {
    for (const text of ["", "{}", "[]", "null", "not json"]) {
      expect(verifyEvidence(new TextEncoder().encode(text)).status).toBe("refuted");
    }
  });
});
