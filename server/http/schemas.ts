import { readFileSync } from "node:fs";
import { PROOF_SCHEMAS } from "../../src/core/proof/json-schema.ts";
import { type App, sentence } from "./app.ts";

/** Adds `/v1/schemas/:name`, the JSON Schemas of what `/v1/proofs` and `/v1/epochs` prove, with or without the ending `.schema.json`. */
export function addSchemas(app: App): void {
  const texts = new Map<string, string>();
  for (const name of PROOF_SCHEMAS) {
    texts.set(name, readFileSync(new URL(`../../schemas/${name}.schema.json`, import.meta.url), "utf8"));
  }
  app.get("/v1/schemas/:name", (context) => {
    const text = texts.get(context.req.param("name").replace(/\.schema\.json$/, ""));
    if (text === undefined) return sentence(context, 404, `The schemas are ${PROOF_SCHEMAS.join(", ")}.`);
    return context.body(text, 200, { "Content-Type": "application/schema+json", "Cache-Control": "no-cache" });
  });
}
