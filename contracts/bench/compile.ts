import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Hex } from "../../src/core/ids.ts";
import { compileFiles } from "../solc.ts";

/** The benchmark's contracts; their code is committed beside the source as `<name in lower case>.json`. */
export const CONTRACTS = ["Director", "Emitter"] as const;

/** Runtime code of one contract, by the pinned solc. @throws InvariantError when the source does not compile. */
export function compileRuntime(name: (typeof CONTRACTS)[number]): Hex {
  const folder = new URL("./", import.meta.url);
  const contracts = compileFiles([`${name}.sol`], { folder, runs: 1_000_000, appendCBOR: true });
  return `0x${contracts.get(name)?.evm.deployedBytecode.object}`;
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
