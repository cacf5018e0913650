import { encodeAbiParameters, encodeEventTopics } from "viem";
import { checkpointAnchorAbi } from "../../../abis/checkpoint-anchor.ts";
import type { Hex } from "../../../src/core/ids.ts";
import type { LogHead } from "../../../src/core/proof/anchor.ts";
import type { Anchored, Anchoring } from "../../../src/core/proof/bundle.ts";
import { fromHex, toBase64, toHex } from "../../../src/core/proof/bytes.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { orderedTrie } from "../../../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt, type Log } from "../../../src/core/proof/chain/receipt.ts";
import { encodeInteger } from "../../../src/core/proof/chain/rlp.ts";
import type { TrustedBlock } from "../../../src/core/proof/verify.ts";
import { headerWith, logWith, receiptWith } from "./block.ts";

/** The anchor of the sample log, as a reader names it. */
export const CONTRACT: Hex = `0x${"ac".repeat(20)}`;
export const ANCHOR = `eip155:901:${CONTRACT}`;

/** What an anchor logs when it publishes a head. */
export function publishedLog({ size, root }: LogHead, contract: Hex = CONTRACT): Log {
  const args = { newSize: BigInt(size) };
  const topics = encodeEventTopics({ abi: checkpointAnchorAbi, eventName: "HeadPublished", args }) as Hex[];
  const words = [0n, `0x${"00".repeat(32)}` as const, toHex(root)] as const;
  const data = encodeAbiParameters([{ type: "uint64" }, { type: "bytes32" }, { type: "bytes32" }], words);
  return { address: fromHex(contract), topics: topics.map(fromHex), data: fromHex(data) };
}

/** Where the number of a block stands in its header. */
const NUMBER_FIELD = 8;

/** A head published by the last of three transactions of a made-up block, after another log of the same one. */
export function anchoringOf(
  head: LogHead,
  { contract = CONTRACT, log = publishedLog(head, contract), number = 4_720 } = {},
): Anchoring {
  const receipts = [receiptWith([], 0), receiptWith([logWith(1)], 1), receiptWith([logWith(2), log], 2)];
  const header = headerWith(receipts, { [NUMBER_FIELD]: encodeInteger(number) });
  const nodes = orderedTrie(receipts.map(encodeReceipt)).prove(2).map(toBase64).sort();
  return {
    anchored: { chain: "eip155:901", contract, blockNumber: String(number), blockHash: toHex(keccak256(header)) },
    evidence: { kind: "logs", header: toHex(header), transactions: ["2"], nodes },
  };
}

/** The block of an anchored head, for whoever believes it. */
export function blockOf({ chain, blockNumber, blockHash }: Anchored): TrustedBlock {
  return { chain, number: blockNumber, hash: blockHash };
}
