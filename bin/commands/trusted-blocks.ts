import * as z from "zod";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { caip2, type Hex } from "../../src/core/ids.ts";
import type { BlockName, TrustedBlock } from "../../verifier/index.ts";
import { reasonOf, request } from "./request.ts";

/** A node to ask for a block's hash. */
export type Node = { chain: string; url: string };

/** Reads `--trust`. @throws InputError when it is no block hash. */
export function parseTrust(text: string): TrustedBlock {
  const m = /^(eip155:[1-9]\d{0,14}):(0|[1-9]\d*)=(0x[0-9a-fA-F]{64})$/.exec(text);
  if (!m) throw new InputError(`--trust "${text}" is not a block hash like eip155:901:120=0x… with 64 hex digits.`);
  const [chain, number, hash] = m.slice(1) as [string, string, string];
  return { chain, number, hash: hash.toLowerCase() as Hex, from: "--trust" };
}

/** Reads the hash of an option. @throws InputError when it is none. */
export function parseHash(option: string, text: string): Hex {
  if (!/^0x[0-9a-fA-F]{64}$/.test(text)) throw new InputError(`${option} "${text}" is not 0x and 64 hex digits.`);
  return text.toLowerCase() as Hex;
}

/** Reads `--rpc`. @throws InputError when it is no node. */
export function parseNode(text: string): Node {
  const m = /^(eip155:[1-9]\d{0,14})=(https?:\/\/.+)$/.exec(text);
  if (!m || !URL.canParse(m[2] as string)) {
    throw new InputError(`--rpc "${text}" is not a node like eip155:901=http://127.0.0.1:8545.`);
  }
  return { chain: m[1] as string, url: m[2] as string };
}

/** Reads `--anchor`. @throws InputError when it is no contract. */
export function parseAnchor(text: string): string {
  if (!/^eip155:[1-9]\d{0,14}:0x[0-9a-fA-F]{40}$/.test(text)) {
    throw new InputError(`--anchor "${text}" is not a contract like eip155:901:0x… with 40 hex digits.`);
  }
  return text.toLowerCase();
}

/**
 * The hashes that nodes give for blocks. Whoever names several nodes of a chain wants all of them to agree, so when one
 * does not answer there is none of that block; why goes to `warn`.
 */
export async function askNodes(
  blocks: readonly BlockName[],
  { nodes, warn }: { nodes: readonly Node[]; warn: (sentence: string) => void },
): Promise<TrustedBlock[]> {
  const found: TrustedBlock[] = [];
  for (const block of blocks) {
    const asked = nodes.filter(({ chain }) => chain === block.chain);
    const answers = await Promise.allSettled(asked.map((node) => askNode(node, block.number)));
    const hashes = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    for (const answer of answers) if (answer.status === "rejected") warn(reasonOf(answer.reason));
    if (hashes.length === asked.length) found.push(...hashes);
  }
  return found;
}

async function askNode({ chain, url }: Node, number: string): Promise<TrustedBlock> {
  const quantity = z.string().regex(/^0x[0-9a-f]+$/i);
  const chainId = quantity.safeParse(await call(url, "eth_chainId", []));
  if (!chainId.success) throw new ProviderError(`${url} gives no chain id.`);
  const actual = caip2(Number(chainId.data));
  if (actual !== chain) throw new ProviderError(`${url} is a node of ${actual}, not of ${chain}.`);
  const answer = await call(url, "eth_getBlockByNumber", [`0x${BigInt(number).toString(16)}`, false]);
  const block = z.object({ hash: z.string().regex(/^0x[0-9a-f]{64}$/i) }).safeParse(answer);
  if (!block.success) throw new ProviderError(`${url} does not have block ${number} of ${chain}.`);
  return { chain, number, hash: block.data.hash.toLowerCase() as Hex, from: url };
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await request(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  try {
    return ((await response.json()) as { result?: unknown }).result;
  } catch (error) {
    throw new ProviderError(`${url} gave no JSON for ${method}: ${reasonOf(error)}.`);
  }
}
