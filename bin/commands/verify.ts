import { readFileSync, statSync } from "node:fs";
import { Command } from "commander";
import * as z from "zod";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { caip2, type Hex } from "../../src/core/ids.ts";
import { parseBundle } from "../../src/core/proof/bundle.ts";
import { MAX_BYTES } from "../../src/core/proof/canonical.ts";
import { type TrustedBlock, type Verification, verify } from "../../verifier/index.ts";

const TIMEOUT_MS = 15_000;
const EXIT_CODES = { verified: 0, refuted: 1, unchecked: 2 } as const;
const MARKS = new Map([
  [true, "ok     "],
  [false, "FAILED "],
  [null, "-      "],
]);
const ENDINGS = {
  verified: "Verified: attested. The log vouches for the recorded inputs; that they came from the chain is not proven.",
  refuted: "Refuted: do not rely on this bundle.",
  unchecked: "Unchecked: nothing is wrong with what could be looked at, but not everything could be.",
} as const;

/** Options of `plumbline verify` as commander gives them. */
export type VerifyFlags = {
  trust?: readonly string[];
  rpc?: readonly string[];
  logKey?: readonly string[];
  json?: boolean;
};

type Node = { chain: string; url: string };

/** `plumbline verify`: checks a proof bundle. Exit code 0 verified, 1 refuted or malformed, 2 could not be checked. */
export function verifyCommand(): Command {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  return new Command("verify")
    .description("check a proof bundle; exit code 0 verified, 1 refuted or malformed, 2 could not be checked")
    .argument("<file-or-url>", "the bundle")
    .option("--log-key <key>", "verifier key of a log you trust, name+hash+base64; may be repeated", collect)
    .option("--trust <block>", "a block hash you believe, CAIP2:BLOCK=HASH; may be repeated", collect)
    .option("--rpc <node>", "a node to ask for the block's hash, CAIP2=URL; may be repeated", collect)
    .option("--json", "print the result as JSON")
    .action(async (source: string, flags: VerifyFlags) => {
      const result = await verifyAt(source, flags);
      process.stdout.write(flags.json === true ? `${JSON.stringify(result)}\n` : report(result));
      process.exitCode = EXIT_CODES[result.status];
    });
}

/**
 * Checks the bundle in a file or at a URL.
 * @throws InputError for an option or a file that cannot be used, ProviderError when the URL does not answer.
 */
export async function verifyAt(source: string, flags: VerifyFlags): Promise<Verification> {
  const trusted = (flags.trust ?? []).map(parseTrust);
  const nodes = (flags.rpc ?? []).map(parseNode);
  const bytes = /^https?:\/\//.test(source) ? await download(source) : readBundle(source);
  const asked = trusted.length + nodes.length > 0;
  return await verify(bytes, {
    logKeys: flags.logKey ?? [],
    ...(asked ? { blocks: [...trusted, ...(await askNodes(bytes, nodes))] } : {}),
  });
}

function report({ status, links }: Verification): string {
  const lines = links.map(({ link, ok, sentence }) => `${MARKS.get(ok)}${link.padEnd(10)} ${sentence}`);
  return `${[...lines, ENDINGS[status]].join("\n")}\n`;
}

function parseTrust(text: string): TrustedBlock {
  const m = /^(eip155:[1-9]\d{0,14}):(0|[1-9]\d*)=(0x[0-9a-fA-F]{64})$/.exec(text);
  if (!m) throw new InputError(`--trust "${text}" is not a block hash like eip155:901:120=0x… with 64 hex digits.`);
  const [chain, number, hash] = m.slice(1) as [string, string, string];
  return { chain, number, hash: hash.toLowerCase() as Hex };
}

function parseNode(text: string): Node {
  const m = /^(eip155:[1-9]\d{0,14})=(https?:\/\/.+)$/.exec(text);
  if (!m || !URL.canParse(m[2] as string)) {
    throw new InputError(`--rpc "${text}" is not a node like eip155:901=http://127.0.0.1:8545.`);
  }
  return { chain: m[1] as string, url: m[2] as string };
}

function readBundle(file: string): Uint8Array {
  try {
    // A file far too long is not read at all; verifying its first bytes too many gives the sentence about its length.
    return statSync(file).size > MAX_BYTES ? new Uint8Array(MAX_BYTES + 1) : readFileSync(file);
  } catch (error) {
    throw new InputError(`The bundle ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}.`);
  }
}

async function download(url: string): Promise<Uint8Array> {
  const response = await request(url, {});
  if (!response.ok) throw new ProviderError(`${url} answered ${response.status}; expected a bundle.`);
  return await readLimited(response, url);
}

/** Reads a body, and no more than one byte too many of it. */
async function readLimited(response: Response, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_BYTES) break;
    }
  } catch (error) {
    throw new ProviderError(`${url} broke off: ${reasonOf(error)}.`);
  }
  return Buffer.concat(chunks).subarray(0, MAX_BYTES + 1);
}

/**
 * The hashes nodes give for the assessment's block. One that does not answer leaves the block unchecked, which the
 * result then says; why goes to stderr.
 */
async function askNodes(bytes: Uint8Array, nodes: readonly Node[]): Promise<TrustedBlock[]> {
  const block = blockOf(bytes);
  const blocks: TrustedBlock[] = [];
  for (const node of nodes.filter(({ chain }) => chain === block?.chain)) {
    try {
      blocks.push(await askNode(node, block?.number as string));
    } catch (error) {
      process.stderr.write(`${reasonOf(error)}\n`);
    }
  }
  return blocks;
}

function blockOf(bytes: Uint8Array): { chain: string; number: string } | null {
  try {
    const { body } = parseBundle(bytes).bundle.assessment;
    return { chain: body.chain, number: body.blockNumber };
  } catch {
    // Bytes that are no bundle name no block; verifying them says what is wrong.
    return null;
  }
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
  return { chain, number, hash: block.data.hash.toLowerCase() as Hex };
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

async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new ProviderError(`${url} cannot be reached: ${reasonOf(error)}.`);
  }
}

/** `fetch` says "fetch failed" and keeps what happened in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== "" ? error.cause.message : error.message;
}
