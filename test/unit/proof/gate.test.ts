import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { fromHex } from "../../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../../src/core/proof/canonical.ts";
import { gateProof, placesIn } from "../../../src/core/proof/gate.ts";
import { type AssessmentState, epochOf, subjectProof } from "../../support/assessed-epoch.ts";

const MEMBERS = { assessmentRoot: "0x01", deploymentHash: "0x02", kernel: "k", rulebookHash: "0x03" };
const NAMES = Object.keys(MEMBERS) as (keyof typeof MEMBERS)[];

describe("the places of members in an epoch's body", () => {
  it("are the bytes before their names, whatever else the body says", () => {
    const other = fc.dictionary(
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }).filter((name) => name !== "__proto__"),
      fc.oneof(fc.string({ unit: "grapheme" }), fc.record({ kernel: fc.string() }), fc.array(fc.string())),
      { maxKeys: 6 },
    );
    const property = fc.property(other, (more) => {
      const body = canonicalBytes({ ...more, ...MEMBERS });
      const places = placesIn(body);
      for (const name of NAMES) {
        const member = `${places[name] === 0 ? "{" : ","}"${name}":"${MEMBERS[name]}"`;
        const found = body.slice(places[name], places[name] + member.length);
        expect(new TextDecoder().decode(found)).toBe(member);
      }
    });
    fc.assert(property, { seed: 1, numRuns: 300 });
  });

  it("are refused where one is missing, or the body is no object", () => {
    for (const name of NAMES) {
      const { [name]: _, ...rest } = MEMBERS;
      expect(() => placesIn(canonicalBytes(rest))).toThrow(InputError);
    }
    expect(() => placesIn(canonicalBytes(["kernel"]))).toThrow(InputError);
    expect(() => placesIn(canonicalBytes(null))).toThrow(InputError);
  });
});

describe("the proof for a gate", () => {
  const SUBJECT = "eip155:901/perp-v2|eip155:901:0x0000000000000000000000000000000000000001";
  const state: AssessmentState = { condition: "met", id: "00".repeat(32), measured: "1", reason: null };
  const states = new Map([
    [`${SUBJECT}|A-1`, state],
    [`${SUBJECT}|B-1`, state],
    [`${SUBJECT.slice(0, -1)}2|A-1`, state],
  ]);
  const epoch = epochOf(states, { toBlock: "95", blockHash: `0x${"11".repeat(32)}` });
  const inLog = { index: 0, size: 1, proof: [] };
  const assessments = subjectProof(states, SUBJECT);

  it("has the leaf of the rule, and its place among the account's own and the account's among all", () => {
    const proof = gateProof({ epoch, inLog, assessments, ruleId: "B-1" });
    expect(fromHex(proof.ruleLeaf)).toEqual(canonicalBytes([`${SUBJECT}|B-1`, state]));
    expect(proof.inAccount).toMatchObject({ index: 1n, size: 2n });
    expect(proof.inEpoch).toMatchObject({ index: 0n, size: 2n });
  });

  it("is refused for a rule that was not assessed, and for assessments that are not the epoch's", () => {
    expect(() => gateProof({ epoch, inLog, assessments, ruleId: "C-1" })).toThrow(InputError);
    const fewer = { ...assessments, assessments: assessments.assessments.slice(1) };
    expect(() => gateProof({ epoch, inLog, assessments: fewer, ruleId: "B-1" })).toThrow(InputError);
    const other = { ...epoch, assessmentRoot: epoch.stateRoot };
    expect(() => gateProof({ epoch: other, inLog, assessments, ruleId: "B-1" })).toThrow(InputError);
  });
});
