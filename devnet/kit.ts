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

/** A transaction that somebody else sent to the chain: its place in its block, and its signed bytes. */
export type Stranger = { index: number; raw: Hex };

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
  /** Puts transactions of others into the next batch's block, at their places. One that cannot be sent again is left out. */
  admit(strangers: readonly Stranger[]): void;
  /** What others had put into the last block that was mined here. */
  strangers(): Promise<Stranger[]>;
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
  const rpc = createRpc(options.url);
  const accounts = ((await rpc("eth_accounts")) as Hex[]).map((a) => getAddress(a));
  return new ChainKit({ ...options, rpc, accounts });
}

class ChainKit implements Kit {
  readonly chainId: number;
  readonly url: string;
  readonly client: ChainClient;
  readonly rpc: Rpc;
  readonly accounts: readonly Hex[];
  #clock: Clock;
  /** The open batch: what it has queued, and the time of its block. */
  #batch: { calls: Call[]; timestamp: bigint } | null = null;
  /** Still to be put into the next batch's block, and how many have been. */
  #admitted: { waiting: readonly Stranger[]; sent: number } = { waiting: [], sent: 0 };
  /** Transactions of the last block that were not sent by this kit. */
  #foreign: readonly { index: number; hash: Hex }[] = [];

  constructor(given: { chainId: number; url: string; rpc: Rpc; accounts: readonly Hex[]; clock?: Clock }) {
    this.chainId = given.chainId;
    this.url = given.url;
    this.client = createClient(given.chainId, given.url);
    this.rpc = given.rpc;
    this.accounts = given.accounts;
    this.#clock = given.clock ?? steadyClock(2n);
  }

  async deploy(artifact: Artifact, args: readonly unknown[] = [], options: DeployOptions = {}): Promise<Contract> {
    const from = options.from ?? this.#deployer;
    const nonce = await this.client.getTransactionCount({ address: from, blockTag: "pending" });
    const data = encodeDeployData({ abi: artifact.abi, bytecode: link(artifact, options.libs ?? {}), args });
    const name = options.name ?? artifact.contractName;
    await this.#queue({ from, data }, { label: `Deployment of ${name}`, abi: artifact.abi, mayFail: false });
    return { name, address: getContractAddress({ from, nonce: BigInt(nonce) }), abi: artifact.abi };
  }

  async send(contract: Contract, functionName: string, args: readonly unknown[] = [], options: SendOptions = {}) {
    const tx = this.#encode(contract, functionName, { args, from: options.from });
    await this.#queue(tx, { label: `${contract.name}.${functionName}`, abi: contract.abi, mayFail: false });
  }

  async attempt(
    contract: Contract,
    functionName: string,
    args: readonly unknown[] = [],
    options: SendOptions & { unseen?: boolean } = {},
  ): Promise<boolean> {
    const tx = this.#encode(contract, functionName, { args, from: options.from });
    if (!options.unseen && !(await this.#succeeds(tx))) return false;
    await this.#queue(tx, { label: `${contract.name}.${functionName}`, abi: contract.abi, mayFail: true });
    return true;
  }

  async batch(work: () => Promise<void>): Promise<void> {
    if (this.#batch) throw new InvariantError("A batch was opened inside another.");
    // No block can come between here and the batch's own, so its time is asked for once.
    const batch = { calls: [], timestamp: await this.nextTimestamp() };
    this.#batch = batch;
    try {
      await work();
      await this.#admitUpTo(Number.POSITIVE_INFINITY);
    } catch (error) {
      await this.rpc("anvil_dropAllTransactions");
      throw error;
    } finally {
      this.#batch = null;
      this.#admitted = { waiting: [], sent: 0 };
    }
    await this.#seal(batch.calls);
  }

  read(contract: Contract, functionName: string, args: readonly unknown[] = [], options: { block?: bigint } = {}) {
    const at = options.block === undefined ? {} : { blockNumber: options.block };
    return this.client.readContract({ address: contract.address, abi: contract.abi, functionName, args, ...at });
  }

  mine(): Promise<void> {
    return this.#seal([]);
  }

  admit(strangers: readonly Stranger[]): void {
    this.#admitted = { waiting: [...strangers].sort((a, b) => a.index - b.index), sent: 0 };
  }

  strangers(): Promise<Stranger[]> {
    return Promise.all(
      this.#foreign.map(async ({ index, hash }) => {
        return { index, raw: (await this.rpc("eth_getRawTransactionByHash", [hash])) as Hex };
      }),
    );
  }

  blockNumber(): Promise<bigint> {
    return this.client.getBlockNumber();
  }

  async nextTimestamp(): Promise<bigint> {
    if (this.#batch) return this.#batch.timestamp;
    const parent = (await this.rpc("eth_getBlockByNumber", ["latest", false])) as { number: Hex; timestamp: Hex };
    const before = BigInt(parent.timestamp);
    const wanted = this.#clock(BigInt(parent.number) + 1n, before);
    // After somebody's reorg the parent may already be later than the clock says; a block cannot go back in time.
    return wanted > before ? wanted : before + 1n;
  }

  at(name: string, address: Hex, abi: Abi): Contract {
    return { name, address: getAddress(address), abi };
  }

  setClock(clock: Clock): void {
    this.#clock = clock;
  }

  get #deployer(): Hex {
    return this.accounts[0] as Hex;
  }

  #encode(contract: Contract, functionName: string, given: { args: readonly unknown[]; from: Hex | undefined }) {
    const data = encodeFunctionData({ abi: contract.abi, functionName, args: given.args });
    return { from: given.from ?? this.#deployer, to: contract.address, data };
  }

  async #succeeds(tx: { from: Hex; to: Hex; data: Hex }): Promise<boolean> {
    const time = numberToHex(await this.nextTimestamp());
    try {
      await this.rpc("eth_call", [{ ...tx, gas: GAS }, "latest", {}, { time }]);
      return true;
    } catch (error) {
      if (error instanceof RpcRefusal) return false;
      throw error;
    }
  }

  async #queue(tx: { from: Hex; to?: Hex; data: Hex }, call: Omit<Call, "hash">): Promise<void> {
    await this.#admitUpTo(this.#batch?.calls.length ?? 0);
    const hash = (await this.rpc("eth_sendTransaction", [{ ...tx, gas: GAS, gasPrice: "0x0" }])) as Hex;
    if (this.#batch) this.#batch.calls.push({ ...call, hash });
    else await this.#seal([{ ...call, hash }]);
  }

  /** Sends what others had put before the batch's call number `own`: the node keeps the order of arrival. */
  async #admitUpTo(own: number): Promise<void> {
    if (this.#batch === null) return;
    const { waiting, sent } = this.#admitted;
    const due = waiting.findIndex(({ index }, i) => index > own + sent + i);
    const now = due === -1 ? waiting : waiting.slice(0, due);
    this.#admitted = { waiting: waiting.slice(now.length), sent: sent + now.length };
    for (const { raw } of now) {
      await this.rpc("eth_sendRawTransaction", [raw]).catch((error: unknown) => {
        if (!(error instanceof RpcRefusal)) throw error;
      });
    }
  }

  async #seal(calls: readonly Call[]): Promise<void> {
    const timestamp = numberToHex(await this.nextTimestamp());
    await this.rpc("evm_mine", [{ timestamp }]);
    const receipts = (await this.rpc("eth_getBlockReceipts", ["latest"])) as { transactionHash: Hex; status: Hex }[];
    const status = new Map(receipts.map((r) => [r.transactionHash, r.status]));
    const own = new Set(calls.map(({ hash }) => hash));
    this.#foreign = receipts
      .map(({ transactionHash: hash }, index) => ({ index, hash }))
      .filter(({ hash }) => !own.has(hash));
    if (calls.some(({ hash }) => !status.has(hash))) {
      // Left in the pool they would turn up in a later block.
      await this.rpc("anvil_dropAllTransactions");
    }
    for (const call of calls) {
      const is = status.get(call.hash);
      if (is === "0x1" || call.mayFail) continue;
      const why = is === undefined ? "was not mined" : `reverted: ${await revertReason(this.rpc, call)}`;
      throw new ProviderError(`${call.label} on chain ${this.chainId} ${why}.`);
    }
  }
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
