/**
 * The JSON Schemas of bundles, figure proofs and epoch proofs (JSON Schema 2020-12), for whoever reads them without our code. They are
 * the form only: orders, hashes and what must hold between parts are checked when a file is read.
 */
import * as z from "zod";
import { RULEBOOK_FORMAT, WHOLE_FORMAT } from "../rules/digest.ts";
import { rulebookFile, ruleRow, scenarioFile } from "../rules/rule-row.ts";
import { bundleShape } from "./bundle.ts";
import type { Json } from "./canonical.ts";
import { epochFileShape } from "./epoch-file.ts";
import { figureProofShape } from "./figure-proof.ts";
import { logEvidenceShape } from "./log-evidence.ts";
import { hash } from "./shapes.ts";
import { witnessShape } from "./witness.ts";

/** Names of the schemas, as `schemas/` and `/v1/schemas` have them. */
export const PROOF_SCHEMAS = ["bundle-3", "figure-1", "epoch-proof-1"] as const;
export type ProofSchema = (typeof PROOF_SCHEMAS)[number];

const file = z.union([rulebookFile.extend({ rules: z.array(z.union([hash, ruleRow])).min(1) }), scenarioFile]);
const rulebook = z
  .strictObject({
    format: z.enum([RULEBOOK_FORMAT, WHOLE_FORMAT]),
    files: z.record(z.string(), z.union([hash, file])),
  })
  .describe("The rulebook with one rule shown; all else is there by its hash.");
const deployment = z.looseObject({}).describe("The deployment, whole, in the form that is hashed.");
const witness = witnessShape.describe("Base64 is used for code and trie nodes; all other bytes are lower-case hex.");
const calls = z.strictObject({ kind: z.literal("calls"), witness });

const SHAPES: Readonly<Record<ProofSchema, z.ZodType>> = {
  "bundle-3": bundleShape.extend({
    rulebook,
    deployment: deployment.nullable(),
    evidence: z.union([calls, logEvidenceShape]).nullable(),
  }),
  "figure-1": figureProofShape.extend({ rulebook: rulebook.nullable(), deployment, witness }),
  "epoch-proof-1": epochFileShape.extend({ deployment }),
};
const TITLES: Readonly<Record<ProofSchema, string>> = {
  "bundle-3": "Plumbline proof bundle, version 3",
  "figure-1": "Plumbline figure proof, version 1",
  "epoch-proof-1": "Plumbline epoch proof, version 1",
};

/** One of the schemas. */
export function proofJsonSchema(name: ProofSchema): Json {
  const schema = z.toJSONSchema(SHAPES[name], { io: "input" });
  return JSON.parse(JSON.stringify({ ...schema, title: TITLES[name] })) as Json;
}
