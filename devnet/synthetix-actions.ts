/** What traders and keepers of the local Synthetix v2 perps can do. */
import { parseEther } from "viem";
import type { Hex } from "../src/core/ids.ts";
import { marketOf, type Synthetix, type Underlier } from "./synthetix.ts";

/** Each action is simulated first, and says whether it was sent. */
export type SynthetixActions = {
  /** Moves sUSD into the margin account (positive) or out of it (negative). 18 decimals. */
  transferMargin(underlier: Underlier, trader: Hex, amount: bigint): Promise<boolean>;
  withdrawAllMargin(underlier: Underlier, trader: Hex): Promise<boolean>;
  /** Trades `sizeDelta` base units (18 decimals) at any price. */
  modifyPosition(underlier: Underlier, trader: Hex, sizeDelta: bigint): Promise<boolean>;
  closePosition(underlier: Underlier, trader: Hex): Promise<boolean>;
  submitDelayedOrder(underlier: Underlier, trader: Hex, sizeDelta: bigint): Promise<boolean>;
  executeDelayedOrder(underlier: Underlier, by: Hex, trader: Hex): Promise<boolean>;
  cancelDelayedOrder(underlier: Underlier, by: Hex, trader: Hex): Promise<boolean>;
  flagPosition(underlier: Underlier, keeper: Hex, trader: Hex): Promise<boolean>;
  liquidatePosition(underlier: Underlier, keeper: Hex, trader: Hex): Promise<boolean>;
  /** As an endorsed keeper, whatever the price impact. */
  forceLiquidatePosition(underlier: Underlier, keeper: Hex, trader: Hex): Promise<boolean>;
};

/** Actions on the markets of a deployment. */
export function actionsOf(synthetix: Synthetix): SynthetixActions {
  const { kit } = synthetix;
  const proxyOf = (underlier: Underlier) => marketOf(synthetix, underlier).proxy;
  const call = (underlier: Underlier, from: Hex, functionName: string, args: readonly unknown[]) =>
    kit.attempt(proxyOf(underlier), functionName, args, { from });
  const anyPrice = (sizeDelta: bigint): bigint => (sizeDelta > 0n ? parseEther("1000000000") : 0n);
  return {
    transferMargin: (u, trader, amount) => call(u, trader, "transferMargin", [amount]),
    withdrawAllMargin: (u, trader) => call(u, trader, "withdrawAllMargin", []),
    modifyPosition: (u, trader, size) => call(u, trader, "modifyPosition", [size, anyPrice(size)]),
    async closePosition(u, trader) {
      const position: { size: bigint } = await kit.read(proxyOf(u), "positions", [trader]);
      return call(u, trader, "closePosition", [anyPrice(-position.size)]);
    },
    submitDelayedOrder: (u, trader, size) => call(u, trader, "submitDelayedOrder", [size, 60n, anyPrice(size)]),
    executeDelayedOrder: (u, by, trader) => call(u, by, "executeDelayedOrder", [trader]),
    cancelDelayedOrder: (u, by, trader) => call(u, by, "cancelDelayedOrder", [trader]),
    flagPosition: (u, keeper, trader) => call(u, keeper, "flagPosition", [trader]),
    liquidatePosition: (u, keeper, trader) => call(u, keeper, "liquidatePosition", [trader]),
    forceLiquidatePosition: (u, keeper, trader) => call(u, keeper, "forceLiquidatePosition", [trader]),
  };
}
