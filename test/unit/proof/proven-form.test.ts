import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { parseBundle } from "../../../src/core/proof/bundle.ts";
import type { Trust } from "../../../src/core/proof/verify.ts";
import { changed, check, failedOf, type Loose, named, upper } from "./checked.ts";
import { BLOCK_TRUST, DEPLOYMENT, figureProof, provenAssessment, provenBundle } from "./proven-sample.ts";
import { SIGNER, sampleAssessment, sampleBundle } from "./sample.ts";

const BUNDLE = provenBundle();
const FIGURE = figureProof();
const WITH_KEY: Trust = { ...BLOCK_TRUST, logKeys: [SIGNER.verifierKey] };

describe("the form", () => {
  const REFUSED: [string, Uint8Array, (json: Loose) => void][] = [
    ["a proof that claims less", BUNDLE, (b) => (b.claims.assurance = "attested")],
    ["a record that claims more", sampleBundle(), (b) => (b.claims.assurance = "proven")],
    ["evidence without a deployment", BUNDLE, (b) => (b.deployment = null)],
    ["a deployment without evidence", sampleBundle(), (b) => (b.deployment = DEPLOYMENT)],
    ["evidence of no kind", BUNDLE, (b) => delete b.evidence.kind],
    ["evidence of another kind", BUNDLE, (b) => (b.evidence.kind = "logs")],
    ["an unknown key in the evidence", BUNDLE, (b) => (b.evidence.more = "x")],
    ["an unknown key in the witness", BUNDLE, (b) => (b.evidence.witness.more = "x")],
    ["an unknown key in an account", BUNDLE, (b) => (b.evidence.witness.accounts[0].more = "x")],
    ["a node twice", BUNDLE, (b) => b.evidence.witness.nodes.splice(0, 0, b.evidence.witness.nodes[0])],
    ["nodes out of order", BUNDLE, (b) => b.evidence.witness.nodes.reverse()],
    ["accounts out of order", BUNDLE, (b) => b.evidence.witness.accounts.reverse()],
    ["an address in capitals", BUNDLE, (b) => upper(b.evidence.witness.accounts[1], "address")],
    ["a header in capitals", BUNDLE, (b) => upper(b.evidence.witness, "header")],
    ["a hash in capitals", BUNDLE, (b) => upper(b.assessment.body, "blockHash")],
    ["a deployment's hash in capitals", BUNDLE, (b) => upper(b.assessment.body, "deploymentHash")],
    ["another version", BUNDLE, (b) => (b.version = "plumbline-bundle/1")],
    ["an unknown key in a figure", FIGURE, (f) => (f.figure.more = "x")],
    ["a figure with a test point of its own", FIGURE, (f) => (f.figure.testPoint = "day:2026-04-02")],
    ["a figure's rule without its rulebook", FIGURE, (f) => (f.rulebook = null)],
    ["a rulebook without a rule", FIGURE, (f) => (f.figure.ruleId = null)],
    ["a value and a reason", FIGURE, (f) => (f.figure.reason = "NO_PRICE")],
  ];

  it.each(REFUSED)("is refused by the shape: %s", async (_, bytes, change) => {
    const result = await check(changed(bytes, change), WITH_KEY);
    expect(named(result, false)).toEqual(["shape"]);
    expect(result.status).toBe("refuted");
  });

  it("is refused by another link where it is what is hashed: a key that is no part", async () => {
    expect(await failedOf(changed(BUNDLE, (b) => (b.deployment.more = "x")))).toEqual(["deployment", "call"]);
    expect(await failedOf(changed(BUNDLE, (b) => (b.rulebook.more = "x")))).toContain("rulebook");
    expect(
      await failedOf(changed(BUNDLE, (b) => upper(b.deployment.chains[0].protocols[0].settlement, "address"))),
    ).toContain("deployment");
  });

  it("of a bundle follows from its evidence", () => {
    expect(parseBundle(BUNDLE).bundle.claims.assurance).toBe("proven");
    expect(parseBundle(sampleBundle()).bundle.claims.assurance).toBe("attested");
    expect(() => provenBundle({ deployment: null })).toThrow(InputError);
    expect(() => sampleBundle({ assessment: sampleAssessment(), deployment: DEPLOYMENT })).toThrow(InputError);
  });
});

describe("what a hostile file says of itself", () => {
  it("cannot move a terminal's cursor, begin a line or fill the screen", async () => {
    const text = `\u001b[2J\r\nok     call\u202e\u2028 ${"9".repeat(1_000_000)}`;
    for (const changes of [
      { measured: "9".repeat(1_000_000) },
      { subject: text },
      { unit: text },
      { protocol: text },
    ]) {
      const { links, status } = await check(provenBundle({ assessment: provenAssessment(changes) }));
      expect(status).toBe("refuted");
      for (const { sentence } of links) {
        expect(sentence.length).toBeLessThan(650);
        expect(sentence).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u);
      }
    }
  });
});

describe("a proof that was changed on the way", () => {
  it("is refuted with any one byte replaced by another", async () => {
    const change = fc.tuple(fc.constantFrom(BUNDLE, FIGURE), fc.nat(), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(change, async ([bytes, place, xor]) => {
        const at = place % bytes.length;
        const { status, assurance } = await check(bytes.with(at, (bytes[at] as number) ^ xor), WITH_KEY);
        expect(status).toBe("refuted");
        expect(assurance).toBeNull();
      }),
      { seed: 1, numRuns: 500 },
    );
  }, 180_000);
});
