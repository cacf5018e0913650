/**
 * Recorded history on the wire: one block a line, whole, in the order of its chain. Integers are decimal strings. What a
 * row shares with its block is not repeated.
 */
import * as z from "zod";
import type { Rows } from "../book/replay.ts";
import type { BlockRow, EventRow, PriceRow, ReadingRow } from "../book/rows.ts";
import { ProviderError } from "../errors.ts";
import { caip2, type Hex } from "../ids.ts";

type OfBlock = "chain" | "chainId" | "blockNumber" | "blockHash" | "blockTimestamp";

const integer = z
  .string()
  .regex(/^(0|-?[1-9]\d{0,77})$/, "expected an integer in decimal digits")
  .transform(BigInt);
const hex = z
  .string()
  .regex(/^0x[0-9a-f]*$/i, "expected hex")
  .transform((text) => text as Hex);
const index = z.number().int();
/** As in a deployment: more would be no price, and make folding it endless. */
const decimals = z.number().int().min(0).max(36);
const value = z.union([z.string(), z.boolean()]);

const blockShape = z.strictObject({ number: integer, hash: hex, parentHash: hex, timestamp: integer });

const eventShape = z.strictObject({
  id: z.string(),
  protocol: z.string(),
  kind: z.string(),
  name: z.string(),
  address: hex,
  market: z.string().nullable(),
  account: z.string().nullable(),
  sizeDelta: integer.nullable(),
  price: integer.nullable(),
  amount: integer.nullable(),
  asset: z.string().nullable(),
  fee: integer.nullable(),
  payload: z.record(z.string(), value),
  txHash: hex,
  txIndex: index,
  logIndex: index,
});

const priceShape = z.strictObject({
  id: z.string(),
  pair: z.string(),
  aggregator: hex,
  answer: integer,
  decimals,
  roundId: integer,
  updatedAt: integer,
  txHash: hex,
  txIndex: index,
  logIndex: index,
});

const readingShape = z.strictObject({
  id: z.string(),
  protocol: z.string(),
  key: z.string(),
  address: hex,
  functionName: z.string(),
  args: z.array(value),
  result: z.array(value).nullable(),
  logIndex: index,
  ordinal: index,
});

const lineShape = z.strictObject({
  block: blockShape,
  events: z.array(eventShape),
  prices: z.array(priceShape),
  readings: z.array(readingShape),
});

/** One block of history with its rows. */
export type HistoryBlock = { block: BlockRow; events: EventRow[]; prices: PriceRow[]; readings: ReadingRow[] };

/** The line of one block, without its end. */
export function historyLine({ block, events, prices, readings }: HistoryBlock): string {
  const { number, hash, parentHash, timestamp } = block;
  const line = {
    block: { number, hash, parentHash, timestamp },
    events: events.map(own),
    prices: prices.map(own),
    readings: readings.map(own),
  };
  return JSON.stringify(line, (_, item) => (typeof item === "bigint" ? item.toString() : item));
}

/**
 * Reads a line back.
 * @throws ProviderError when it is no block of history.
 */
export function parseHistoryLine(line: string, chainId: number): HistoryBlock {
  const parsed = lineShape.safeParse(jsonOf(line));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue?.path.join(".") || "the line";
    throw new ProviderError(`The history of ${caip2(chainId)} is malformed at ${place}: ${issue?.message}.`);
  }
  const { block, events, prices, readings } = parsed.data;
  const shared = {
    chain: caip2(chainId),
    chainId,
    blockNumber: block.number,
    blockHash: block.hash,
    blockTimestamp: block.timestamp,
  };
  return {
    block,
    events: events.map((row) => ({ ...row, ...shared }) as EventRow),
    prices: prices.map((row) => ({ ...row, ...shared })),
    readings: readings.map((row) => ({ ...row, ...shared })),
  };
}

/** Blocks as the fold takes them. */
export function rowsOf(blocks: readonly HistoryBlock[]): Rows {
  return {
    blocks: blocks.map(({ block }) => block),
    events: blocks.flatMap(({ events }) => events),
    prices: blocks.flatMap(({ prices }) => prices),
    readings: blocks.flatMap(({ readings }) => readings),
  };
}

function own<T extends Record<OfBlock, unknown>>(row: T): Omit<T, OfBlock> {
  const { chain: _, chainId: _id, blockNumber: _number, blockHash: _hash, blockTimestamp: _time, ...rest } = row;
  return rest;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
