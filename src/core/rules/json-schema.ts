/**
 * The JSON Schema of rulebook files, for editors and for whoever writes rules without our code.
 */
import * as z from "zod";
import type { Json } from "../proof/canonical.ts";
import { rulebookFile, ruleRow, scenarioFile } from "./rule-row.ts";

/**
 * The schema of every file of a rulebook folder (JSON Schema 2020-12): a jurisdiction's rules, or stress scenarios. It is
 * the form only; what must hold between fields, and against the metric catalogue, is checked when a rulebook is read.
 */
export function rulebookJsonSchema(): Json {
  const rulebook = rulebookFile.extend({ rules: z.array(ruleRow).min(1) });
  const { $schema, anyOf, $defs } = z.toJSONSchema(z.union([rulebook, scenarioFile]), { io: "input" });
  return JSON.parse(JSON.stringify({ $schema, title: "Plumbline rulebook file", anyOf, $defs })) as Json;
}
