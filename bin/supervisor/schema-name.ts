import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the indexer's tables are a function of, besides the chain, the deployment and the rulebook's versions. */
const SOURCES = ["src", "abis", "ponder.config.ts", "ponder.schema.ts"];

/**
 * Name of the database schema the indexer's tables live in: `plumbline_` and ten hex digits that change with anything
 * the tables depend on. Ponder refuses a schema made by other code, and so each change indexes anew into a schema of
 * its own, from the cache of raw chain data that all schemas share.
 * @param inputs hashes of the deployment and of the rulebook's versions.
 */
export function schemaName(projectDir: string, inputs: readonly string[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(`${input}\n`);
  for (const path of SOURCES.flatMap((source) => filesOf(projectDir, source))) {
    const content = createHash("sha256")
      .update(readFileSync(join(projectDir, path)))
      .digest("hex");
    hash.update(`${path} ${content}\n`);
  }
  return `plumbline_${hash.digest("hex").slice(0, 10)}`;
}

/** Files of a path, sorted by name, so that the hash does not depend on the file system. */
function filesOf(projectDir: string, path: string): string[] {
  if (path.includes(".")) return [path];
  return readdirSync(join(projectDir, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(projectDir.length + 1)
        .replaceAll("\\", "/"),
    )
    .sort();
}
