/**
 * A transaction's receipt in the bytes that its block's receipts root commits to.
 * @see https://eips.ethereum.org/EIPS/eip-2718 and https://specs.optimism.io/protocol/deposits.html
 */
import { InputError } from "../../errors.ts";
import { equalBytes } from "../bytes.ts";
import { BLOOM_BYTES, bloomOf } from "./bloom.ts";
import { KECCAK_BYTES } from "./keccak.ts";
import { asBytes, asFixed, asInteger, asList, decodeRlp, encodeInteger, encodeRlp, type Rlp } from "./rlp.ts";

/** An event as the chain records it: address of 20 bytes, up to four topics of 32 bytes, data. */
export type Log = { address: Uint8Array; topics: readonly Uint8Array[]; data: Uint8Array };

/** The receipt of a transaction, as its trie has it. */
export type Receipt = {
  /** EIP-2718 type; 0 for a legacy receipt and for types that their chain encodes as one, like Arbitrum's 0x78. */
  type: number;
  /** `0x01` for success, empty for failure; before Byzantium the state root after the transaction, 32 bytes. */
  outcome: Uint8Array;
  /** Gas used in the block up to and with this transaction. */
  cumulativeGas: bigint;
  logs: readonly Log[];
  /** What the OP stack appends to the receipt of a deposit from Canyon on; null for all others. */
  deposit: { nonce: bigint; version: bigint } | null;
};

/** Type of the OP stack's deposits. */
export const DEPOSIT_TYPE = 0x7e;

/** Greatest EIP-2718 type. Bytes above are the beginning of a legacy receipt, which is a list. */
const TYPE_MAX = 0x7f;
const LIST_MIN = 0xc0;

const FIELDS = 4;
const DEPOSIT_FIELDS = 6;
const LOG_FIELDS = 3;
const ADDRESS_BYTES = 20;
const TOPIC_BYTES = 32;
const TOPICS_MAX = 4;
const GAS = { name: "receipt's cumulative gas", bytes: 8 };
const NONCE = { name: "receipt's deposit nonce", bytes: 8 };
const VERSION = { name: "receipt's deposit version", bytes: 8 };

/**
 * A receipt from its raw bytes, as they stand in the receipts trie. The bloom is not returned: it is the one its logs
 * have, or the receipt is refused.
 * @throws InputError when the bytes are not a receipt, not canonical, or state another bloom than their logs give.
 */
export function decodeReceipt(raw: Uint8Array): Receipt {
  const first = raw[0];
  if (first === undefined) throw new InputError("A receipt has no bytes.");
  if (first === 0 || (first > TYPE_MAX && first < LIST_MIN)) {
    throw new InputError(`A receipt begins with 0x${first.toString(16)}, which is neither a type nor a list.`);
  }
  const type = first <= TYPE_MAX ? first : 0;
  const fields = asList(decodeRlp(type === 0 ? raw : raw.subarray(1)), "receipt");
  const hasDeposit = type === DEPOSIT_TYPE && fields.length === DEPOSIT_FIELDS;
  if (fields.length !== FIELDS && !hasDeposit) {
    throw new InputError(`A receipt of type ${type} has ${fields.length} fields, not ${FIELDS}.`);
  }
  const logs = asList(fields[3], "receipt's list of logs").map(decodeLog);
  const bloom = asFixed(fields[2], { name: "receipt's bloom", bytes: BLOOM_BYTES });
  if (!equalBytes(bloom, bloomOf(logs))) throw new InputError("A receipt's bloom is not that of its logs.");
  return {
    type,
    outcome: outcomeOf(fields[0], type),
    cumulativeGas: asInteger(fields[1], GAS),
    logs,
    deposit: hasDeposit ? { nonce: asInteger(fields[4], NONCE), version: asInteger(fields[5], VERSION) } : null,
  };
}

/** The raw bytes of a receipt, with the bloom of its logs. What {@link decodeReceipt} reads back. */
export function encodeReceipt({ type, outcome, cumulativeGas, logs, deposit }: Receipt): Uint8Array {
  const fields: Rlp[] = [
    outcome,
    encodeInteger(cumulativeGas),
    bloomOf(logs),
    logs.map(({ address, topics, data }) => [address, topics, data]),
  ];
  if (deposit !== null) fields.push(encodeInteger(deposit.nonce), encodeInteger(deposit.version));
  const body = encodeRlp(fields);
  if (type === 0) return body;
  const raw = new Uint8Array(1 + body.length);
  raw[0] = type;
  raw.set(body, 1);
  return raw;
}

function outcomeOf(item: Rlp | undefined, type: number): Uint8Array {
  const outcome = asBytes(item, "receipt's outcome");
  const isStatus = outcome.length === 0 || (outcome.length === 1 && outcome[0] === 1);
  const isStateRoot = type === 0 && outcome.length === KECCAK_BYTES;
  if (!isStatus && !isStateRoot) throw new InputError("A receipt's outcome is neither a status nor a state root.");
  return outcome;
}

function decodeLog(item: Rlp): Log {
  const fields = asList(item, "log");
  if (fields.length !== LOG_FIELDS) throw new InputError(`A log has ${fields.length} fields, not ${LOG_FIELDS}.`);
  const topics = asList(fields[1], "log's list of topics");
  if (topics.length > TOPICS_MAX) throw new InputError(`A log has ${topics.length} topics, more than ${TOPICS_MAX}.`);
  return {
    address: asFixed(fields[0], { name: "log's address", bytes: ADDRESS_BYTES }),
    topics: topics.map((topic) => asFixed(topic, { name: "log's topic", bytes: TOPIC_BYTES })),
    data: asBytes(fields[2], "log's data"),
  };
}
