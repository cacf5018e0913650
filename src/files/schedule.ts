import { readFileSync, statSync } from "node:fs";
import { InputError } from "../core/errors.ts";
import { parseSchedule, type Schedule, scheduleOf } from "../core/rules/schedule.ts";
import { readRulebooks } from "./rulebooks.ts";

/**
 * Reads the rulebook with its versions: a folder of rulebook files is one version that has always been in force; a file
 * is what the supervisor keeps of all versions.
 * @throws InputError when it cannot be read or holds no valid rulebook.
 */
export function readSchedule(path: string): Schedule {
  return isFile(path) ? readScheduleFile(path) : scheduleOf(readRulebooks(path));
}

/** @throws InputError when the file cannot be read, is not JSON, or holds no valid versions. */
export function readScheduleFile(file: string): Schedule {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new InputError(`The rulebook versions in ${file} cannot be read; expected a JSON file.`);
  }
  return parseSchedule(json, file);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
