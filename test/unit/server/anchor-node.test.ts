import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { numberToHex, parseGwei, parseTransaction } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { afterEach, describe, expect, it } from "vitest";
import { createAnchorNode } from "../../../server/anchors/anchor-node.ts";
import { ProviderError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";
import { publishArguments } from "../../../src/core/proof/anchor.ts";
import { leafHash } from "../../../src/core/proof/merkle.ts";

const ADDRESS: Hex = `0x${"aa".repeat(20)}`;
const FEE_MAX = parseGwei("100");
const account = privateKeyToAccount(`0x${"11".repeat(32)}`);
const args = publishArguments({ size: 3, root: leafHash(Uint8Array.of(3)) }, { last: null, proof: [] });

let server: Server | null = null;
afterEach(() => server?.close());

/** A node that says what gas costs, and takes what is offered for at least so much. */
async function nodeOf(says: { baseFee: string; tip: string; takesFrom?: string }) {
  const sent: { maxFeePerGas: bigint; maxPriorityFeePerGas: bigint }[] = [];
  const answers: Record<string, (params: readonly unknown[]) => object> = {
    eth_chainId: () => ({ result: "0x385" }),
    eth_getTransactionCount: () => ({ result: "0x0" }),
    eth_maxPriorityFeePerGas: () => ({ result: numberToHex(parseGwei(says.tip)) }),
    eth_getBlockByNumber: () => ({
      result: { number: "0x1", baseFeePerGas: numberToHex(parseGwei(says.baseFee)), transactions: [] },
    }),
    eth_estimateGas: () => ({ result: "0x11170" }),
    eth_sendRawTransaction: ([raw]) => {
      const { maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = parseTransaction(raw as Hex);
      if (maxFeePerGas < parseGwei(says.takesFrom ?? "0")) {
        return { error: { code: -32000, message: "replacement transaction underpriced" } };
      }
      sent.push({ maxFeePerGas, maxPriorityFeePerGas });
      return { result: `0x${"77".repeat(32)}` };
    },
  };
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] };
      const answer = answers[method]?.(params) ?? { error: { code: -32601, message: `no ${method}` } };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`;
  const publish = (raise: number) =>
    createAnchorNode(901, { url, address: ADDRESS }).publish({ args, raise, feeMax: FEE_MAX }, account);
  return { publish, sent };
}

async function refusalOf(publishing: Promise<unknown>): Promise<string> {
  const error = await publishing.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ProviderError);
  return (error as ProviderError).message;
}

describe("what a publication offers for gas", () => {
  it("is twice the base fee and the tip, up to the most that is allowed", async () => {
    const { publish, sent } = await nodeOf({ baseFee: "49", tip: "2" });
    await publish(0);
    expect(sent).toEqual([{ maxFeePerGas: FEE_MAX, maxPriorityFeePerGas: parseGwei("2") }]);
  });

  it.each([
    ["the tip", { baseFee: "1", tip: "1000000" }],
    ["the base fee", { baseFee: "50", tip: "0.000000001" }],
  ])("is nothing where %s is too high, which it says", async (_name, says) => {
    const { publish, sent } = await nodeOf(says);
    const sentence = await refusalOf(publish(0));
    expect(sentence).toContain(ADDRESS);
    expect(sentence).toContain(says.tip === "1000000" ? "1000002 gwei" : "100.000000001 gwei");
    expect(sentence).toContain("the 100 that");
    expect(sentence).not.toContain("secret-key");
    expect(sent).toEqual([]);
  });

  it("is raised no further than that, neither for one that waits nor for one that nobody knows of", async () => {
    const waiting = await nodeOf({ baseFee: "30", tip: "10" });
    await waiting.publish(1);
    expect(waiting.sent).toEqual([{ maxFeePerGas: parseGwei("87.5"), maxPriorityFeePerGas: parseGwei("12.5") }]);
    await refusalOf(waiting.publish(2));
    expect(waiting.sent).toHaveLength(1);
    server?.close();

    const unknown = await nodeOf({ baseFee: "30", tip: "10", takesFrom: "80" });
    await unknown.publish(0);
    expect(unknown.sent).toEqual([{ maxFeePerGas: parseGwei("87.5"), maxPriorityFeePerGas: parseGwei("12.5") }]);
    server?.close();

    const dear = await nodeOf({ baseFee: "30", tip: "10", takesFrom: "101" });
    expect(await refusalOf(dear.publish(0))).toContain("109.375 gwei");
    expect(dear.sent).toEqual([]);
  });
});
