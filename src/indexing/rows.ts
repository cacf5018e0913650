/** Rows of the append-only tables, to and from what the book folds. */
import type { Assessment, Epoch } from "../core/assessment.ts";
import {
  type BlockRef,
  type CanonicalEvent,
  fromJson,
  payloadFromJson,
  payloadToJson,
  type Reading,
  toJson,
} from "../core/event.ts";
import { formatDecimal, rescaleDown } from "../core/fixed.ts";
import { caip2, caip10, type Hex, marketId, protocolId } from "../core/ids.ts";
import type { FeedDeployment } from "../core/margin-model.ts";

type Json = string | boolean;
type BlockColumns = { blockNumber: bigint; blockHash: Hex; blockTimestamp: bigint };

function blockColumns(block: BlockRef): BlockColumns {
  return { blockNumber: block.number, blockHash: block.hash, blockTimestamp: block.timestamp };
}

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

/** Row of `assessment`, recorded while block `recordedBlock` was indexed. */
export function assessmentRow(
  a: Assessment,
  { chainId, recordedBlock, ordinal }: { chainId: number; recordedBlock: bigint; ordinal: number },
) {
  const decimals = Number(a.decimals);
  const measuredValue = a.measured === null ? null : BigInt(a.measured);
  return {
    id: a.id,
    chain: a.chain,
    chainId,
    protocol: a.protocol,
    subject: a.subject,
    account: a.account,
    ruleId: a.ruleId,
    rulebookHash: a.rulebookHash,
    kernel: a.kernel,
    testPoint: a.testPoint,
    condition: a.condition,
    metric: a.metric,
    inputs: a.inputs,
    measured: measuredValue === null ? null : formatDecimal(measuredValue, decimals),
    measuredValue,
    decimals,
    operator: a.operator,
    threshold: a.threshold,
    unit: a.unit,
    reason: a.reason,
    blockNumber: BigInt(a.blockNumber),
    blockHash: a.blockHash,
    blockTimestamp: BigInt(a.blockTimestamp),
    recordedBlock,
    ordinal,
  };
}

export type AssessmentRow = ReturnType<typeof assessmentRow>;

/** The assessment behind a row. */
export function assessmentOf(row: AssessmentRow): Assessment {
  return {
    id: row.id,
    chain: row.chain,
    protocol: row.protocol,
    subject: row.subject,
    account: row.account,
    ruleId: row.ruleId,
    rulebookHash: row.rulebookHash,
    kernel: row.kernel,
    testPoint: row.testPoint,
    condition: row.condition,
    metric: row.metric,
    inputs: row.inputs,
    measured: row.measuredValue === null ? null : row.measuredValue.toString(),
    decimals: row.decimals.toString(),
    unit: row.unit,
    reason: row.reason,
    operator: row.operator,
    threshold: row.threshold,
    blockNumber: row.blockNumber.toString(),
    blockHash: row.blockHash,
    blockTimestamp: row.blockTimestamp.toString(),
  };
}

/** Row of `epoch_root`. */
export function epochRow(epoch: Epoch, chainId: number) {
  return {
    ...epoch,
    id: `${epoch.chain}/${epoch.number}`,
    chainId,
    number: BigInt(epoch.number),
    fromBlock: BigInt(epoch.fromBlock),
    toBlock: BigInt(epoch.toBlock),
    stateCount: Number(epoch.stateCount),
    assessmentCount: Number(epoch.assessmentCount),
  };
}

export type EpochRow = ReturnType<typeof epochRow>;

/** The epoch behind a row. */
export function epochOf(row: EpochRow): Epoch {
  const { chain, blockHash, stateRoot, assessmentRoot, rulebookHash, deploymentHash, kernel } = row;
  return {
    chain,
    number: row.number.toString(),
    fromBlock: row.fromBlock.toString(),
    toBlock: row.toBlock.toString(),
    blockHash,
    stateRoot,
    stateCount: row.stateCount.toString(),
    assessmentRoot,
    assessmentCount: row.assessmentCount.toString(),
    rulebookHash,
    deploymentHash,
    kernel,
  };
}
