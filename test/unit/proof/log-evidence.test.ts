import { describe, expect, it } from "vitest";
import { InputError } from "../../../src/core/errors.ts";
import { fromBase64, toBase64, toHex } from "../../../src/core/proof/bytes.ts";
import type { Json } from "../../../src/core/proof/canonical.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { orderedTrie } from "../../../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt, type Receipt } from "../../../src/core/proof/chain/receipt.ts";
import {
  LOG_EVIDENCE_LIMITS,
  type LogEvidence,
  provenLogs,
  readLogEvidence,
} from "../../../src/core/proof/log-evidence.ts";
import { headerWith, logWith, RECEIPTS, receiptWith } from "./block.ts";

const HEADER = headerWith(RECEIPTS);
const TRUST = { chainId: 901, blockHash: toHex(keccak256(HEADER)) };

/** Evidence of some transactions' receipts. */
function evidence(transactions: readonly number[], receipts: readonly Receipt[] = RECEIPTS): LogEvidence {
  const trie = orderedTrie(receipts.map(encodeReceipt));
  const nodes = new Set(transactions.flatMap((index) => trie.prove(index)).map(toBase64));
  return {
    kind: "logs",
    header: toHex(headerWith(receipts)),
    transactions: transactions.map(String),
    nodes: [...nodes].sort(),
  };
}

const GOOD = evidence([0, 1, 2]);
const read = (changes: Record<string, unknown>) => () => readLogEvidence({ ...GOOD, ...changes } as unknown as Json);
const prove = (changes: Partial<LogEvidence>) => () => provenLogs({ ...GOOD, ...changes }, TRUST);

describe("log evidence", () => {
  it("shows the logs of a block in their order, each with its transaction, place and index", () => {
    const { chainId, block, logs } = provenLogs(GOOD, TRUST);
    expect(chainId).toBe(901);
    expect(block).toEqual({
      ...{ number: 4711n, hash: TRUST.blockHash, timestamp: 1_775_088_000n },
      parentHash: `0x${"01".repeat(32)}`,
    });
    expect(logs.map(({ transactionIndex, place, logIndex }) => [transactionIndex, place, logIndex])).toEqual([
      ...[
        [0, 0, 0],
        [0, 1, 1],
      ],
      ...[
        [2, 0, 2],
        [2, 1, 3],
        [2, 2, 4],
      ],
    ]);
    const topics = [`0x${"08".repeat(32)}`, `0x${"09".repeat(32)}`];
    expect(logs[3]).toMatchObject({ address: `0x${"5a".repeat(20)}`, topics, data: "0x03" });
  });

  it("of one transaction shows its place, and the index in the block only of the first", () => {
    const of = (index: number) => provenLogs(evidence([index]), TRUST).logs;
    expect(of(0).map(({ place, logIndex }) => [place, logIndex])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    expect(of(1)).toEqual([]);
    expect(of(2).map(({ place, logIndex }) => [place, logIndex])).toEqual([
      [0, null],
      [1, null],
      [2, null],
    ]);
  });

  it("is read back as it is", () => {
    expect(readLogEvidence(GOOD as unknown as Json)).toEqual(GOOD);
  });

  it("does not show receipts that the trie does not have: the list is shorter", () => {
    expect(prove({ transactions: ["3"], nodes: evidence([2]).nodes })).toThrow(InputError);
  });

  it.each([
    ["an unknown part", { more: "" }],
    ["another kind", { kind: "calls" }],
    ["a header in upper case", { header: GOOD.header.toUpperCase().replace("X", "x") }],
    ["no header", { header: "0x" }],
    ["too large a header", { header: `0x${"00".repeat(16_385)}` }],
    ["no transaction", { transactions: [] }],
    ["numbers for indexes", { transactions: [0, 1, 2] }],
    ["an index with a leading zero", { transactions: ["00"] }],
    ["two transactions that are not all from the first", { transactions: ["1", "2"] }],
    ["a transaction left out", { transactions: ["0", "2"] }],
    ["a transaction twice", { transactions: ["0", "0"] }],
    ["transactions in another order", { transactions: ["1", "0"] }],
    ["too many transactions", { transactions: Array.from({ length: 257 }, (_, i) => String(i)) }],
    ["no nodes", { nodes: [] }],
    ["a node twice", { nodes: [GOOD.nodes[0], ...GOOD.nodes] }],
    ["nodes in another order", { nodes: [...GOOD.nodes].reverse() }],
    ["a node of nothing", { nodes: ["", ...GOOD.nodes] }],
    ["too large a node", { nodes: ["A".repeat(349_532)] }],
  ])("is malformed with %s", (_, changes) => {
    expect(read(changes)).toThrow(InputError);
  });

  it("refuses nothing, a list and text", () => {
    for (const value of [null, [], "logs", {}]) expect(() => readLogEvidence(value)).toThrow(InputError);
  });
});

describe("log evidence proves nothing", () => {
  it("of another block than the trusted one", () => {
    expect(() => provenLogs(GOOD, { ...TRUST, blockHash: `0x${"22".repeat(32)}` })).toThrow(InputError);
    expect(prove({ header: toHex(headerWith(RECEIPTS, { 11: Uint8Array.of(1) })) })).toThrow(InputError);
  });

  it("with the receipts of another block", () => {
    const other = [receiptWith([logWith(7)], 0), receiptWith([], 1), receiptWith([], 2)];
    expect(prove({ nodes: evidence([0, 1, 2], other).nodes })).toThrow(InputError);
  });

  it("with a log altered, withheld or added in a receipt", () => {
    const [first, second, third] = RECEIPTS as [Receipt, Receipt, Receipt];
    for (const logs of [
      [logWith(0), logWith(2)],
      [logWith(1)],
      [...first.logs, logWith(2)],
      [...first.logs].reverse(),
    ]) {
      const forged = [{ ...first, logs }, second, third];
      expect(prove({ nodes: evidence([0, 1, 2], forged).nodes })).toThrow(InputError);
    }
  });

  it("with a node missing, changed, or one more", () => {
    GOOD.nodes.forEach((node, i) => {
      expect(prove({ nodes: GOOD.nodes.filter((_, j) => j !== i) })).toThrow(InputError);
      const bytes = fromBase64(node);
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
      const changed = [...GOOD.nodes.filter((_, j) => j !== i), toBase64(bytes)].sort();
      expect(prove({ nodes: changed })).toThrow(InputError);
    });
    expect(prove({ nodes: [...GOOD.nodes, "wA=="].sort() })).toThrow(InputError);
    expect(prove({ transactions: ["0"] })).toThrow(InputError);
  });

  it("with base64 that is not the one form of its bytes", () => {
    const [first = "", ...rest] = GOOD.nodes;
    expect(prove({ nodes: [`${first.slice(0, -1)}!`, ...rest].sort() })).toThrow(InputError);
    expect(prove({ nodes: [first.replace(/=+$/, ""), ...rest].sort() })).toThrow(InputError);
  });

  it("of what is in the trie and is no receipt", () => {
    const trie = orderedTrie([Uint8Array.from([2, 0xc0, ...new Uint8Array(40)])]);
    const header = headerWith([], { 5: trie.root });
    const bad: LogEvidence = {
      ...GOOD,
      header: toHex(header),
      transactions: ["0"],
      nodes: trie.prove(0).map(toBase64),
    };
    expect(() => provenLogs(bad, { chainId: 901, blockHash: toHex(keccak256(header)) })).toThrow(InputError);
  });

  it("with longer receipts than a node could hold twice, however few nodes there are", () => {
    const long = { ...logWith(), data: new Uint8Array(LOG_EVIDENCE_LIMITS.receiptBytes / 3) };
    const receipts = [0, 1, 2].map((index) => receiptWith([long], index));
    const trust = { chainId: 901, blockHash: toHex(keccak256(headerWith(receipts))) };
    expect(provenLogs(evidence([0, 1], receipts), trust).logs).toHaveLength(2);
    expect(() => provenLogs(evidence([0, 1, 2], receipts), trust)).toThrow(/receipts of more than 524288 bytes/);
  });
});
