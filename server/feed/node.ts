import { z } from "zod";
import { ProviderError } from "../../src/core/errors.ts";
import { chainIdOf, type Hex } from "../../src/core/ids.ts";
import { question } from "./question.ts";

/** What sealing asks of a chain's own node. */
export type ChainNode = {
  /** The last block the chain will not take back, by its `finalized` tag; `null` while there is none. */
  finalized(): Promise<{ number: number; hash: Hex } | null>;
  /** Hash of the canonical block at a height; `null` where the node has none. */
  hashAt(number: number): Promise<Hex | null>;
};

const answer = z.object({
  result: z
    .object({ number: z.string().regex(/^0x[0-9a-f]+$/), hash: z.string().regex(/^0x[0-9a-f]{64}$/) })
    .nullable(),
});

/**
 * A node behind a JSON-RPC URL.
 * @throws ProviderError (from its functions) when it does not answer as JSON-RPC says.
 */
export function createChainNode(chain: string, url: string): ChainNode {
  const chainId = chainIdOf(chain);

  async function block(tag: string): Promise<{ number: number; hash: Hex } | null> {
    let body: unknown;
    try {
      const response = await question(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: [tag, false] }),
        signal: AbortSignal.timeout(10_000),
      });
      body = await response.json();
    } catch (error) {
      throw new ProviderError(`The node of chain ${chainId} does not answer.`, { cause: error });
    }
    const parsed = answer.safeParse(body);
    if (!parsed.success) throw new ProviderError(`The node of chain ${chainId} gave no block for "${tag}".`);
    const { result } = parsed.data;
    return result === null ? null : { number: Number(BigInt(result.number)), hash: result.hash as Hex };
  }

  return {
    finalized: () => block("finalized"),
    hashAt: async (number) => (await block(`0x${number.toString(16)}`))?.hash ?? null,
  };
}
