import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The first Chromium on the path, or null, which is printed: a browser is not a part of what `npm ci` installs. */
export function findChromium(): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const file of NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  process.stderr.write(`SKIPPED the page in a browser: none of ${NAMES.join(", ")} is on the path.\n`);
  return null;
}
