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
