import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { InvariantError } from "../../src/core/errors.ts";
import type { Artifact } from "../kit.ts";

const SOURCE = new URL("./Aggregator.sol", import.meta.url);
const ARTIFACT = new URL("./aggregator.json", import.meta.url);

/** Compiles the devnet's aggregator with the pinned solc. @throws InvariantError when the source does not compile. */
export function compileAggregator(): Artifact {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: { "Aggregator.sol": { content: readFileSync(SOURCE, "utf8") } },
    settings: {
      evmVersion: "paris",
      optimizer: { enabled: true, runs: 200 },
      metadata: { bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const contract = output.contracts?.["Aggregator.sol"]?.Aggregator;
  if (!contract) throw new InvariantError(`Aggregator.sol does not compile: ${JSON.stringify(output.errors)}.`);
  return { contractName: "Aggregator", abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(ARTIFACT, `${JSON.stringify(compileAggregator(), null, 2)}\n`);
}
