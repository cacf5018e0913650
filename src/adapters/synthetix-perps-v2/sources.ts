/** Where a Synthetix v2 perps deployment speaks, and the views that may be asked. */
import type { Abi } from "viem";
import { chainlinkAggregatorAbi } from "../../../abis/chainlink-aggregator.ts";
import { erc20Abi } from "../../../abis/erc20.ts";
import { synthetixExchangeRatesAbi } from "../../../abis/synthetix-exchange-rates.ts";
import { synthetixFlexibleStorageAbi } from "../../../abis/synthetix-flexible-storage.ts";
import { synthetixFuturesMarketManagerAbi } from "../../../abis/synthetix-futures-market-manager.ts";
import { synthetixPerpsV2MarketAbi } from "../../../abis/synthetix-perps-v2-market.ts";
import { synthetixPerpsV2MarketSettingsAbi } from "../../../abis/synthetix-perps-v2-market-settings.ts";
import { synthetixSystemStatusAbi } from "../../../abis/synthetix-system-status.ts";
import type { ContractSource } from "../../core/adapter.ts";
import { InputError } from "../../core/errors.ts";
import { type ReadRequest, readRequest } from "../../core/event.ts";
import type { Hex } from "../../core/ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../../core/margin-model.ts";

export const PROTOCOL = "synthetix-perps-v2";

/** The catalogue's names of this protocol's contracts. */
export const SOURCE = {
  market: "SynthetixPerpsV2Market",
  manager: "SynthetixPerpsV2FuturesMarketManager",
  settings: "SynthetixPerpsV2MarketSettings",
  storage: "SynthetixPerpsV2FlexibleStorage",
  rates: "SynthetixPerpsV2ExchangeRates",
  status: "SynthetixPerpsV2SystemStatus",
} as const;

/** Views `reads` may ask for, by the name a request gives. */
export const READ_ABIS: Readonly<Record<string, Abi>> = {
  PerpsV2Market: synthetixPerpsV2MarketAbi as Abi,
  PerpsV2MarketSettings: synthetixPerpsV2MarketSettingsAbi as Abi,
  ExchangeRates: synthetixExchangeRatesAbi as Abi,
  SystemStatus: synthetixSystemStatusAbi as Abi,
  ChainlinkAggregator: chainlinkAggregatorAbi as Abi,
  Erc20: erc20Abi as Abi,
};

/** The contracts a deployment names, by the protocol's own names for them. */
export type Contracts = Record<
  "FuturesMarketManager" | "PerpsV2MarketSettings" | "FlexibleStorage" | "ExchangeRates" | "SystemStatus",
  Hex
>;

/**
 * The addresses of a deployment, lower case.
 * @throws InputError when one is missing.
 */
export function contractsOf(config: ProtocolDeployment): Contracts {
  const address = (name: keyof Contracts): Hex => {
    const found = config.contracts[name];
    if (!found) throw new InputError(`The ${PROTOCOL} deployment lacks the address of ${name}.`);
    return found.toLowerCase() as Hex;
  };
  return {
    FuturesMarketManager: address("FuturesMarketManager"),
    PerpsV2MarketSettings: address("PerpsV2MarketSettings"),
    FlexibleStorage: address("FlexibleStorage"),
    ExchangeRates: address("ExchangeRates"),
    SystemStatus: address("SystemStatus"),
  };
}

/**
 * Sources on one chain. Delayed orders are not listened to: whatever they do to margin is told by a `PositionModified`
 * of its own (a deposit is taken when the order is submitted and given back when it is executed or cancelled).
 * @throws InputError when the deployment lacks an address.
 */
export function sources(chain: ChainDeployment): readonly ContractSource[] {
  const config = chain.protocols.find((p) => p.protocol === PROTOCOL);
  if (!config) return [];
  const contracts = contractsOf(config);
  const { startBlock } = config;
  const at = (name: string, address: Hex, abi: unknown, events: readonly string[]): ContractSource => ({
    name,
    abi: abi as Abi,
    events,
    where: { kind: "addresses", addresses: [address] },
    startBlock,
  });
  return [
    {
      name: SOURCE.market,
      abi: synthetixPerpsV2MarketAbi as Abi,
      events: ["PositionModified", "MarginTransferred", "FundingRecomputed", "PositionFlagged", "PositionLiquidated"],
      where: {
        kind: "factory",
        address: contracts.FuturesMarketManager,
        abi: synthetixFuturesMarketManagerAbi as Abi,
        event: "MarketAdded",
        parameter: "market",
      },
      startBlock,
    },
    at(SOURCE.manager, contracts.FuturesMarketManager, synthetixFuturesMarketManagerAbi, [
      "MarketAdded",
      "MarketRemoved",
    ]),
    at(SOURCE.settings, contracts.PerpsV2MarketSettings, synthetixPerpsV2MarketSettingsAbi, [
      "ParameterUpdated",
      "MinKeeperFeeUpdated",
      "MaxKeeperFeeUpdated",
      "LiquidationFeeRatioUpdated",
      "MinInitialMarginUpdated",
      "KeeperLiquidationFeeUpdated",
    ]),
    at(SOURCE.storage, contracts.FlexibleStorage, synthetixFlexibleStorageAbi, ["ValueSetUInt"]),
    at(SOURCE.rates, contracts.ExchangeRates, synthetixExchangeRatesAbi, ["AggregatorAdded", "AggregatorRemoved"]),
    at(SOURCE.status, contracts.SystemStatus, synthetixSystemStatusAbi, [
      "SystemSuspended",
      "SystemResumed",
      "ExchangeSuspended",
      "ExchangeResumed",
      "FuturesSuspended",
      "FuturesResumed",
      "FuturesMarketSuspended",
      "FuturesMarketResumed",
      "SynthSuspended",
      "SynthResumed",
    ]),
  ];
}

/** Where a market's storage keeps its open interest: both sides added, and longs less shorts. */
export function storageTotals(market: string): readonly [size: ReadRequest, skew: ReadRequest] {
  const total = (view: string) =>
    readRequest(`total:${market}:${view}`, { address: market as Hex, view: `PerpsV2Market.${view}` });
  return [total("marketSize"), total("marketSkew")];
}
