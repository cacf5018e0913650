import { type Hex, logId } from "./ids.ts";

/** A block as far as the fold needs it. Timestamp in seconds. */
export type BlockRef = { number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint };

/** A decoded log as an adapter receives it. `source` is the catalogue's name of the contract that emitted it. */
export type Log = {
  chainId: number;
  block: BlockRef;
  txHash: Hex;
  txIndex: number;
  logIndex: number;
  address: Hex;
  source: string;
  name: string;
  args: Readonly<Record<string, unknown>>;
};

/** What happened, in the terms of the canonical model (`docs/concepts.md`). */
export type EventKind =
  | "TRADE"
  | "COLLATERAL_CHANGE"
  | "FUNDING"
  | "FEE"
  | "LIQUIDATION"
  | "SETTLEMENT"
  | "BAD_DEBT"
  | "LP_CHANGE"
  | "MARKET_LISTED"
  | "MARKET_STATE"
  | "MARKET_PARAM_CHANGE"
  | "ORACLE_PRICE"
  | "ORACLE_CONFIG"
  | "ADMIN_CHANGE"
  | "LOG_HEAD";

/**
 * A protocol's own fields, as the margin model folds them. Integers are bigint; strings are hex, names or ids and never
 * all digits, so that the JSON form (integers as decimal strings) reads back without a schema.
 */
export type Payload = Readonly<Record<string, bigint | string | boolean>>;

/**
 * The waist: everything a protocol says, in one shape. Amounts are integers in the base units of their asset, sizes in
 * the market's base units, prices with 18 decimals. `payload.event` is the protocol's own event name.
 * `account` and `market` are lower-case address and market key (not ids); `null` where the event concerns none.
 */
export type CanonicalEvent = {
  id: string;
  chainId: number;
  block: BlockRef;
  txHash: Hex;
  txIndex: number;
  logIndex: number;
  protocol: string;
  address: Hex;
  kind: EventKind;
  market: string | null;
  account: Hex | null;
  sizeDelta: bigint | null;
  price: bigint | null;
  amount: bigint | null;
  asset: string | null;
  fee: bigint | null;
  payload: Payload;
};

/** What an adapter says of a log. What is left out concerns nobody and nothing: `null`. */
export type Said = Pick<CanonicalEvent, "protocol" | "kind" | "payload"> &
  Partial<Pick<CanonicalEvent, "market" | "account" | "sizeDelta" | "price" | "amount" | "asset" | "fee">>;

/** The event of a log: where it stands is the log's, what it means the adapter's. */
export function eventOf(log: Log, said: Said): CanonicalEvent {
  return {
    id: logId(log.chainId, log.block.number, log.logIndex),
    chainId: log.chainId,
    block: log.block,
    txHash: log.txHash,
    txIndex: log.txIndex,
    logIndex: log.logIndex,
    protocol: said.protocol,
    address: log.address.toLowerCase() as Hex,
    kind: said.kind,
    market: said.market ?? null,
    account: said.account ?? null,
    sizeDelta: said.sizeDelta ?? null,
    price: said.price ?? null,
    amount: said.amount ?? null,
    asset: said.asset ?? null,
    fee: said.fee ?? null,
    payload: said.payload,
  };
}

/** A view call an adapter wants made at the block of the event that asks for it: per market, never per account. */
export type ReadRequest = {
  key: string;
  address: Hex;
  abi: string;
  functionName: string;
  args: readonly (bigint | string | boolean)[];
};

/** A request for a view of a contract: `<name in the read ABIs>.<function>`. */
export function readRequest(
  key: string,
  { address, view, args = [] }: { address: Hex; view: string; args?: ReadRequest["args"] },
): ReadRequest {
  const [abi = "", functionName = ""] = view.split(".");
  return { key, address, abi, functionName, args };
}

/**
 * The append-only record of one view call. `result` is the decoded answer (a tuple as its fields in order); `null` means
 * the call reverted or there is no code, which is itself a fact of the chain. Applied just before the event at the same
 * place.
 */
export type Reading = {
  id: string;
  chainId: number;
  block: BlockRef;
  logIndex: number;
  protocol: string;
  key: string;
  address: Hex;
  functionName: string;
  args: readonly (bigint | string | boolean)[];
  result: readonly (bigint | string | boolean)[] | null;
};

const INTEGER = /^-?(0|[1-9]\d*)$/;

/** JSON form of a payload or a reading's values: integers as decimal strings. */
export function toJson<T extends bigint | string | boolean>(value: T): string | boolean {
  return typeof value === "bigint" ? value.toString() : (value as string | boolean);
}

/** Reads back what `toJson` wrote. */
export function fromJson(value: string | boolean): bigint | string | boolean {
  return typeof value === "string" && INTEGER.test(value) ? BigInt(value) : value;
}

/** JSON form of a payload. */
export function payloadToJson(payload: Payload): Record<string, string | boolean> {
  return Object.fromEntries(Object.entries(payload).map(([k, v]) => [k, toJson(v)]));
}

/** A payload from its JSON form. */
export function payloadFromJson(json: Readonly<Record<string, string | boolean>>): Payload {
  return Object.fromEntries(Object.entries(json).map(([k, v]) => [k, fromJson(v)]));
}
