import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { parseRulebooks, type Rulebook } from "../core/rules/rule.ts";

/**
 * Reads a folder of rulebook files: every `.json` but the schema. Indexer, server and command line use this one reader,
 * because the rulebook's hash, and with it every assessment's id, depends on which files count.
 * @throws InputError when the folder or a file cannot be read, is not JSON, or holds no valid rules.
 */
export function readRulebooks(folder: string): Rulebook {
  const names = namesIn(folder).filter((name) => name.endsWith(".json") && !name.endsWith(".schema.json"));
  return parseRulebooks(
    names.map((name) => ({ name: name.replace(/\.json$/, ""), json: readJson(join(folder, name)) })),
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    throw new InputError(`The rulebooks folder "${folder}" cannot be read.`);
  }
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new InputError(`The rulebook file "${file}" cannot be read.`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new InputError(`The rulebook file "${file}" is not JSON.`);
  }
}
