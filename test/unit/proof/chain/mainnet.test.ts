import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { BLOOM_BYTES, bloomOf, joinBloom, mayContain } from "../../../../src/core/proof/chain/bloom.ts";
import { decodeHeader } from "../../../../src/core/proof/chain/header.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { orderedTrie, verifyIndex } from "../../../../src/core/proof/chain/ordered-trie.ts";
import { decodeReceipt, encodeReceipt } from "../../../../src/core/proof/chain/receipt.ts";
import { asList, decodeRlp, encodeRlp } from "../../../../src/core/proof/chain/rlp.ts";
import { areBlocksAbsent, type MainnetBlock, readBlocks, receiptsOf } from "./mainnet-blocks.ts";

const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const BLOCKS = readBlocks();

/** A transaction's raw bytes: a typed one stands in the body as a string, a legacy one as the list it is. */
function transactionsOf({ body }: MainnetBlock): Uint8Array[] {
  const [transactions] = asList(decodeRlp(body), "body");
  return asList(transactions, "transactions").map((item) => (item instanceof Uint8Array ? item : encodeRlp(item)));
}

describe.skipIf(areBlocksAbsent())("blocks of Ethereum", () => {
  it("are the four that were given", () => {
    expect(BLOCKS.map(({ number }) => number)).toEqual(["15547621", "17034869", "19426587", "22431084"]);
  });

  it.each(BLOCKS)("$number: the header has its fields", ({ number, header }) => {
    const decoded = decodeHeader(header);
    expect(decoded.number.toString()).toBe(number);
    expect(hex(decoded.hash)).toBe(hex(keccak256(header)));
    // The base fee; from Cancun on also withdrawals and three fields more; from Prague on one more.
    expect(decoded.later).toHaveLength({ 15547621: 1, 17034869: 1, 19426587: 5, 22431084: 6 }[number] as number);
    expect(decoded.gasUsed).toBeLessThanOrEqual(decoded.gasLimit);
  });

  it.each(BLOCKS)("$number: the receipts rebuild the root of the header, and their logs its bloom", (block) => {
    const header = decodeHeader(block.header);
    const receipts = receiptsOf(block);
    expect(hex(orderedTrie(receipts.map(encodeReceipt)).root)).toBe(hex(header.receiptsRoot));
    const bloom = new Uint8Array(BLOOM_BYTES);
    for (const { logs } of receipts) joinBloom(bloom, bloomOf(logs));
    expect(hex(bloom)).toBe(hex(header.logsBloom));
    expect(receipts.at(-1)?.cumulativeGas).toBe(header.gasUsed);
    for (const { address } of receipts.flatMap(({ logs }) => logs)) expect(mayContain(bloom, address)).toBe(true);
  });

  it.each(BLOCKS)("$number: every receipt has a proof, which fits no other place and no other root", (block) => {
    const { receiptsRoot: root, transactionsRoot } = decodeHeader(block.header);
    const receipts = receiptsOf(block);
    const trie = orderedTrie(receipts.map(encodeReceipt));
    receipts.forEach((receipt, index) => {
      const proof = trie.prove(index);
      const raw = verifyIndex({ root, index, proof });
      expect(decodeReceipt(raw as Uint8Array)).toEqual(receipt);
      expect(() => verifyIndex({ root, index: index + 1, proof })).toThrow(InputError);
      expect(() => verifyIndex({ root: transactionsRoot, index, proof })).toThrow(InputError);
    });
    const end = receipts.length;
    expect(verifyIndex({ root, index: end, proof: trie.prove(end) })).toBeNull();
  });

  it.each(BLOCKS)("$number: the transactions rebuild their root", (block) => {
    const trie = orderedTrie(transactionsOf(block));
    expect(hex(trie.root)).toBe(hex(decodeHeader(block.header).transactionsRoot));
  });
});
