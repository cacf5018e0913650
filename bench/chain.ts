/** Lays a workload down on a local chain. */
import { encodeFunctionData, numberToHex, parseAbi } from "viem";
import { runtimeCode } from "../contracts/bench/compile.ts";
import { type Anvil, startAnvil } from "../devnet/anvil.ts";
import { createRpc, type Rpc } from "../devnet/rpc.ts";
import { InvariantError, ProviderError } from "../src/core/errors.ts";
import type { BlockRef } from "../src/core/event.ts";
import type { Hex } from "../src/core/ids.ts";
import { createEncoder, encodeAnswer, type LogSpec } from "./workload/log.ts";
import { addressOf, CHAIN_ID, contractAddresses, FIRST_BLOCK } from "./workload/setting.ts";
import type { BlockPlan, Workload } from "./workload/workload.ts";

const DIRECTOR = addressOf("director");
const EMITTER_ABI = parseAbi(["function teach(bytes question, bytes result)"]);
const GAS = numberToHex(60_000_000n);
/** View calls taught in one transaction. */
const TAUGHT_PER_TRANSACTION = 20;

/** A mined block, and when the chain said so (`performance.now()`). */
export type Mined = { ref: BlockRef; atMs: number };

/** The views read at discovery must still answer after the history, the empty blocks behind it and the live ones. */
const LIVE_BLOCKS_AT_MOST = 1_000;

export type BenchChain = {
  url: string;
  wsUrl: string;
  /** The blocks of the history, as mined. */
  refs: readonly BlockRef[];
  /** Queues a block's transactions without mining it; returns the function that mines it. */
  prepare(plan: BlockPlan): Promise<() => Promise<Mined>>;
  stop(): Promise<void>;
};

/**
 * Starts anvil and mines the history.
 * @throws InvariantError when a transaction failed or a block carries other logs than planned.
 */
export async function buildChain(workload: Workload, report: (text: string) => void): Promise<BenchChain> {
  const first = workload.history[0] as BlockPlan;
  const keepStates = workload.history.length + LIVE_BLOCKS_AT_MOST;
  const anvil = await startAnvil({ chainId: CHAIN_ID, accounts: 1, genesisSeconds: first.timestamp - 24n, keepStates });
  try {
    const rpc = createRpc(anvil.url);
    const miner = await createMiner(anvil, rpc);
    const refs: BlockRef[] = [];
    for (const plan of workload.history) {
      const mine = await miner.prepare(plan);
      refs.push((await mine()).ref);
      if (refs.length % 500 === 0) report(`${refs.length} of ${workload.history.length} blocks mined`);
    }
    await checkLogs(rpc, workload.totals.logs);
    const wsUrl = anvil.url.replace(/^http/, "ws");
    return { url: anvil.url, wsUrl, refs, prepare: miner.prepare, stop: anvil.stop };
  } catch (error) {
    await anvil.stop();
    throw error;
  }
}

type Miner = Pick<BenchChain, "prepare">;

async function createMiner(anvil: Anvil, rpc: Rpc): Promise<Miner> {
  const [from] = (await rpc("eth_accounts")) as [Hex];
  const encode = createEncoder();
  for (const address of contractAddresses()) await rpc("anvil_setCode", [address, runtimeCode("Emitter")]);
  await rpc("anvil_setCode", [DIRECTOR, runtimeCode("Director")]);
  let nonce = 0;
  const send = async (scripts: readonly Hex[]) => {
    const requests = scripts.map((data, i) => {
      const transaction = { from, to: DIRECTOR, data, gas: GAS, gasPrice: "0x0", nonce: numberToHex(nonce + i) };
      return { jsonrpc: "2.0", id: i, method: "eth_sendTransaction", params: [transaction] };
    });
    nonce += scripts.length;
    if (requests.length > 0) await sendBatch(anvil.url, requests);
  };
  const mine = async (timestamp: bigint) => {
    await rpc("evm_mine", [{ timestamp: numberToHex(timestamp) }]);
    const atMs = performance.now();
    return { atMs, ...toRef((await rpc("eth_getBlockByNumber", ["latest", false])) as RawBlock) };
  };
  const prepare = async (plan: BlockPlan) => {
    const taught = scriptsOf(plan.taught.map(lesson), TAUGHT_PER_TRANSACTION);
    // What the first block's events ask for must be known at that block, and blocks before it are nobody's.
    if (plan.number === BigInt(FIRST_BLOCK)) {
      await send(taught);
      await mine(plan.timestamp - 12n);
    } else await send(taught);
    await send(plan.transactions.map((logs) => script(logs.map((log) => emission(log, encode)))));
    return async () => {
      const { ref, transactions, atMs } = await mine(plan.timestamp);
      const sent = plan.transactions.length + (plan.number === BigInt(FIRST_BLOCK) ? 0 : taught.length);
      if (ref.number !== plan.number || transactions !== sent) {
        throw new InvariantError(`Block ${ref.number} holds ${transactions} transactions; planned were ${sent}.`);
      }
      return { ref, atMs };
    };
  };
  return { prepare };
}

type RawBlock = { number: Hex; hash: Hex; parentHash: Hex; timestamp: Hex; transactions: readonly unknown[] };

function toRef(block: RawBlock): { ref: BlockRef; transactions: number } {
  const { hash, parentHash } = block;
  const ref = { number: BigInt(block.number), hash, parentHash, timestamp: BigInt(block.timestamp) };
  return { ref, transactions: block.transactions.length };
}

/** One call the director makes: target and calldata. */
type Call = { target: Hex; data: string };

function emission(log: LogSpec, encode: ReturnType<typeof createEncoder>): Call {
  const { topics, data } = encode(log);
  const head = `00000000${topics.length.toString(16).padStart(2, "0")}`;
  return { target: log.address, data: head + topics.map((t) => t.slice(2)).join("") + data.slice(2) };
}

function lesson(answer: BlockPlan["taught"][number]): Call {
  const { question, result } = encodeAnswer(answer);
  const data = encodeFunctionData({ abi: EMITTER_ABI, functionName: "teach", args: [question, result] });
  return { target: answer.address, data: data.slice(2) };
}

/** The director's form of some calls: address, length in two bytes, calldata. */
function script(calls: readonly Call[]): Hex {
  const parts = calls.map(({ target, data }) => {
    return target.slice(2) + (data.length / 2).toString(16).padStart(4, "0") + data;
  });
  return `0x${parts.join("")}`;
}

function scriptsOf(calls: readonly Call[], size: number): Hex[] {
  const scripts: Hex[] = [];
  for (let i = 0; i < calls.length; i += size) scripts.push(script(calls.slice(i, i + size)));
  return scripts;
}

/** Sends requests as one batch. Each names its nonce, so that their order does not matter. */
async function sendBatch(url: string, requests: readonly unknown[]): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(requests) });
  const answers = (await response.json()) as { error?: { message: string } }[];
  const refused = answers.find((answer) => answer.error !== undefined);
  if (refused) throw new ProviderError(`The chain refused a transaction: ${refused.error?.message}.`);
}

/** Receipts say whether anything failed: a failed transaction has no logs. */
async function checkLogs(rpc: Rpc, planned: number): Promise<void> {
  const head = Number((await rpc("eth_blockNumber")) as Hex);
  let found = 0;
  for (let from = FIRST_BLOCK; from <= head; from += 500) {
    const range = { fromBlock: numberToHex(from), toBlock: numberToHex(Math.min(from + 499, head)) };
    found += ((await rpc("eth_getLogs", [range])) as unknown[]).length;
  }
  if (found !== planned) throw new InvariantError(`The chain holds ${found} logs; planned were ${planned}.`);
}
