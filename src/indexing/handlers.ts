import * as schema from "../../ponder.schema.ts";
import { adapterOfSource, sourcesOf } from "../adapters/catalogue.ts";
import type { Adapter } from "../core/adapter.ts";
import type { Book } from "../core/book/book.ts";
import { AFTER_LOGS, eventRow, priceRow, readingRow } from "../core/book/rows.ts";
import type { CanonicalEvent, Log, Reading } from "../core/event.ts";
import { caip2, logId, protocolId } from "../core/ids.ts";
import { type Block, type Context, type LogEvent, on } from "./ponder.ts";
import { read } from "./reader.ts";
import { bookAt, runtime } from "./runtime.ts";
import { writeOutcome, writeProtocols } from "./writer.ts";

const listed = new Set<string>();
for (const { chain, sources } of sourcesOf(runtime().deployment)) {
  for (const source of sources) {
    const adapter = adapterOfSource(source.name, chain);
    for (const name of source.events) {
      if (listed.has(`${source.name}:${name}`)) continue;
      listed.add(`${source.name}:${name}`);
      on<LogEvent>(`${source.name}:${name}`, ({ event, context }) =>
        foldLog({ adapter, source: source.name, name, event, context }),
      );
    }
  }
}

on<{ block: Block }>("EndOfBlock:block", async ({ event, context }) => {
  const block = refOf(event.block);
  const { book, readings } = await bookAt({ block, logIndex: null }, context);
  await writeReadings(readings, context);
  const last = await readAtEnd(book, { block, context });
  await writeReadings(last, context);
  if (book.ended === null) await writeProtocols(context);
  await writeOutcome(book.end(last), context);
});

type LogToFold = { adapter: Adapter; source: string; name: string; event: LogEvent; context: Context };

async function foldLog({ adapter, source, name, event, context }: LogToFold) {
  const block = refOf(event.block);
  const { logIndex } = event.log;
  const { book, readings } = await bookAt({ block, logIndex }, context);
  await writeReadings(readings, context);
  const log: Log = {
    chainId: context.chain.id,
    block,
    txHash: event.transaction.hash,
    txIndex: event.transaction.transactionIndex,
    logIndex,
    address: event.log.address,
    source,
    name,
    args: event.args,
  };
  const decoded = adapter.decode(log);
  if (decoded.rejected !== null) return writeRejected(log, { adapter, reason: decoded.rejected, context });
  book.enter({ blockNumber: block.number, logIndex, txIndex: log.txIndex });
  for (const canonical of decoded.events) {
    await readFor(canonical, { book, adapter, context });
    book.apply(canonical);
    await writeEvent(canonical, { book, context });
  }
}

/** Makes the view calls an event needs, round by round, until it needs nothing new. */
async function readFor(
  event: CanonicalEvent,
  { book, adapter, context }: { book: Book; adapter: Adapter; context: Context },
) {
  const { chainId, block, logIndex, protocol } = event;
  const known = new Set<string>();
  for (;;) {
    const wanted = book.reads(event).filter((request) => !known.has(request.key));
    if (wanted.length === 0) return;
    const place = { chainId, block, logIndex, protocol };
    const readings = await Promise.all(
      wanted.map((request) => read(request, { client: context.client, adapter, place })),
    );
    await writeReadings(readings, context, known.size);
    for (const reading of readings) {
      known.add(reading.key);
      book.applyReading(reading);
    }
  }
}

/** What is read at the end of an epoch's last block: totals to reconcile open interest with, and what no event tells. */
async function readAtEnd(
  book: Book,
  { block, context }: { block: Log["block"]; context: Context },
): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const { venue, requests } of book.readsAtEnd(block)) {
    const place = { chainId: context.chain.id, block, logIndex: AFTER_LOGS, protocol: venue.config.protocol };
    const reads = requests.map((request) => read(request, { client: context.client, adapter: venue.adapter, place }));
    readings.push(...(await Promise.all(reads)));
  }
  return readings;
}

async function writeEvent(event: CanonicalEvent, { book, context }: { book: Book; context: Context }) {
  if (event.kind !== "ORACLE_PRICE") return void (await context.db.insert(schema.event).values(eventRow(event)));
  const feed = book.chain.feeds.find((f) => f.aggregator.toLowerCase() === event.address.toLowerCase());
  if (feed !== undefined) await context.db.insert(schema.price).values(priceRow(event, feed));
}

async function writeReadings(readings: readonly Reading[], { db }: Context, from = 0) {
  if (readings.length === 0) return;
  await db.insert(schema.reading).values(readings.map((reading, i) => readingRow(reading, from + i)));
}

async function writeRejected(
  log: Log,
  { adapter, reason, context }: { adapter: Adapter; reason: string; context: Context },
) {
  await context.db.insert(schema.undecoded).values({
    id: logId(log.chainId, log.block.number, log.logIndex),
    chain: caip2(log.chainId),
    protocol: protocolId(log.chainId, adapter.protocol),
    address: log.address,
    name: log.name,
    reason,
    blockNumber: log.block.number,
    blockHash: log.block.hash,
    txHash: log.txHash,
    logIndex: log.logIndex,
  });
}

function refOf({ number, hash, parentHash, timestamp }: Block): Log["block"] {
  return { number, hash, parentHash, timestamp };
}
