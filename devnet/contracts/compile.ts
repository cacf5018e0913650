import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { InvariantError } from "../../src/core/errors.ts";
import type { Artifact } from "../kit.ts";

/** The devnet's own contracts, each with its committed artifact `<name in lower case>.json` beside the source. */
export const CONTRACTS = ["Aggregator", "Panel", "Token"] as const;

/** Compiles one contract with the pinned solc. @throws InvariantError when the source does not compile. */
export function compileContract(name: (typeof CONTRACTS)[number]): Artifact {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const file = `${name}.sol`;
  const input = {
    language: "Solidity",
    sources: { [file]: { content: readFileSync(new URL(`./${file}`, import.meta.url), "utf8") } },
    settings: {
      evmVersion: "paris",
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const contract = output.contracts?.[file]?.[name];
  if (!contract) throw new InvariantError(`${file} does not compile: ${JSON.stringify(output.errors)}.`);
  return { contractName: name, abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const name of CONTRACTS) {
    const artifact = new URL(`./${name.toLowerCase()}.json`, import.meta.url);
    writeFileSync(artifact, `${JSON.stringify(compileContract(name), null, 2)}\n`);
  }
}
