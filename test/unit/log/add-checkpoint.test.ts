import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  acceptCosignatures,
  answerAddCheckpoint,
  encodeAddCheckpoint,
  parseAddCheckpoint,
  parseConflict,
  type WitnessState,
} from "../../../src/core/log/add-checkpoint.ts";
import { toBase64 } from "../../../src/core/proof/bytes.ts";
import { signerOf } from "../../../src/core/proof/note.ts";
import { logKey, ORIGIN, SampleLog, secret, witnesses, witnessKeys } from "./sample.ts";

const log = new SampleLog(40);
const fork = new SampleLog(40, "fork");
const request = (oldSize: number, size: number, of = log) => {
  const proof = oldSize === 0 || oldSize > size ? [] : of.tree.consistencyProof(oldSize, size);
  return { oldSize, proof, note: of.note(size) };
};
const ask = (oldSize: number, size: number, of = log) => encodeAddCheckpoint(request(oldSize, size, of));

/** A witness that watches the log and has cosigned its head of this size; 0 for none. */
const witness = (size: number): WitnessState => ({
  keysOf: (origin) => (origin === ORIGIN ? [logKey] : []),
  lastOf: () => (size === 0 ? null : { size, root: log.tree.root(size) }),
});

describe("a request to a witness", () => {
  it("has the lines the specification gives it, and reads back what it wrote", () => {
    const parts = request(13, 40);
    const text = encodeAddCheckpoint(parts);
    expect(text).toBe(["old 13", ...parts.proof.map(toBase64), "", parts.note].join("\n"));
    expect(parseAddCheckpoint(text)).toEqual(parts);
    expect(parseAddCheckpoint(ask(0, 40))).toEqual(request(0, 40));
  });

  it.each([
    ["no size", ask(13, 40).replace("old 13\n", "")],
    ["a leading zero", ask(13, 40).replace("old 13", "old 013")],
    ["a sign", ask(13, 40).replace("old 13", "old -13")],
    ["a size beyond 2^53", ask(13, 40).replace("old 13", "old 9007199254740993")],
    ["a carriage return", ask(13, 40).replace("old 13\n", "old 13\r\n")],
    ["a short hash", ask(13, 40).replace(/\n[^\n]+/, "\nAQID")],
    ["too many hashes", ask(0, 40).replace("old 0\n", `old 0\n${`${toBase64(new Uint8Array(32))}\n`.repeat(64)}`)],
    ["no empty line", ask(0, 40).replace("\n\n", "\n")],
    ["nothing", ""],
  ])("is refused with %s", (_, text) => {
    expect(() => parseAddCheckpoint(text)).toThrow(InputError);
    expect(answerAddCheckpoint(text, witness(0))).toMatchObject({ status: 400, signed: null });
  });

  it("is not made of what cannot be read", () => {
    expect(() => encodeAddCheckpoint({ ...request(0, 40), oldSize: 0.5 })).toThrow(InputError);
    expect(() => encodeAddCheckpoint({ ...request(0, 40), note: log.text() })).toThrow(InputError);
  });
});

describe("a witness", () => {
  it("takes the first head of a log it watches, and each that its last one grew to", () => {
    expect(answerAddCheckpoint(ask(0, 40), witness(0))).toEqual({ head: log.head(40) });
    for (const [last, next] of [
      [1, 2],
      [13, 40],
      [32, 40],
      [40, 40],
    ] as const) {
      expect(answerAddCheckpoint(ask(last, next), witness(last))).toEqual({ head: log.head(next) });
    }
  });

  it("says by 404 and 403 that it does not know the log, or that it did not sign", () => {
    const other = signerOf("other.test/log", secret(4));
    const unknown = encodeAddCheckpoint({
      ...request(0, 40),
      note: other.sign(log.text().replace(ORIGIN, other.name)),
    });
    expect(answerAddCheckpoint(unknown, witness(0))).toMatchObject({ status: 404, signed: null });
    const forged = encodeAddCheckpoint({ ...request(0, 40), note: signerOf(ORIGIN, secret(4)).sign(log.text()) });
    expect(answerAddCheckpoint(forged, witness(0))).toMatchObject({ status: 403, signed: null });
  });

  it("says by 409 and the size which head it knows", () => {
    for (const [last, old] of [
      [13, 0],
      [13, 12],
      [0, 13],
      [20, 13],
    ] as const) {
      const answer = answerAddCheckpoint(ask(old, 40), witness(last));
      expect(answer).toMatchObject({ status: 409, contentType: "text/x.tlog.size", body: `${last}\n` });
      expect(parseConflict((answer as { body: string }).body)).toBe(last);
    }
    for (const body of ["13", "013\n", "x\n", "\n", "1\n2\n"]) expect(parseConflict(body)).toBeNull();
  });

  it("refuses a smaller head, and keeps it", () => {
    expect(answerAddCheckpoint(ask(40, 13), witness(40))).toMatchObject({ status: 400 });
    expect(answerAddCheckpoint(ask(13, 13), witness(40))).toMatchObject({ status: 409, signed: { size: 13 } });
  });

  it("refuses another tree of the same size by 409, and another history by 422, and keeps them", () => {
    expect(answerAddCheckpoint(ask(40, 40, fork), witness(40))).toMatchObject({ status: 409, signed: fork.head(40) });
    expect(answerAddCheckpoint(ask(13, 40, fork), witness(13))).toMatchObject({ status: 422, signed: fork.head(40) });
    const good = request(13, 40);
    const bad = [good.proof.slice(1), [...good.proof, good.proof[0] as Uint8Array], []];
    for (const proof of bad) {
      expect(answerAddCheckpoint(encodeAddCheckpoint({ ...good, proof }), witness(13))).toMatchObject({ status: 422 });
    }
    const first = encodeAddCheckpoint({ ...request(0, 40), proof: [new Uint8Array(32)] });
    expect(answerAddCheckpoint(first, witness(0))).toMatchObject({ status: 422 });
  });
});

describe("the answer of a witness", () => {
  const [first, second, third] = witnesses.map((one) => one.cosign(log.text(), 1_700_000_000n)) as [
    string,
    string,
    string,
  ];
  const known = witnessKeys.slice(0, 2);
  const accept = (body: string) => acceptCosignatures(log.note(), { body, cosigners: known });

  it("adds the cosignatures of known witnesses to the checkpoint, once", () => {
    expect(accept(first)).toBe(log.note() + first);
    expect(accept(first + second + first)).toBe(log.note() + first + second);
    const again = acceptCosignatures(accept(first), { body: first + second, cosigners: known });
    expect(again).toBe(log.note() + first + second);
  });

  it("adds nothing of strangers, and nothing that does not hold", () => {
    const wrong = (witnesses[1] as (typeof witnesses)[number]).cosign(log.text(39), 1_700_000_000n);
    expect(accept(third + wrong + first)).toBe(log.note() + first);
    expect(accept(wrong)).toBe(log.note());
    expect(accept(log.note().slice(log.text().length + 1))).toBe(log.note());
  });

  it("checks no more lines than a note can have", () => {
    expect(accept(first + third.repeat(63))).toBe(log.note() + first);
    expect(() => accept(first + third.repeat(64))).toThrow(InputError);
  });

  it.each(["", "\n", first.trimEnd(), `${first}\n`, "no line\n", `\n${first}`])(
    "is made of lines, unlike %j",
    (body) => {
      expect(() => accept(body)).toThrow(InputError);
    },
  );
});
