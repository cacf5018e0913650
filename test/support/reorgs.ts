import { encodeFunctionData, numberToHex, parseEther } from "viem";
import type { DevnetChain } from "../../devnet/devnet.ts";
import { ARBITRAGEUR } from "../../devnet/market/cast.ts";
import { type Call, perpActions } from "../../devnet/perp-v2-actions.ts";
import type { Hex } from "../../src/core/ids.ts";

/** Sends a call, within the kit's batch if one is open. */
export function sendCall(chain: DevnetChain, call: Call): Promise<void> {
  return chain.kit.send(call.contract, call.functionName, call.args, { from: call.from });
}

/** A price so low that somebody breaks a rule. */
export function crash(chain: DevnetChain): Call {
  return setEth(chain, 600_00000000n);
}

/** Replaces the last `depth` blocks by as many others, of which the first holds a price and a trade. */
export async function reorg(chain: DevnetChain, depth: number): Promise<void> {
  const instead = [
    [asRequest(setEth(chain, 1_900_00000000n)), 0],
    [asRequest(trade(chain)), 0],
  ];
  await chain.kit.rpc("anvil_reorg", [depth, instead]);
}

function setEth(chain: DevnetChain, price: bigint): Call {
  const { perp, synthetix } = chain.venue;
  const contract = perp?.feeds.ETH.aggregator ?? synthetix?.feeds["ETH/USD"];
  if (contract === undefined) throw new Error(`chain ${chain.chainId} has no feed of ETH`);
  return { contract, functionName: "setAnswer", args: [price], from: chain.kit.accounts[0] as Hex };
}

function trade(chain: DevnetChain): Call {
  const { perp, synthetix } = chain.venue;
  const trader = chain.kit.accounts[perp ? ARBITRAGEUR : 19] as Hex;
  if (perp) {
    const [market] = perp.markets;
    if (market === undefined) throw new Error("Perp v2 has no market");
    return perpActions(perp).openPosition(trader, market, {
      short: false,
      exactInput: true,
      amount: parseEther("700"),
    });
  }
  if (!synthetix) throw new Error(`chain ${chain.chainId} has no venue`);
  const contract = synthetix.markets.ETH.proxy;
  return { contract, functionName: "transferMargin", args: [parseEther("321")], from: trader };
}

function asRequest({ contract, functionName, args, from }: Call): Record<string, string> {
  const data = encodeFunctionData({ abi: contract.abi, functionName, args });
  return { from, to: contract.address, data, gas: numberToHex(30_000_000n), gasPrice: "0x0" };
}
