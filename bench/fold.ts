/**
 * Folds a workload through the production adapters and book, in memory: the yardstick for tables, and what the core
 * costs without Ponder and a database.
 */
import { ContractFunctionZeroDataError, decodeFunctionResult, size } from "viem";
import { ADAPTERS, adapterOf, adapterOfSource } from "../src/adapters/catalogue.ts";
import type { Adapter } from "../src/core/adapter.ts";
import type { Epoch } from "../src/core/assessment.ts";
import { Book } from "../src/core/book/book.ts";
import type { BlockOutcome } from "../src/core/book/pending.ts";
import { AFTER_LOGS, BEFORE_LOGS } from "../src/core/book/rows.ts";
import { deploymentHash } from "../src/core/deployment.ts";
import { InvariantError } from "../src/core/errors.ts";
import type { BlockRef, CanonicalEvent, Log, Reading } from "../src/core/event.ts";
import type { Hex } from "../src/core/ids.ts";
import { readCodes } from "../src/indexing/codes.ts";
import { read } from "../src/indexing/reader.ts";
import { loadSchedule } from "../src/indexing/settings.ts";
import { type Answer, encodeAnswer, type LogSpec } from "./workload/log.ts";
import { CHAIN_ID, chainDeployment, DEPLOYMENT } from "./workload/setting.ts";
import type { BlockPlan } from "./workload/workload.ts";

/** Rows a block leaves in the tables, by table; upserted rows count every time. */
export type RowCounts = {
  events: number;
  prices: number;
  readings: number;
  positions: number;
  accounts: number;
  markets: number;
  assessments: number;
  strikes: number;
  exposures: number;
  epochs: number;
  epochLeaves: number;
  epochCollateral: number;
};

/** What the fold of one block gave. */
export type Folded = { rows: RowCounts; outcome: BlockOutcome };

/** A book and the contracts' answers, fed block by block. */
export type Folder = { book: Book; fold(plan: BlockPlan, ref: BlockRef): Promise<Folded> };

/** Length of the code that asks, before the addresses. */
const HAS_CODE_BYTES = 54;

type Client = Parameters<typeof read>[1]["client"];

/** An empty book of the benchmark's chain, against all rulebooks unless told otherwise. */
export function createFolder({ schedule = loadSchedule(), chain = chainDeployment() } = {}): Folder {
  const settings = { adapters: ADAPTERS, schedule, deploymentHash: deploymentHash(DEPLOYMENT) };
  const book = new Book({ chain, ...settings });
  const answers = new Map<string, unknown>();
  const client = clientOf(answers);
  const adapters = new Map<string, Adapter>();
  const adapterFor = (source: string) => {
    let adapter = adapters.get(source);
    if (adapter === undefined) {
      adapter = adapterOfSource(source, chainDeployment());
      adapters.set(source, adapter);
    }
    return adapter;
  };
  return {
    book,
    fold: async (plan, ref) => {
      for (const answer of plan.taught) answers.set(questionOf(answer), asDecoded(answer));
      const rows = emptyCounts();
      const codes = await readCodes(book.codesNeeded(ref), { client, place: place(ref, BEFORE_LOGS, "owners") });
      rows.readings += codes.length;
      book.begin(ref, codes);
      let logIndex = 0;
      for (const [txIndex, logs] of plan.transactions.entries()) {
        for (const spec of logs) {
          const log = logOf(spec, { ref, txIndex, logIndex: logIndex++ });
          for (const event of decodeWith(adapterFor(spec.source), log)) {
            book.enter({ blockNumber: ref.number, logIndex: log.logIndex, txIndex });
            rows.readings += await readFor(event, { book, client });
            book.apply(event);
            if (event.kind === "ORACLE_PRICE") rows.prices++;
            else rows.events++;
          }
        }
      }
      const last = await readAtEnd(book, { ref, client });
      rows.readings += last.length;
      const outcome = book.end(last);
      return { rows: counted(rows, outcome), outcome };
    },
  };
}

/** Folds blocks one after another and keeps of each its row counts, and the epochs. */
export async function foldAll(
  plans: readonly BlockPlan[],
  refs: readonly BlockRef[],
): Promise<{ book: Book; rows: RowCounts[]; epochs: Epoch[]; seconds: number }> {
  const { book, fold } = createFolder();
  const rows: RowCounts[] = [];
  const epochs: Epoch[] = [];
  const started = performance.now();
  for (const [i, plan] of plans.entries()) {
    const folded = await fold(plan, refs[i] as BlockRef);
    rows.push(folded.rows);
    if (folded.outcome.epoch !== null) epochs.push(folded.outcome.epoch);
  }
  return { book, rows, epochs, seconds: (performance.now() - started) / 1000 };
}

/** Made-up references to a history's blocks, for a fold without a chain. */
export function refsOf(history: readonly BlockPlan[]): BlockRef[] {
  const hashOf = (number: bigint): Hex => `0x${number.toString(16).padStart(64, "0")}`;
  return history.map(({ number, timestamp }) => {
    return { number, timestamp, hash: hashOf(number), parentHash: hashOf(number - 1n) };
  });
}

/** Sums of row counts. */
export function sumRows(counts: readonly RowCounts[]): RowCounts {
  const sums = emptyCounts();
  for (const count of counts) for (const table of tables(sums)) sums[table] += count[table];
  return sums;
}

function decodeWith(adapter: Adapter, log: Log): readonly CanonicalEvent[] {
  const decoded = adapter.decode(log);
  if (decoded.rejected !== null) throw new InvariantError(`${log.source}.${log.name}: ${decoded.rejected}`);
  return decoded.events;
}

function logOf(
  { source, address, name, args }: LogSpec,
  { ref, txIndex, logIndex }: { ref: BlockRef; txIndex: number; logIndex: number },
): Log {
  const txHash = `${ref.hash}-${txIndex}` as Hex;
  return { chainId: CHAIN_ID, block: ref, txHash, txIndex, logIndex, address, source, name, args };
}

async function readFor(event: CanonicalEvent, { book, client }: { book: Book; client: Client }): Promise<number> {
  const known = new Set<string>();
  const adapter = adapterOf(event.protocol);
  for (;;) {
    const wanted = book.reads(event).filter((request) => !known.has(request.key));
    if (wanted.length === 0) return known.size;
    const at = place(event.block, event.logIndex, event.protocol);
    for (const request of wanted) {
      known.add(request.key);
      book.applyReading(await read(request, { client, adapter, place: at }));
    }
  }
}

async function readAtEnd(book: Book, { ref, client }: { ref: BlockRef; client: Client }): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const { venue, requests } of book.readsAtEnd(ref)) {
    const { adapter, config } = venue;
    const at = place(ref, AFTER_LOGS, config.protocol);
    for (const request of requests) {
      readings.push(await read(request, { client, adapter, place: at }));
    }
  }
  return readings;
}

function place(block: BlockRef, logIndex: number, protocol: string) {
  return { chainId: CHAIN_ID, block, logIndex, protocol };
}

/** Answers as the contracts do: what they were not taught is not there. */
function clientOf(answers: ReadonlyMap<string, unknown>): Client {
  return {
    readContract: async (call) => {
      const question = questionOf(call);
      if (!answers.has(question)) throw new ContractFunctionZeroDataError({ functionName: call.functionName });
      return answers.get(question);
    },
    // No account of the workload is a contract: whoever asks after n of them is told so with n zero bytes.
    call: async ({ data }) => ({ data: `0x${"00".repeat((size(data) - HAS_CODE_BYTES) / 20)}` }),
  };
}

/** The answer in the shape a client decodes it to: fields in the order of the ABI. */
function asDecoded(answer: Answer): unknown {
  const { abi, functionName } = answer;
  return decodeFunctionResult({ abi, functionName, data: encodeAnswer(answer).result });
}

function questionOf(call: { address: Hex; functionName: string; args: readonly unknown[] }): string {
  return `${call.address.toLowerCase()}.${call.functionName}(${call.args.join(",").toLowerCase()})`;
}

function emptyCounts(): RowCounts {
  const nothing = { events: 0, prices: 0, readings: 0, positions: 0, accounts: 0, markets: 0 };
  return { ...nothing, assessments: 0, strikes: 0, exposures: 0, epochs: 0, epochLeaves: 0, epochCollateral: 0 };
}

function tables(counts: RowCounts): (keyof RowCounts)[] {
  return Object.keys(counts) as (keyof RowCounts)[];
}

function counted(rows: RowCounts, outcome: BlockOutcome): RowCounts {
  return {
    ...rows,
    positions: outcome.positions.length,
    accounts: outcome.accounts.length,
    markets: outcome.markets.length,
    assessments: outcome.assessments.length,
    strikes: outcome.strikes.length,
    exposures: outcome.strikes.reduce((n, strike) => n + strike.exposures.length, 0),
    epochs: outcome.epoch === null ? 0 : 1,
    epochLeaves: outcome.leaves.length,
    epochCollateral: outcome.collateral.length,
  };
}
