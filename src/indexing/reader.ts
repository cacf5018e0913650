import { type Abi, BaseError, ContractFunctionRevertedError, ContractFunctionZeroDataError } from "viem";
import type { Adapter } from "../core/adapter.ts";
import { InvariantError } from "../core/errors.ts";
import type { BlockRef, Reading, ReadRequest } from "../core/event.ts";
import { caip2 } from "../core/ids.ts";
import type { Client } from "./ponder.ts";

type Value = bigint | string | boolean;
/** Where a reading is made: at a block, before the log at `logIndex`. */
export type Place = { chainId: number; block: BlockRef; logIndex: number; protocol: string };

/**
 * Makes one view call at its block. A revert or absent code is a fact of the chain and gives `result: null`; a node that
 * cannot answer is an error and stops the chain, because a figure must not depend on which node was asked.
 */
export async function read(
  request: ReadRequest,
  { client, adapter, place }: { client: Client; adapter: Adapter; place: Place },
): Promise<Reading> {
  const abi = adapter.readAbis[request.abi];
  if (abi === undefined)
    throw new InvariantError(`${adapter.protocol} asks for a view of ${request.abi}, which it has no ABI of.`);
  return {
    ...place,
    id: readingId(place, request.key),
    key: request.key,
    address: request.address,
    functionName: request.functionName,
    args: request.args,
    result: await call(request, { client, abi }),
  };
}

async function call(request: ReadRequest, { client, abi }: { client: Client; abi: Abi }): Promise<Value[] | null> {
  const { address, functionName, args } = request;
  try {
    return flatten(await client.readContract({ abi, address, functionName, args }));
  } catch (error) {
    const says = (kind: new (...args: never[]) => Error) =>
      error instanceof BaseError && error.walk((e) => e instanceof kind) !== null;
    if (says(ContractFunctionRevertedError) || says(ContractFunctionZeroDataError)) return null;
    throw error;
  }
}

function flatten(value: unknown): Value[] {
  if (typeof value === "number") return [BigInt(value)];
  if (typeof value === "bigint" || typeof value === "string" || typeof value === "boolean") return [value];
  if (value === null || value === undefined) return [];
  return Object.values(value).flatMap(flatten);
}

/** Id of a reading: its block, its protocol and what was asked. */
export function readingId({ chainId, block, protocol }: Place, key: string): string {
  return `${caip2(chainId)}/${block.number.toString().padStart(12, "0")}/${protocol}/${key}`;
}
