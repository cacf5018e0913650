import {
  type Abi,
  createTestClient,
  decodeErrorResult,
  defineChain,
  encodeDeployData,
  encodeFunctionData,
  getAddress,
  getContractAddress,
  http,
  numberToHex,
  publicActions,
} from "viem";
import { InvariantError, ProviderError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import { link } from "./artifacts.ts";
import { type Clock, steadyClock } from "./clock.ts";
import { createRpc, type Rpc, RpcRefusal } from "./rpc.ts";

/** What a compiler left: enough to deploy. */
export type Artifact = {
  contractName: string;
  abi: Abi;
  bytecode: Hex;
  linkReferences?: Record<string, Record<string, { start: number; length: number }[]>>;
};

/** A deployed contract. */
export type Contract = { name: string; address: Hex; abi: Abi };

export type ChainClient = ReturnType<typeof createClient>;

type Call = { label: string; abi: Abi; hash: Hex; mayFail: boolean };

export type SendOptions = { from?: Hex };
export type DeployOptions = SendOptions & { name?: string; libs?: Readonly<Record<string, Hex>> };

/**
 * Drives one anvil chain. A transaction outside `batch` gets a block of its own; those inside share one block, in order.
 */
export type Kit = {
  chainId: number;
  url: string;
  client: ChainClient;
  /** Plain requests, for what `client` is too slow or too wide. */
  rpc: Rpc;
  /** Unlocked accounts; 0 deploys. */
  accounts: readonly Hex[];
  /** Deploys from the next nonce of `from`; inside a batch the address is known before the block is. */
  deploy(artifact: Artifact, args?: readonly unknown[], options?: DeployOptions): Promise<Contract>;
  /** Queues a call. @throws ProviderError with the revert reason, once its block is mined. */
  send(contract: Contract, functionName: string, args?: readonly unknown[], options?: SendOptions): Promise<void>;
  /**
   * Queues a call if it would succeed on top of the last block at the next block's time; says whether it did. What comes
   * before it in the same block can still make it revert, which is then part of the chain and no error. With `unseen` the
   * call is queued without being tried.
   */
  attempt(
    contract: Contract,
    functionName: string,
    args?: readonly unknown[],
    options?: SendOptions & { unseen?: boolean },
  ): Promise<boolean>;
  /** Puts everything `work` sends into one block, in order; mines it even when it is empty. */
  batch(work: () => Promise<void>): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: the ABI is only known at run time, callers state what they expect.
  read(contract: Contract, functionName: string, args?: readonly unknown[], options?: { block?: bigint }): Promise<any>;
  /** Mines an empty block. */
  mine(): Promise<void>;
  blockNumber(): Promise<bigint>;
  /** Timestamp of the next block. */
  nextTimestamp(): Promise<bigint>;
  /** Names an existing contract. */
  at(name: string, address: Hex, abi: Abi): Contract;
  /** Exchanges the clock: the devnet's market keeps another time than its deployment. */
  setClock(clock: Clock): void;
};

const GAS = numberToHex(30_000_000n);

function createClient(chainId: number, url: string) {
  const chain = defineChain({
    id: chainId,
    name: `devnet-${chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const transport = http(url, { retryCount: 0, timeout: 60_000 });
  return createTestClient({ chain, mode: "anvil", transport, cacheTime: 0, pollingInterval: 50 }).extend(publicActions);
}

/** Connects to a chain started by `startAnvil`. The clock defaults to a block every two seconds of chain time. */
export async function createKit(options: { chainId: number; url: string; clock?: Clock }): Promise<Kit> {
  const client = createClient(options.chainId, options.url);
  const rpc = createRpc(options.url);
  const accounts = ((await rpc("eth_accounts")) as Hex[]).map((a) => getAddress(a));
  const deployer = accounts[0] as Hex;
  let clock = options.clock ?? steadyClock(2n);
  let pending: Call[] | null = null;
  let pendingTimestamp: bigint | null = null;

  async function nextTimestamp(): Promise<bigint> {
    if (pendingTimestamp !== null) return pendingTimestamp;
    const head = (await rpc("eth_getBlockByNumber", ["latest", false])) as { number: Hex; timestamp: Hex };
    const parent = { number: BigInt(head.number), timestamp: BigInt(head.timestamp) };
    const wanted = clock(parent.number + 1n, parent.timestamp);
    // After somebody's reorg the parent may already be later than the clock says; a block cannot go back in time.
    return wanted > parent.timestamp ? wanted : parent.timestamp + 1n;
  }

  async function seal(calls: readonly Call[]): Promise<void> {
    const timestamp = numberToHex(await nextTimestamp());
    await rpc("evm_mine", [{ timestamp }]);
    if (calls.length === 0) return;
    const receipts = (await rpc("eth_getBlockReceipts", ["latest"])) as {
      transactionHash: Hex;
      status: Hex;
    }[];
    const status = new Map(receipts.map((r) => [r.transactionHash, r.status]));
    for (const call of calls) {
      const is = status.get(call.hash);
      if (is === "0x1" || call.mayFail) continue;
      const why = is === undefined ? "was not mined" : `reverted: ${await revertReason(rpc, call)}`;
      throw new ProviderError(`${call.label} on chain ${options.chainId} ${why}.`);
    }
  }

  async function succeeds(tx: { from: Hex; to: Hex; data: Hex }): Promise<boolean> {
    const time = numberToHex(await nextTimestamp());
    return rpc("eth_call", [{ ...tx, gas: GAS }, "latest", {}, { time }]).then(
      () => true,
      (error) => {
        if (error instanceof RpcRefusal) return false;
        throw error;
      },
    );
  }

  async function queue(tx: { from: Hex; to?: Hex; data: Hex }, call: Omit<Call, "hash">): Promise<void> {
    const hash = (await rpc("eth_sendTransaction", [{ ...tx, gas: GAS, gasPrice: "0x0" }])) as Hex;
    if (pending) pending.push({ ...call, hash });
    else await seal([{ ...call, hash }]);
  }

  return {
    chainId: options.chainId,
    url: options.url,
    client,
    rpc,
    accounts,
    async deploy(artifact, args = [], deployOptions = {}) {
      const from = deployOptions.from ?? deployer;
      const nonce = await client.getTransactionCount({ address: from, blockTag: "pending" });
      const data = encodeDeployData({ abi: artifact.abi, bytecode: link(artifact, deployOptions.libs ?? {}), args });
      const name = deployOptions.name ?? artifact.contractName;
      await queue({ from, data }, { label: `Deployment of ${name}`, abi: artifact.abi, mayFail: false });
      return { name, address: getContractAddress({ from, nonce: BigInt(nonce) }), abi: artifact.abi };
    },
    async send(contract, functionName, args = [], sendOptions = {}) {
      const data = encodeFunctionData({ abi: contract.abi, functionName, args });
      const label = `${contract.name}.${functionName}`;
      const from = sendOptions.from ?? deployer;
      await queue({ from, to: contract.address, data }, { label, abi: contract.abi, mayFail: false });
    },
    async attempt(contract, functionName, args = [], sendOptions = {}) {
      const data = encodeFunctionData({ abi: contract.abi, functionName, args });
      const from = sendOptions.from ?? deployer;
      if (!sendOptions.unseen && !(await succeeds({ from, to: contract.address, data }))) return false;
      const label = `${contract.name}.${functionName}`;
      await queue({ from, to: contract.address, data }, { label, abi: contract.abi, mayFail: true });
      return true;
    },
    async batch(work) {
      if (pending) throw new InvariantError("A batch was opened inside another.");
      // No block can come between here and the batch's own, so its time is asked for once.
      pendingTimestamp = await nextTimestamp();
      pending = [];
      const calls = pending;
      try {
        await work();
      } catch (error) {
        await rpc("anvil_dropAllTransactions");
        throw error;
      } finally {
        pending = null;
        pendingTimestamp = null;
      }
      await seal(calls);
    },
    read(contract, functionName, args = [], readOptions = {}) {
      const at = readOptions.block === undefined ? {} : { blockNumber: readOptions.block };
      return client.readContract({ address: contract.address, abi: contract.abi, functionName, args, ...at });
    },
    mine: () => seal([]),
    blockNumber: () => client.getBlockNumber(),
    nextTimestamp,
    at: (name, address, abi) => ({ name, address: getAddress(address), abi }),
    setClock(next) {
      clock = next;
    },
  };
}

/** Why a mined transaction failed, from its trace: exact, because nothing has to be replayed. */
async function revertReason(rpc: Rpc, call: Call): Promise<string> {
  const trace = (await rpc("debug_traceTransaction", [call.hash, { tracer: "callTracer" }])) as {
    output?: Hex;
    error?: string;
  };
  if (!trace.output || trace.output === "0x") return trace.error ?? "no reason given";
  try {
    const decoded = decodeErrorResult({ abi: call.abi, data: trace.output });
    return `${decoded.errorName}(${(decoded.args ?? []).map(String).join(", ")})`;
  } catch {
    return trace.output;
  }
}
