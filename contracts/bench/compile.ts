import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";

/** The benchmark's contracts; their code is committed beside the source as `<name in lower case>.json`. */
export const CONTRACTS = ["Director", "Emitter"] as const;

/** Runtime code of one contract, by the pinned solc. @throws InvariantError when the source does not compile. */
export function compileRuntime(name: (typeof CONTRACTS)[number]): Hex {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const file = `${name}.sol`;
  const input = {
    language: "Solidity",
    sources: { [file]: { content: readFileSync(new URL(`./${file}`, import.meta.url), "utf8") } },
    settings: {
      evmVersion: "paris",
      optimizer: { enabled: true, runs: 1_000_000 },
      metadata: { bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const code = output.contracts?.[file]?.[name]?.evm.deployedBytecode.object;
  if (!code) throw new InvariantError(`${file} does not compile: ${JSON.stringify(output.errors)}.`);
  return `0x${code}`;
}

/** Runtime code as it is committed. */
export function runtimeCode(name: (typeof CONTRACTS)[number]): Hex {
  const artifact = new URL(`./${name.toLowerCase()}.json`, import.meta.url);
  return (JSON.parse(readFileSync(artifact, "utf8")) as { runtime: Hex }).runtime;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const name of CONTRACTS) {
    const artifact = new URL(`./${name.toLowerCase()}.json`, import.meta.url);
    writeFileSync(artifact, `${JSON.stringify({ contractName: name, runtime: compileRuntime(name) }, null, 2)}\n`);
  }
}
