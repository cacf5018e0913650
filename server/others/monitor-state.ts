import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { InputError } from "../../src/core/errors.ts";
import { replaceFile } from "../store/files.ts";

const stateShape = z.strictObject({
  version: z.literal("plumbline-monitor/1"),
  log: z.string(),
  logKeys: z.array(z.string()).min(1).max(16),
  note: z.string(),
});

/** What a monitor keeps between its runs: which log, under which keys its heads were read, and the last good one, whole. */
export type MonitorState = Omit<z.infer<typeof stateShape>, "version">;

/** What an earlier run has kept; null before the first. @throws InputError when it cannot be used. */
export function readMonitorState(file: string): MonitorState | null {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new InputError(`${file} cannot be read: ${(error as Error).message}.`);
  }
  try {
    const { version: _, ...state } = stateShape.parse(JSON.parse(text));
    return state;
  } catch {
    throw new InputError(`${file} does not hold what a monitor keeps; move it away to begin anew.`);
  }
}

/** Keeps a state in place of the one before: whenever this is cut short, one of the two is there, whole. */
export function writeMonitorState(file: string, state: MonitorState): void {
  const text = `${JSON.stringify({ version: "plumbline-monitor/1", ...state }, null, 2)}\n`;
  try {
    replaceFile(file, text);
  } catch (error) {
    throw new InputError(`The last head cannot be kept in ${file}: ${(error as Error).message}.`);
  }
}

/**
 * Writes evidence to a file of its own. One that is there already is never overwritten: what differs from it goes beside
 * it, under a number.
 * @returns where it is.
 */
export function writeEvidence(file: string, evidence: Uint8Array): string {
  for (let number = 1; ; number++) {
    const path = number === 1 ? file : `${file}.${number}`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, evidence, { flag: "wx", flush: true });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new InputError(`The evidence cannot be written to ${path}: ${(error as Error).message}.`);
      }
      if (Buffer.compare(readFileSync(path), evidence) === 0) return path;
    }
  }
}
