import { describe, expect, it } from "vitest";
import { checkLeafRow, leafRowOf, rulebookEntry } from "../../../server/ledger/entry.ts";
import { InvariantError } from "../../../src/core/errors.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { canonicalText, type Json } from "../../../src/core/proof/canonical.ts";
import { fileDigest, rulebookHash } from "../../../src/core/rules/digest.ts";
import { rulebookFrom } from "../../../src/core/rules/rule.ts";
import { DISCLOSED, RULEBOOK } from "../proof/sample.ts";

const row = leafRowOf(rulebookEntry(RULEBOOK.source), 3);

describe("the leaf of a rulebook", () => {
  it("has the hash that assessments name it by, and the whole rulebook as its body", () => {
    const { leaf, refId } = rulebookEntry(RULEBOOK.source);
    expect(leaf.bodyHash).toBe(RULEBOOK.hash);
    expect(refId).toBe(RULEBOOK.hash.slice(2));
    expect(rulebookFrom(JSON.parse(row.body)).hash).toBe(RULEBOOK.hash);
    expect(toHex(checkLeafRow(row))).toBe(`0x${row.hash}`);
  });

  it("of a log that was begun with the format before is still its own", () => {
    const { files } = RULEBOOK.source as { files: Json };
    const old = rulebookFrom({ format: "plumbline-rulebook/1", files });
    const entry = rulebookEntry(old.source);
    expect(entry.leaf.bodyHash).toBe(old.hash);
    expect(() => checkLeafRow(leafRowOf(entry, 0))).not.toThrow();
  });

  it.each<[string, string]>([
    ["another rule", row.body.replace('"threshold":"0.50"', '"threshold":"0.40"')],
    ["other spacing", `${row.body} `],
    ["no JSON", "{"],
    ["no rulebook", "{}"],
    ["nothing", ""],
  ])("is refused with another body: %s", (_, body) => {
    expect(body).not.toBe(row.body);
    expect(() => checkLeafRow({ ...row, body })).toThrow(InvariantError);
  });

  it("is refused with a body that holds back a file or a rule, though its hash is the same", () => {
    const { format, files } = RULEBOOK.source as { format: string; files: Record<string, Json> };
    const bodies = [
      canonicalText({ format, files: { ...files, eu: fileDigest(files.eu as Json) } }),
      canonicalText(DISCLOSED),
    ];
    for (const body of bodies) {
      expect(rulebookHash(JSON.parse(body))).toBe(RULEBOOK.hash);
      expect(() => checkLeafRow({ ...row, body })).toThrow(InvariantError);
    }
  });
});
