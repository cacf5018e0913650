/** Rows of the append-only tables, to and from what the book folds. The whole of a chain's history is in them. */
import {
  type BlockRef,
  type CanonicalEvent,
  fromJson,
  payloadFromJson,
  payloadToJson,
  type Reading,
  toJson,
} from "../event.ts";
import { rescaleDown } from "../fixed.ts";
import { caip2, caip10, type Hex, marketId, protocolId } from "../ids.ts";
import type { FeedDeployment } from "../margin-model.ts";
import { blockColumns } from "./figure-rows.ts";

type Json = string | boolean;

/** Log index of what is read before a block's first log and after its last. */
export const BEFORE_LOGS = -1;
export const AFTER_LOGS = 2_147_483_647;

/** Row of `block`, as far as a fold needs it. */
export type BlockRow = { number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint };

/** Row of `event`. */
export function eventRow(event: CanonicalEvent) {
  const { chainId, protocol, market, account } = event;
  return {
    id: event.id,
    chain: caip2(chainId),
    chainId,
    protocol: protocolId(chainId, protocol),
    kind: event.kind,
    name: String(event.payload.event),
    address: event.address,
    market: market === null ? null : marketId(chainId, protocol, market),
    account: account === null ? null : caip10(chainId, account),
    sizeDelta: event.sizeDelta,
    price: event.price,
    amount: event.amount,
    asset: event.asset,
    fee: event.fee,
    payload: payloadToJson(event.payload),
    ...blockColumns(event.block),
    txHash: event.txHash,
    txIndex: event.txIndex,
    logIndex: event.logIndex,
  };
}

export type EventRow = ReturnType<typeof eventRow>;

/** The event behind a row. `block` carries what the row leaves out. */
export function eventOf(row: EventRow, block: BlockRef): CanonicalEvent {
  const last = (id: string | null) => (id === null ? null : (id.split(/[/:]/).at(-1) as string));
  return {
    ...row,
    block,
    protocol: last(row.protocol) as string,
    market: last(row.market),
    account: last(row.account) as Hex | null,
    payload: payloadFromJson(row.payload as Record<string, Json>),
  };
}

/** Row of `price`. */
export function priceRow(event: CanonicalEvent, feed: FeedDeployment) {
  const { current, roundId, updatedAt } = event.payload as { current: bigint; roundId: bigint; updatedAt: bigint };
  return {
    id: event.id,
    chain: caip2(event.chainId),
    chainId: event.chainId,
    pair: feed.pair,
    aggregator: event.address,
    answer: current,
    decimals: feed.decimals,
    roundId,
    updatedAt,
    ...blockColumns(event.block),
    txHash: event.txHash,
    txIndex: event.txIndex,
    logIndex: event.logIndex,
  };
}

export type PriceRow = ReturnType<typeof priceRow>;

/** The price event behind a row. */
export function priceOf(row: PriceRow, block: BlockRef): CanonicalEvent {
  return {
    id: row.id,
    chainId: row.chainId,
    block,
    txHash: row.txHash,
    txIndex: row.txIndex,
    logIndex: row.logIndex,
    protocol: "chainlink",
    address: row.aggregator,
    kind: "ORACLE_PRICE",
    market: null,
    account: null,
    sizeDelta: null,
    price: rescaleDown(row.answer, row.decimals, 18),
    amount: null,
    asset: null,
    fee: null,
    payload: { event: "AnswerUpdated", current: row.answer, roundId: row.roundId, updatedAt: row.updatedAt },
  };
}

/** Row of `reading`; `ordinal` is its place among the readings of one log. */
export function readingRow(reading: Reading, ordinal: number) {
  return {
    id: reading.id,
    chain: caip2(reading.chainId),
    chainId: reading.chainId,
    protocol: reading.protocol,
    key: reading.key,
    address: reading.address,
    functionName: reading.functionName,
    args: reading.args.map(toJson),
    result: reading.result === null ? null : reading.result.map(toJson),
    ...blockColumns(reading.block),
    logIndex: reading.logIndex,
    ordinal,
  };
}

export type ReadingRow = ReturnType<typeof readingRow>;

/** The reading behind a row. */
export function readingOf(row: ReadingRow, block: BlockRef): Reading {
  const values = (json: unknown) => (json as Json[]).map(fromJson);
  return { ...row, block, args: values(row.args), result: row.result === null ? null : values(row.result) };
}
