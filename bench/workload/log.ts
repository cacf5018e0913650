/** Logs as the simulators say them, and as the chain carries them. */
import { type Abi, type AbiEvent, encodeFunctionData, encodeFunctionResult, toEventSelector } from "viem";
import { ADAPTERS } from "../../src/adapters/catalogue.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { chainDeployment } from "./setting.ts";

type Value = bigint | number | string;

/** One log: which contract says it (the catalogue's name and the address), which event, and its arguments. */
export type LogSpec = { source: string; address: Hex; name: string; args: Readonly<Record<string, Value>> };

/** A view call and its answer, known from then on. */
export type Answer = { abi: Abi; address: Hex; functionName: string; args: readonly Value[]; result: unknown };

export type EncodedLog = { topics: readonly Hex[]; data: Hex };

type Codec = { topic: Hex; inputs: readonly { name: string; type: string; indexed: boolean }[] };

/**
 * Encodes logs of the catalogue's contracts. All their parameters are single words, so that a general encoder, which
 * takes longer than everything else the generator does, is not needed.
 */
export function createEncoder(): (log: LogSpec) => EncodedLog {
  const codecs = new Map<string, Codec>();
  for (const source of ADAPTERS.flatMap((adapter) => adapter.sources(chainDeployment()))) {
    for (const item of source.abi) {
      if (item.type === "event") codecs.set(`${source.name}.${item.name}`, codecOf(item));
    }
  }
  return ({ source, name, args }) => {
    const codec = codecs.get(`${source}.${name}`);
    if (codec === undefined) throw new InvariantError(`The catalogue has no event ${source}.${name}.`);
    const topics: Hex[] = [codec.topic];
    let data = "0x";
    for (const input of codec.inputs) {
      const word = wordOf(args[input.name], `${name}.${input.name}`);
      if (input.indexed) topics.push(`0x${word}`);
      else data += word;
    }
    return { topics, data: data as Hex };
  };
}

function codecOf(event: AbiEvent): Codec {
  const inputs = event.inputs.map(({ name, type, indexed }) => ({ name: name ?? "", type, indexed: indexed === true }));
  const wide = inputs.find(({ type }) => !/^(u?int\d*|address|bytes32)$/.test(type));
  if (wide) throw new InvariantError(`${event.name}.${wide.name} is of type ${wide.type}, which is not one word.`);
  return { topic: toEventSelector(event), inputs };
}

function wordOf(value: Value | undefined, what: string): string {
  if (typeof value === "string") return value.slice(2).toLowerCase().padStart(64, "0");
  if (value === undefined) throw new InvariantError(`${what} has no value.`);
  return BigInt.asUintN(256, BigInt(value)).toString(16).padStart(64, "0");
}

/** The bytes of a view call and of its answer. */
export function encodeAnswer({ abi, functionName, args, result }: Answer): { question: Hex; result: Hex } {
  return {
    question: encodeFunctionData({ abi, functionName, args }),
    result: encodeFunctionResult({ abi, functionName, result }),
  };
}
