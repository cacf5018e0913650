import { Pool } from "undici";
import { ProviderError } from "../src/core/errors.ts";

/** The node answered, and said no. `message` is its own. */
export class RpcRefusal extends ProviderError {}

/** Sends one JSON-RPC request. @throws RpcRefusal with the node's message, ProviderError when there is no answer. */
export type Rpc = (method: string, params?: readonly unknown[]) => Promise<unknown>;

/**
 * A lean client for a chain on this machine: tens of thousands of requests lay down a history, and a general client
 * takes longer over each than the chain does.
 */
export function createRpc(url: string): Rpc {
  const pool = new Pool(url, { connections: 4, headersTimeout: 60_000, bodyTimeout: 60_000 });
  let id = 0;
  return async (method, params = []) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params });
    let answer: { result?: unknown; error?: { message: string } };
    try {
      const response = await pool.request({
        path: "/",
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      answer = (await response.body.json()) as typeof answer;
    } catch (error) {
      throw new ProviderError(`${method} got no answer from ${url}: ${(error as Error).message}.`);
    }
    if (answer.error) throw new RpcRefusal(`${method} was refused: ${answer.error.message}.`);
    return answer.result;
  };
}
