import type { RpcBlock } from "../../../server/witnesses/header.ts";
import type { ReceiptNode } from "../../../server/witnesses/node.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { bloomOf } from "../../../src/core/proof/chain/bloom.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import type { Receipt } from "../../../src/core/proof/chain/receipt.ts";
import { asBytes, asList, decodeRlp } from "../../../src/core/proof/chain/rlp.ts";

/** What JSON-RPC calls a header's fields, and which of them it writes as numbers. */
const NAMES =
  "parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number gasLimit gasUsed " +
  "timestamp extraData mixHash nonce";
const ETHEREUM = "baseFeePerGas withdrawalsRoot blobGasUsed excessBlobGas parentBeaconBlockRoot requestsHash";
const NUMBERS = new Set(
  "difficulty number gasLimit gasUsed timestamp baseFeePerGas blobGasUsed excessBlobGas extDataGasUsed blockGasCost".split(
    " ",
  ),
);

const quantity = (value: bigint | number): Hex => `0x${value.toString(16)}`;

/** The hash of a made-up transaction. */
export const hashOf = (index: number): Hex => `0x${(index + 1).toString(16).padStart(64, "0")}`;

/** The block as JSON-RPC gives it, from the raw header. */
export function rpcBlock(raw: Uint8Array, { later = ETHEREUM, transactions = 0 } = {}): RpcBlock {
  const names = `${NAMES} ${later}`.split(" ");
  const fields = asList(decodeRlp(raw), "header").map((field, i) => {
    const name = names[i] as string;
    const text = toHex(asBytes(field, name));
    return [name, NUMBERS.has(name) ? quantity(BigInt(text === "0x" ? 0 : text)) : text];
  });
  const hashes = Array.from({ length: transactions }, (_, index) => hashOf(index));
  return { ...Object.fromEntries(fields), hash: toHex(keccak256(raw)), transactions: hashes, size: "0x1" };
}

export type RpcLog = { address: string; topics: string[]; data: string; logIndex: string };
export type RpcReceipt = Record<string, unknown> & { logs: RpcLog[] };

/** Receipts as JSON-RPC gives them. */
export function rpcReceipts(receipts: readonly Receipt[], blockHash: Hex): RpcReceipt[] {
  let next = 0;
  return receipts.map(({ type, outcome, cumulativeGas, logs, deposit }, index) => ({
    type: quantity(type),
    ...(outcome.length === 32 ? { root: toHex(outcome) } : { status: quantity(outcome.length) }),
    cumulativeGasUsed: quantity(cumulativeGas),
    transactionIndex: quantity(index),
    blockHash,
    logsBloom: toHex(bloomOf(logs)),
    logs: logs.map(({ address, topics, data }) => ({
      address: toHex(address),
      topics: topics.map(toHex),
      data: toHex(data),
      logIndex: quantity(next++),
    })),
    ...(deposit === null
      ? {}
      : { depositNonce: quantity(deposit.nonce), depositReceiptVersion: quantity(deposit.version) }),
  }));
}

/** A node that has one block, and says of its receipts what it is told to. */
export function nodeOf(header: Uint8Array, receipts: readonly unknown[]): ReceiptNode {
  return {
    chainId: 1,
    block: async () => rpcBlock(header, { transactions: receipts.length }),
    blockReceipts: async () => receipts,
    transactionReceipt: async (hash) => receipts[Number(BigInt(hash)) - 1] ?? null,
  };
}
