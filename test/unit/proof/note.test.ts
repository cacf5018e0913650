import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { fromBase64, fromHex, toBase64, toHex } from "../../../src/core/proof/bytes.ts";
import {
  checkpointText,
  isSignedBy,
  type Note,
  parseCheckpoint,
  parseNote,
  parseVerifierKey,
  signerOf,
  verifierKeyOf,
} from "../../../src/core/proof/note.ts";

/** The key, text and signature that `golang.org/x/mod/sumdb/note` documents in its examples. */
const GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const GO_NOTE =
  "If you think cryptography is the answer to your problem,\n" +
  "then you don't know what your problem is.\n" +
  "\n" +
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

/** The text of the note that the C2SP specification shows: with an empty line of its own. */
const SPEC_TEXT = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
const SPEC_LINE =
  "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

/** The checkpoint that the C2SP specification shows. */
const SPEC_CHECKPOINT =
  "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
  "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";

const signer = signerOf("plumbline.example/log", new Uint8Array(32).fill(7));
const stranger = signerOf("plumbline.example/log", new Uint8Array(32).fill(8));
const verifier = parseVerifierKey(signer.verifierKey);

describe("signed notes", () => {
  it("opens the example note of Go's note package", () => {
    expect(isSignedBy(parseNote(GO_NOTE), parseVerifierKey(GO_KEY))).toBe(true);
    expect(isSignedBy(parseNote(GO_NOTE.replace("answer", "Answer")), parseVerifierKey(GO_KEY))).toBe(false);
  });

  it("takes the specification's examples apart", () => {
    const note = parseNote(`${SPEC_TEXT}\n${SPEC_LINE}`);
    expect(note.text).toBe(SPEC_TEXT);
    expect(note.signatures.map(({ name, id }) => [name, toHex(id)])).toEqual([
      ["quasimodo.example/salvatore", "0x367ba04b"],
    ]);
    const checkpoint = parseCheckpoint(parseNote(SPEC_CHECKPOINT).text);
    expect(checkpoint).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20_852_163, extensions: [] });
    expect(checkpointText(checkpoint)).toBe(parseNote(SPEC_CHECKPOINT).text);
  });

  it("signs what it then accepts, and nobody else's", () => {
    const note = parseNote(signer.sign("a\n\nb\n"));
    expect(note.text).toBe("a\n\nb\n");
    expect(isSignedBy(note, verifier)).toBe(true);
    expect(isSignedBy(note, parseVerifierKey(stranger.verifierKey))).toBe(false);
    expect(isSignedBy({ ...note, text: "a\n\nc\n" }, verifier)).toBe(false);
  });

  it("ignores signatures of other keys, and refuses a wrong one of its own beside a right one", () => {
    const own = parseNote(signer.sign("a\n")).signatures;
    const other = parseNote(stranger.sign("a\n")).signatures;
    const wrong = parseNote(signer.sign("b\n")).signatures;
    const withSignatures = (signatures: Note["signatures"]): Note => ({ text: "a\n", signatures });
    expect(isSignedBy(withSignatures([...other, ...own]), verifier)).toBe(true);
    expect(isSignedBy(withSignatures([...own, ...wrong]), verifier)).toBe(false);
    expect(isSignedBy(withSignatures(other), verifier)).toBe(false);
    expect(isSignedBy(withSignatures([]), verifier)).toBe(false);
  });

  it.each([
    ["no signature", "a\n\n"],
    ["no empty line", "a\n— b AAAAAAA=\n"],
    ["no final newline", signer.sign("a\n").slice(0, -1)],
    ["a carriage return", signer.sign("a\n").replace("a\n", "a\r\n")],
    ["a hyphen for the dash", signer.sign("a\n").replace("—", "-")],
    ["two spaces", signer.sign("a\n").replace("— ", "—  ")],
    ["a plus in the name", "a\n\n— b+c AAAAAAA=\n"],
    ["a signature of four bytes", "a\n\n— b AAAAAA==\n"],
    ["base64 without padding", "a\n\n— b AAAAAAA\n"],
    ["base64 with a bit left over", "a\n\n— b AAAAAAB=\n"],
    ["too many signatures", `a\n\n${"— b AAAAAAA=\n".repeat(65)}`],
  ])("refuses a note with %s", (_, text) => {
    expect(() => parseNote(text)).toThrow(InputError);
  });

  it("refuses text that cannot be signed", () => {
    for (const text of ["", "a", "a\tb\n", "a\u0000\n", "\ud800\n"])
      expect(() => signer.sign(text)).toThrow(InputError);
  });
});

describe("verifier keys", () => {
  it("reads its own", () => {
    expect(verifierKeyOf(verifier.name, verifier.publicKey)).toBe(signer.verifierKey);
  });

  it("refuses a key with any character changed", () => {
    fc.assert(
      fc.property(fc.nat({ max: GO_KEY.length - 1 }), fc.constantFrom(..."aB0+/= é"), (at, character) => {
        const changed = GO_KEY.slice(0, at) + character + GO_KEY.slice(at + 1);
        if (changed !== GO_KEY) expect(() => parseVerifierKey(changed)).toThrow(InputError);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it("refuses names that cannot be one, and secrets of another length", () => {
    for (const name of ["", "a b", "a+b", "a\u00a0b", "a\n"]) {
      expect(() => signerOf(name, new Uint8Array(32))).toThrow(InputError);
    }
    expect(() => signerOf("a", new Uint8Array(31))).toThrow(InputError);
  });
});

describe("checkpoints", () => {
  const root = toBase64(new Uint8Array(32).fill(1));

  it("writes what it reads, extensions included", () => {
    const text = `a\n7\n${root}\nmore\n`;
    expect(checkpointText(parseCheckpoint(text))).toBe(text);
    expect(parseCheckpoint(`a\n0\n${root}\n`).size).toBe(0);
  });

  it.each([
    ["a missing line", `a\n${root}\n`],
    ["an empty origin", `\n7\n${root}\n`],
    ["a leading zero", `a\n07\n${root}\n`],
    ["a sign", `a\n-7\n${root}\n`],
    ["a size beyond 2^53", `a\n9007199254740993\n${root}\n`],
    ["a short root", `a\n7\n${toBase64(new Uint8Array(31))}\n`],
    ["no final newline", `a\n7\n${root}`],
    ["an empty extension", `a\n7\n${root}\n\n`],
  ])("refuses a checkpoint with %s", (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(InputError);
  });

  it("refuses to write what cannot be read", () => {
    const good = { origin: "a", size: 1, root: new Uint8Array(32), extensions: [] };
    expect(checkpointText(good)).toContain("a\n1\n");
    for (const bad of [{ origin: "" }, { origin: "a\nb" }, { size: -1 }, { size: 0.5 }, { root: new Uint8Array(3) }]) {
      expect(() => checkpointText({ ...good, ...bad })).toThrow(InputError);
    }
  });
});

describe("hex and base64", () => {
  it("read back what they write, as Node's own do", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
        expect(fromHex(toHex(bytes))).toEqual(bytes);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("refuse a second spelling of the same bytes", () => {
    for (const text of ["AA", "AA=", "AB==", "AAB=", " AA==", "AA==\n", "A-==", "A", "=", "AAAA="]) {
      expect(() => fromBase64(text), text).toThrow(InputError);
    }
    for (const text of ["0xAB", "ab", "0xa", "0x0g", ""]) expect(() => fromHex(text), text).toThrow(InputError);
  });
});
