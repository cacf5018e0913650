import { InputError } from "../../src/core/errors.ts";
import { caip2 } from "../../src/core/ids.ts";
import type { ChainDeployment } from "../../src/core/margin-model.ts";

const ANSWER_WITHIN_MS = 10_000;
const ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

type Answer = { result?: unknown; error?: { message?: string } };

/**
 * Checks that a chain's node answers, is of that chain, and still has the state of the start block.
 *
 * The state matters, not only the block: protocols are read at the block an event stands in, and a node that has pruned
 * it would fail in the middle of the history.
 * @throws InputError with one sentence that names the chain, the value and what was expected.
 */
export async function checkNode(chain: ChainDeployment, url: string): Promise<void> {
  const name = caip2(chain.chainId);
  const place = `the node of ${name} at ${withoutSecrets(url)}`;
  const chainId = await ask(url, { method: "eth_chainId", params: [] }, place);
  if (typeof chainId.result !== "string" || !/^0x[0-9a-f]+$/i.test(chainId.result)) {
    throw new InputError(`${capital(place)} does not say its chain id; expected ${chain.chainId}.`);
  }
  if (BigInt(chainId.result) !== BigInt(chain.chainId)) {
    throw new InputError(`${capital(place)} is of chain ${BigInt(chainId.result)}; expected chain ${chain.chainId}.`);
  }
  const start = `0x${chain.startBlock.toString(16)}`;
  const block = await ask(url, { method: "eth_getBlockByNumber", params: [start, false] }, place);
  if (block.error !== undefined || block.result === null || block.result === undefined) {
    throw new InputError(
      `${capital(place)} does not have the start block ${chain.startBlock}; expected a synced node with full history.`,
    );
  }
  const state = await ask(url, { method: "eth_getBalance", params: [ZERO_ADDRESS, start] }, place);
  if (typeof state.result !== "string") {
    throw new InputError(
      `${capital(place)} is missing history at the start block ${chain.startBlock}; expected an archive node, or a later start block in the deployment.`,
    );
  }
}

async function ask(url: string, call: { method: string; params: readonly unknown[] }, place: string): Promise<Answer> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, ...call }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return (await response.json()) as Answer;
  } catch {
    throw new InputError(
      `${capital(place)} cannot be reached; expected a JSON-RPC endpoint that answers ${call.method}.`,
    );
  }
}

/** URLs of nodes often carry a key in path or query; messages end up in logs. */
export function withoutSecrets(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
