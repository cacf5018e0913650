/**
 * A rulebook with everything held back by its digest but what one rule needs. Its hash is the rulebook's own.
 *
 * There is one such form for a rule on a day: one row, the file it stands in, and the file of the scenarios it names. A
 * bundle that shows more, or less, is refused, so that nothing in it can be exchanged for something else.
 */
import type { Assessment } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Json } from "../proof/canonical.ts";
import { dayOf, inForce } from "./day.ts";
import {
  digestOf,
  fileDigest,
  filesOf,
  isDigest,
  isObject,
  RULEBOOK_FORMAT,
  rulebookHash,
  WHOLE_FORMAT,
} from "./digest.ts";
import { parseRulebooks, type Rulebook, rulebookFrom } from "./rule.ts";
import { validity } from "./rule-check.ts";
import type { RuleRow } from "./rule-row.ts";

/** Which rule is to be shown, on the day of which block. */
export type Disclosed = Pick<Assessment, "ruleId" | "blockTimestamp">;

/**
 * Shows the row of a rule that is in force on the day of a block.
 * @param source a rulebook's whole JSON.
 * @throws InputError when it is no rulebook, or has no such row.
 */
export function disclose(source: Json, { ruleId, blockTimestamp }: Disclosed): Json {
  const { format, files } = filesOf(source);
  if (format === WHOLE_FORMAT) return source;
  const day = dayOf(BigInt(blockTimestamp));
  const row = Object.values(files)
    .flatMap(rowsOf)
    .find((row) => isObject(row) && row.id === ruleId && inForce(validity(row as unknown as RuleRow), day));
  if (row === undefined) throw new InputError(`The rulebook has no rule "${ruleId}" in force on ${day}.`);
  const shown = Object.entries(files).map(([name, file]) => [name, shownOf(file, row)]);
  return { format: RULEBOOK_FORMAT, files: Object.fromEntries(shown) as Json };
}

/**
 * Reads what `disclose` gives: a rulebook of the one rule that is shown, under the hash of the whole.
 * @throws InputError when more or less is shown than one rule needs, and for what `parseRulebooks` refuses.
 */
export function disclosedRulebook(json: Json): Rulebook {
  const { format, files } = filesOf(json);
  if (format === WHOLE_FORMAT) return rulebookFrom(json);
  const open = Object.entries(files).filter(([, file]) => !isDigest(file));
  const rows = open.flatMap(([, file]) => rowsOf(file).filter((row) => !isDigest(row)));
  const [row] = rows;
  if (row === undefined || rows.length > 1) {
    throw new InputError(`A disclosed rulebook shows one rule; this one shows ${rows.length}.`);
  }
  const idle = open.find(([, file]) => !rowsOf(file).includes(row) && !holdsScenarios(file, row));
  if (idle !== undefined) throw new InputError(`The rulebook shows the file ${idle[0]}, which its rule does not need.`);
  const shown = parseRulebooks(open.map(([name, file]) => ({ name, json: withRowOnly(file, row) })));
  return { ...shown, hash: rulebookHash(json), source: json };
}

/** What is shown of a file for the sake of a row. */
function shownOf(file: Json, row: Json): Json {
  if (holdsScenarios(file, row)) return file;
  const rows = rowsOf(file);
  if (!rows.includes(row)) return fileDigest(file);
  return { ...(file as object), rules: rows.map((other) => (other === row ? row : digestOf(other))) };
}

function rowsOf(file: Json): readonly Json[] {
  return isObject(file) && Array.isArray(file.rules) ? (file.rules as readonly Json[]) : [];
}

/** Whether a file has the scenarios that a rule names. */
function holdsScenarios(file: Json, row: Json): boolean {
  if (!isObject(file) || !isObject(file.scenarios) || !isObject(row)) return false;
  return typeof row.scenarios === "string" && Object.hasOwn(file.scenarios, row.scenarios);
}

/** The file as if it had no other rule: the profiles name rules that are held back. */
function withRowOnly(file: Json, row: Json): Json {
  if (!isObject(file) || !Array.isArray(file.rules)) return file;
  const { profiles } = file;
  if (!isObject(profiles) || !isObject(row)) return { ...file, rules: [row] };
  const named = Object.entries(profiles).map(([name, ids]): [string, Json] => {
    return [name, Array.isArray(ids) ? (ids as readonly Json[]).filter((id) => id === row.id) : ids];
  });
  return { ...file, rules: [row], profiles: Object.fromEntries(named) };
}
