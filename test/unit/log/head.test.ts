import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { addSignatures, jointSigner, keyListText, openHead, parseKeyList } from "../../../src/core/log/head.ts";
import { checkpointText, parseNote, parseVerifierKey, signerOf } from "../../../src/core/proof/note.ts";
import { logKey, ORIGIN, SampleLog, secret, signer, witnesses } from "./sample.ts";

const log = new SampleLog(5);
const next = signerOf(ORIGIN, secret(2));
const nextKey = parseVerifierKey(next.verifierKey);

describe("a head", () => {
  it("is what the log signed, whoever else did", () => {
    const note = log.cosigned(witnesses);
    expect(openHead(note, [logKey])).toEqual({ origin: ORIGIN, size: 5, root: log.tree.root(), note });
  });

  it("is not opened by another log's key, a key that did not sign, or one in whose name a signature is wrong", () => {
    const other = signerOf("other.test/log", secret(3));
    expect(() => openHead(log.note(), [parseVerifierKey(other.verifierKey)])).toThrow(InputError);
    expect(() => openHead(other.sign(log.text()), [parseVerifierKey(other.verifierKey)])).toThrow(InputError);
    expect(() => openHead(log.note(), [nextKey])).toThrow(InputError);
    expect(() => openHead(log.note(), [])).toThrow(InputError);
    const wrong = next.sign(log.text(4)).slice(log.text(4).length + 1);
    const spoiled = addSignatures(log.note(), [wrong]);
    expect(openHead(spoiled, [logKey]).size).toBe(5);
    expect(() => openHead(spoiled, [logKey, nextKey])).toThrow(InputError);
  });

  it("of an empty tree has the root of nothing", () => {
    const empty = new SampleLog(0);
    expect(empty.head().size).toBe(0);
    const root = log.tree.root();
    const forged = signer.sign(checkpointText({ origin: ORIGIN, size: 0, root, extensions: [] }));
    expect(() => openHead(forged, [logKey])).toThrow(InputError);
  });
});

describe("keys that change", () => {
  it("overlap: what both sign opens with either, and with both", () => {
    const note = log.note(5, jointSigner([next, signer]));
    expect(parseNote(note).signatures).toHaveLength(2);
    for (const keys of [[logKey], [nextKey], [logKey, nextKey]]) expect(openHead(note, keys).size).toBe(5);
    expect(jointSigner([next, signer]).verifierKey).toBe(next.verifierKey);
    expect(jointSigner([signer]).sign(log.text())).toBe(log.note());
  });

  it("open before and after with the list of both, and with one alone only its own", () => {
    const both = parseKeyList(keyListText([next.verifierKey, signer.verifierKey]));
    expect(openHead(log.note(5, next), both).size).toBe(5);
    expect(openHead(log.note(), both).size).toBe(5);
    expect(() => openHead(log.note(5, next), [logKey])).toThrow(InputError);
  });

  it("are a list of different keys of one name", () => {
    const key = signer.verifierKey;
    expect(parseKeyList(`${key}\n`)).toEqual([logKey]);
    for (const text of ["", "\n", key, `${key}\n\n`, `${key}\n${key}\n`, `${witnesses[0]?.verifierKey}\n`]) {
      expect(() => parseKeyList(text), text).toThrow(InputError);
    }
    const other = signerOf("other.test/log", secret(2));
    expect(() => keyListText([key, other.verifierKey])).toThrow(InputError);
    expect(() => jointSigner([signer, other])).toThrow(InputError);
    expect(() => jointSigner([])).toThrow(InputError);
    const many = Array.from({ length: 17 }, (_, i) => signerOf(ORIGIN, secret(i + 1)).verifierKey);
    expect(() => keyListText(many)).toThrow(InputError);
    expect(keyListText(many.slice(1)).split("\n")).toHaveLength(17);
  });
});

describe("signatures added to a note", () => {
  const line = (witnesses[0] as (typeof witnesses)[number]).cosign(log.text(), 1n);

  it("stand below its own, once", () => {
    const note = addSignatures(log.note(), [line, line]);
    expect(note).toBe(log.note() + line);
    expect(addSignatures(note, [line])).toBe(note);
  });

  it.each([
    ["text", "not a line\n"],
    ["an end of the text", `\n${line}`],
    ["a line without an end", line.trimEnd()],
    ["half a line", line.slice(0, 20)],
  ])("are not %s", (_, added) => {
    expect(() => addSignatures(log.note(), [added])).toThrow(InputError);
  });
});
