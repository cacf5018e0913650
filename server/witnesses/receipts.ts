import { z } from "zod";
import { ProviderError } from "../../src/core/errors.ts";
import { fromHex } from "../../src/core/proof/bytes.ts";
import { DEPOSIT_TYPE, type Log, type Receipt } from "../../src/core/proof/chain/receipt.ts";

/** A receipt as a node gives it, with what it says about its place. None of that is believed. */
export type SaidReceipt = {
  receipt: Receipt;
  /** Place in its block. */
  index: number;
  blockHash: string;
  logsBloom: string;
  /** Index in the block of each log, as far as the node says it. */
  logIndexes: readonly (number | null)[];
};

/**
 * Transactions of Arbitrum's own whose receipts are encoded as legacy ones.
 * @see https://github.com/OffchainLabs/go-ethereum/blob/master/core/types/arb_types.go
 */
const ENCODED_AS_LEGACY: ReadonlySet<number> = new Set([0x78]);

/** Greatest EIP-2718 type. */
const TYPE_MAX = 0x7f;

const lower = (text: string): string => text.toLowerCase();
const hex = z
  .string()
  .regex(/^0x([0-9a-f]{2})*$/i)
  .transform(lower);
const quantity = z
  .string()
  .regex(/^0x[0-9a-f]{1,16}$/i)
  .transform((text) => BigInt(text));

const logShape = z.object({
  address: hex,
  topics: z.array(hex).max(4),
  data: hex,
  logIndex: quantity.nullish(),
});

const receiptShape = z.object({
  type: quantity.nullish(),
  status: quantity.nullish(),
  root: hex.nullish(),
  cumulativeGasUsed: quantity,
  transactionIndex: quantity,
  blockHash: hex,
  logsBloom: hex,
  logs: z.array(logShape),
  depositNonce: quantity.nullish(),
  depositReceiptVersion: quantity.nullish(),
});

/**
 * A receipt from what JSON-RPC gives, with the fields its chain hashes: legacy and EIP-2718 types alike, an OP stack
 * deposit's nonce from Canyon on, which is when it has a version, and Arbitrum's types.
 * @param place where it was asked for, for the message.
 * @throws ProviderError when it is not a receipt.
 */
export function saidReceipt(said: unknown, place: string): SaidReceipt {
  const parsed = receiptShape.safeParse(said);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ProviderError(
      `The node gives no receipt of ${place}: ${issue?.path.join(".") || "top level"}: ${issue?.message ?? "malformed"}.`,
    );
  }
  const { type, cumulativeGasUsed, transactionIndex, logs, blockHash, logsBloom } = parsed.data;
  const kind = Number(type ?? 0n);
  if (kind > TYPE_MAX) throw new ProviderError(`The node gives a receipt of ${place} of type ${kind}, which is none.`);
  const receipt: Receipt = {
    type: ENCODED_AS_LEGACY.has(kind) ? 0 : kind,
    outcome: outcomeOf(parsed.data, place),
    cumulativeGas: cumulativeGasUsed,
    logs: logs.map(toLog),
    deposit: kind === DEPOSIT_TYPE ? depositOf(parsed.data) : null,
  };
  const logIndexes = logs.map(({ logIndex }) => (logIndex == null ? null : Number(logIndex)));
  return { receipt, index: Number(transactionIndex), blockHash, logsBloom, logIndexes };
}

type Fields = z.infer<typeof receiptShape>;

/** Before Byzantium a receipt had the state after the transaction in place of a status. */
function outcomeOf({ status, root }: Fields, place: string): Uint8Array {
  if (status === 1n) return Uint8Array.of(1);
  if (status === 0n) return new Uint8Array();
  if (status == null && root != null) return fromHex(root);
  throw new ProviderError(`The node gives a receipt of ${place} with neither a status nor a state root.`);
}

/** In Regolith a deposit's nonce is stated and not hashed; the version came with its being hashed. */
function depositOf({ depositNonce, depositReceiptVersion }: Fields): Receipt["deposit"] {
  if (depositNonce == null || depositReceiptVersion == null) return null;
  return { nonce: depositNonce, version: depositReceiptVersion };
}

function toLog({ address, topics, data }: z.infer<typeof logShape>): Log {
  return { address: fromHex(address), topics: topics.map(fromHex), data: fromHex(data) };
}
