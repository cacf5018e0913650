import { describe, expect, it } from "vitest";
import { checkTlogProof } from "../../../bin/commands/verify-tlog.ts";
import { InputError } from "../../../src/core/errors.ts";
import { encodeTlogProof } from "../../../src/core/log/tlog-proof.ts";
import {
  isTlogFile,
  type TlogLinkName,
  type TlogTrust,
  verifyTlogFile,
} from "../../../src/core/log/verify-tlog-proof.ts";
import { toBase64 } from "../../../src/core/proof/bytes.ts";
import { encodeLeaf, globalLeaf } from "../../../src/core/proof/leaf.ts";
import { SampleLog, signer, witnesses } from "./sample.ts";

const log = new SampleLog(20);
const leaf = globalLeaf("fact", `0x${"ab".repeat(32)}`);
log.add(encodeLeaf(leaf));
log.add(encodeLeaf(globalLeaf("fact", `0x${"cd".repeat(32)}`)));
const note = log.cosigned(witnesses.slice(0, 2));
const parts = { index: 20, proof: log.tree.inclusionProof(20), note, extra: encodeLeaf(leaf) };
const text = encodeTlogProof(parts);
const keys = witnesses.map(({ verifierKey }) => verifierKey);
const trust = { logKeys: [signer.verifierKey], witnesses: { keys, threshold: 2 } };
const bytes = (of: string) => new TextEncoder().encode(of);
const verified = (of: string, by: TlogTrust = trust) => verifyTlogFile(bytes(of), by);

/** The links that are not what they are in a file that holds, with what they are. */
function faults(of: string, by: TlogTrust = trust): Partial<Record<TlogLinkName, boolean | null>> {
  const { links } = verified(of, by);
  return Object.fromEntries(links.flatMap(({ link, ok }) => (ok === true ? [] : [[link, ok]])));
}

describe("a tlog-proof that carries its leaf", () => {
  it("is verified, and says what the leaf is", () => {
    expect(verified(text)).toMatchObject({ status: "verified", leaf });
    expect(faults(text)).toEqual({});
    const { report, json } = checkTlogProof(bytes(text), trust);
    expect(report.split("\n").slice(0, 3)).toEqual([
      "ok     shape     The file is a tlog-proof.",
      `ok     leaf      The leaf is of kind fact; its body has the hash 0x${"ab".repeat(32)}.`,
      "ok     inclusion It is leaf 20 of the tree of 22 leaves that the checkpoint names.",
    ]);
    expect(report).toMatch(/\nVerified: the leaf is in the log\..*\n$/);
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      ...{ status: "verified", leaf: { kind: "fact", chainId: "0", blockNumber: "0" } },
      links: [{ link: "shape", ok: true }, { link: "leaf" }, { link: "inclusion" }, {}, { link: "witnesses" }],
    });
  });

  it("is unchecked without the log's key, without its leaf, and with fewer witnesses than are asked for", () => {
    expect([verified(text, { logKeys: [] }).status, faults(text, { logKeys: [] })]).toEqual([
      "unchecked",
      { signature: null, witnesses: null },
    ]);
    expect([verified(text, { logKeys: trust.logKeys }).status, faults(text, { logKeys: trust.logKeys })]).toEqual([
      "verified",
      { witnesses: null },
    ]);
    const bare = encodeTlogProof({ ...parts, extra: null });
    expect([verified(bare), faults(bare)]).toMatchObject([
      { status: "unchecked", leaf: null },
      { leaf: null, inclusion: null },
    ]);
    const all = { ...trust, witnesses: { keys, threshold: 3 } };
    expect([verified(text, all).status, faults(text, all)]).toEqual(["unchecked", { witnesses: null }]);
  });

  it.each([
    ["another leaf", encodeTlogProof({ ...parts, extra: log.entries[21] as Uint8Array }), { inclusion: false }],
    ["another index", encodeTlogProof({ ...parts, index: 21 }), { inclusion: false }],
    ["an index beyond the tree", encodeTlogProof({ ...parts, index: 22 }), { inclusion: false }],
    ["no leaf as its extra", encodeTlogProof({ ...parts, extra: bytes("log 19") }), { leaf: false, inclusion: false }],
    ["another head's note", encodeTlogProof({ ...parts, note: log.note(21) }), { inclusion: false, witnesses: null }],
    [
      "a changed signature",
      text.replace(/(— plumbline\.test\/log .{20})(.)/, (_, kept, one) => kept + (one === "A" ? "B" : "A")),
      { signature: false },
    ],
    [
      "a changed cosignature",
      text.replace(/(— witness\.test\/w2 .{40})(.)/, (_, kept, one) => kept + (one === "A" ? "B" : "A")),
      { witnesses: false },
    ],
  ])("is refuted with %s, by the links that fail", (_, changed, expected) => {
    expect(changed).not.toBe(text);
    const { status, links } = verified(changed);
    expect(status).toBe("refuted");
    expect(faults(changed)).toMatchObject(expected);
    const first = links.find(({ ok }) => ok === false)?.link;
    expect(checkTlogProof(bytes(changed), trust).report).toContain(
      `Refuted by its ${first}: do not rely on this file.`,
    );
  });

  it("is verified with no character changed that the log has signed, or that leads there", () => {
    const by = { logKeys: trust.logKeys };
    for (let at = 0; at < text.indexOf("— witness"); at += 3) {
      const changed = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      expect(verified(changed, by).status, `character ${at}`).toBe("refuted");
    }
  });

  it("is refuted by its shape where it is none, whatever the bytes", () => {
    const none = [
      bytes(text.replace("@v1", "@v2")),
      bytes(text.replace("\n\n", "\n")),
      bytes("c2sp.org/tlog-proof@v1\n"),
      new Uint8Array([...bytes(text), 0xff]),
      bytes(text.replace("extra ", `extra ${toBase64(new Uint8Array(300_000))}`)),
    ];
    for (const one of none) {
      expect(isTlogFile(one)).toBe(true);
      const { status, leaf: found, links } = verifyTlogFile(one, trust);
      expect([status, found, links.map(({ ok }) => ok)]).toEqual(["refuted", null, [false, null, null, null, null]]);
    }
  });

  it("never shows a control character of a hostile file", () => {
    const hostile = text.replaceAll("plumbline.test/log", "plumbline.test/\u202elog");
    for (const { sentence } of verified(hostile).links) expect(sentence).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("needs keys that are some", () => {
    expect(() => verified(text, { logKeys: ["x"] })).toThrow(InputError);
    expect(() => verified(text, { ...trust, witnesses: { keys, threshold: 4 } })).toThrow(InputError);
  });

  it("is known by its first line", () => {
    expect([text, "", "{}", "c2sp.org/tlog", `\ufeff${text}`].map((of) => isTlogFile(bytes(of)))).toEqual([
      ...[true, false, false, false, false],
    ]);
  });
});
