/**
 * Capturing what proves a log: the receipts of its block, put together from what a node says and held against the header,
 * and of their trie the nodes on the way to the log.
 */
import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { compareKeys } from "../../src/core/order.ts";
import { equalBytes, toBase64, toHex } from "../../src/core/proof/bytes.ts";
import { BLOOM_BYTES, bloomOf, joinBloom } from "../../src/core/proof/chain/bloom.ts";
import { decodeHeader, type Header } from "../../src/core/proof/chain/header.ts";
import { type OrderedTrie, orderedTrie } from "../../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt } from "../../src/core/proof/chain/receipt.ts";
import { LOG_EVIDENCE_LIMITS, type LogEvidence } from "../../src/core/proof/log-evidence.ts";
import { canonicalBlock, headerOf, type RpcBlock } from "./header.ts";
import { inTurn, type ReceiptNode } from "./node.ts";
import { type SaidReceipt, saidReceipt } from "./receipts.ts";

type Block = { number: number; hash: Hex };

/** A block all of whose receipts are known to be those its header commits to. */
export type BlockLogs = {
  /**
   * The evidence of one log, by its index in the block.
   * @throws InputError when the block has no such log, or its receipt is larger than evidence may be.
   */
  evidenceOf(logIndex: number): LogEvidence;
  /** The receipt that holds a log, alone: what anchors are shown by. @throws InputError as `evidenceOf`. */
  receiptOf(logIndex: number): LogEvidence;
};

/** How large all receipts up to a log's own may be to be given with it, so that its index in the block is proven too. */
const PREFIX_BYTES = 32_768;

/**
 * All receipts of a block, checked: they must make the header's receipts root, and their logs its bloom.
 * @throws InputError when the block is not, or no longer, the canonical one, or its chain has headers or blooms of
 * another kind; ProviderError when the node does not answer, or naming the first thing in which its receipts are not
 * those of the block.
 */
export async function captureBlockLogs(node: ReceiptNode, at: Block): Promise<BlockLogs> {
  const block = await canonicalBlock(node, at);
  const raw = headerOf(block);
  try {
    const said = inOrder(await receiptsOf(node, { block, number: at.number }));
    const raws = said.map(({ receipt }) => encodeReceipt(receipt));
    const trie = orderedTrie(raws);
    requireCommitted(said, { header: decodeHeader(raw), block, root: trie.root });
    const ends = endsOf(said);
    const header = toHex(raw);
    const receiptWith = (logIndex: number): number => {
      const own = ends.findIndex((end) => logIndex < end);
      if (own !== -1 && logIndex >= 0) return own;
      throw new InputError(`Block ${at.number} has ${ends.at(-1) ?? 0} logs, so there is no log ${logIndex}.`);
    };
    return {
      evidenceOf: (logIndex) =>
        evidenceOf(trie, { header, transactions: withThoseBefore(receiptWith(logIndex), raws) }),
      receiptOf: (logIndex) => evidenceOf(trie, { header, transactions: [receiptWith(logIndex)] }),
    };
  } catch (error) {
    // When the block has been replaced meanwhile, that is the reason, and what went wrong only its symptom.
    if (error instanceof ProviderError) await canonicalBlock(node, at);
    throw error;
  }
}

async function receiptsOf(
  node: ReceiptNode,
  { block, number }: { block: RpcBlock; number: number },
): Promise<SaidReceipt[]> {
  const all = await node.blockReceipts(number);
  if (all !== null) return all.map((said, i) => saidReceipt(said, `transaction ${i} of block ${number}`));
  const found: SaidReceipt[] = [];
  await inTurn(transactionsOf(block), async (hash) => {
    found.push(saidReceipt(await node.transactionReceipt(hash), `transaction ${hash}`));
  });
  return found;
}

function transactionsOf({ transactions, number }: RpcBlock): Hex[] {
  const isHash = (item: unknown): item is Hex => typeof item === "string" && /^0x[0-9a-f]{64}$/i.test(item);
  if (Array.isArray(transactions) && transactions.every(isHash)) return transactions;
  throw new ProviderError(`The node gives block ${number} without the hashes of its transactions.`);
}

function inOrder(said: readonly SaidReceipt[]): SaidReceipt[] {
  return [...said].sort((a, b) => a.index - b.index);
}

/** What receipts are held against, and the root they have. */
type Held = { header: Header; block: RpcBlock; root: Uint8Array };

/** Refuses receipts that are not those of the header. */
function requireCommitted(said: readonly SaidReceipt[], held: Held): void {
  const { number, receiptsRoot, logsBloom } = held.header;
  if (receiptsRoot.every((byte) => byte === 0)) {
    throw new InputError(`The header of block ${number} commits to no receipts: logs cannot be proven there.`);
  }
  if (!equalBytes(held.root, receiptsRoot)) {
    throw new ProviderError(`The node's receipts are not those of block ${number}: ${differenceOf(said, held)}.`);
  }
  if (!equalBytes(bloomOfAll(said), logsBloom)) {
    throw new InputError(`The header of block ${number} has another bloom than the logs of its receipts.`);
  }
}

/** In what the receipts a node gives first differ from those of the block. Their root has been found to differ. */
function differenceOf(said: readonly SaidReceipt[], { header, block, root }: Held): string {
  const strange = said.find(({ blockHash }) => blockHash !== toHex(header.hash));
  if (strange !== undefined) return `that of transaction ${strange.index} is of block ${strange.blockHash}`;
  const gap = said.findIndex(({ index }, i) => index !== i);
  if (gap !== -1) return `that of transaction ${gap} is missing`;
  const count = transactionsOf(block).length;
  if (count !== said.length) return `there are ${said.length} of ${count} transactions`;
  let next = 0;
  for (const { index, receipt, logIndexes, logsBloom } of said) {
    const other = logIndexes.find((logIndex, i) => logIndex !== null && logIndex !== next + i);
    if (other !== undefined) return `in that of transaction ${index} there is log ${other} where another should be`;
    next += logIndexes.length;
    if (toHex(bloomOf(receipt.logs)) !== logsBloom) {
      return `that of transaction ${index} has other logs than its bloom says`;
    }
  }
  if (!equalBytes(bloomOfAll(said), header.logsBloom)) return "the header's bloom is not that of their logs";
  return `they have the root ${toHex(root)}, and the header ${toHex(header.receiptsRoot)}`;
}

function bloomOfAll(said: readonly SaidReceipt[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const { receipt } of said) joinBloom(bloom, bloomOf(receipt.logs));
  return bloom;
}

/** For each receipt, how many logs the block has up to its end. */
function endsOf(said: readonly SaidReceipt[]): number[] {
  let end = 0;
  return said.map(({ receipt }) => {
    end += receipt.logs.length;
    return end;
  });
}

/** The receipt of a transaction, and all before it where they are small. */
function withThoseBefore(own: number, raws: readonly Uint8Array[]): number[] {
  const all = raws.slice(0, own + 1);
  const bytes = all.reduce((sum, raw) => sum + raw.length, 0);
  const isSmall = all.length <= LOG_EVIDENCE_LIMITS.transactions && bytes <= PREFIX_BYTES;
  return isSmall ? all.map((_, index) => index) : [own];
}

function evidenceOf(
  trie: OrderedTrie,
  { header, transactions }: { header: Hex; transactions: readonly number[] },
): LogEvidence {
  const nodes = transactions.flatMap((index) => trie.prove(index));
  const large = nodes.find((raw) => raw.length > LOG_EVIDENCE_LIMITS.nodeBytes);
  if (large !== undefined) {
    throw new InputError(
      `The receipt has ${large.length} bytes, more than the ${LOG_EVIDENCE_LIMITS.nodeBytes} of evidence.`,
    );
  }
  const texts = [...new Set(nodes.map(toBase64))].sort(compareKeys);
  return { kind: "logs", header, transactions: transactions.map(String), nodes: texts };
}
