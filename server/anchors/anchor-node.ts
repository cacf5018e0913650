/** An anchor as its chain's node shows it, and transactions to it. */
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  formatGwei,
  http,
} from "viem";
import type { PrivateKeyAccount } from "viem/accounts";
import { checkpointAnchorAbi } from "../../abis/checkpoint-anchor.ts";
import { ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { LogHead, publishArguments } from "../../src/core/proof/anchor.ts";
import { fromHex } from "../../src/core/proof/bytes.ts";

/** What an anchor is for ever, and its last head, null before the first. Addresses are lower case. */
export type AnchorState = { owner: Hex; originHash: Hex; last: LogHead | null };

/**
 * A publication to be sent: `raise` is how often it has been sent before, each time for a quarter less, and `feeMax` the most
 * wei that a unit of gas may cost, whatever the node says that it costs.
 */
export type Publication = { args: ReturnType<typeof publishArguments>; raise: number; feeMax: bigint };

/**
 * What anchoring asks of a chain's node.
 * @throws (from its functions) ProviderError when the node does not answer, or the contract refuses.
 */
export type AnchorNode = {
  /** As the newest block has it, which may still be replaced. */
  state(): Promise<AnchorState>;
  /**
   * Sends a head with the next nonce that is not mined yet, so that it takes the place of one that waits. What the node
   * asks for gas is believed up to the given most, and nothing is sent for more.
   */
  publish(publication: Publication, account: PrivateKeyAccount): Promise<Hex>;
  /** Whether a transaction has been mined, and did what it should. */
  outcome(hash: Hex): Promise<"waiting" | "done" | "reverted">;
};

/** Gas that a publication may use at most: five times what one with forty hashes does. */
const GAS_MAX = 500_000n;

/** A publication is sent again so often at most, each time for a quarter more. */
export const RAISES_MAX = 8;

const ANSWER_WITHIN_MS = 10_000;

/** An anchor behind the JSON-RPC URL of a node. */
export function createAnchorNode(chainId: number, { url, address }: { url: string; address: Hex }): AnchorNode {
  const chain = {
    ...{ id: chainId, name: `eip155:${chainId}`, rpcUrls: { default: { http: [url] } } },
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
  };
  const transport = http(url, { retryCount: 0, timeout: ANSWER_WITHIN_MS });
  const client = createPublicClient({ chain, transport, cacheTime: 0 });
  const contract = { address, abi: checkpointAnchorAbi } as const;
  const refused = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new ProviderError(`The anchor ${address} of chain ${chainId} ${what}: ${reasonOf(error)}.`, {
        cause: error,
      });
    }
  };
  return {
    state: () =>
      refused("cannot be read", async () => {
        const [owner, originHash, size] = await Promise.all([
          client.readContract({ ...contract, functionName: "owner" }),
          client.readContract({ ...contract, functionName: "originHash" }),
          client.readContract({ ...contract, functionName: "latestSize" }),
        ]);
        const root = await client.readContract({ ...contract, functionName: "rootAt", args: [size] });
        const last = size === 0n ? null : { size: Number(size), root: fromHex(root) };
        return { owner: owner.toLowerCase() as Hex, originHash, last };
      }),
    publish: ({ args, raise, feeMax }, account) =>
      refused("takes no head", async () => {
        const call = { ...contract, functionName: "publish", args } as const;
        const [nonce, tip, { baseFeePerGas }] = await Promise.all([
          client.getTransactionCount({ address: account.address, blockTag: "latest" }),
          client.estimateMaxPriorityFeePerGas(),
          client.getBlock(),
        ]);
        // Twice the base fee is above what it can become within five full blocks.
        const fees = { maxFeePerGas: 2n * (baseFeePerGas ?? 0n) + tip, maxPriorityFeePerGas: tip };
        const feesOf = (times: number) => {
          const raised = (fee: bigint) => (fee * 5n ** BigInt(times)) / 4n ** BigInt(times);
          const maxFeePerGas = raised(fees.maxFeePerGas);
          if (maxFeePerGas > feeMax) throw new ProviderError(tooDear(maxFeePerGas, feeMax));
          return { maxFeePerGas, maxPriorityFeePerGas: raised(fees.maxPriorityFeePerGas) };
        };
        const needed = await client.estimateContractGas({ ...call, account, nonce, ...feesOf(raise) });
        const gas = (needed * 5n) / 4n;
        if (gas > GAS_MAX) throw new ProviderError(`it asks for ${gas} gas, more than ${GAS_MAX}`);
        const wallet = createWalletClient({ chain, transport, account });
        for (let times = raise; ; times++) {
          try {
            return await wallet.writeContract({ ...call, gas, nonce, ...feesOf(times) });
          } catch (error) {
            // One that an earlier process sent waits at this nonce, at a fee that is not known here.
            if (times >= RAISES_MAX || !/underpriced/i.test(reasonOf(error))) throw error;
          }
        }
      }),
    outcome: (hash) =>
      refused("does not say what became of a head", async () => {
        const receipt = await client.request({ method: "eth_getTransactionReceipt", params: [hash] });
        if (receipt === null) return "waiting";
        return receipt.status === "0x1" ? "done" : "reverted";
      }),
  };
}

function tooDear(fee: bigint, feeMax: bigint): string {
  return `a unit of gas is to cost up to ${formatGwei(fee)} gwei, more than the ${formatGwei(feeMax)} that are allowed`;
}

/** The contract's own error where it has one; never the node's URL, which may hold a key. */
function reasonOf(error: unknown): string {
  if (error instanceof ProviderError) return error.message;
  if (!(error instanceof BaseError)) return error instanceof Error ? error.name : "no reason given";
  const revert = error.walk((inner) => inner instanceof ContractFunctionRevertedError);
  if (revert instanceof ContractFunctionRevertedError && revert.data) return `it reverts with ${revert.data.errorName}`;
  return error.details || error.shortMessage;
}
