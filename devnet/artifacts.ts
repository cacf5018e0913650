import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { getAddress } from "viem";
import { InputError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import type { Artifact } from "./kit.ts";

/** Absolute path inside the project's node_modules: `nodeModule("@uniswap/v3-core", "artifacts")`. */
export function nodeModule(...parts: string[]): string {
  return join(fileURLToPath(new URL("../node_modules", import.meta.url)), ...parts);
}

/**
 * Finds compiler artifacts below a folder by contract name (the file name). Of several with one name the first in
 * alphabetical order of paths is taken. @throws InputError for a name that is not there.
 */
export function artifactIndex(root: string): (name: string) => Artifact {
  const paths = new Map<string, string>();
  const walk = (folder: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith(".json") && !entry.name.endsWith(".dbg.json")) {
        const name = entry.name.slice(0, -".json".length);
        if (!paths.has(name)) paths.set(name, path);
      }
    }
  };
  walk(root);
  return (name) => {
    const path = paths.get(name);
    if (path === undefined) throw new InputError(`There is no artifact "${name}" below ${root}.`);
    return JSON.parse(readFileSync(path, "utf8")) as Artifact;
  };
}

/** The devnet's own price feed, `contracts/Aggregator.sol`; constructor `(uint8 decimals, string description)`. */
export function aggregatorArtifact(): Artifact {
  return JSON.parse(readFileSync(new URL("./contracts/aggregator.json", import.meta.url), "utf8")) as Artifact;
}

/** A collateral token of the devnet, `contracts/Token.sol`; constructor `(string name, string symbol, uint8 decimals)`. */
export function tokenArtifact(): Artifact {
  return JSON.parse(readFileSync(new URL("./contracts/token.json", import.meta.url), "utf8")) as Artifact;
}

/** `contracts/Panel.sol`: many view calls in one. */
export function panelArtifact(): Artifact {
  return JSON.parse(readFileSync(new URL("./contracts/panel.json", import.meta.url), "utf8")) as Artifact;
}

/** Creation code with the addresses of its libraries filled in. @throws InputError when a library is not given. */
export function link(artifact: Artifact, libraries: Readonly<Record<string, Hex>>): Hex {
  let code: string = artifact.bytecode.startsWith("0x") ? artifact.bytecode : `0x${artifact.bytecode}`;
  for (const file of Object.values(artifact.linkReferences ?? {})) {
    for (const [name, places] of Object.entries(file)) {
      const library = libraries[name];
      if (library === undefined) throw new InputError(`${artifact.contractName} needs the library ${name}.`);
      for (const { start, length } of places) {
        const from = 2 + start * 2;
        code = code.slice(0, from) + getAddress(library).slice(2).toLowerCase() + code.slice(from + length * 2);
      }
    }
  }
  return code as Hex;
}
