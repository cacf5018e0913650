import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import {
  checkQuorum,
  cosignedAt,
  cosignerKeyOf,
  cosignerOf,
  parseCosignerKey,
  quorumOf,
} from "../../../src/core/log/cosignature.ts";
import { addSignatures } from "../../../src/core/log/head.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { parseNote, parseVerifierKey, signerOf } from "../../../src/core/proof/note.ts";
import { signingKey } from "../../../src/core/proof/note-key.ts";
import { logKey, ORIGIN, SampleLog, secret, witnesses, witnessKeys } from "./sample.ts";

/** The cosigned checkpoint that the specification shows. Its keys are not known, its parts are. */
const SPEC_NOTE =
  "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" +
  "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n" +
  "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

const [w1, w2] = witnesses as [(typeof witnesses)[number], (typeof witnesses)[number]];
const [k1] = witnessKeys as [(typeof witnessKeys)[number]];
const log = new SampleLog(7);
const TIME = 1_679_315_147n;

describe("a cosignature", () => {
  it("has the parts of the specification's example: key id, time, signature", () => {
    const line = parseNote(SPEC_NOTE).signatures[1];
    expect([line?.name, line?.signature.length]).toEqual(["witness.example.com/w1", 8 + 64]);
    const own = parseNote(addSignatures(log.note(), [w1.cosign(log.text(), TIME)])).signatures[1];
    expect(toHex(own?.signature.slice(0, 8) as Uint8Array)).toBe(toHex(line?.signature.slice(0, 8) as Uint8Array));
    expect(own?.signature.length).toBe(8 + 64);
  });

  it("is of its witness, its checkpoint and its time only", () => {
    const note = parseNote(log.cosigned([w1], TIME));
    expect(cosignedAt(note, k1)).toBe(TIME);
    expect(cosignedAt(parseNote(log.note()), k1)).toBeNull();
    expect(cosignedAt({ ...note, text: log.text(6) }, k1)).toBeNull();
    const renamed = parseCosignerKey(cosignerOf("witness.test/other", secret(11)).verifierKey);
    expect(cosignedAt(note, renamed)).toBeNull();
    const stranger = parseCosignerKey(cosignerOf(k1.name, secret(99)).verifierKey);
    expect(cosignedAt(note, stranger)).toBeNull();
    expect(cosignedAt(note, { ...stranger, id: k1.id })).toBeNull();
  });

  it("does not hold with any byte of it changed, nor beside one that does not hold", () => {
    const note = parseNote(log.cosigned([w1], TIME));
    const [own, line] = note.signatures as [(typeof note.signatures)[number], (typeof note.signatures)[number]];
    fc.assert(
      fc.property(fc.nat({ max: line.signature.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const signature = line.signature.with(at, (line.signature[at] as number) ^ mask);
        expect(cosignedAt({ ...note, signatures: [own, { ...line, signature }] }, k1)).toBeNull();
        expect(cosignedAt({ ...note, signatures: [line, { ...line, signature }] }, k1)).toBeNull();
      }),
      { seed: 1, numRuns: 100 },
    );
    for (const length of [0, 7, 8, 71]) {
      const short = { ...line, signature: line.signature.slice(0, length) };
      expect(cosignedAt({ ...note, signatures: [short] }, k1)).toBeNull();
      expect(cosignedAt({ ...note, signatures: [line, short] }, k1)).toBeNull();
    }
  });

  it("counts with the last of its times", () => {
    const note = addSignatures(log.cosigned([w1], TIME + 5n), [w1.cosign(log.text(), TIME)]);
    expect(cosignedAt(parseNote(note), k1)).toBe(TIME + 5n);
  });

  it("is made of a checkpoint at a time, and of nothing else", () => {
    expect(() => w1.cosign("not a checkpoint\n", TIME)).toThrow(InputError);
    expect(() => w1.cosign(log.text(), -1n)).toThrow(InputError);
    expect(() => w1.cosign(log.text(), 2n ** 63n)).toThrow(InputError);
    expect(cosignedAt(parseNote(log.cosigned([w1], 2n ** 63n - 1n)), k1)).toBe(2n ** 63n - 1n);
    const beyond = new Uint8Array(8 + 64);
    new DataView(beyond.buffer).setBigUint64(0, 2n ** 63n);
    const key = signingKey(k1.name, { type: "cosignature", secretKey: secret(11) });
    beyond.set(key.sign(new TextEncoder().encode(`cosignature/v1\ntime ${2n ** 63n}\n${log.text()}`)), 8);
    const line = { name: k1.name, id: k1.id, signature: beyond };
    expect(cosignedAt({ text: log.text(), signatures: [line] }, k1)).toBeNull();
    expect(() => cosignerOf("a b", secret(1))).toThrow(InputError);
    expect(() => cosignerOf("a", new Uint8Array(31))).toThrow(InputError);
  });

  it("is not to be mistaken for a note's signature by the same key, nor the other way round", () => {
    const key = { name: ORIGIN, secret: secret(1) };
    const asWitness = parseCosignerKey(cosignerOf(key.name, key.secret).verifierKey);
    expect(cosignedAt(parseNote(log.note()), asWitness)).toBeNull();
    expect(() => parseVerifierKey(w1.verifierKey)).toThrow(InputError);
    expect(() => parseCosignerKey(signerOf(ORIGIN, secret(1)).verifierKey)).toThrow(InputError);
    expect(cosignerKeyOf(k1.name, k1.publicKey)).toBe(w1.verifierKey);
  });
});

describe("a quorum", () => {
  const keys = witnesses.map(({ verifierKey }) => verifierKey);
  const check = (note: string, threshold: number, logKeys = [logKey]) =>
    checkQuorum(parseNote(note), { quorum: quorumOf(keys, threshold), logKeys });

  it("is met by as many of its witnesses as it asks for", () => {
    const note = log.cosigned([w2, w1], TIME);
    expect(check(note, 2)).toEqual({
      met: true,
      cosignatures: [
        { name: w1.name, time: TIME },
        { name: w2.name, time: TIME },
      ],
    });
    expect(check(note, 3).met).toBe(false);
    expect(check(log.note(), 0)).toEqual({ met: true, cosignatures: [] });
    expect(check(log.note(), 1).met).toBe(false);
  });

  it("does not count one witness twice, a stranger, or the log itself", () => {
    const twice = addSignatures(log.cosigned([w1], TIME), [w1.cosign(log.text(), TIME + 1n)]);
    expect(check(twice, 2).met).toBe(false);
    const stranger = cosignerOf("stranger.test", secret(77));
    expect(check(log.cosigned([w1, stranger]), 2).met).toBe(false);
    const own = { ...logKey, publicKey: k1.publicKey };
    expect(check(log.cosigned([w1]), 1, [own]).met).toBe(false);
  });

  it("cannot have a key twice, under another name either, or ask for more than there are", () => {
    const renamed = cosignerOf("another.test/name", secret(11)).verifierKey;
    expect(() => quorumOf([...keys, renamed], 1)).toThrow(InputError);
    for (const threshold of [4, -1, 1.5]) expect(() => quorumOf(keys, threshold)).toThrow(InputError);
  });
});
