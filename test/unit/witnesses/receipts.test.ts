import { readFileSync } from "node:fs";
import { encode } from "@ethereumjs/rlp";
import { describe, expect, it } from "vitest";
import { saidReceipt } from "../../../server/witnesses/receipts.ts";
import { ProviderError } from "../../../src/core/errors.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { bloomOf } from "../../../src/core/proof/chain/bloom.ts";
import { orderedTrie } from "../../../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt, type Receipt } from "../../../src/core/proof/chain/receipt.ts";
import { areBlocksAbsent, readBlocks, receiptsOf } from "../proof/chain/mainnet-blocks.ts";
import { type RpcReceipt, rpcReceipts } from "./rpc.ts";

const WORD = new Uint8Array(32).fill(7);
const LOG = { address: new Uint8Array(20).fill(5), topics: [WORD], data: Uint8Array.of(1, 2, 3) };
const RECEIPT: Receipt = { type: 2, outcome: Uint8Array.of(1), cumulativeGas: 21_000n, logs: [LOG], deposit: null };

/** The sample receipt as JSON-RPC gives it, with some fields otherwise. */
function said(changes: Record<string, unknown> = {}): RpcReceipt {
  return { ...(rpcReceipts([RECEIPT], toHex(WORD))[0] as RpcReceipt), ...changes };
}

/** The raw bytes that are made of what JSON-RPC gives. */
function rawOf(receipt: unknown): string {
  return toHex(encodeReceipt(saidReceipt(receipt, "a test").receipt));
}

/** The same by a library: the type before the fields, unless it is a legacy receipt's. */
function expected(type: number | null, { outcome = Uint8Array.of(1), more = [] as Uint8Array[] } = {}): string {
  const log = [LOG.address, LOG.topics, LOG.data];
  const body = encode([outcome, Uint8Array.of(0x52, 0x08), bloomOf([LOG]), [log], ...more]);
  return toHex(type === null ? body : Uint8Array.of(type, ...body));
}

describe("a receipt from JSON-RPC", () => {
  it.each([1, 2, 3, 4])("has its type %i before its fields", (type) => {
    expect(rawOf(said({ type: `0x${type}` }))).toBe(expected(type));
  });

  it("has no type when it is a legacy one, also where a node leaves the type out", () => {
    expect(rawOf(said({ type: "0x0" }))).toBe(expected(null));
    expect(rawOf(said({ type: undefined }))).toBe(expected(null));
    expect(rawOf(said({ type: null }))).toBe(expected(null));
  });

  it("has nothing for a failure, and before Byzantium the state after the transaction", () => {
    expect(rawOf(said({ status: "0x0" }))).toBe(expected(2, { outcome: new Uint8Array() }));
    expect(rawOf(said({ type: "0x0", status: null, root: toHex(WORD) }))).toBe(expected(null, { outcome: WORD }));
  });

  it("of an OP stack deposit has nonce and version from Canyon on, and before neither", () => {
    const [nonce, version] = [Uint8Array.of(0x3d, 0x3c), Uint8Array.of(1)];
    const canyon = said({ type: "0x7e", depositNonce: "0x3d3c", depositReceiptVersion: "0x1" });
    expect(rawOf(canyon)).toBe(expected(0x7e, { more: [nonce, version] }));
    expect(rawOf(said({ type: "0x7e", depositNonce: "0x3d3c" }))).toBe(expected(0x7e));
    expect(rawOf(said({ type: "0x7e" }))).toBe(expected(0x7e));
    // Other transactions have no such fields, whatever a node writes beside them.
    expect(rawOf(said({ depositNonce: "0x3d3c", depositReceiptVersion: "0x1" }))).toBe(expected(2));
  });

  it("of Arbitrum has its type, and 0x78 is encoded as legacy", () => {
    for (const type of [0x64, 0x65, 0x66, 0x68, 0x69, 0x6a]) {
      const receipt = said({ type: `0x${type.toString(16)}`, gasUsedForL1: "0x5", l1BlockNumber: "0x6" });
      expect(rawOf(receipt)).toBe(expected(type));
    }
    expect(rawOf(said({ type: "0x78" }))).toBe(expected(null));
  });

  it("makes the root of a block of Base Goerli in Regolith, whose deposit's nonce is stated and not hashed", () => {
    const file = new URL("./regolith.fixture.json", import.meta.url);
    const block = JSON.parse(readFileSync(file, "utf8")) as { receiptsRoot: string; receipts: object[] };
    const raws = block.receipts.map((receipt) =>
      encodeReceipt(saidReceipt({ ...receipt, blockHash: "0x", logsBloom: "0x" }, "Regolith").receipt),
    );
    expect(raws.map((raw) => raw[0])).toEqual([0x7e, 2, 2, 2, 2]);
    expect(toHex(orderedTrie(raws).root)).toBe(block.receiptsRoot);
  });

  it.each([
    ["no object", null],
    ["no outcome", said({ status: undefined })],
    ["a status of two", said({ status: "0x2" })],
    ["a type above all", said({ type: "0x80" })],
    ["gas that is no number", said({ cumulativeGasUsed: "21000" })],
    ["five topics", said({ logs: [{ address: "0x", topics: ["0x", "0x", "0x", "0x", "0x"], data: "0x" }] })],
    ["half a byte", said({ logs: [{ address: "0x", topics: [], data: "0x123" }] })],
    ["no place", said({ transactionIndex: undefined })],
  ])("is refused with %s", (_, receipt) => {
    expect(() => saidReceipt(receipt, "a test")).toThrow(ProviderError);
  });
});

describe.skipIf(areBlocksAbsent())("receipts of Ethereum's blocks", () => {
  it.each(readBlocks())("$number: come out as they were", (block) => {
    const receipts = receiptsOf(block);
    const again = rpcReceipts(receipts, toHex(WORD)).map((receipt) => saidReceipt(receipt, "a test"));
    expect(again.map(({ receipt }) => receipt)).toEqual(receipts);
    expect(again.map(({ index }) => index)).toEqual(receipts.map((_, index) => index));
  });
});
