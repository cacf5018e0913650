/**
 * The plain script: getLogs, decode, SQLite. What indexing costs without an indexer, and without what one is for: no
 * reorgs, no restart, no API. Arguments: node URL, database file, last block.
 */
import Database from "better-sqlite3";
import { type AbiEvent, createPublicClient, decodeEventLog, http, type RpcLog, toEventSelector } from "viem";
import { ADAPTERS } from "../src/adapters/catalogue.ts";
import type { Hex } from "../src/core/ids.ts";
import { chainDeployment, contractAddresses, FIRST_BLOCK } from "./workload/setting.ts";

const BLOCKS_PER_REQUEST = 100;

async function run({ url, file, last }: { url: string; file: string; last: number }): Promise<void> {
  const client = createPublicClient({ transport: http(url) });
  const database = open(file);
  const events = eventsByTopic();
  for (let from = FIRST_BLOCK; from <= last; from += BLOCKS_PER_REQUEST) {
    const to = Math.min(from + BLOCKS_PER_REQUEST - 1, last);
    const range = { fromBlock: hex(from), toBlock: hex(to), address: contractAddresses() };
    const logs = (await client.request({ method: "eth_getLogs", params: [range] })) as RpcLog[];
    database.transaction(() => {
      for (const log of logs) write(database, log, events);
    })();
  }
  database.prepare("insert into done values (?)").run(last);
  database.close();
}

function open(file: string): Database.Database {
  const database = new Database(file);
  database.pragma("journal_mode = wal");
  database.pragma("synchronous = normal");
  database.exec(`
    create table event (block integer, log integer, address text, name text, account text, market text, payload text,
      primary key (block, log));
    create table price (block integer, log integer, aggregator text, answer text, primary key (block, log));
    create table position (market text, account text, size text, primary key (market, account));
    create table done (block integer);
  `);
  return database;
}

type Statements = Record<"event" | "price" | "find" | "position", Database.Statement>;
const prepared = new WeakMap<Database.Database, Statements>();

function statementsOf(database: Database.Database): Statements {
  let statements = prepared.get(database);
  if (statements === undefined) {
    statements = {
      event: database.prepare("insert into event values (?, ?, ?, ?, ?, ?, ?)"),
      price: database.prepare("insert into price values (?, ?, ?, ?)"),
      find: database.prepare("select size from position where market = ? and account = ?"),
      position: database.prepare("insert or replace into position values (?, ?, ?)"),
    };
    prepared.set(database, statements);
  }
  return statements;
}

function write(database: Database.Database, log: RpcLog, events: ReadonlyMap<Hex, AbiEvent>): void {
  const event = events.get(log.topics[0] as Hex);
  if (event === undefined) return;
  const statements = statementsOf(database);
  const place = [Number(log.blockNumber), Number(log.logIndex)] as const;
  const { args } = decodeEventLog({ abi: [event], data: log.data, topics: log.topics as [Hex] });
  const said = args as unknown as Record<string, unknown>;
  if (event.name === "AnswerUpdated") {
    statements.price.run(...place, log.address, String(said.current));
    return;
  }
  const account = (said.trader ?? said.account ?? said.maker ?? null) as string | null;
  const market = (said.baseToken ?? log.address) as string;
  const payload = JSON.stringify(said, (_, value) => (typeof value === "bigint" ? value.toString() : value));
  statements.event.run(...place, log.address, event.name, account, market, payload);
  const moved = event.name === "PositionChanged" ? (said.exchangedPositionSize as bigint) : null;
  if (account === null || (moved === null && event.name !== "PositionModified")) return;
  const old = statements.find.get(market, account) as { size: string } | undefined;
  const size = moved === null ? (said.size as bigint) : BigInt(old?.size ?? 0) + moved;
  statements.position.run(market, account, size.toString());
}

function eventsByTopic(): Map<Hex, AbiEvent> {
  const abis = ADAPTERS.flatMap((adapter) => adapter.sources(chainDeployment()).flatMap((source) => source.abi));
  const events = abis.filter((item): item is AbiEvent => item.type === "event");
  return new Map(events.map((event) => [toEventSelector(event), event]));
}

function hex(number: number): Hex {
  return `0x${number.toString(16)}`;
}

const [url, file, last] = process.argv.slice(2) as [string, string, string];
await run({ url, file, last: Number(last) });
// Whoever measures reads from /proc what this process has used, and then ends it.
setInterval(() => {}, 60_000);
