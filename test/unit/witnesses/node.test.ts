import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { publicText } from "../../../server/witnesses/faults.ts";
import { createWitnessNode, inTurn, NodeSilent, Refusal } from "../../../server/witnesses/node.ts";

let server: Server | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

async function answering(status: number): Promise<string> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: -32005, message: "too many requests" } });
  const listening = createServer((_, response) => response.writeHead(status).end(body));
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

describe("a node", () => {
  test.each([429, 502, 503, 504])("that answers %i has not been asked: what is wanted can wait", async (status) => {
    const node = createWitnessNode(901, await answering(status));
    await expect(node.block(1)).rejects.toBeInstanceOf(NodeSilent);
  });

  test.each([200, 400, 500])("that says no with %i has refused", async (status) => {
    const node = createWitnessNode(901, await answering(status));
    await expect(node.block(1)).rejects.toBeInstanceOf(Refusal);
  });
});

test("after the first question that fails no other is asked", async () => {
  const asked: number[] = [];
  const work = async (item: number) => {
    asked.push(item);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (item === 3) throw new Refusal("No.");
  };
  const all = Array.from({ length: 500 }, (_, i) => i);
  await expect(inTurn(all, work)).rejects.toBeInstanceOf(Refusal);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(asked.length).toBeLessThan(64);
});

describe("what a node says", () => {
  test.each([
    ["no such method at https://rpc.example/v2/SECRET", "no such method at (a URL)"],
    ["lost wss://rpc.example/v2/SECRET?x=1, try again", "lost (a URL) try again"],
    ["rpc.example/v2/SECRET is busy", "(a URL) is busy"],
    ["upstream 10.0.0.7:8545 and localhost:8545/SECRET", "upstream (a URL) and (a URL)"],
  ])("is passed on without where it is: %s", (said, shown) => {
    expect(publicText(said)).toBe(shown);
  });

  test("is passed on as it is where it names no place, and not at length", () => {
    const plain = "eip155:901/perp-v2: ACC.NET_EQUITY of 0x5a at epoch:3 is 1.5, not 2.0.";
    expect(publicText(plain)).toBe(plain);
    expect(publicText("a-".repeat(1_000_000))).toHaveLength(500);
  });
});
