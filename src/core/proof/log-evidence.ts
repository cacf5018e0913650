/**
 * What proves that logs are in a block: its header, and the nodes of its receipts trie on the way to the receipts that
 * hold them. A receipt is the value of a leaf, so it is in the nodes and not listed again; which logs count is derived by
 * the verifier, and no claim of the evidence.
 *
 * A log's index in its block is its place in its receipt after all logs of the receipts before. So either there is one
 * receipt, and the index is known only of the first transaction; or all up to one are there, and it is known of all.
 */
import * as z from "zod";
import { InputError } from "../errors.ts";
import type { BlockRef } from "../event.ts";
import type { Hex } from "../ids.ts";
import { fromBase64, fromHex, toHex } from "./bytes.ts";
import type { Json } from "./canonical.ts";
import { decodeHeader } from "./chain/header.ts";
import { NodeSet } from "./chain/node-set.ts";
import { readIndex } from "./chain/ordered-trie.ts";
import { decodeReceipt } from "./chain/receipt.ts";
import { named } from "./chain/trie.ts";
import { WITNESS_LIMITS } from "./witness.ts";

/** What proves logs: a header, and receipts below its receipts root. */
export type LogEvidence = {
  kind: "logs";
  /** RLP of the block's header. */
  header: Hex;
  /** Indexes of the transactions whose receipts are proven, as decimal strings: one, or all from 0 to one. */
  transactions: readonly string[];
  /** RLP of trie nodes, base64, in rising order; each once, found by hash from the receipts root down. */
  nodes: readonly string[];
};

/** A log that is proven to be in its block. */
export type ProvenLog = {
  transactionIndex: number;
  /** How many logs of the same receipt are before it. */
  place: number;
  /** How many logs of the block are before it; `null` when the receipts before its own are not there. */
  logIndex: number | null;
  address: Hex;
  topics: readonly Hex[];
  data: Hex;
};

/** A block and those of its logs that are proven, in their order. `transactionIndex` is the last whose receipt is. */
export type ProvenLogs = { chainId: number; block: BlockRef; transactionIndex: number; logs: readonly ProvenLog[] };

export const LOG_EVIDENCE_LIMITS = {
  headerBytes: WITNESS_LIMITS.headerBytes,
  transactions: 256,
  nodes: 2_048,
  /** A leaf holds a receipt. */
  nodeBytes: 262_144,
  /** Of all receipts together: a node can be on the way to many, so that few nodes could stand for very much. */
  receiptBytes: 524_288,
} as const;

const hexOf = (bytes: number) =>
  z
    .string()
    .max(2 + 2 * bytes, `expected hex of ${bytes} bytes at most`)
    .regex(/^0x(?:[0-9a-f]{2})+$/, "expected lower-case hex") as unknown as z.ZodType<Hex>;

const index = z.string().regex(/^(0|[1-9]\d{0,5})$/, "expected an index as a decimal string");
const node = z
  .string()
  .min(1, "expected base64 of something")
  .max(
    4 * Math.ceil(LOG_EVIDENCE_LIMITS.nodeBytes / 3),
    `expected base64 of ${LOG_EVIDENCE_LIMITS.nodeBytes} bytes at most`,
  );

/** The form of log evidence; `readLogEvidence` checks its orders too. */
export const logEvidenceShape = z.strictObject({
  kind: z.literal("logs"),
  header: hexOf(LOG_EVIDENCE_LIMITS.headerBytes),
  transactions: z.array(index).min(1).max(LOG_EVIDENCE_LIMITS.transactions),
  nodes: z.array(node).min(1).max(LOG_EVIDENCE_LIMITS.nodes),
});

/**
 * The evidence a JSON value is: no unknown part, every order as it must be. Nothing is proven by that.
 * @throws InputError naming what is malformed.
 */
export function readLogEvidence(value: Json): LogEvidence {
  const parsed = logEvidenceShape.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputError(`Log evidence: ${issue?.path.join(".") || "top level"}: ${issue?.message ?? "malformed"}.`);
  }
  const evidence = parsed.data;
  const { transactions, nodes } = evidence;
  if (transactions.length > 1 && transactions.some((at, i) => at !== String(i))) {
    throw new InputError("Log evidence: transactions: expected one, or all from 0 on in their order.");
  }
  for (let i = 1; i < nodes.length; i++) {
    if ((nodes[i - 1] as string) >= (nodes[i] as string)) {
      throw new InputError(`Log evidence: nodes: the one at place ${i} is there twice or out of order.`);
    }
  }
  return evidence;
}

/**
 * The logs of the receipts that the evidence proves.
 * @param trust chain and block that are believed beforehand.
 * @throws InputError naming the first fault: another block, a receipt that is not proven or no receipt, a trie node that
 * is missing or on the way to no receipt.
 */
export function provenLogs(evidence: LogEvidence, trust: { chainId: number; blockHash: Hex }): ProvenLogs {
  const { header: raw, transactions, nodes: raws } = readLogEvidence(evidence as unknown as Json);
  const header = decodeHeader(fromHex(raw));
  const hash = toHex(header.hash);
  if (hash !== trust.blockHash) {
    throw new InputError(`The log evidence is of block ${hash}, not of the trusted block ${trust.blockHash}.`);
  }
  const nodes = new NodeSet(raws.map(fromBase64));
  const isFromFirst = transactions[0] === "0";
  const logs: ProvenLog[] = [];
  let bytes = 0;
  for (const transactionIndex of transactions.map(Number)) {
    const before = logs.length;
    const raw = rawReceipt(header.receiptsRoot, { transactionIndex, nodes });
    bytes += raw.length;
    if (bytes > LOG_EVIDENCE_LIMITS.receiptBytes) {
      throw new InputError(`Log evidence: receipts of more than ${LOG_EVIDENCE_LIMITS.receiptBytes} bytes.`);
    }
    for (const [place, log] of named(`receipt of transaction ${transactionIndex}`, () =>
      decodeReceipt(raw),
    ).logs.entries()) {
      logs.push({
        transactionIndex,
        place,
        logIndex: isFromFirst ? before + place : null,
        address: toHex(log.address),
        topics: log.topics.map(toHex),
        data: toHex(log.data),
      });
    }
  }
  nodes.requireAllUsed();
  const { number, timestamp, parentHash } = header;
  const block = { number, hash, parentHash: toHex(parentHash), timestamp };
  return { chainId: trust.chainId, block, transactionIndex: Number(transactions.at(-1)), logs };
}

function rawReceipt(
  root: Uint8Array,
  { transactionIndex, nodes }: { transactionIndex: number; nodes: NodeSet },
): Uint8Array {
  return named(`receipt of transaction ${transactionIndex}`, () => {
    const raw = readIndex(root, { index: transactionIndex, nodeOf: nodes.read });
    if (raw === null) throw new InputError("The block has no such transaction.");
    return raw;
  });
}
