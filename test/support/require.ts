import { existsSync } from "node:fs";
import { join } from "node:path";

/**
 * Whether a part of the tests must be skipped because what it needs is absent: `describe.skipIf(isAbsent(…))`. The skip
 * is printed; under `CI=true`, where everything is installed, it is a failure instead, so that nothing is silently green.
 * @param name the part, as a reader knows it.
 * @param available whether what it needs is there.
 * @param why what is missing, and how to get it.
 */
export function isAbsent(name: string, available: boolean, why: string): boolean {
  if (available) return false;
  if (process.env.CI === "true") throw new Error(`${name} cannot be tested: ${why}. Under CI nothing may be skipped.`);
  process.stderr.write(`SKIPPED ${name}: ${why}.\n`);
  return true;
}

/**
 * Whether a part of the tests must be skipped because it needs a folder of data that is handed to it by an environment
 * variable, and cannot be installed: the skip is printed, also under `CI=true`. A variable that names a folder that is
 * not there is a mistake, and fails.
 * @param name the part, as a reader knows it.
 * @param variable the environment variable.
 * @param folder the folder below the one it names.
 */
export function isDataAbsent(name: string, { variable, folder }: { variable: string; folder: string }): boolean {
  const root = process.env[variable];
  if (root === undefined) {
    process.stderr.write(`SKIPPED ${name}: ${variable} is not set; expected a folder with ${folder} in it.\n`);
    return true;
  }
  if (!existsSync(join(root, folder)))
    throw new Error(`${variable} is ${root}; expected a folder with ${folder} in it.`);
  return false;
}
