import { describe, expect, it } from "vitest";
import { captureBlockLogs } from "../../../server/witnesses/logs.ts";
import type { ReceiptNode } from "../../../server/witnesses/node.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import type { Receipt } from "../../../src/core/proof/chain/receipt.ts";
import { type LogEvidence, provenLogs } from "../../../src/core/proof/log-evidence.ts";
import { headerWith, logWith, RECEIPTS, receiptWith } from "../proof/block.ts";
import { areBlocksAbsent, readBlocks, receiptsOf } from "../proof/chain/mainnet-blocks.ts";
import { nodeOf, type RpcReceipt, rpcReceipts } from "./rpc.ts";

const HEADER = headerWith(RECEIPTS);
const BLOCK = { number: 4711, hash: toHex(keccak256(HEADER)) };

const said = (receipts: readonly Receipt[] = RECEIPTS, hash: Hex = BLOCK.hash) => rpcReceipts(receipts, hash);

const captureLogs = async (
  node: ReceiptNode,
  { block, logIndex }: { block: { number: number; hash: Hex }; logIndex: number },
): Promise<LogEvidence> => (await captureBlockLogs(node, block)).evidenceOf(logIndex);

/** What evidence shows of its last receipt's logs. */
function shown(evidence: LogEvidence, blockHash: Hex = BLOCK.hash) {
  const { logs } = provenLogs(evidence, { chainId: 1, blockHash });
  return logs.filter(({ transactionIndex }) => String(transactionIndex) === evidence.transactions.at(-1));
}

/** The sample receipts with one of them changed. */
function saidWith(index: number, change: (receipt: RpcReceipt) => Partial<RpcReceipt>): RpcReceipt[] {
  return said().map((receipt, i) => (i === index ? ({ ...receipt, ...change(receipt) } as RpcReceipt) : receipt));
}

/** What is said of a node's receipts that are not those of the block. */
async function faultOf(receipts: readonly unknown[], header = HEADER): Promise<string> {
  const block = { ...BLOCK, hash: toHex(keccak256(header)) };
  const caught = await captureBlockLogs(nodeOf(header, receipts), block).catch((error: unknown) => error);
  expect(caught).toBeInstanceOf(ProviderError);
  return (caught as Error).message;
}

describe("capturing logs", () => {
  it("proves each log with its place, its transaction and its index in the block", async () => {
    const logs = await captureBlockLogs(nodeOf(HEADER, said()), BLOCK);
    const places = [0, 1, 2, 3, 4].map((logIndex) => {
      const found = shown(logs.evidenceOf(logIndex)).find((log) => log.logIndex === logIndex);
      return [found?.transactionIndex, found?.place, found?.data];
    });
    expect(places).toEqual([
      ...[
        [0, 0, "0x00"],
        [0, 1, "0x01"],
      ], // Transaction 1 has none.
      ...[
        [2, 0, "0x02"],
        [2, 1, "0x03"],
        [2, 2, "0x04"],
      ],
    ]);
    expect(logs.evidenceOf(4).transactions).toEqual(["0", "1", "2"]);
  });

  it("gives a large block's receipt alone, so that only its transaction and place are proven", async () => {
    const large = { ...logWith(), data: new Uint8Array(40_000) };
    const receipts = [receiptWith([large], 0), receiptWith([logWith(1)], 1)];
    const header = headerWith(receipts);
    const block = { number: 4711, hash: toHex(keccak256(header)) };
    const evidence = await captureLogs(nodeOf(header, said(receipts, block.hash)), { block, logIndex: 1 });
    expect(evidence.transactions).toEqual(["1"]);
    expect(shown(evidence, block.hash)).toMatchObject([{ transactionIndex: 1, place: 0, logIndex: null }]);
  });

  it("does without a method that gives all receipts at once", async () => {
    const node: ReceiptNode = { ...nodeOf(HEADER, said()), blockReceipts: async () => null };
    const evidence = await captureLogs(node, { block: BLOCK, logIndex: 3 });
    expect(evidence).toEqual(await captureLogs(nodeOf(HEADER, said()), { block: BLOCK, logIndex: 3 }));
    const silent: ReceiptNode = { ...node, transactionReceipt: async () => null };
    await expect(captureLogs(silent, { block: BLOCK, logIndex: 3 })).rejects.toThrow(ProviderError);
  });

  it("takes receipts in any order, and does not need what a node says beside them", async () => {
    const bare = said()
      .map((receipt) => ({ ...receipt, logsBloom: "0x", blockHash: "0x" }))
      .reverse();
    expect(shown(await captureLogs(nodeOf(HEADER, bare), { block: BLOCK, logIndex: 2 }))).toHaveLength(3);
  });

  it("refuses a log that the block does not have", async () => {
    const logs = await captureBlockLogs(nodeOf(HEADER, said()), BLOCK);
    for (const logIndex of [-1, 5]) expect(() => logs.evidenceOf(logIndex)).toThrow(InputError);
    const header = headerWith([]);
    const block = { number: 4711, hash: toHex(keccak256(header)) };
    await expect(captureLogs(nodeOf(header, []), { block, logIndex: 0 })).rejects.toThrow(InputError);
  });

  it("refuses a receipt that is larger than evidence may be", async () => {
    const receipts = [receiptWith([{ ...logWith(), data: new Uint8Array(300_000) }], 0)];
    const header = headerWith(receipts);
    const block = { number: 4711, hash: toHex(keccak256(header)) };
    const node = nodeOf(header, said(receipts, block.hash));
    await expect(captureLogs(node, { block, logIndex: 0 })).rejects.toThrow(InputError);
  });
});

describe("a node that lies about logs is refused, and the fault named:", () => {
  const withoutFirst = ({ logs }: RpcReceipt) => ({ logs: logs.slice(1) });
  const renumbered = ({ logs }: RpcReceipt) => ({
    logs: logs.slice(1).map((log, i) => ({ ...log, logIndex: `0x${(2 + i).toString(16)}` })),
  });

  it("a log withheld, whose index is missed", async () => {
    expect(await faultOf(saidWith(2, withoutFirst))).toContain("transaction 2 there is log 3 where another should be");
  });

  it("a log withheld, with the others renumbered", async () => {
    expect(await faultOf(saidWith(2, renumbered))).toContain("the root");
  });

  it("a log of another contract, that the receipt's bloom does not have", async () => {
    const stranger = ({ logs }: RpcReceipt) => ({
      logs: logs.map((log) => ({ ...log, address: `0x${"66".repeat(20)}` })),
    });
    expect(await faultOf(saidWith(0, stranger))).toContain("transaction 0 has other logs than its bloom says");
    const agreed = said([
      receiptWith([{ ...logWith(0), address: new Uint8Array(20) }, logWith(1)], 0),
      ...RECEIPTS.slice(1),
    ]);
    expect(await faultOf(agreed)).toContain("the header's bloom");
  });

  it("a log with other data, which no bloom shows", async () => {
    const altered = ({ logs }: RpcReceipt) => ({ logs: logs.map((log) => ({ ...log, data: "0xff" })) });
    expect(await faultOf(saidWith(2, altered))).toContain("they have the root");
  });

  it("another outcome", async () => {
    expect(await faultOf(saidWith(1, () => ({ status: "0x0" })))).toContain("they have the root");
  });

  it("the receipts of another block", async () => {
    const other = said([receiptWith([logWith(9)], 0)], `0x${"22".repeat(32)}`);
    expect(await faultOf(other)).toContain(`transaction 0 is of block 0x${"22".repeat(32)}`);
  });

  it("a receipt that is missing, at the end or before, or comes twice", async () => {
    const [first, second, third] = said() as [RpcReceipt, RpcReceipt, RpcReceipt];
    expect(await faultOf([first, third])).toContain("that of transaction 1 is missing");
    const node = { ...nodeOf(HEADER, said()), blockReceipts: async () => [first, second] };
    await expect(captureBlockLogs(node, BLOCK)).rejects.toThrow("there are 2 of 3 transactions");
    expect(await faultOf([first, second, second, third])).toContain("that of transaction 2 is missing");
  });

  it("no receipts at all", async () => {
    const node = { ...nodeOf(HEADER, said()), blockReceipts: async () => [] };
    await expect(captureBlockLogs(node, BLOCK)).rejects.toThrow(ProviderError);
    expect(await faultOf([{ error: "no" }])).toContain("no receipt of transaction 0");
  });
});

describe("a header", () => {
  it("of another block is refused as replaced", async () => {
    const block = { ...BLOCK, hash: `0x${"33".repeat(32)}` as Hex };
    await expect(captureBlockLogs(nodeOf(HEADER, said()), block)).rejects.toThrow(InputError);
  });

  it("whose fields do not make its hash is refused", async () => {
    const node = nodeOf(HEADER, said());
    const lying = {
      ...node,
      block: async () => ({ ...(await node.block(4711)), receiptsRoot: `0x${"44".repeat(32)}` }),
    };
    await expect(captureBlockLogs(lying, BLOCK)).rejects.toThrow(InputError);
  });

  it("that is replaced while receipts are asked for is the reason, not what they then are", async () => {
    const [node, later] = [nodeOf(HEADER, said()), nodeOf(headerWith([]), [])];
    let asked = 0;
    const moving = {
      ...node,
      block: (n: number) => (asked++ === 0 ? node : later).block(n),
      blockReceipts: async () => [],
    };
    await expect(captureBlockLogs(moving, BLOCK)).rejects.toThrow("replaced");
  });

  it("that commits to no receipts, as on zkSync Era, proves none", async () => {
    const header = headerWith(RECEIPTS, { 5: new Uint8Array(32) });
    const block = { number: 4711, hash: toHex(keccak256(header)) };
    await expect(captureBlockLogs(nodeOf(header, said()), block)).rejects.toThrow(InputError);
  });

  it("whose bloom is not that of its receipts' logs is refused", async () => {
    const header = headerWith(RECEIPTS, { 6: new Uint8Array(256) });
    const block = { number: 4711, hash: toHex(keccak256(header)) };
    await expect(captureBlockLogs(nodeOf(header, said()), block)).rejects.toThrow(InputError);
  });
});

describe.skipIf(areBlocksAbsent())("blocks of Ethereum", () => {
  it.each(readBlocks())("$number: every receipt with logs is proven from what JSON-RPC gives", async (block) => {
    const hash = toHex(keccak256(block.header));
    const receipts = receiptsOf(block);
    const node = nodeOf(block.header, rpcReceipts(receipts, hash));
    const logs = await captureBlockLogs(node, { number: Number(block.number), hash });
    let next = 0;
    for (const receipt of receipts) {
      const first = next;
      next += receipt.logs.length;
      if (receipt.logs.length === 0) continue;
      const evidence = logs.evidenceOf(first);
      const found = shown(evidence, hash);
      expect(found.map(({ address, data }) => [address, data])).toEqual(
        receipt.logs.map(({ address, data }) => [toHex(address), toHex(data)]),
      );
      if (found[0]?.logIndex !== null) expect(found[0]?.logIndex).toBe(first);
    }
    expect(() => logs.evidenceOf(next)).toThrow(InputError);
  });
});
