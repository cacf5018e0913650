import { maxUint256, zeroHash } from "viem";
import type { Hex } from "../src/core/ids.ts";
import type { Contract, Kit } from "./kit.ts";
import type { PerpMarket, PerpV2 } from "./perp-v2.ts";

/** One transaction, not yet sent. */
export type Call = { contract: Contract; functionName: string; args: readonly unknown[]; from: Hex };

/** Queues a call. @throws ProviderError when it reverts. */
export function send(kit: Kit, call: Call): Promise<void> {
  return kit.send(call.contract, call.functionName, call.args, { from: call.from });
}

/** Queues a call if it would succeed now; says whether it did. */
export function attempt(kit: Kit, call: Call): Promise<boolean> {
  return kit.attempt(call.contract, call.functionName, call.args, { from: call.from });
}

/** Ticks are multiples of the market's spacing, amounts 18-decimal base and quote. */
export type Range = { lowerTick: number; upperTick: number };

export type PerpActions = ReturnType<typeof perpActions>;

/**
 * Everything a participant of Perp v2 can do, as calls to send. USDC amounts have 6 decimals, base and quote 18.
 */
export function perpActions(perp: PerpV2) {
  const { ClearingHouse: house, Vault: vault } = perp.contracts;
  const owner = perp.kit.accounts[0] as Hex;
  const call = (contract: Contract, functionName: string, args: readonly unknown[], from: Hex): Call => ({
    contract,
    functionName,
    args,
    from,
  });
  return {
    /** Gives a trader tokens and lets the vault take them. */
    fund: (trader: Hex, amounts: { usdc: bigint; weth: bigint }): readonly Call[] => [
      call(perp.usdc, "mint", [trader, amounts.usdc], owner),
      call(perp.weth, "mint", [trader, amounts.weth], owner),
      call(perp.usdc, "approve", [vault.address, maxUint256], trader),
      call(perp.weth, "approve", [vault.address, maxUint256], trader),
    ],
    deposit: (trader: Hex, token: Contract, amount: bigint) => call(vault, "deposit", [token.address, amount], trader),
    withdraw: (trader: Hex, token: Contract, amount: bigint) =>
      call(vault, "withdraw", [token.address, amount], trader),
    withdrawAll: (trader: Hex, token: Contract) => call(vault, "withdrawAll", [token.address], trader),
    /**
     * Trades `amount`: of the input token when `exactInput`, else of the output token. Shorting sells base for quote.
     * `sqrtPriceLimitX96` 0 sets no limit; with one the swap stops there.
     */
    openPosition: (
      trader: Hex,
      market: PerpMarket,
      order: { short: boolean; exactInput: boolean; amount: bigint; sqrtPriceLimitX96?: bigint },
    ) =>
      call(
        house,
        "openPosition",
        [
          {
            baseToken: market.base.address,
            isBaseToQuote: order.short,
            isExactInput: order.exactInput,
            amount: order.amount,
            oppositeAmountBound: 0n,
            deadline: maxUint256,
            sqrtPriceLimitX96: order.sqrtPriceLimitX96 ?? 0n,
            referralCode: zeroHash,
          },
        ],
        trader,
      ),
    closePosition: (trader: Hex, market: PerpMarket) =>
      call(
        house,
        "closePosition",
        [
          {
            baseToken: market.base.address,
            sqrtPriceLimitX96: 0n,
            oppositeAmountBound: 0n,
            deadline: maxUint256,
            referralCode: zeroHash,
          },
        ],
        trader,
      ),
    addLiquidity: (maker: Hex, market: PerpMarket, order: Range & { base: bigint; quote: bigint }) =>
      call(
        house,
        "addLiquidity",
        [
          {
            ...order,
            baseToken: market.base.address,
            minBase: 0n,
            minQuote: 0n,
            useTakerBalance: false,
            deadline: maxUint256,
          },
        ],
        maker,
      ),
    removeLiquidity: (maker: Hex, market: PerpMarket, order: Range & { liquidity: bigint }) =>
      call(
        house,
        "removeLiquidity",
        [{ ...order, baseToken: market.base.address, minBase: 0n, minQuote: 0n, deadline: maxUint256 }],
        maker,
      ),
    settleAllFunding: (trader: Hex, from: Hex = trader) => call(house, "settleAllFunding", [trader], from),
    /** Liquidates as much of the position as the protocol allows at once. A maker's orders must be cancelled before. */
    liquidate: (keeper: Hex, trader: Hex, market: PerpMarket) =>
      call(house, "liquidate", [trader, market.base.address], keeper),
    cancelAllExcessOrders: (keeper: Hex, maker: Hex, market: PerpMarket) =>
      call(house, "cancelAllExcessOrders", [maker, market.base.address], keeper),
    /** Pays `settlement` (6 decimals) of an account's debt and takes its WETH at a discount. */
    liquidateCollateral: (keeper: Hex, trader: Hex, settlement: bigint) =>
      call(vault, "liquidateCollateral", [trader, perp.weth.address, settlement, true], keeper),
    settleBadDebt: (keeper: Hex, trader: Hex) => call(vault, "settleBadDebt", [trader], keeper),
    quitMarket: (keeper: Hex, trader: Hex, market: PerpMarket) =>
      call(house, "quitMarket", [trader, market.base.address], keeper),
    pauseMarket: (market: PerpMarket) => call(market.base, "pause", [], owner),
    /** Closes a paused market at a price with 18 decimals. */
    closeMarket: (market: PerpMarket, price: bigint) => call(market.base, "close", [price], owner),
    /** Announces an index price with 8 decimals. */
    setPrice: (feed: PerpV2["feeds"]["ETH"], price: bigint) => call(feed.aggregator, "setAnswer", [price], owner),
    /** Lets the protocol's wrapper record the aggregator's price; reverts when there is nothing new. */
    observePrice: (feed: PerpV2["feeds"]["ETH"]) => call(feed.observer ?? feed.aggregator, "update", [], owner),
  };
}

/** The protocol's own views. Account value and requirement with 18 decimals, in the settlement token. */
export function perpViews(perp: PerpV2) {
  const { kit, contracts } = perp;
  const at = (block?: bigint) => (block === undefined ? {} : { block });
  return {
    accountValue: (trader: Hex, block?: bigint): Promise<bigint> =>
      kit.read(contracts.ClearingHouse, "getAccountValue", [trader], at(block)),
    marginRequirement: (trader: Hex, block?: bigint): Promise<bigint> =>
      kit.read(contracts.AccountBalance, "getMarginRequirementForLiquidation", [trader], at(block)),
    /** Free collateral in USDC, 6 decimals. */
    freeCollateral: (trader: Hex, block?: bigint): Promise<bigint> =>
      kit.read(contracts.Vault, "getFreeCollateral", [trader], at(block)),
    takerSize: (trader: Hex, market: PerpMarket, block?: bigint): Promise<bigint> =>
      kit.read(contracts.AccountBalance, "getTakerPositionSize", [trader, market.base.address], at(block)),
    markPrice: (market: PerpMarket, block?: bigint): Promise<bigint> =>
      kit.read(contracts.AccountBalance, "getMarkPrice", [market.base.address], at(block)),
    /** Pool price as √P · 2⁹⁶, and the current tick. */
    pool: async (market: PerpMarket, block?: bigint): Promise<{ sqrtPriceX96: bigint; tick: number }> => {
      const slot = await kit.read(market.pool, "slot0", [], at(block));
      return { sqrtPriceX96: slot[0], tick: slot[1] };
    },
    orderIds: (maker: Hex, market: PerpMarket, block?: bigint): Promise<readonly Hex[]> =>
      kit.read(contracts.OrderBook, "getOpenOrderIds", [maker, market.base.address], at(block)),
    /** What a keeper may repay of an account's debt (6 decimals) and the WETH it gets for it. */
    liquidatableCollateral: async (
      trader: Hex,
      block?: bigint,
    ): Promise<{ settlement: bigint; collateral: bigint }> => {
      const args = [trader, perp.weth.address];
      const [settlement, collateral] = await kit.read(
        contracts.Vault,
        "getMaxRepaidSettlementAndLiquidatableCollateral",
        args,
        at(block),
      );
      return { settlement, collateral };
    },
  };
}
