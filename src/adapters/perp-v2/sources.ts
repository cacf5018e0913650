/** Where a Perp v2 deployment speaks, and the views that may be asked. */
import type { Abi } from "viem";
import { chainlinkAggregatorAbi } from "../../../abis/chainlink-aggregator.ts";
import { erc20Abi } from "../../../abis/erc20.ts";
import { accountBalanceAbi } from "../../../abis/perp-v2-account-balance.ts";
import { baseTokenAbi } from "../../../abis/perp-v2-base-token.ts";
import { clearingHouseAbi } from "../../../abis/perp-v2-clearing-house.ts";
import { clearingHouseConfigAbi } from "../../../abis/perp-v2-clearing-house-config.ts";
import { collateralManagerAbi } from "../../../abis/perp-v2-collateral-manager.ts";
import { exchangeAbi } from "../../../abis/perp-v2-exchange.ts";
import { marketRegistryAbi } from "../../../abis/perp-v2-market-registry.ts";
import { priceFeedAbi } from "../../../abis/perp-v2-price-feed.ts";
import { priceFeedDispatcherAbi } from "../../../abis/perp-v2-price-feed-dispatcher.ts";
import { vaultAbi } from "../../../abis/perp-v2-vault.ts";
import { uniswapV3PoolAbi } from "../../../abis/uniswap-v3-pool.ts";
import type { ContractSource } from "../../core/adapter.ts";
import { InputError } from "../../core/errors.ts";
import type { Hex } from "../../core/ids.ts";
import type { ChainDeployment, ProtocolDeployment } from "../../core/margin-model.ts";

export const PROTOCOL = "perp-v2";

/** Views a reading may ask for, by the name its request gives. */
export const READ_ABIS: Readonly<Record<string, Abi>> = {
  Aggregator: chainlinkAggregatorAbi as Abi,
  BaseToken: baseTokenAbi as Abi,
  ClearingHouseConfig: clearingHouseConfigAbi as Abi,
  CollateralManager: collateralManagerAbi as Abi,
  Erc20: erc20Abi as Abi,
  MarketRegistry: marketRegistryAbi as Abi,
  PriceFeed: priceFeedAbi as Abi,
  PriceFeedDispatcher: priceFeedDispatcherAbi as Abi,
  UniswapV3Pool: uniswapV3PoolAbi as Abi,
};

const CONTRACTS = [
  "ClearingHouse",
  "Vault",
  "AccountBalance",
  "Exchange",
  "MarketRegistry",
  "ClearingHouseConfig",
  "CollateralManager",
  "InsuranceFund",
] as const;

/** The deployment's addresses in lower case. @throws InputError naming the first that is missing. */
export function contractsOf(config: ProtocolDeployment): Record<(typeof CONTRACTS)[number], Hex> {
  const entries = CONTRACTS.map((name) => {
    const address = config.contracts[name];
    if (address === undefined) throw new InputError(`The deployment of ${PROTOCOL} names no contract ${name}.`);
    return [name, address.toLowerCase() as Hex] as const;
  });
  return Object.fromEntries(entries) as Record<(typeof CONTRACTS)[number], Hex>;
}

/**
 * Contracts to listen to on a chain; none when Perp v2 is not deployed there. Base tokens and pools are announced by the
 * market registry; the price feeds' wrappers are the `observers` of the chain's feeds.
 * @throws InputError when the deployment names no address for a contract that is needed.
 */
export function sources(chain: ChainDeployment): readonly ContractSource[] {
  const config = chain.protocols.find((p) => p.protocol === PROTOCOL);
  if (config === undefined) return [];
  const contracts = contractsOf(config);
  const { startBlock } = config;
  const at = (name: keyof typeof contracts, abi: unknown): ContractSource =>
    source(`PerpV2${name}`, { abi, where: { kind: "addresses", addresses: [contracts[name]] }, startBlock });
  const child = (name: string, abi: unknown, parameter: string): ContractSource => {
    const factory = { address: contracts.MarketRegistry, abi: marketRegistryAbi as unknown as Abi };
    return source(name, { abi, where: { kind: "factory", ...factory, event: "PoolAdded", parameter }, startBlock });
  };
  const observers = chain.feeds.flatMap((feed) => feed.observers ?? []).map((o) => o.toLowerCase() as Hex);
  return [
    at("ClearingHouse", clearingHouseAbi),
    at("Vault", vaultAbi),
    at("AccountBalance", accountBalanceAbi),
    at("Exchange", exchangeAbi),
    at("MarketRegistry", marketRegistryAbi),
    at("ClearingHouseConfig", clearingHouseConfigAbi),
    at("CollateralManager", collateralManagerAbi),
    child("PerpV2BaseToken", baseTokenAbi, "baseToken"),
    child("PerpV2Pool", uniswapV3PoolAbi, "pool"),
    ...(observers.length === 0
      ? []
      : [
          source("PerpV2PriceFeed", {
            abi: priceFeedAbi,
            where: { kind: "addresses", addresses: observers },
            startBlock,
          }),
        ]),
  ];
}

/** Every event of these ABIs is handled: they hold no others. */
function source(
  name: string,
  { abi, where, startBlock }: Pick<ContractSource, "where" | "startBlock"> & { abi: unknown },
): ContractSource {
  const events = (abi as Abi).flatMap((item) => (item.type === "event" ? [item.name] : []));
  return { name, abi: abi as Abi, events, where, startBlock };
}
