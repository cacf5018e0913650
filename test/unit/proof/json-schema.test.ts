import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { PROOF_SCHEMAS, proofJsonSchema } from "../../../src/core/proof/json-schema.ts";
import { figureProof, provenBundle } from "./proven-sample.ts";
import { sampleBundle } from "./sample.ts";

type Schema = { [key: string]: Json | Schema };

describe("schemas/", () => {
  it.each(PROOF_SCHEMAS)(
    "%s is the form proofs are read by (after a change: npx vitest run test/unit/proof/json-schema.test.ts -u)",
    async (name) => {
      const text = `${JSON.stringify(proofJsonSchema(name), null, 2)}\n`;
      await expect(text).toMatchFileSnapshot(`../../../schemas/${name}.schema.json`);
    },
  );

  it.each(PROOF_SCHEMAS)("%s is JSON Schema 2020-12 and allows no unknown part but in a deployment", (name) => {
    const schema = proofJsonSchema(name) as unknown as Schema;
    expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
    const loose = objectsIn(schema).filter(({ additionalProperties }) => additionalProperties !== false);
    const open = loose.filter(({ propertyNames }) => propertyNames === undefined);
    expect(open.map(({ description }) => description)).toEqual(["The deployment, whole, in the form that is hashed."]);
  });

  it("bundle-3 and figure-1 take what we make, and nothing with a part more or less", () => {
    for (const [name, bytes] of [
      ["bundle-3", sampleBundle()],
      ["bundle-3", sampleBundle({ verdict: { outcome: "breach", profile: "EU_RETAIL", missing: [] } })],
      ["bundle-3", provenBundle()],
      ["figure-1", figureProof()],
    ] as const) {
      const read = z.fromJSONSchema(proofJsonSchema(name) as Parameters<typeof z.fromJSONSchema>[0]);
      const json = JSON.parse(new TextDecoder().decode(bytes));
      expect(read.safeParse(json).success).toBe(true);
      expect(read.safeParse({ ...json, more: "x" }).success).toBe(false);
      for (const key of Object.keys(json)) {
        const { [key]: _, ...less } = json;
        expect(read.safeParse(less).success).toBe(false);
      }
    }
  });
});

function objectsIn(schema: Json | Schema): Schema[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = !Array.isArray(schema) && (schema as Schema).type === "object" ? [schema as Schema] : [];
  return [...own, ...Object.values(schema as Schema).flatMap(objectsIn)];
}
