import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import type { AppEnv } from "../../../server/http/app.ts";
import { addSchemas } from "../../../server/http/schemas.ts";
import { PROOF_SCHEMAS, proofJsonSchema } from "../../../src/core/proof/json-schema.ts";

const app = new Hono<AppEnv>();
addSchemas(app);

describe("/v1/schemas", () => {
  it.each(PROOF_SCHEMAS)("gives %s, with or without its ending", async (name) => {
    for (const path of [`/v1/schemas/${name}`, `/v1/schemas/${name}.schema.json`]) {
      const response = await app.request(path);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("application/schema+json");
      expect(await response.json()).toEqual(proofJsonSchema(name));
    }
  });

  it("says which there are, where it has none", async () => {
    for (const name of ["bundle-1", "x.schema.json", "..%2Fpackage.json"]) {
      const response = await app.request(`/v1/schemas/${name}`);
      expect(response.status).toBe(404);
      expect(((await response.json()) as { error: string }).error).toBe(
        "The schemas are bundle-3, figure-1, epoch-proof-1.",
      );
    }
  });
});
