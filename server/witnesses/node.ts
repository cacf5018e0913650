import { z } from "zod";
import { ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { ViewCall } from "../../src/core/proof/ask.ts";
import { WITNESS_LIMITS } from "../../src/core/proof/witness.ts";
import { question } from "../feed/question.ts";
import type { RpcBlock } from "./header.ts";

/** What a node says of an account and some of its slots (EIP-1186). Nothing of it is proven yet. */
export type SaidProof = {
  accountProof: readonly Hex[];
  slots: readonly { key: Hex; proof: readonly Hex[] }[];
};

/** Accounts with slots that a call is said to touch. */
export type AccessList = readonly { address: Hex; storageKeys: readonly Hex[] }[];

/**
 * What capturing a witness asks of a chain's node. Blocks are asked for by number, because not every node takes a hash.
 */
export type WitnessNode = {
  chainId: number;
  /** The canonical block at a height; `null` where the node has none. */
  block(number: number): Promise<RpcBlock | null>;
  /** What a call would touch; `null` where the node does not say. */
  accessList(call: ViewCall, number: number): Promise<AccessList | null>;
  proof(address: Hex, at: { slots: readonly Hex[]; number: number }): Promise<SaidProof>;
  code(address: Hex, number: number): Promise<Hex>;
  /** What the node itself says a call returns. */
  call(call: ViewCall, number: number): Promise<Hex>;
};

/** What capturing logs asks of a chain's node. Nothing of a receipt is believed, so none is read here. */
export type ReceiptNode = Pick<WitnessNode, "chainId" | "block"> & {
  /** All receipts of a block; `null` where the node does not know the method. */
  blockReceipts(number: number): Promise<readonly unknown[] | null>;
  /** The receipt of one transaction; `null` where the node has none. */
  transactionReceipt(hash: Hex): Promise<unknown>;
};

/** At most so many questions are open at one node at a time. */
const AT_ONCE = 16;

/** Does `work` for every item, a few at a time. @throws the first error; no other item is begun after it. */
export async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  let failed = false;
  const worker = async () => {
    for (const item of waiting) {
      if (failed) return;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
}

/** The node no longer has the state of a block, and asking again is of no use. */
export class StatePruned extends ProviderError {}

/** The node did not answer, and may later. */
export class NodeSilent extends ProviderError {}

/** The node answered, and said no. */
export class Refusal extends ProviderError {}

/**
 * How nodes say that they have dropped a state: geth, erigon, nethermind, reth and anvil in turn. An answer that none of
 * these fits is passed on as it is.
 */
const PRUNED: readonly RegExp[] = [
  /missing trie node|historical state|state .*(is )?not available/i,
  /too old|pruned/i,
  /no state available/i,
  /proof window|state at block/i,
  /block ?out ?of ?range|no historical|failed to load state/i,
];

/** What a node or what stands before it says of itself and not of the question: too many requests, or nobody there. */
const OVERLOADED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const hex = z.string().regex(/^0x([0-9a-f]{2})*$/i);
const word = z.string().regex(/^0x[0-9a-f]{1,64}$/i);
const addressText = z.string().regex(/^0x[0-9a-f]{40}$/i);
const nodes = z.array(hex).max(64);

const proofShape = z.object({
  accountProof: nodes,
  storageProof: z.array(z.object({ key: word, proof: nodes })).max(WITNESS_LIMITS.slots),
});

const listShape = z.object({
  accessList: z
    .array(z.object({ address: addressText, storageKeys: z.array(word).max(WITNESS_LIMITS.slots) }))
    .max(WITNESS_LIMITS.accounts),
});

const answerShape = z.object({ result: z.unknown().optional(), error: z.object({ message: z.string() }).nullish() });

/** Enough for every view; some nodes allow no more for an `eth_call`. */
const GAS = quantity(30_000_000);

/**
 * A node behind a JSON-RPC URL.
 * @throws (from its functions) StatePruned, NodeSilent, Refusal, or another ProviderError when it answers not as JSON-RPC
 * says.
 */
export function createWitnessNode(chainId: number, url: string): WitnessNode & ReceiptNode {
  async function ask(method: string, params: readonly unknown[]): Promise<unknown> {
    let body: unknown;
    try {
      const response = await question(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
        signal: AbortSignal.timeout(10_000),
      });
      if (OVERLOADED.has(response.status)) throw new Error(`HTTP ${response.status}`);
      body = await response.json();
    } catch (error) {
      throw new NodeSilent(`The node of chain ${chainId} does not answer ${method}.`, { cause: error });
    }
    const answer = answerShape.safeParse(body);
    if (!answer.success) throw new ProviderError(`The node of chain ${chainId} answers ${method} with no JSON-RPC.`);
    const { error, result } = answer.data;
    if (error) throw new Refusal(`The node of chain ${chainId} refuses ${method}: ${error.message}`);
    return result;
  }

  async function askState<T>(shape: z.ZodType<T>, of: { method: string; params: unknown[]; number: number }) {
    const { method, params, number } = of;
    let result: unknown;
    try {
      result = await ask(method, [...params, quantity(number)]);
    } catch (error) {
      if (!(error instanceof Refusal) || !PRUNED.some((pattern) => pattern.test(error.message))) throw error;
      throw new StatePruned(`The node of chain ${chainId} has pruned the state of block ${number}. ${error.message}`);
    }
    const parsed = shape.safeParse(result);
    if (!parsed.success) throw new ProviderError(`The node of chain ${chainId} gives a malformed ${method} result.`);
    return parsed.data;
  }

  return {
    chainId,
    async block(number) {
      const result = await ask("eth_getBlockByNumber", [quantity(number), false]);
      const parsed = z.record(z.string(), z.unknown()).nullable().safeParse(result);
      if (!parsed.success) throw new ProviderError(`The node of chain ${chainId} gives no block for ${number}.`);
      return parsed.data;
    },
    async accessList(call, number) {
      try {
        const list = await ask("eth_createAccessList", [{ ...call, gas: GAS }, quantity(number)]);
        const parsed = listShape.safeParse(list);
        if (!parsed.success) return null;
        return parsed.data.accessList.map(({ address, storageKeys }) => {
          return { address: lower(address), storageKeys: storageKeys.map(toWord) };
        });
      } catch (error) {
        // The list only saves questions; a node that does not know the method is asked them one by one.
        if (error instanceof Refusal) return null;
        throw error;
      }
    },
    async proof(address, { slots, number }) {
      const said = await askState(proofShape, { method: "eth_getProof", params: [address, slots], number });
      return {
        accountProof: said.accountProof.map(lower),
        slots: said.storageProof.map(({ key, proof }) => ({ key: toWord(key), proof: proof.map(lower) })),
      };
    },
    async blockReceipts(number) {
      try {
        const receipts = await ask("eth_getBlockReceipts", [quantity(number)]);
        return Array.isArray(receipts) ? receipts : null;
      } catch (error) {
        if (error instanceof Refusal) return null;
        throw error;
      }
    },
    transactionReceipt: (hash) => ask("eth_getTransactionReceipt", [hash]),
    code: async (address, number) => lower(await askState(hex, { method: "eth_getCode", params: [address], number })),
    call: async (call, number) =>
      lower(await askState(hex, { method: "eth_call", params: [{ ...call, gas: GAS }], number })),
  };
}

function quantity(number: number): Hex {
  return `0x${number.toString(16)}`;
}

function lower(text: string): Hex {
  return text.toLowerCase() as Hex;
}

/** Nodes write a slot's key as a number or as a word. */
function toWord(text: string): Hex {
  return `0x${text.slice(2).toLowerCase().padStart(64, "0")}`;
}
