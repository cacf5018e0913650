/**
 * Bare Ponder: the same contracts, events and tables as the indexer, and as many rows in each as the indexer writes in
 * the same block, but nothing behind them: no margin, no rules, no checks. What it measures is the price of Ponder and
 * the database alone. Positions carry their true sizes, so that the sums can be checked; all else is made up.
 */
import * as schema from "../../../ponder.schema.ts";
import { sourcesOf } from "../../../src/adapters/catalogue.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { type Block, type Context, type LogEvent, on } from "../../../src/indexing/ponder.ts";
import { loadDeployment } from "../../../src/indexing/settings.ts";
import { loadPlan } from "../../plan.ts";
import { accountRow, assessmentRow, blockColumns, chainKey, marketRow, positionRow, readingRow } from "./rows.ts";
import { Touched } from "./touched.ts";

const plan = loadPlan();
const touched = new Touched();
const registered = new Set<string>();

for (const { sources } of sourcesOf(loadDeployment())) {
  for (const source of sources) {
    for (const name of source.events) {
      if (registered.has(`${source.name}:${name}`)) continue;
      registered.add(`${source.name}:${name}`);
      on<LogEvent>(`${source.name}:${name}`, (args) => writeLog(name, args));
    }
  }
}

type Handled = { event: LogEvent; context: Context };

async function writeLog(name: string, { event, context }: Handled) {
  const { block, log, transaction, args } = event;
  const place = {
    id: `${context.chain.id}-${block.number.toString().padStart(12, "0")}-${log.logIndex.toString().padStart(6, "0")}`,
    chain: chainKey(context.chain.id),
    chainId: context.chain.id,
    ...blockColumns(block),
    txHash: transaction.hash,
    txIndex: transaction.transactionIndex,
    logIndex: log.logIndex,
  };
  if (name === "AnswerUpdated") {
    const { current, roundId, updatedAt } = args as { current: bigint; roundId: bigint; updatedAt: bigint };
    const feed = { pair: "ETH/USD", aggregator: log.address, decimals: 8 };
    await context.db.insert(schema.price).values({ ...place, ...feed, answer: current, roundId, updatedAt });
    return;
  }
  const { market, account, sizeDelta } = touched.note(name, { address: log.address.toLowerCase() as Hex, args });
  await context.db.insert(schema.event).values({
    ...place,
    protocol: chainKey(context.chain.id),
    kind: sizeDelta === null ? "OTHER" : "TRADE",
    name,
    address: log.address,
    market,
    account,
    sizeDelta,
    price: null,
    amount: amountOf(args),
    asset: null,
    fee: null,
    payload: Object.fromEntries(Object.entries(args).map(([key, value]) => [key, String(value)])),
  });
}

function amountOf({ amount, marginDelta }: LogEvent["args"]): bigint | null {
  const value = amount ?? marginDelta;
  return typeof value === "bigint" ? value : null;
}

on<{ block: Block }>("EndOfBlock:block", async ({ event: { block }, context }) => {
  const counts = plan.get(block.number);
  const { db, chain } = context;
  if (!isListed) await listProtocols(context);
  const { markets, positions, accounts } = touched.take(counts);
  for (const key of markets) await upsert(schema.market, marketRow(key, { chain, block }));
  for (const key of accounts) await upsert(schema.account, accountRow(key, { chain, block }));
  for (const position of positions) await upsert(schema.position, positionRow(position, { chain, block }));
  const many = <T>(count: number, row: (ordinal: number) => T) => Array.from({ length: count }, (_, i) => row(i));
  const assessments = many(counts.assessments, (ordinal) => assessmentRow(ordinal, { chain, block }));
  if (assessments.length > 0) await db.insert(schema.assessment).values(assessments);
  const readings = many(counts.readings, (ordinal) => readingRow(ordinal, { chain, block }));
  if (readings.length > 0) await db.insert(schema.reading).values(readings);
  const place = { chain: chainKey(chain.id), ...blockColumns(block) };
  const strikes = many(counts.strikes, (i) => ({ ...place, id: `${block.hash}/${i}`, gridTime: block.timestamp }));
  if (strikes.length > 0) await db.insert(schema.strike).values(strikes);
  const exposures = many(counts.exposures, (i) => exposureRow(i, block, chain.id));
  if (exposures.length > 0) await db.insert(schema.exposure).values(exposures);
  const epochs = many(counts.epochs, () => epochRow(block, chain.id));
  if (epochs.length > 0) await db.insert(schema.epochRoot).values(epochs);
  const sums = many(counts.epochCollateral, (i) => epochCollateralRow(i, block, chain.id));
  if (sums.length > 0) await db.insert(schema.epochCollateral).values(sums);
  const leaves = many(counts.epochLeaves, (i) => epochLeafRow(i, block, chain.id));
  if (leaves.length > 0) await db.insert(schema.epochLeaf).values(leaves);
  const id = `${place.chain}/${block.number.toString().padStart(12, "0")}`;
  const { number, hash, parentHash, timestamp } = block;
  const whole = { id, chain: place.chain, chainId: chain.id, number, hash, parentHash, timestamp, closed: [] };
  await db.insert(schema.block).values(whole);
  const stamp = { blockNumber: block.number, blockHash: block.hash };
  await db
    .insert(schema.stamp)
    .values({ chainId: chain.id, ...stamp })
    .onConflictDoUpdate(stamp);

  async function upsert(
    table: typeof schema.market | typeof schema.account | typeof schema.position,
    row: Record<string, unknown>,
  ) {
    await db.insert(table).values(row).onConflictDoUpdate(row);
  }
});

let isListed = false;

async function listProtocols({ db, chain }: Context) {
  isListed = true;
  const hashes = { deploymentHash: "none", rulebookHash: "none", kernel: "none" };
  const terms = { chain: chainKey(chain.id), marginMode: "NONE", unit: "USD", decimals: 18, startBlock: 0n, ...hashes };
  for (const name of ["perp-v2", "synthetix-perps-v2"]) {
    await db.insert(schema.protocol).values({ id: `${chainKey(chain.id)}/${name}`, name, ...terms });
  }
}

function exposureRow(ordinal: number, block: Block, chainId: number) {
  const owner = { owner: block.hash, address: block.hash, protocol: "none", underlier: "ETH" };
  const figures = { gross: block.timestamp, net: block.timestamp, reason: null };
  return { id: `${block.hash}/${ordinal}`, chain: chainKey(chainId), gridTime: block.timestamp, ...owner, ...figures };
}

function epochRow({ number, hash }: Block, chainId: number) {
  const span = { fromBlock: number, toBlock: number, blockHash: hash };
  const trees = { stateRoot: hash, stateCount: 0, assessmentRoot: hash, assessmentCount: 0 };
  const roots = { ...trees, collateralRoot: hash, collateralCount: 0 };
  const versions = { rulebookHash: hash, deploymentHash: hash, kernel: "none" };
  return { id: `${chainId}/${number}`, chain: chainKey(chainId), chainId, number, ...span, ...roots, ...versions };
}

function epochCollateralRow(ordinal: number, block: Block, chainId: number) {
  const sums = { accounts: 0, held: block.timestamp, required: block.timestamp, unknown: 0, decimals: 18 };
  return { ...placeOf(ordinal, block, chainId), protocol: "none", asset: block.hash, ...sums, root: block.hash };
}

/** As long as the leaf of an assessment, which most leaves are. */
function epochLeafRow(ordinal: number, block: Block, chainId: number) {
  const key = `${chainKey(chainId)}|${block.hash}${block.hash}|${ordinal}`;
  const state = { id: block.hash, condition: "met", measured: block.timestamp.toString(), reason: null };
  return { ...placeOf(ordinal, block, chainId), ordinal, tree: "none", key, state };
}

function placeOf(ordinal: number, { number }: Block, chainId: number) {
  const chain = chainKey(chainId);
  return { id: `${chain}/${number}/${ordinal}`, chain, chainId, number, toBlock: number };
}
