/**
 * Folds a chain into one protocol's model without Ponder: logs by `eth_getLogs`, decoding and model from the catalogue,
 * readings by `eth_call` at the block of the event that asks. What parity is checked on.
 */

import type { Log as RpcLog } from "viem";
import {
  type Abi,
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  decodeEventLog,
} from "viem";
import { adapterOf } from "../../src/adapters/catalogue.ts";
import type { Adapter, ContractSource } from "../../src/core/adapter.ts";
import { Journal } from "../../src/core/book/journal.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { BlockRef, CanonicalEvent, Log, Reading, ReadRequest } from "../../src/core/event.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, CreateModel, MarginModel } from "../../src/core/margin-model.ts";

/** The part of a viem client that is used. */
export type ReplayClient = {
  getLogs(filter: { address: Hex[]; fromBlock: bigint; toBlock: bigint }): Promise<RpcLog<bigint, number, false>[]>;
  getBlock(at: { blockNumber: bigint }): Promise<{ number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint }>;
  readContract(call: {
    address: Hex;
    abi: Abi;
    functionName: string;
    args: readonly unknown[];
    blockNumber: bigint;
  }): Promise<unknown>;
};

export type Replay = {
  model: MarginModel;
  journal: Journal;
  /** Everything folded so far, in order. */
  events: CanonicalEvent[];
  readings: Reading[];
  rejected: string[];
  /** Folds the blocks up to and including `to`. */
  advance(to: bigint): Promise<void>;
};

export type ReplayOptions = {
  client: ReplayClient;
  chain: ChainDeployment;
  protocol: string;
  /** A model with a formula exchanged; default is the catalogue's. */
  createModel?: CreateModel;
};

type Place = { adapter: Adapter; source: ContractSource };

/** Starts before the deployment's first block. @throws InputError when the protocol is unknown. */
export function createReplay(options: ReplayOptions): Replay {
  const { client, chain, protocol } = options;
  const adapters = [adapterOf("chainlink"), adapterOf(protocol)];
  const config = chain.protocols.find((p) => p.protocol === protocol);
  const createModel = options.createModel ?? adapters[1]?.createModel;
  if (!config || !createModel) throw new InvariantError(`Chain ${chain.chainId} has no model of ${protocol}.`);
  const journal = new Journal();
  const model = createModel({ chainId: chain.chainId, config, feeds: chain.feeds, journal });
  const places = new Map<Hex, Place>();
  const sources = adapters.flatMap((adapter) => adapter.sources(chain).map((source) => ({ adapter, source })));
  for (const place of sources) {
    const { where } = place.source;
    if (where.kind === "addresses") for (const address of where.addresses) places.set(address, place);
  }
  const replay: Replay = { model, journal, events: [], readings: [], rejected: [], advance };
  let next = BigInt(chain.startBlock);

  async function advance(to: bigint): Promise<void> {
    if (to < next) return;
    const range = { fromBlock: next, toBlock: to };
    await findChildren(range);
    const logs = await client.getLogs({ address: [...places.keys()], ...range });
    const blocks = new Map<bigint, BlockRef>();
    for (const number of new Set(logs.map((log) => log.blockNumber))) {
      const { hash, parentHash, timestamp } = await client.getBlock({ blockNumber: number });
      blocks.set(number, { number, hash, parentHash, timestamp });
    }
    let marked = -1n;
    for (const log of logs) {
      const block = blocks.get(log.blockNumber) as BlockRef;
      if (block.number !== marked) journal.mark(markOf(block.number));
      marked = block.number;
      await foldLog(log, block);
    }
    next = to + 1n;
  }

  async function findChildren(range: { fromBlock: bigint; toBlock: bigint }): Promise<void> {
    for (const place of sources) {
      const { where } = place.source;
      if (where.kind !== "factory") continue;
      for (const log of await client.getLogs({ address: [where.address], ...range })) {
        const said = decodeLog(where.abi, log);
        if (said?.name === where.event) places.set(String(said.args[where.parameter]).toLowerCase() as Hex, place);
      }
    }
  }

  async function foldLog(rpc: RpcLog<bigint, number, false>, block: BlockRef): Promise<void> {
    const { adapter, source } = places.get(rpc.address.toLowerCase() as Hex) as Place;
    const said = decodeLog(source.abi, rpc);
    if (!said || !source.events.includes(said.name)) return;
    const log: Log = {
      chainId: chain.chainId,
      block,
      txHash: rpc.transactionHash,
      txIndex: rpc.transactionIndex,
      logIndex: rpc.logIndex,
      address: rpc.address.toLowerCase() as Hex,
      source: source.name,
      ...said,
    };
    const decoded = adapter.decode(log);
    if (decoded.rejected !== null) replay.rejected.push(decoded.rejected);
    for (const event of decoded.events) {
      await readFor(event, adapter);
      model.apply(event);
      replay.events.push(event);
    }
  }

  async function readFor(event: CanonicalEvent, adapter: Adapter): Promise<void> {
    const known = new Set<string>();
    for (;;) {
      const wanted = model.reads(event).filter((request) => !known.has(request.key));
      if (wanted.length === 0) return;
      for (const request of wanted) {
        known.add(request.key);
        const reading = await read(client, { request, adapter, event });
        replay.readings.push(reading);
        model.applyReading(reading);
      }
    }
  }

  return replay;
}

/** The journal's mark of a block. */
export function markOf(block: bigint): string {
  return block.toString().padStart(12, "0");
}

function decodeLog(abi: Abi, log: RpcLog<bigint, number, false>): { name: string; args: Log["args"] } | null {
  try {
    const { eventName, args } = decodeEventLog({ abi, data: log.data, topics: log.topics });
    return { name: String(eventName), args: args as unknown as Log["args"] };
  } catch {
    return null;
  }
}

async function read(
  client: ReplayClient,
  of: { request: ReadRequest; adapter: Adapter; event: CanonicalEvent },
): Promise<Reading> {
  const { key, address, functionName, args, abi } = of.request;
  const { chainId, block, logIndex, protocol } = of.event;
  const blockNumber = block.number;
  let result: Reading["result"];
  try {
    const call = { address, abi: of.adapter.readAbis[abi] as Abi, functionName, args, blockNumber };
    result = flatten(await client.readContract(call));
  } catch (error) {
    const is = (kind: new (...a: never[]) => Error) =>
      error instanceof BaseError && error.walk((e) => e instanceof kind);
    if (!is(ContractFunctionRevertedError) && !is(ContractFunctionZeroDataError)) throw error;
    result = null;
  }
  return {
    id: `${markOf(blockNumber)}/${key}`,
    chainId,
    block,
    logIndex,
    protocol,
    key,
    address,
    functionName,
    args,
    result,
  };
}

function flatten(value: unknown): (bigint | string | boolean)[] {
  if (typeof value === "number") return [BigInt(value)];
  if (typeof value === "bigint" || typeof value === "string" || typeof value === "boolean") return [value];
  return Object.values(value as object).flatMap(flatten);
}
