import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex, hexToBytes } from "@noble/curves/utils.js";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import { type Fact, factsAbout, factsKeyOf, parseFacts, signFacts } from "../../../src/core/rules/facts.ts";

const SECRET = "0123456789abcdef".repeat(4);
const KEY = factsKeyOf(SECRET);
const A = "0x00000000000000000000000000000000000000aa";
const B = "0x00000000000000000000000000000000000000bb";

function fact(change: Partial<Fact> = {}): Fact {
  return { subject: A, predicate: "clientClass", object: "retail", validFrom: null, validTo: null, ...change };
}

function file(...facts: Fact[]) {
  return { version: "plumbline-facts/1" as const, issuer: "Registry", issuedAt: "2026-03-31T12:00:00Z", facts };
}

describe("a signed facts file", () => {
  it("is read with its issuer's key, whatever its spacing and order of keys", () => {
    const text = signFacts(file(fact()), SECRET);
    expect(parseFacts(text, KEY).facts).toEqual([fact()]);
    const respaced = JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse()), null, 2);
    expect(parseFacts(respaced, KEY.toUpperCase()).issuer).toBe("Registry");
  });

  it("is refused under another key, after any change, and when a row is taken out", () => {
    const text = signFacts(file(fact(), fact({ subject: B })), SECRET);
    expect(() => parseFacts(text, factsKeyOf("22".repeat(32)))).toThrow(InputError);
    const changes: ((json: ReturnType<typeof file> & { signature: string }) => unknown)[] = [
      (json) => (json.issuer = "Someone"),
      (json) => (json.issuedAt = "2026-03-31T12:00:01Z"),
      (json) => ((json.facts[0] as Fact).object = "professional"),
      (json) => ((json.facts[1] as Fact).validTo = "2026-01-01"),
      (json) => json.facts.pop(),
      (json) => (json.signature = `${json.signature.startsWith("0") ? "1" : "0"}${json.signature.slice(1)}`),
      (json) => (json.signature = "00".repeat(64)),
    ];
    for (const change of changes) {
      const json = JSON.parse(text);
      change(json);
      expect(() => parseFacts(JSON.stringify(json), KEY)).toThrow(InputError);
    }
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ["subject", { subject: "0x12" }, /row 2, subject/],
    ["predicate", { predicate: "" }, /row 2, predicate/],
    ["object", { object: 1 }, /row 2, object/],
    ["day", { validFrom: "2026-02-30" }, /row 2, validFrom/],
    ["order of days", { validFrom: "2026-02-02", validTo: "2026-02-01" }, /row 2: validTo/],
    ["unknown field", { name: "Ada" }, /row 2.*name/],
    ["contradiction", { object: "professional" }, /row 2 .*row 1/],
    ["contradiction by chain", { subject: `eip155:1:${A}`, object: "professional" }, /row 2 .*row 1/],
  ])("names the row whose %s is wrong", (_, change, message) => {
    const bad = { ...fact({ subject: A }), ...change } as Fact;
    expect(() => signFacts(file(fact(), bad), SECRET)).toThrow(InputError);
    expect(() => signFacts(file(fact(), bad), SECRET)).toThrow(message);
  });

  it("contradicts itself in either order of a chain's account and the plain address", () => {
    const rows = [fact({ subject: `eip155:1:${A}` }), fact({ object: "professional" })];
    expect(() => signFacts(file(...rows), SECRET)).toThrow(InputError);
    const elsewhere = [fact({ subject: `eip155:1:${A}` }), fact({ subject: `eip155:2:${A}`, object: "professional" })];
    expect(parseFacts(signFacts(file(...elsewhere), SECRET), KEY).facts).toHaveLength(2);
  });

  it("is refused for its rows even when its issuer signed them", () => {
    const contradictory = file(fact(), fact({ object: "professional" }));
    const signature = ed25519.sign(canonicalBytes(contradictory as unknown as Json), hexToBytes(SECRET));
    const text = JSON.stringify({ ...contradictory, signature: bytesToHex(signature) });
    expect(() => parseFacts(text, KEY)).toThrow(/row 2 .*row 1/);
  });

  it("is refused when it is no JSON, no facts file, or the key is none", () => {
    expect(() => parseFacts("{", KEY)).toThrow(InputError);
    expect(() => parseFacts("[]", KEY)).toThrow(InputError);
    expect(() => parseFacts(JSON.stringify(file(fact())), KEY)).toThrow(InputError);
    expect(() => parseFacts(signFacts(file(), SECRET), "abc")).toThrow(InputError);
    expect(() => signFacts(file(), "abc")).toThrow(InputError);
  });

  it("never shows a secret key it refuses", () => {
    expect(() => signFacts(file(), "deadbeef-secret")).toThrow(/^(?!.*deadbeef)/);
  });
});

describe("what is known about an account", () => {
  const facts = parseFacts(
    signFacts(
      file(
        fact({ validTo: "2026-04-01" }),
        fact({ object: "professional", validFrom: "2026-04-02" }),
        fact({ predicate: "jurisdiction", object: "EU" }),
        fact({ subject: `eip155:901:${B.toUpperCase().replace("0X", "0x")}`, object: "retail" }),
        fact({ subject: "eip155:901/perp-v2", predicate: "entityClass", object: "ccp" }),
        fact({ subject: "eip155:901", predicate: "entityClass", object: "fmi" }),
      ),
      SECRET,
    ),
    KEY,
  );

  it.each([
    [A, "2026-04-01", { clientClass: "retail", jurisdiction: "EU" }],
    [
      `eip155:5:${A.toUpperCase().replace("0X", "0x")}`,
      "2026-04-02",
      { clientClass: "professional", jurisdiction: "EU" },
    ],
    [`eip155:901:${B}`, "2026-04-01", { clientClass: "retail" }],
    [`eip155:902:${B}`, "2026-04-01", {}],
    [B, "2026-04-01", {}],
    ["eip155:901/perp-v2", "2026-04-01", { entityClass: "ccp" }],
    ["eip155:902/perp-v2", "2026-04-01", {}],
    ["eip155:901", "2026-04-01", { entityClass: "fmi" }],
    ["eip155:90", "2026-04-01", {}],
  ])("%s on %s", (subject, day, expected) => {
    expect(Object.fromEntries(factsAbout(facts, subject, day))).toEqual(expected);
  });
});
