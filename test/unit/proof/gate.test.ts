import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { canonicalBytes } from "../../../src/core/proof/canonical.ts";
import { placesIn } from "../../../src/core/proof/gate.ts";

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
