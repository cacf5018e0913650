import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { MAX_BYTES } from "../../../src/core/proof/canonical.ts";
import type { Link, LinkName, Verification } from "../../../src/core/proof/verify.ts";
import { readSaid } from "../../../verifier/page/facts.ts";
import { readBlocks, readKeys, requireBundleSize, sizeText } from "../../../verifier/page/request.ts";
import { wordsOf } from "../../../verifier/page/words.ts";
import { SIGNER, sampleAssessment, WITNESSES } from "../proof/sample.ts";

const HASH = `0x${"ab".repeat(32)}`;
const ABOUT = { chain: "eip155:901", number: "4711" };

describe("the field for keys", () => {
  const [a = "", b = ""] = WITNESSES.map(({ verifierKey }) => verifierKey);
  const log = SIGNER.verifierKey;

  it("tells the log's from witnesses', all of whom must have cosigned", () => {
    expect(readKeys(" ")).toEqual({ logKeys: [] });
    expect(readKeys(` ${log}\n`)).toEqual({ logKeys: [log] });
    expect(readKeys(`${a} ${log}  ${b}`)).toEqual({ logKeys: [log], witnesses: { keys: [a, b], threshold: 2 } });
  });

  it("names what is no key, and a witness that is there twice", () => {
    for (const bad of ["x", `${log} x`, `${a.slice(0, -4)}AAA=`, `${a} ${a}`]) {
      expect(() => readKeys(bad)).toThrow(InputError);
    }
  });
});

describe("the field for the block hash", () => {
  it("takes a hash alone for the block the bundle is about, in any case and with blanks around it", () => {
    const expected = [{ chain: "eip155:901", number: "4711", hash: HASH }];
    expect(readBlocks(HASH, ABOUT)).toEqual(expected);
    expect(readBlocks(`  0x${"AB".repeat(32)}\n`, ABOUT)).toEqual(expected);
  });

  it("takes chain, number and hash as they are, whatever the bundle is about", () => {
    const expected = [{ chain: "eip155:10", number: "12", hash: HASH }];
    expect(readBlocks(`eip155:10:12=${HASH}`, ABOUT)).toEqual(expected);
    expect(readBlocks(`eip155:10:12=${HASH}`, null)).toEqual(expected);
  });

  it("trusts nothing when it is empty, or when a hash alone has no block to be the hash of", () => {
    expect(readBlocks(" ", ABOUT)).toBeUndefined();
    expect(readBlocks(HASH, null)).toBeUndefined();
  });

  it.each([
    HASH.slice(2),
    HASH.slice(0, -1),
    `${HASH}0`,
    `${HASH} ${HASH}`,
    `eip155:10=${HASH}`,
    `eip155:010:12=${HASH}`,
    `eip155:10:-1=${HASH}`,
    `cosmos:10:1=${HASH}`,
    "x".repeat(1_000_000),
  ])("refuses %.70s", (text) => {
    expect(() => readBlocks(text, ABOUT)).toThrow(InputError);
  });
});

describe("the size of a bundle", () => {
  it("is from one byte to the verifier's own limit", () => {
    expect(() => requireBundleSize(0)).toThrow(InputError);
    expect(() => requireBundleSize(MAX_BYTES + 1)).toThrow(InputError);
    expect(() => requireBundleSize(1)).not.toThrow();
    expect(() => requireBundleSize(MAX_BYTES)).not.toThrow();
  });

  it("reads as a person writes it", () => {
    expect([999, 1_000, 1_001, 5_000_000].map(sizeText)).toEqual(["999 bytes", "1 KB", "2 KB", "5.0 MB"]);
  });
});

describe("what a bundle says", () => {
  const said = (value: unknown) => readSaid(new TextEncoder().encode(JSON.stringify(value)));
  const valueIn = (changes: Parameters<typeof sampleAssessment>[0]) =>
    said({ assessment: { body: sampleAssessment(changes) } })?.facts.find(({ term }) => term === "Value")?.value;

  it("is its block and its statement, of an assessment and of a figure", () => {
    const body = sampleAssessment();
    const { ruleId: _rule, operator: _operator, threshold: _threshold, condition: _condition, ...figure } = body;
    const facts = said({ assessment: { body } })?.facts ?? [];
    expect(said({ assessment: { body } })?.block).toEqual(ABOUT);
    expect(facts).toContainEqual({ term: "Value", value: "0.499840051183621241 ratio" });
    expect(facts).toContainEqual({ term: "Condition", value: "not_met (>= 0.50)" });
    expect(facts).toContainEqual({ term: "Deployment", value: body.deploymentHash });
    expect(said({ figure: { ...figure, ruleId: null } })?.block).toEqual(ABOUT);
    expect(said({ figure: { ...figure, ruleId: null } })?.facts.map(({ term }) => term)).not.toContain("Condition");
  });

  it("says of an unknown figure why it is unknown, and never zero", () => {
    expect(valueIn({ measured: null, reason: "stale_price" as never })).toBe("unknown: stale_price");
    expect(valueIn({ measured: "-5", decimals: "2" })).toBe("-0.05 ratio");
  });

  it("turns no text around, and fills no page", () => {
    expect(valueIn({ unit: "\u202eDSU" })).toBe("0.499840051183621241 \ufffdDSU");
    expect(valueIn({ unit: "x".repeat(10_000) })?.length).toBeLessThan(1_000);
  });

  it.each(["", "[]", "null", "{}", '{"figure":{}}', "\u0000", '{"assessment":{"body":{"chain":"eip155:901"}}}'])(
    "is nothing for %j",
    (text) => {
      expect(readSaid(new TextEncoder().encode(text))).toBeNull();
    },
  );
});

describe("what a result means", () => {
  const links = (changes: Partial<Record<LinkName, boolean | null>>): Link[] =>
    (["shape", "block", "receipts", "call"] as const).map((link) => ({
      link,
      ok: link === "receipts" ? null : (changes[link] ?? (link in changes ? null : true)),
      sentence: link === "receipts" ? "Not needed: no logs." : `About ${link}.`,
    }));
  const result = (changes: Partial<Verification>): Verification => ({
    status: "verified",
    assurance: "proven",
    inputs: { proven: ["equity"], taken: [] },
    witnesses: [],
    anchored: false,
    links: links({}),
    ...changes,
  });

  it("names what is trusted of custody alone, and shows no name that turns text around", () => {
    const trustedOf = (proven: readonly string[]) => wordsOf(result({ inputs: { proven, taken: ["\u202ex"] } })).lists;
    expect(trustedOf(["held", "owed.0x5a"]).at(-1)?.items.join()).toMatch(/no creditor is left out/);
    expect(trustedOf(["equity"]).at(-1)?.items.join()).not.toMatch(/creditor/);
    expect(trustedOf([])[0]?.items).toEqual(["\ufffdx"]);
  });

  it("names what only the record says of a day and of a position", () => {
    const trustedOf = (facts: Record<string, string>, assurance: Verification["assurance"] = "proven") => {
      const said = Object.entries(facts).map(([term, value]) => ({ term, value }));
      return wordsOf(result({ assurance }), said).lists.at(-1)?.items.join(" ");
    };
    const [day, position] = [{ Tested: "day:2026-04-02" }, { Metric: "POS.MARGIN_RATIO" }];
    expect(trustedOf(day)).toMatch(/last of its day/);
    expect(trustedOf(position)).toMatch(/stretch of the position/);
    expect(trustedOf({ Tested: "epoch:4", Metric: "ACC.LEVERAGE" })).not.toMatch(/only the record/);
    expect(trustedOf({ ...day, ...position }, "attested")).not.toMatch(/only the record/);
  });

  it("is the level that is reached, and what is still trusted at it", () => {
    const { headline, tone, lists } = wordsOf(result({}));
    expect([headline, tone]).toEqual(["Proven", "good"]);
    expect(lists.map(({ heading }) => heading)).toEqual(["Proven inputs", "What you still trust"]);
    expect(lists.at(-1)?.items.join(" ")).toContain("block hash");
    expect(lists.at(-1)?.items.join(" ")).not.toContain("rulebook");
    const ruled = wordsOf(result({ links: [...links({}), { link: "rule", ok: true, sentence: "" }] }));
    expect(ruled.lists.at(-1)?.items.join(" ")).toContain("rulebook");
    const attested = wordsOf(result({ assurance: "attested", inputs: { proven: [], taken: ["equity"] } }));
    expect(attested.headline).toBe("Attested");
    expect(attested.lists[0]).toEqual({ heading: "Inputs taken from the operator’s record", items: ["equity"] });
    expect(attested.lists.at(-1)?.items.join(" ")).toContain("operator");
  });

  it("names the links that fail, and then lists nothing as proven", () => {
    const refuted = { status: "refuted", assurance: null } as const;
    const one = wordsOf(result({ ...refuted, links: links({ call: false }) }));
    expect([one.headline, one.tone, one.lists]).toEqual(["Refuted", "bad", []]);
    expect(one.meaning).toContain("The link call fails.");
    const two = wordsOf(result({ ...refuted, links: links({ block: false, call: false }) }));
    expect(two.meaning).toContain("The links block, call fail.");
  });

  it("is open, with what is missing, when not everything could be looked at", () => {
    const open = wordsOf(result({ status: "unchecked", assurance: null, links: links({ block: null, call: null }) }));
    expect([open.headline, open.tone, open.lists]).toEqual(["Not checked", "open", []]);
    expect(open.meaning).toMatch(/ About block\. About call\.$/);
    const less = wordsOf(result({ status: "unchecked", assurance: "attested", links: links({ block: null }) }));
    expect([less.headline, less.tone]).toEqual(["Attested only", "open"]);
    expect(less.meaning).toContain("About block.");
  });
});
