import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { checkNode, withoutSecrets } from "../../../bin/supervisor/nodes.ts";
import { InputError } from "../../../src/core/errors.ts";
import type { ChainDeployment } from "../../../src/core/margin-model.ts";

const chain = { chainId: 901, name: "test", startBlock: 7, protocols: [], feeds: [] } as unknown as ChainDeployment;
const sound = {
  eth_chainId: { result: "0x385" },
  eth_getBlockByNumber: { result: {} },
  eth_getBalance: { result: "0x0" },
};

let server: Server | null = null;
afterEach(() => server?.close());

/** A node that gives one answer a method. */
async function nodeOf(answers: Record<string, object>): Promise<string> {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { method } = JSON.parse(body) as { method: string };
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...answers[method] }));
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-key`;
}

describe("checkNode", () => {
  it("accepts a node of the chain with state at the start block", async () => {
    await expect(checkNode(chain, await nodeOf(sound))).resolves.toBeUndefined();
  });

  it.each([
    ["another chain", { eth_chainId: { result: "0x1" } }, /of chain 1; expected chain 901/],
    ["no chain id", { eth_chainId: { error: { message: "no" } } }, /chain id/],
    ["no start block", { eth_getBlockByNumber: { result: null } }, /start block 7/],
    [
      "no state at the start block",
      { eth_getBalance: { error: { message: "pruned" } } },
      /missing history at the start block 7/,
    ],
  ])("refuses a node with %s", async (_, change, sentence) => {
    const url = await nodeOf({ ...sound, ...change });
    const refusal = checkNode(chain, url);
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(sentence);
  });

  it("refuses a node that cannot be reached", async () => {
    const url = await nodeOf(sound);
    await new Promise((resolve) => server?.close(resolve));
    await expect(checkNode(chain, url)).rejects.toThrow(InputError);
  });

  it("keeps keys in a node's URL out of its sentences", async () => {
    expect(withoutSecrets("https://user:pass@node.example/v3/abcdef?key=1")).toBe("https://node.example");
    const url = await nodeOf({ ...sound, eth_chainId: { result: "0x1" } });
    await expect(checkNode(chain, url)).rejects.not.toThrow(/secret-key/);
  });
});
