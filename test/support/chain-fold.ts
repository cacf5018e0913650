/**
 * Folds a chain into a book straight from its node, without Ponder and without tables: the production adapters decode,
 * the production readers ask. What Ponder does in the indexer, log by log and block by block, is done here by hand.
 */
import { type Abi, createPublicClient, decodeEventLog, http, type Log as RpcLog } from "viem";
import { ADAPTERS } from "../../src/adapters/catalogue.ts";
import type { Adapter, ContractSource } from "../../src/core/adapter.ts";
import { Book } from "../../src/core/book/book.ts";
import type { BlockOutcome } from "../../src/core/book/pending.ts";
import { AFTER_LOGS, BEFORE_LOGS } from "../../src/core/book/rows.ts";
import { deploymentHash } from "../../src/core/deployment.ts";
import type { BlockRef, CanonicalEvent, Log, Reading } from "../../src/core/event.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment } from "../../src/core/margin-model.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import { scheduleOf } from "../../src/core/rules/schedule.ts";
import { readCodes } from "../../src/indexing/codes.ts";
import { read } from "../../src/indexing/reader.ts";

type Source = { adapter: Adapter; source: ContractSource };
type MinedLog = RpcLog<bigint, number, false>;
type NodeClient = ReturnType<typeof clientOf>;

export type ChainFold = {
  url: string;
  deployment: Deployment;
  chainId: number;
  rulebook: Rulebook;
  /** Is given what each block leaves behind, in order. */
  onBlock: (outcome: BlockOutcome) => void;
};

/** Folds every block the node has. @returns the book as the last one left it. */
export async function foldChain({ url, deployment, chainId, rulebook, onBlock }: ChainFold): Promise<Book> {
  const chain = deployment.chains.find((c) => c.chainId === chainId) as ChainDeployment;
  const book = new Book({
    chain,
    adapters: ADAPTERS,
    schedule: scheduleOf(rulebook),
    deploymentHash: deploymentHash(deployment),
  });
  const client = clientOf(url);
  const head = await client.getBlockNumber();
  const places = await placesOf(client, { chain, head });
  const logs = await logsByBlock(client, { addresses: [...places.keys()], from: BigInt(chain.startBlock), to: head });
  for (let number = BigInt(chain.startBlock); number <= head; number++) {
    const { hash, parentHash, timestamp } = await client.getBlock({ blockNumber: number });
    const block = { number, hash, parentHash, timestamp };
    onBlock(await foldBlock(book, { block, logs: logs.get(number) ?? [], places, client }));
  }
  return book;
}

function clientOf(url: string) {
  return createPublicClient({ transport: http(url, { batch: { batchSize: 100 } }), cacheTime: 0 });
}

/** The sources of a chain by address, children that a factory has announced included. */
async function placesOf(
  client: NodeClient,
  { chain, head }: { chain: ChainDeployment; head: bigint },
): Promise<Map<Hex, Source>> {
  const places = new Map<Hex, Source>();
  for (const adapter of ADAPTERS) {
    for (const source of adapter.sources(chain)) {
      const { where } = source;
      if (where.kind === "addresses") {
        for (const address of where.addresses) places.set(address, { adapter, source });
        continue;
      }
      const range = { fromBlock: BigInt(chain.startBlock), toBlock: head };
      for (const log of await client.getLogs({ address: where.address, ...range })) {
        const said = decoded(where.abi, log);
        if (said?.name !== where.event) continue;
        places.set(String(said.args[where.parameter]).toLowerCase() as Hex, { adapter, source });
      }
    }
  }
  return places;
}

async function logsByBlock(
  client: NodeClient,
  { addresses, from, to }: { addresses: Hex[]; from: bigint; to: bigint },
): Promise<Map<bigint, MinedLog[]>> {
  const byBlock = new Map<bigint, MinedLog[]>();
  for (const log of await client.getLogs({ address: addresses, fromBlock: from, toBlock: to })) {
    byBlock.set(log.blockNumber, [...(byBlock.get(log.blockNumber) ?? []), log]);
  }
  return byBlock;
}

type BlockWork = { block: BlockRef; logs: readonly MinedLog[]; places: Map<Hex, Source>; client: NodeClient };

async function foldBlock(book: Book, { block, logs, places, client }: BlockWork): Promise<BlockOutcome> {
  const { chainId } = book.chain;
  const before = { chainId, block, logIndex: BEFORE_LOGS, protocol: "owners" };
  const reader = readerAt(client, block.number);
  book.begin(block, await readCodes(book.codesNeeded(block), { client: reader, place: before }));
  for (const log of logs) await foldLog(book, { log, block, places, reader });
  const last: Reading[] = [];
  for (const { venue, requests } of book.readsAtEnd(block)) {
    const place = { chainId, block, logIndex: AFTER_LOGS, protocol: venue.config.protocol };
    for (const request of requests) last.push(await read(request, { client: reader, adapter: venue.adapter, place }));
  }
  return book.end(last);
}

type Reader = Parameters<typeof read>[1]["client"];

/** The client as Ponder gives it to a handler: every call is made at the block. */
function readerAt(client: NodeClient, blockNumber: bigint): Reader {
  return {
    readContract: (call) => client.readContract({ ...call, blockNumber }),
    call: (call) => client.call({ ...call, blockNumber }),
  };
}

async function foldLog(
  book: Book,
  of: { log: MinedLog; block: BlockRef; places: Map<Hex, Source>; reader: Reader },
): Promise<void> {
  const { log, block, places, reader } = of;
  const address = log.address.toLowerCase() as Hex;
  const { adapter, source } = places.get(address) as Source;
  const said = decoded(source.abi, log);
  if (said === null || !source.events.includes(said.name)) return;
  const { transactionHash: txHash, transactionIndex: txIndex, logIndex } = log;
  const { chainId } = book.chain;
  const understood = adapter.decode({
    chainId,
    block,
    txHash,
    txIndex,
    logIndex,
    address,
    source: source.name,
    ...said,
  });
  if (understood.rejected !== null) return;
  book.enter({ blockNumber: block.number, logIndex, txIndex });
  for (const event of understood.events) {
    await readFor(book, { event, adapter, reader });
    book.apply(event);
  }
}

async function readFor(
  book: Book,
  { event, adapter, reader }: { event: CanonicalEvent; adapter: Adapter; reader: Reader },
): Promise<void> {
  const { chainId, block, logIndex, protocol } = event;
  const known = new Set<string>();
  for (;;) {
    const wanted = book.reads(event).filter((request) => !known.has(request.key));
    if (wanted.length === 0) return;
    const place = { chainId, block, logIndex, protocol };
    for (const reading of await Promise.all(wanted.map((r) => read(r, { client: reader, adapter, place })))) {
      known.add(reading.key);
      book.applyReading(reading);
    }
  }
}

function decoded(abi: Abi, log: MinedLog): Pick<Log, "name" | "args"> | null {
  try {
    const { eventName, args } = decodeEventLog({ abi, data: log.data, topics: log.topics });
    return { name: String(eventName), args: args as unknown as Log["args"] };
  } catch {
    return null;
  }
}
