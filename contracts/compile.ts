import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Abi } from "viem";
import { InvariantError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import { type CompiledContract, compileFiles } from "./solc.ts";

/** A contract to deploy, and where what is compiled from it is committed. */
export type Target = { name: string; file: string; title: string };

/** Our own contracts. `file` is the name of the artifact beside the source and of the ABI in `abis`. */
export const TARGETS: readonly Target[] = [
  { name: "CheckpointAnchor", file: "checkpoint-anchor", title: "Heads of a log, published on a chain" },
  { name: "ComplianceGate", file: "compliance-gate", title: "A protocol that asks for proof of a rule's condition" },
];

export type Compiled = { abi: Abi; bytecode: Hex };

/** Compiles our own contracts. @throws InvariantError when a source does not compile, or only with a warning. */
export function compileAll(): ReadonlyMap<string, Compiled> {
  const folder = new URL("./", import.meta.url);
  const files = readdirSync(folder).filter((file) => file.endsWith(".sol"));
  const contracts = compileFiles(files, { folder, runs: 1_000_000, appendCBOR: false });
  return new Map(
    TARGETS.map(({ name }) => {
      const { abi, evm } = contracts.get(name) as CompiledContract;
      return [name, { abi, bytecode: `0x${evm.bytecode.object}` }];
    }),
  );
}

/** Creation code of a contract as it is committed. */
export function creationCode(name: string): Hex {
  const target = TARGETS.find((known) => known.name === name);
  if (target === undefined) throw new InvariantError(`${name} is none of our contracts.`);
  return (JSON.parse(readFileSync(artifactOf(target), "utf8")) as { bytecode: Hex }).bytecode;
}

/** The files a contract is committed as, each with its text. */
export function filesOf(target: Target, { abi, bytecode }: Compiled): ReadonlyMap<URL, string> {
  const constant = `${target.file.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())}Abi`;
  const header = [
    "/**",
    ` * ${target.title}.`,
    ` * Source: contracts/${target.name}.sol of this project, by contracts/compile.ts. License of the source: Apache-2.0.`,
    " */",
  ];
  const items = abi.map((item) => `  ${textOf(item)},`);
  const lines = [...header, `export const ${constant} = [`, ...items, "] as const;"];
  return new Map([
    [artifactOf(target), `${JSON.stringify({ contractName: target.name, bytecode }, null, 2)}\n`],
    [new URL(`../abis/${target.file}.ts`, import.meta.url), `${lines.join("\n")}\n`],
  ]);
}

/** An item of an ABI as TypeScript, what it is first; without the names that types have in the source. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const { type, name, internalType: _, ...rest } = value as Record<string, unknown>;
  const first = Object.entries({ type, name }).filter(([, item]) => item !== undefined);
  return `{ ${[...first, ...Object.entries(rest)].map(([key, item]) => `${key}: ${textOf(item)}`).join(", ")} }`;
}

function artifactOf(target: Target): URL {
  return new URL(`./${target.file}.json`, import.meta.url);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const compiled = compileAll();
  for (const target of TARGETS) {
    for (const [url, text] of filesOf(target, compiled.get(target.name) as Compiled)) writeFileSync(url, text);
  }
}
