import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Abi } from "viem";
import { InvariantError } from "../src/core/errors.ts";

/** What solc makes of a contract; codes are hex without a prefix. */
export type CompiledContract = { abi: Abi; evm: Record<"bytecode" | "deployedBytecode", { object: string }> };

type Output = {
  errors?: { formattedMessage: string }[];
  contracts: Record<string, Record<string, CompiledContract>>;
};

/**
 * Compiles files of a folder with the pinned solc, each with the contract it is named for. Paris, so that the code also
 * runs where later opcodes are missing; no hash of metadata, so that the code depends on nothing but sources and settings.
 * @throws InvariantError when a source does not compile, or only with a warning, or has no such contract.
 */
export function compileFiles(
  files: readonly string[],
  { folder, runs, appendCBOR }: { folder: URL; runs: number; appendCBOR: boolean },
): ReadonlyMap<string, CompiledContract> {
  const solc = createRequire(import.meta.url)("solc") as { compile(input: string): string };
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(files.map((file) => [file, { content: readFileSync(new URL(file, folder), "utf8") }])),
    settings: {
      evmVersion: "paris",
      optimizer: { enabled: true, runs },
      metadata: { bytecodeHash: "none", appendCBOR },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
    },
  };
  const { errors, contracts } = JSON.parse(solc.compile(JSON.stringify(input))) as Output;
  if (errors?.length) {
    throw new InvariantError(`Contracts do not compile: ${errors.map((e) => e.formattedMessage).join("\n")}`);
  }
  return new Map(
    files.map((file) => {
      const name = file.replace(/\.sol$/, "");
      const contract = contracts[file]?.[name];
      if (contract === undefined) throw new InvariantError(`${file} has no contract ${name}.`);
      return [name, contract];
    }),
  );
}
