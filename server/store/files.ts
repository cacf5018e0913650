import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Puts a text in the place of a file, which only its owner can read. The text has reached the disk before it takes the
 * file's name: whenever this is cut short, what was there before is there still, whole.
 */
export function replaceFile(path: string, text: string): void {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
