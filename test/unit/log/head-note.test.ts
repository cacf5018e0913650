import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { addSignatures, jointSigner } from "../../../src/core/log/head.ts";
import { headNote, readHeadNote } from "../../../src/core/log/head-note.ts";
import { signerOf } from "../../../src/core/proof/note.ts";
import { signatureLine } from "../../../src/core/proof/note-key.ts";
import { ORIGIN, SampleLog, secret, signer, witnesses } from "./sample.ts";

const TIME = 1_700_000_000n;
const log = new SampleLog(21);
const text = log.text();
const lines = witnesses.map((one) => one.cosign(text, TIME));
const [w1 = "", w2 = "", w3 = ""] = lines;
const own = log.note().slice(text.length + 1);
const next = signerOf(ORIGIN, secret(2));
const joint = jointSigner([signer, next]);

describe("a checkpoint in a proof", () => {
  it("has the log's signature before those of witnesses, which rise by name, however they came", () => {
    const note = headNote(log.note(), [w1, w2, w3]);
    expect(note).toBe(log.note() + w1 + w2 + w3);
    expect(headNote(log.note(), [w3, w1, w2, w3])).toBe(note);
    expect(headNote(`${text}\n${w2}${own}`, [w3, w1])).toBe(note);
    expect(readHeadNote(note)).toMatchObject({ cosigned: 3, checkpoint: { origin: ORIGIN, size: 21 } });
    expect(readHeadNote(log.note()).cosigned).toBe(0);
  });

  it("has both signatures of a log that changes its key, by the id of the key", () => {
    const other = jointSigner([next, signer]);
    expect(headNote(joint.sign(text), [w1])).toBe(headNote(other.sign(text), [w1]));
    expect(readHeadNote(headNote(joint.sign(text), [w1])).cosigned).toBe(1);
  });

  const both = joint
    .sign(text)
    .slice(text.length + 1)
    .split(/(?<=\n)/);
  const [first = "", second = ""] = headNote(joint.sign(text))
    .slice(text.length + 1)
    .split(/(?<=\n)/);
  const stranger = signerOf("other.test/log", secret(3))
    .sign(text)
    .slice(text.length + 1);
  const short = signatureLine("witness.test/w4", { id: secret(1).slice(0, 4), signature: secret(1) });
  it.each([
    ["witnesses out of order", own + w2 + w1],
    ["a witness before the log", w1 + own],
    ["a witness twice", own + w1 + w1],
    ["a witness twice, at two times", own + w1 + witnesses[0]?.cosign(text, TIME + 1n)],
    ["signatures of the log out of order", second + first],
    ["a signature of the log twice", first + first],
    ["no signature of the log", w1 + w2],
    ["a signature of another log", own + stranger],
    ["a line that is neither signature nor cosignature", own + short],
    [
      "a cosignature of the log by itself",
      own + signatureLine(ORIGIN, { id: secret(1).slice(0, 4), signature: new Uint8Array(72) }),
    ],
  ])("does not have %s", (_, below) => {
    expect(() => readHeadNote(`${text}\n${below}`)).toThrow(InputError);
  });

  it("has three lines of text", () => {
    expect(both).toHaveLength(2);
    const longer = signer.sign(log.text(21, ["more"]));
    expect(() => readHeadNote(longer)).toThrow(InputError);
    expect(() => headNote(longer)).toThrow(InputError);
  });

  it("is not made of lines that cannot stand in it", () => {
    expect(() => headNote(log.note(), [stranger])).toThrow(InputError);
    expect(() => headNote(log.note(), ["no line\n"])).toThrow(InputError);
    expect(() => headNote(addSignatures(log.note(), [w1]), [witnesses[0]?.cosign(text, 1n) ?? ""])).toThrow(InputError);
  });
});
