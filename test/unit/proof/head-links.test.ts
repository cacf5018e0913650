import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { cosignerKeyOf, cosignerOf } from "../../../src/core/log/cosignature.ts";
import { jointSigner } from "../../../src/core/log/head.ts";
import { parseBundle } from "../../../src/core/proof/bundle.ts";
import { signerOf } from "../../../src/core/proof/note.ts";
import { blocksIn, type Trust, verifyBundle } from "../../../src/core/proof/verify.ts";
import { ANCHOR, anchoringOf, blockOf, CONTRACT, publishedLog } from "./anchor-sample.ts";
import { changed, type Loose, named, parse, said } from "./checked.ts";
import { BLOCK, BLOCK_TRUST, figureProof, provenBundle } from "./proven-sample.ts";
import { SIGNER, sampleBundle, TRUST, WITNESSES } from "./sample.ts";

const KEYS = WITNESSES.map(({ verifierKey }) => verifierKey);
const [a, b, c] = WITNESSES as [(typeof WITNESSES)[number], (typeof WITNESSES)[number], (typeof WITNESSES)[number]];
const COSIGNED = sampleBundle({ cosigners: [b, a] });
const named2 = { keys: KEYS, threshold: 2 };
const check = async (bytes: Uint8Array, trust: Partial<Trust> = {}) =>
  await verifyBundle(bytes, { ...TRUST, ...trust });
const failedOf = async (bytes: Uint8Array, trust: Partial<Trust> = {}) => named(await check(bytes, trust), false);
const cosignedOk = async (bytes: Uint8Array, trust: Partial<Trust> = {}) =>
  (await check(bytes, trust)).links.find(({ link }) => link === "witnesses")?.ok;

describe("cosignatures", () => {
  it("count when the reader names their witnesses", async () => {
    const result = await check(COSIGNED, { witnesses: named2 });
    expect(result).toMatchObject({ status: "verified", assurance: "attested", witnesses: [a.name, b.name] });
    expect(said(result, "witnesses")).toMatch(
      /^Of 3 witnesses that were named 2 cosigned the checkpoint: a\.example\/w at 2026-.*Z, b\.example\/w at .*Z\.$/,
    );
  });

  it("mean nothing to a reader who names nobody, however many a bundle says there are", async () => {
    const result = await check(COSIGNED);
    expect(result).toMatchObject({ status: "verified", witnesses: [] });
    expect(await cosignedOk(COSIGNED)).toBeNull();
    const strangers = Array.from({ length: 9 }, (_, i) => cosignerOf(`s${i}.example`, new Uint8Array(32).fill(99 + i)));
    const crowd = sampleBundle({ cosigners: strangers });
    expect(parseBundle(crowd).bundle.claims.witnessed).toBe("9");
    expect(await check(crowd, { witnesses: { keys: KEYS, threshold: 1 } })).toMatchObject({
      status: "unchecked",
      witnesses: [],
    });
  });

  it("are too few when fewer are there than are asked for, which refutes nothing", async () => {
    const result = await check(COSIGNED, { witnesses: { keys: KEYS, threshold: 3 } });
    expect(result).toMatchObject({ status: "unchecked", assurance: "attested", witnesses: [a.name, b.name] });
    expect(said(result, "witnesses")).toMatch(/Asked for are 3\.$/);
    expect((await check(sampleBundle(), { witnesses: named2 })).status).toBe("unchecked");
  });

  it("refute the bundle when one in the name of a witness does not hold", async () => {
    const [, forged] = [a, cosignerOf(a.name, new Uint8Array(32).fill(77))];
    const other = sampleBundle({ after: 8, cosigners: [a] });
    const line = (bytes: Uint8Array) => parse(bytes).checkpoint.trimEnd().split("\n").at(-1);
    const spoiled = changed(sampleBundle({ cosigners: [a] }), (json: Loose) => {
      json.checkpoint = json.checkpoint.replace(line(sampleBundle({ cosigners: [a] })), line(other));
    });
    expect(await failedOf(spoiled, { witnesses: { keys: [a.verifierKey], threshold: 0 } })).toEqual(["witnesses"]);
    expect((await check(spoiled, { witnesses: named2 })).witnesses).toEqual([]);
    // Another key in the same name is another witness, of whom nobody has heard.
    const another = sampleBundle({ cosigners: [forged] });
    expect(await cosignedOk(another, { witnesses: { keys: [a.verifierKey], threshold: 1 } })).toBeNull();
  });

  it("are not looked at without a log's key, for a witness may watch other logs", async () => {
    const trust = { logKeys: [], witnesses: named2 };
    const result = await verifyBundle(provenBundle({ cosigners: [a, b] }), { ...BLOCK_TRUST, ...trust });
    expect(result).toMatchObject({ status: "unchecked", assurance: "proven", witnesses: [] });
    expect(said(result, "witnesses")).toMatch(/no log key was given/);
    const known = { ...BLOCK_TRUST, ...trust, logKeys: [SIGNER.verifierKey] };
    expect(await verifyBundle(provenBundle({ cosigners: [a, b] }), known)).toMatchObject({ status: "verified" });
  });

  it("of the log by its own key, or by a key twice, are none", async () => {
    const secret = new Uint8Array(32).fill(1);
    const itself = cosignerOf("itself.example", secret);
    const bundle = sampleBundle({ cosigners: [itself] });
    const witnesses = { keys: [itself.verifierKey], threshold: 1 };
    expect(await check(bundle, { witnesses })).toMatchObject({ status: "unchecked", witnesses: [] });
    const twice = [a.verifierKey, cosignerKeyOf("alias.example", a9())];
    await expect(check(bundle, { witnesses: { keys: twice, threshold: 2 } })).rejects.toThrow(InputError);
    for (const bad of [
      { keys: [], threshold: 1 },
      { keys: ["x"], threshold: 1 },
      { keys: KEYS, threshold: 4 },
    ]) {
      await expect(check(bundle, { witnesses: bad })).rejects.toThrow(InputError);
    }
  });

  it("cannot be had of a figure on its own", async () => {
    const result = await verifyBundle(figureProof(), { ...BLOCK_TRUST, witnesses: named2 });
    expect(result.status).toBe("unchecked");
  });
});

/** The public key of the first witness. */
function a9(): Uint8Array {
  return Uint8Array.from(Buffer.from(a.verifierKey.split("+").at(-1) as string, "base64").subarray(1));
}

describe("the form of a bundle with cosignatures", () => {
  it.each([
    ["another number of them", (json: Loose) => (json.claims.witnessed = "3")],
    ["a number that begins with a zero", (json: Loose) => (json.claims.witnessed = "02")],
    ["one removed", (json: Loose) => (json.checkpoint = json.checkpoint.replace(/\n[^\n]*\n$/, "\n"))],
    [
      "two in another order",
      (json: Loose) => (json.checkpoint = json.checkpoint.replace(/(\n[^\n]*)(\n[^\n]*)\n$/, "$2$1\n")),
    ],
    [
      "one twice",
      (json: Loose) => {
        json.checkpoint += json.checkpoint.match(/[^\n]*\n$/)[0];
        json.claims.witnessed = "3";
      },
    ],
    [
      "an anchor without a receipt",
      (json: Loose) => {
        json.claims.anchored = anchoringOf({ size: 13, root: new Uint8Array(32).fill(1) }).anchored;
      },
    ],
    [
      "a receipt without an anchor",
      (json: Loose) => {
        json.anchor = anchoringOf({ size: 13, root: new Uint8Array(32).fill(1) }).evidence;
      },
    ],
  ])("does not have %s", async (_, change) => {
    expect(await failedOf(changed(COSIGNED, change), { witnesses: named2 })).toEqual(["shape"]);
  });

  it("has a lesser number when one is taken away with its number, and says no more than that", async () => {
    const less = changed(COSIGNED, (json: Loose) => {
      json.checkpoint = json.checkpoint.replace(/\n[^\n]*\n$/, "\n");
      json.claims.witnessed = "1";
    });
    expect(less).toEqual(sampleBundle({ cosigners: [a] }));
    expect(await check(less, { witnesses: named2 })).toMatchObject({ status: "unchecked", witnesses: [a.name] });
  });
});

describe("signatures of a log that changes its key", () => {
  const next = signerOf(SIGNER.name, new Uint8Array(32).fill(8));
  const joint = sampleBundle({ signer: jointSigner([SIGNER, next]), cosigners: [c] });

  it("hold for those who know either key, and spoil each other for those who know both", async () => {
    for (const keys of [[SIGNER], [next], [SIGNER, next]]) {
      expect((await check(joint, { logKeys: keys.map(({ verifierKey }) => verifierKey) })).status).toBe("verified");
    }
    const wrong = signerOf(SIGNER.name, new Uint8Array(32).fill(9));
    expect(await failedOf(joint, { logKeys: [wrong.verifierKey] })).toEqual(["signature"]);
    const other = parse(sampleBundle({ signer: jointSigner([SIGNER, next]), after: 8 }));
    const own = parse(sampleBundle({ signer: SIGNER })).checkpoint.split("\n")[4];
    const mixed = changed(sampleBundle({ signer: jointSigner([SIGNER, next]) }), (json: Loose) => {
      const lines: string[] = json.checkpoint.split("\n");
      const at = lines.findIndex((line, i) => i > 3 && line !== own);
      lines[at] = other.checkpoint.split("\n")[at];
      json.checkpoint = lines.join("\n");
    });
    expect(await failedOf(mixed, { logKeys: [SIGNER.verifierKey, next.verifierKey] })).toEqual(["signature"]);
    expect((await check(mixed)).status).toBe("verified");
  });
});

describe("an anchored bundle", () => {
  const bundle = sampleBundle({ anchor: anchoringOf });
  const { anchored } = parseBundle(bundle).bundle.claims;
  if (anchored === null) throw new TypeError("The sample is anchored.");
  const block = blockOf(anchored);
  const own = { chain: "eip155:901", number: "4711", hash: `0x${"b1".repeat(32)}` } as const;
  const blocks = [own, block];
  const trust = { anchors: [ANCHOR], blocks };

  it("is anchored for a reader who believes contract and block, and for no other", async () => {
    const result = await check(bundle, trust);
    expect(result).toMatchObject({ status: "verified", anchored: true });
    expect(said(result, "anchor")).toBe(
      `Transaction 2 of block 4720 of eip155:901 published the checkpoint at ${CONTRACT}.`,
    );
    for (const less of [{}, { blocks }, { anchors: [ANCHOR] }, { anchors: [ANCHOR], blocks: [own] }]) {
      const open = await check(bundle, less);
      expect(open.links.find(({ link }) => link === "anchor")?.ok).toBeNull();
      expect([open.anchored, open.status]).toEqual([false, "anchors" in less ? "unchecked" : "verified"]);
    }
    expect(await check(sampleBundle(), trust)).toMatchObject({ status: "unchecked", anchored: false });
  });

  it("names its block beside that of the record", () => {
    expect(blocksIn(bundle)).toEqual([
      { chain: "eip155:901", number: "4711" },
      { chain: "eip155:901", number: "4720" },
    ]);
    expect(blocksIn(sampleBundle())).toHaveLength(1);
    expect(blocksIn(figureProof())).toEqual([{ chain: BLOCK.chain, number: BLOCK.number }]);
    expect(blocksIn(new Uint8Array())).toEqual([]);
  });

  it.each([
    ["another contract than the reader's", { anchors: [`eip155:901:0x${"ad".repeat(20)}`] }],
    ["a contract of another chain", { anchors: [`eip155:902:${CONTRACT}`] }],
    ["a block that is not the trusted one", { blocks: [{ ...block, hash: `0x${"00".repeat(32)}` as const }] }],
  ])("is refuted by its anchor: %s", async (_, other) => {
    expect(await failedOf(bundle, { ...trust, ...other })).toContain("anchor");
  });

  it.each([
    ["another size", sampleBundle({ anchor: ({ root }) => anchoringOf({ size: 12, root }) })],
    ["another root", sampleBundle({ anchor: ({ size }) => anchoringOf({ size, root: new Uint8Array(32).fill(7) }) })],
    [
      "another contract",
      sampleBundle({
        anchor: (head) => anchoringOf(head, { log: publishedLog(head, `0x${"ad".repeat(20)}`) }),
      }),
    ],
    [
      "another event",
      sampleBundle({
        anchor: (head) => {
          const { topics, ...log } = publishedLog(head);
          return anchoringOf(head, { log: { ...log, topics: [new Uint8Array(32), topics[1] as Uint8Array] } });
        },
      }),
    ],
    [
      "an event with more to it",
      sampleBundle({
        anchor: (head) => {
          const { data, ...log } = publishedLog(head);
          return anchoringOf(head, { log: { ...log, data: Uint8Array.from([...data, ...data.slice(-32)]) } });
        },
      }),
    ],
    [
      "another block's hash",
      changed(bundle, (json: Loose) => (json.claims.anchored.blockHash = `0x${"00".repeat(32)}`)),
    ],
    ["another block's number", changed(bundle, (json: Loose) => (json.claims.anchored.blockNumber = "4721"))],
    [
      "another contract by its claim",
      changed(bundle, (json: Loose) => (json.claims.anchored.contract = `0x${"ad".repeat(20)}`)),
    ],
    ["another transaction", changed(bundle, (json: Loose) => (json.anchor.transactions = ["1"]))],
  ])("is refuted by its anchor, whoever reads it: %s", async (_, wrong) => {
    expect(await failedOf(wrong)).toEqual(["anchor"]);
  });

  it("has the receipt of one transaction", async () => {
    const more = changed(bundle, (json: Loose) => (json.anchor.transactions = ["0", "1", "2"]));
    expect(await failedOf(more)).toEqual(["shape"]);
  });

  it("needs contracts that can be ones", async () => {
    for (const text of ["", CONTRACT, ANCHOR.toUpperCase(), `${ANCHOR}00`]) {
      await expect(check(bundle, { anchors: [text] })).rejects.toThrow(InputError);
    }
  });
});
