import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type CompiledContract, compileFiles } from "../../contracts/solc.ts";
import type { Artifact } from "../kit.ts";

/** The devnet's own contracts, each with its committed artifact `<name in lower case>.json` beside the source. */
export const CONTRACTS = ["Aggregator", "Panel", "Token"] as const;

/** Compiles one contract with the pinned solc. @throws InvariantError when the source does not compile. */
export function compileContract(name: (typeof CONTRACTS)[number]): Artifact {
  const folder = new URL("./", import.meta.url);
  const { abi, evm } = compileFiles([`${name}.sol`], { folder, runs: 200, appendCBOR: true }).get(
    name,
  ) as CompiledContract;
  return { contractName: name, abi, bytecode: `0x${evm.bytecode.object}` };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const name of CONTRACTS) {
    const artifact = new URL(`./${name.toLowerCase()}.json`, import.meta.url);
    writeFileSync(artifact, `${JSON.stringify(compileContract(name), null, 2)}\n`);
  }
}
