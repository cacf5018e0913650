/**
 * Synthetix v2 perps on a local chain, from the creation code the protocol published in npm `synthetix` for Optimism.
 * What had to be replaced stands in `README.md`.
 */
import { readFileSync } from "node:fs";
import { type Abi, type AbiFunction, parseEther, toFunctionSelector, zeroAddress } from "viem";
import { InputError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import type { FeedDeployment, ProtocolDeployment } from "../src/core/margin-model.ts";
import { aggregatorArtifact, nodeModule } from "./artifacts.ts";
import type { Artifact, Contract, Kit } from "./kit.ts";
import {
  bytes32,
  type CryptoUnderlier,
  namesOf,
  type OtherUnderlier,
  parametersOf,
  SYNTHETIX_UNDERLIERS,
  type Underlier,
} from "./synthetix-parameters.ts";

export type { Underlier } from "./synthetix-parameters.ts";

export type SynthetixMarket = { underlier: Underlier; marketKey: Hex; asset: Hex; symbol: string; proxy: Contract };

export type SynthetixOptions = {
  /** First prices in USD with 8 decimals, of everything that gets a market. */
  prices: Readonly<Record<CryptoUnderlier, bigint> & Partial<Record<OtherUnderlier, bigint>>>;
  /** First prices of feeds that no market uses, by pair: `GBP/USD`. */
  plainFeeds?: Readonly<Record<string, bigint>>;
  /** Accounts that get `susd` each (18 decimals). */
  holders: readonly Hex[];
  susd: bigint;
  /** Accounts that may force a liquidation too large for the market's limits. */
  keepers: readonly Hex[];
  /** Seconds after which a price is refused. Default: a day. */
  rateStalePeriod?: bigint;
};

/** Handles to what was deployed. Feeds are keyed by pair: `ETH/USD`. */
export type Synthetix = {
  kit: Kit;
  startBlock: number;
  contracts: Record<
    "FuturesMarketManager" | "PerpsV2MarketSettings" | "FlexibleStorage" | "ExchangeRates" | "SystemStatus",
    Contract
  >;
  susd: { token: Contract; issuer: Contract };
  feeds: Readonly<Record<string, Contract>>;
  markets: Readonly<Record<CryptoUnderlier, SynthetixMarket> & Partial<Record<OtherUnderlier, SynthetixMarket>>>;
};

const FEED_DECIMALS = 8;
const FEED_HEARTBEAT_SECONDS = 3600;
const ONE_USD = 10n ** BigInt(FEED_DECIMALS);

/** Parts of a market behind its proxy, by the protocol's contract names. */
const MARKET_PARTS = [
  "PerpsV2Market",
  "PerpsV2MarketLiquidate",
  "PerpsV2MarketViews",
  "PerpsV2MarketDelayedIntent",
  "PerpsV2MarketDelayedExecution",
] as const;

/** Functions each part has for itself; the proxy does not route them. */
const UNROUTED = new Set([
  ...["rebuildCache", "resolver", "resolverAddressesRequired", "isResolverCached", "marketState"],
  ...["owner", "nominatedOwner", "nominateNewOwner", "acceptOwnership"],
  ...["setProxy", "setMessageSender", "proxy", "messageSender"],
]);

/** Answers every call with five zero words: a neighbour that never fails and never charges. */
const ZEROS: Artifact = { contractName: "Zeros", abi: [], bytecode: "0x6005600c60003960056000f360a06000f3" };

/**
 * Deploys the protocol with one market for each underlier that has a price. The deployer is account 0 and owns everything;
 * addresses depend on its nonce only.
 * @throws ProviderError when a deployment or setting reverts.
 */
export async function deploySynthetix(kit: Kit, options: SynthetixOptions): Promise<Synthetix> {
  const startBlock = Number(await kit.blockNumber()) + 1;
  const artifact = artifacts();
  const system = await deploySystem(kit, artifact, options);
  const feeds: Record<string, Contract> = { "sUSD/USD": await deployFeed(kit, "sUSD/USD", ONE_USD) };
  const markets = {} as Record<Underlier, SynthetixMarket>;
  for (const underlier of SYNTHETIX_UNDERLIERS) {
    const price = options.prices[underlier];
    if (price === undefined) continue;
    const pair = `${underlier}/USD`;
    const feed = await deployFeed(kit, pair, price);
    feeds[pair] = feed;
    await kit.send(system.contracts.ExchangeRates, "addAggregator", [namesOf(underlier).asset, feed.address]);
    markets[underlier] = await deployMarket(kit, artifact, { ...system, underlier });
  }
  for (const [pair, price] of Object.entries(options.plainFeeds ?? {}))
    feeds[pair] = await deployFeed(kit, pair, price);
  await kit.batch(async () => {
    await kit.send(system.contracts.FuturesMarketManager, "addEndorsedAddresses", [options.keepers]);
    for (const holder of options.holders) await kit.send(system.susd.issuer, "issue", [holder, options.susd]);
  });
  return { kit, startBlock, feeds, markets, contracts: system.contracts, susd: system.susd };
}

type System = Pick<Synthetix, "contracts" | "susd"> & { resolver: Contract; math: Hex };

async function deploySystem(
  kit: Kit,
  artifact: (name: string, library?: Hex) => Artifact,
  options: SynthetixOptions,
): Promise<System> {
  const me = kit.accounts[0] as Hex;
  let system = {} as System;
  await kit.batch(async () => {
    const zeros = await kit.deploy(ZEROS);
    const math = await kit.deploy(artifact("SafeDecimalMath"));
    const resolver = await kit.deploy(artifact("AddressResolver"), [me]);
    const owned = (name: string) => kit.deploy(artifact(name, math.address), [me, resolver.address], { name });
    const contracts = {
      FlexibleStorage: await kit.deploy(artifact("FlexibleStorage"), [resolver.address]),
      SystemStatus: await kit.deploy(artifact("SystemStatus"), [me]),
      ExchangeRates: await owned("ExchangeRates"),
      FuturesMarketManager: await owned("FuturesMarketManager"),
      PerpsV2MarketSettings: await owned("PerpsV2MarketSettings"),
    };
    const PerpsV2ExchangeRate = await owned("PerpsV2ExchangeRate");
    const susd = await deploySusd(kit, artifact, resolver);
    const names: Record<string, Hex> = {
      ...Object.fromEntries(Object.entries(contracts).map(([name, c]) => [name, c.address])),
      PerpsV2ExchangeRate: PerpsV2ExchangeRate.address,
      SynthsUSD: susd.issuer.address,
      // The deployer plays issuer and settings contract: it mints sUSD and writes the stale period.
      Issuer: me,
      SystemSettings: me,
    };
    for (const neighbour of NEIGHBOURS) names[neighbour] = zeros.address;
    await kit.send(resolver, "importAddresses", [Object.keys(names).map(bytes32), Object.values(names)]);
    for (const contract of [...Object.values(contracts), PerpsV2ExchangeRate, susd.issuer]) {
      if (has(contract.abi, "rebuildCache")) await kit.send(contract, "rebuildCache");
    }
    system = { contracts, susd, resolver, math: math.address };
  });
  await kit.batch(() => setGlobals(kit, system.contracts, options.rateStalePeriod ?? 86_400n));
  return system;
}

const NEIGHBOURS = [
  ...["Exchanger", "FeePool", "CircuitBreaker", "ExchangeCircuitBreaker", "CollateralManager"],
  ...["EtherWrapper", "WrapperFactory", "DebtCache"],
];

/** The token behind its proxy: holders use `token`, the protocol and the deployer mint through `issuer`. */
async function deploySusd(
  kit: Kit,
  artifact: (name: string) => Artifact,
  resolver: Contract,
): Promise<Synthetix["susd"]> {
  const me = kit.accounts[0] as Hex;
  const proxy = await kit.deploy(artifact("ProxyERC20"), [me], { name: "ProxysUSD" });
  const state = await kit.deploy(artifact("TokenState"), [me, zeroAddress]);
  const issuer = await kit.deploy(
    artifact("MultiCollateralSynth"),
    [proxy.address, state.address, "Synth sUSD", "sUSD", me, bytes32("sUSD"), 0n, resolver.address],
    { name: "SynthsUSD" },
  );
  await kit.send(state, "setAssociatedContract", [issuer.address]);
  await kit.send(proxy, "setTarget", [issuer.address]);
  return { token: kit.at("sUSD", proxy.address, issuer.abi), issuer };
}

async function setGlobals(kit: Kit, contracts: Synthetix["contracts"], rateStalePeriod: bigint): Promise<void> {
  const settings = contracts.PerpsV2MarketSettings;
  await kit.send(settings, "setMinInitialMargin", [parseEther("50")]);
  await kit.send(settings, "setMaxKeeperFee", [parseEther("1000")]);
  await kit.send(settings, "setMinKeeperFee", [parseEther("2")]);
  await kit.send(settings, "setLiquidationFeeRatio", [parseEther("0.0035")]);
  await kit.send(settings, "setKeeperLiquidationFee", [parseEther("2")]);
  const record = [bytes32("SystemSettings"), bytes32("rateStalePeriod"), rateStalePeriod];
  await kit.send(contracts.FlexibleStorage, "setUIntValue", record);
}

async function deployFeed(kit: Kit, pair: string, price: bigint): Promise<Contract> {
  const feed = await kit.deploy(aggregatorArtifact(), [FEED_DECIMALS, pair], { name: pair });
  await kit.send(feed, "setAnswer", [price]);
  return feed;
}

async function deployMarket(
  kit: Kit,
  artifact: (name: string, library?: Hex) => Artifact,
  given: System & { underlier: Underlier },
): Promise<SynthetixMarket> {
  const me = kit.accounts[0] as Hex;
  const { underlier, contracts, resolver, math } = given;
  const { symbol, asset, marketKey } = namesOf(underlier);
  let abi: Abi = [];
  let proxy = {} as Contract;
  await kit.batch(async () => {
    proxy = await kit.deploy(artifact("ProxyPerpsV2"), [me], { name: symbol });
    const state = await kit.deploy(artifact("PerpsV2MarketState"), [me, [me], asset, marketKey, zeroAddress]);
    const parts: Contract[] = [];
    for (const name of MARKET_PARTS) {
      const behind = name === "PerpsV2MarketViews" ? [state.address] : [proxy.address, state.address];
      parts.push(await kit.deploy(artifact(name, math), [...behind, me, resolver.address]));
    }
    const writers = parts.filter((p) => p.name !== "PerpsV2MarketViews").map((p) => p.address);
    await kit.send(state, "removeAssociatedContracts", [[me]]);
    await kit.send(state, "addAssociatedContracts", [writers]);
    await kit.send(state, "linkOrInitializeState");
    for (const part of parts) await kit.send(part, "rebuildCache");
    abi = await addRoutes(kit, proxy, parts);
  });
  await kit.batch(async () => {
    await kit.send(contracts.FuturesMarketManager, "addProxiedMarkets", [[proxy.address]]);
    await kit.send(contracts.PerpsV2MarketSettings, "setParameters", [marketKey, parametersOf(underlier)]);
  });
  return { underlier, marketKey, asset, symbol, proxy: { ...proxy, abi } };
}

/** Routes every function of every part through the proxy, and gives the abi the proxy then has. */
async function addRoutes(kit: Kit, proxy: Contract, parts: readonly Contract[]): Promise<Abi> {
  const items: Abi[number][] = [];
  const routed = new Set<string>();
  for (const part of parts) {
    for (const item of part.abi) {
      if (item.type === "event" && !items.some((i) => i.type === "event" && i.name === item.name)) items.push(item);
      if (item.type !== "function" || UNROUTED.has(item.name)) continue;
      const selector = toFunctionSelector(item as AbiFunction);
      if (routed.has(selector)) continue;
      routed.add(selector);
      items.push(item);
      await kit.send(proxy, "addRoute", [selector, part.address, item.stateMutability === "view"]);
    }
  }
  return items;
}

/** The protocol's part of a deployment, and its feeds. `startBlock` is the block its deployment began in. */
export function deploymentOf(synthetix: Synthetix): { protocol: ProtocolDeployment; feeds: FeedDeployment[] } {
  const contracts = Object.entries(synthetix.contracts).map(([name, c]) => [name, lower(c.address)]);
  return {
    protocol: {
      protocol: "synthetix-perps-v2",
      startBlock: synthetix.startBlock,
      contracts: Object.fromEntries(contracts),
      settlement: {
        symbol: "sUSD",
        address: lower(synthetix.susd.token.address),
        decimals: 18,
        feed: "sUSD/USD",
        class: "CRYPTO_BACKED_STABLE",
        issuer: "Synthetix",
        currency: "USD",
      },
    },
    feeds: Object.entries(synthetix.feeds).map(([pair, feed]) => ({
      pair,
      aggregator: lower(feed.address),
      decimals: FEED_DECIMALS,
      heartbeatSeconds: FEED_HEARTBEAT_SECONDS,
    })),
  };
}

/** The market of an underlier. @throws InputError when none was deployed. */
export function marketOf(synthetix: Pick<Synthetix, "markets">, underlier: Underlier): SynthetixMarket {
  const market = synthetix.markets[underlier];
  if (!market) throw new InputError(`No market of ${underlier} was deployed.`);
  return market;
}

/** Says a feed's price, in USD with 8 decimals. */
export function setPrice(synthetix: Synthetix, pair: string, price: bigint): Promise<void> {
  const feed = synthetix.feeds[pair];
  if (!feed) throw new InputError(`There is no feed "${pair}" on chain ${synthetix.kit.chainId}.`);
  return synthetix.kit.send(feed, "setAnswer", [price]);
}

/** Finds the published artifacts; `library` replaces the one library a contract may be linked with. */
function artifacts(): (name: string, library?: Hex) => Artifact {
  const read = (network: string): Record<string, { abi: Abi; bytecode: string }> =>
    JSON.parse(readFileSync(nodeModule("synthetix", "publish", "deployed", network, "deployment.json"), "utf8"))
      .sources;
  const optimism = read("mainnet-ovm");
  const mainnet = read("mainnet");
  return (name, library) => {
    const source = (RUNTIME_ONLY_ON_OPTIMISM.has(name) ? mainnet : optimism)[name];
    if (!source) throw new InputError(`npm synthetix publishes no ${name}.`);
    const code = source.bytecode.replace(/^0x/, "");
    if (code.includes("__$") && !library) throw new InputError(`${name} must be linked with SafeDecimalMath.`);
    const linked = code.replace(/__\$[0-9a-f]{34}\$__/g, (library ?? "0x").slice(2).toLowerCase());
    return { contractName: name, abi: source.abi, bytecode: `0x${linked}` };
  };
}

/** For these the Optimism set holds runtime instead of creation code; the package's mainnet set has the latter. */
const RUNTIME_ONLY_ON_OPTIMISM = new Set(["SafeDecimalMath", "AddressResolver", "FlexibleStorage"]);

function lower(address: Hex): Hex {
  return address.toLowerCase() as Hex;
}

function has(abi: Abi, name: string): boolean {
  return abi.some((item) => item.type === "function" && item.name === name);
}
