import { type Abi, getContractAddress, maxUint256 } from "viem";
import { InvariantError } from "../src/core/errors.ts";
import type { Hex } from "../src/core/ids.ts";
import type { AssetDeployment, FeedDeployment, ProtocolDeployment } from "../src/core/margin-model.ts";
import { aggregatorArtifact, artifactIndex, nodeModule, tokenArtifact } from "./artifacts.ts";
import type { Contract, Kit } from "./kit.ts";

/** A Chainlink-style aggregator with the protocol's own TWAP wrapper around it; `observer` is null where none is needed. */
export type PerpFeed = { pair: string; aggregator: Contract; observer: Contract | null };

/** One perpetual: virtual base token, Uniswap v3 pool against the virtual quote token, and its index feed. */
export type PerpMarket = { symbol: string; base: Contract; pool: Contract; feed: PerpFeed; tickSpacing: number };

/** A whole deployment of Perp v2, with the handles that drive it. */
export type PerpV2 = {
  kit: Kit;
  contracts: Readonly<Record<PerpContractName, Contract>>;
  usdc: Contract;
  weth: Contract;
  markets: readonly PerpMarket[];
  /** ETH/USD, BTC/USD, SOL/USD and USDC/USD, 8 decimals each. */
  feeds: Readonly<Record<"ETH" | "BTC" | "SOL" | "USDC", PerpFeed>>;
  /** Feeds the protocol does not use, by pair. */
  plainFeeds: Readonly<Record<string, Contract>>;
  /** The deployment in the core's shape. */
  deployment(): { protocol: ProtocolDeployment; feeds: readonly FeedDeployment[] };
};

const NAMES = [
  "ClearingHouse",
  "Vault",
  "AccountBalance",
  "Exchange",
  "OrderBook",
  "MarketRegistry",
  "ClearingHouseConfig",
  "CollateralManager",
  "InsuranceFund",
] as const;

export type PerpContractName = (typeof NAMES)[number];

/** First prices, 8 decimals. */
export type PerpOptions = {
  prices?: Readonly<Record<"ETH" | "BTC" | "SOL" | "USDC", bigint>>;
  /** Feeds the protocol does not use, by pair: `GBP/USD`. */
  plainFeeds?: Readonly<Record<string, bigint>>;
};

const DEFAULT_PRICES = { ETH: 2_000_00000000n, BTC: 60_000_00000000n, SOL: 150_00000000n, USDC: 1_00000000n };
const FEED_DECIMALS = 8;
const FEED_TIMEOUT_SECONDS = 2_400n;
const TWAP_SECONDS = 900n;
const HEARTBEAT_SECONDS = 3_600;
/** Production pools use Uniswap's 1 % tier, whose ticks are 200 apart. */
const UNISWAP_FEE = 10_000;
const TICK_SPACING = 200;
/** Taker fee of each market, in millionths; different so that a mix-up shows. */
const FEE_RATIO = { vETH: 1_000, vBTC: 1_700, vSOL: 2_500 } as const;
const INSURANCE_FUND_FEE_RATIO = 200_000;
const COLLATERAL_RATIO = 700_000;
const DISCOUNT_RATIO = 100_000;
const INSURANCE_FUND_USDC = 1_000_000_000000n;

/**
 * Deploys Perp v2 from the bytecode its team published, with markets vETH, vBTC and vSOL, USDC (6 decimals) for
 * settlement and WETH as further collateral. Addresses depend on the accounts' nonces and on nothing else.
 *
 * The mark price averages 1800 s of pool history and reverts before there is that much: open no position earlier.
 */
export async function deployPerpV2(kit: Kit, options: PerpOptions = {}): Promise<PerpV2> {
  const prices = options.prices ?? DEFAULT_PRICES;
  const startBlock = Number(await kit.blockNumber()) + 1;
  const parts = await deployCode(kit);
  await kit.batch(() => announcePrices(kit, parts, prices));
  await kit.batch(() => initialize(kit, parts));
  const markets = await openPools(kit, parts, prices);
  await kit.batch(() => connect(kit, parts, markets));
  await kit.batch(() => list(kit, parts, markets));
  const plainFeeds = await deployPlainFeeds(kit, options.plainFeeds ?? {});
  const { contracts, usdc, weth, feeds } = parts;
  const deployment = () => describe(parts, { startBlock, plainFeeds });
  return { kit, contracts, usdc, weth, markets, feeds, plainFeeds, deployment };
}

async function deployPlainFeeds(
  kit: Kit,
  prices: NonNullable<PerpOptions["plainFeeds"]>,
): Promise<PerpV2["plainFeeds"]> {
  const feeds: Record<string, Contract> = {};
  const pairs = Object.entries(prices);
  if (pairs.length === 0) return feeds;
  await kit.batch(async () => {
    for (const [pair, price] of pairs) {
      const feed = await kit.deploy(aggregatorArtifact(), [FEED_DECIMALS, pair], { name: pair });
      await kit.send(feed, "setAnswer", [price]);
      feeds[pair] = feed;
    }
  });
  return feeds;
}

type Parts = {
  contracts: Record<PerpContractName, Contract>;
  usdc: Contract;
  weth: Contract;
  quote: Contract;
  factory: Contract;
  bases: { symbol: keyof typeof FEE_RATIO; base: Contract; feed: PerpFeed; dispatcher: Contract }[];
  feeds: PerpV2["feeds"];
  poolAbi: Abi;
};

async function deployCode(kit: Kit): Promise<Parts> {
  const curie = artifactIndex(nodeModule("@perp/curie-deployments/optimism/core/artifacts"));
  const uniswap = artifactIndex(nodeModule("@uniswap/v3-core/artifacts/contracts"));
  const parts: Partial<Parts> = { poolAbi: uniswap("UniswapV3Pool").abi };
  await kit.batch(async () => {
    parts.usdc = await kit.deploy(tokenArtifact(), ["USD Coin", "USDC", 6], { name: "USDC" });
    parts.weth = await kit.deploy(tokenArtifact(), ["Wrapped Ether", "WETH", 18], { name: "WETH" });
    const feed = async (pair: string, observed: boolean): Promise<PerpFeed> => {
      const aggregator = await kit.deploy(aggregatorArtifact(), [FEED_DECIMALS, pair], { name: pair });
      const args = [aggregator.address, FEED_TIMEOUT_SECONDS, TWAP_SECONDS];
      const observer = observed ? await kit.deploy(curie("ChainlinkPriceFeedV3"), args) : null;
      return { pair, aggregator, observer };
    };
    const feeds = {
      ETH: await feed("ETH/USD", true),
      BTC: await feed("BTC/USD", true),
      SOL: await feed("SOL/USD", true),
      USDC: await feed("USDC/USD", false),
    };
    parts.feeds = feeds;
    const contracts: Partial<Record<PerpContractName, Contract>> = {};
    for (const name of NAMES) contracts[name] = await kit.deploy(curie(name));
    parts.contracts = contracts as Record<PerpContractName, Contract>;
    parts.factory = await kit.deploy(uniswap("UniswapV3Factory"));
  });
  await kit.batch(async () => {
    const feeds = (parts as Parts).feeds;
    const isQuote = (address: Hex) => BigInt(address) >> 156n >= 0xcn;
    parts.quote = await kit.deploy(curie("QuoteToken"), [], { from: await senderFor(kit, isQuote) });
    parts.bases = [];
    for (const [symbol, feed] of [
      ["vETH", feeds.ETH] as const,
      ["vBTC", feeds.BTC] as const,
      ["vSOL", feeds.SOL] as const,
    ]) {
      const isBase = (address: Hex) => BigInt(address) >> 156n < 0xcn;
      const base = await kit.deploy(curie("BaseToken"), [], { name: symbol, from: await senderFor(kit, isBase) });
      const dispatcher = await kit.deploy(curie("PriceFeedDispatcher"), [feed.observer?.address]);
      parts.bases.push({ symbol, base, feed, dispatcher });
    }
  });
  return parts as Parts;
}

/**
 * The first account whose next contract lands on a suitable address: the protocol wants every base token's address
 * below its quote token's.
 */
async function senderFor(kit: Kit, suits: (address: Hex) => boolean): Promise<Hex> {
  for (const from of kit.accounts) {
    const nonce = await kit.client.getTransactionCount({ address: from, blockTag: "pending" });
    if (suits(getContractAddress({ from, nonce: BigInt(nonce) }))) return from;
  }
  throw new InvariantError("No account's next contract address suits a virtual token of Perp v2.");
}

async function announcePrices(kit: Kit, parts: Parts, prices: NonNullable<PerpOptions["prices"]>): Promise<void> {
  for (const name of ["ETH", "BTC", "SOL", "USDC"] as const) {
    await kit.send(parts.feeds[name].aggregator, "setAnswer", [prices[name]]);
  }
}

async function initialize(kit: Kit, parts: Parts): Promise<void> {
  const { contracts: c, quote, factory, usdc } = parts;
  await kit.send(quote, "initialize", ["vUSD", "vUSD"]);
  for (const { symbol, base, dispatcher } of parts.bases) {
    await kit.send(base, "initialize", [symbol, symbol, dispatcher.address]);
    await kit.send(factory, "createPool", [base.address, quote.address, UNISWAP_FEE]);
  }
  await kit.send(c.ClearingHouseConfig, "initialize");
  await kit.send(c.MarketRegistry, "initialize", [factory.address, quote.address]);
  await kit.send(c.OrderBook, "initialize", [c.MarketRegistry.address]);
  await kit.send(c.InsuranceFund, "initialize", [usdc.address]);
  const { MarketRegistry, OrderBook, ClearingHouseConfig, AccountBalance, Exchange, InsuranceFund } = c;
  await kit.send(Exchange, "initialize", [MarketRegistry.address, OrderBook.address, ClearingHouseConfig.address]);
  await kit.send(Exchange, "setAccountBalance", [AccountBalance.address]);
  await kit.send(OrderBook, "setExchange", [Exchange.address]);
  await kit.send(AccountBalance, "initialize", [ClearingHouseConfig.address, OrderBook.address]);
  const neighbours = [InsuranceFund.address, ClearingHouseConfig.address, AccountBalance.address, Exchange.address];
  await kit.send(c.Vault, "initialize", neighbours);
  const limits = [5, 750_000, 500_000, 2_000, 30_000, 10_000_000000n, 500_000000n];
  await kit.send(c.CollateralManager, "initialize", [ClearingHouseConfig.address, c.Vault.address, ...limits]);
  await kit.send(c.Vault, "setCollateralManager", [c.CollateralManager.address]);
  await kit.send(InsuranceFund, "setVault", [c.Vault.address]);
  await kit.send(AccountBalance, "setVault", [c.Vault.address]);
}

async function openPools(kit: Kit, parts: Parts, prices: NonNullable<PerpOptions["prices"]>): Promise<PerpMarket[]> {
  const markets: PerpMarket[] = [];
  for (const { symbol, base, feed } of parts.bases) {
    const address: Hex = await kit.read(parts.factory, "getPool", [base.address, parts.quote.address, UNISWAP_FEE]);
    const pool = kit.at(`${symbol} pool`, address, parts.poolAbi);
    markets.push({ symbol, base, pool, feed, tickSpacing: TICK_SPACING });
  }
  await kit.batch(async () => {
    for (const market of markets) {
      const price = prices[market.symbol.slice(1) as "ETH" | "BTC" | "SOL"];
      await kit.send(market.pool, "initialize", [sqrtPriceX96(price, FEED_DECIMALS)]);
      await kit.send(market.pool, "increaseObservationCardinalityNext", [600]);
    }
  });
  return markets;
}

async function connect(kit: Kit, parts: Parts, markets: readonly PerpMarket[]): Promise<void> {
  const { contracts: c, quote, factory } = parts;
  const house = [c.ClearingHouseConfig, c.Vault, quote, factory, c.Exchange, c.AccountBalance, c.InsuranceFund];
  await kit.send(
    c.ClearingHouse,
    "initialize",
    house.map((contract) => contract.address),
  );
  await kit.send(c.ClearingHouseConfig, "setSettlementTokenBalanceCap", [maxUint256]);
  for (const { base, pool } of markets) {
    for (const token of [base, quote]) await kit.send(token, "addWhitelist", [pool.address]);
  }
  for (const token of [quote, ...markets.map((market) => market.base)]) {
    await kit.send(token, "mintMaximumTo", [c.ClearingHouse.address]);
    await kit.send(token, "addWhitelist", [c.ClearingHouse.address]);
  }
  for (const contract of [c.MarketRegistry, c.OrderBook, c.Exchange, c.AccountBalance, c.Vault]) {
    await kit.send(contract, "setClearingHouse", [c.ClearingHouse.address]);
  }
  for (const { feed } of markets) if (feed.observer) await kit.send(feed.observer, "update");
}

async function list(kit: Kit, parts: Parts, markets: readonly PerpMarket[]): Promise<void> {
  const { contracts: c, usdc, weth, feeds } = parts;
  for (const { symbol, base } of markets) {
    await kit.send(c.MarketRegistry, "addPool", [base.address, UNISWAP_FEE]);
    await kit.send(c.MarketRegistry, "setFeeRatio", [base.address, FEE_RATIO[symbol as keyof typeof FEE_RATIO]]);
    await kit.send(c.MarketRegistry, "setInsuranceFundFeeRatio", [base.address, INSURANCE_FUND_FEE_RATIO]);
    await kit.send(c.MarketRegistry, "setMarketMaxPriceSpreadRatio", [base.address, 300_000]);
    await kit.send(c.Exchange, "setMaxTickCrossedWithinBlock", [base.address, 1_000]);
  }
  const collateral = {
    priceFeed: feeds.ETH.observer?.address,
    collateralRatio: COLLATERAL_RATIO,
    discountRatio: DISCOUNT_RATIO,
    depositCap: maxUint256,
  };
  await kit.send(c.CollateralManager, "addCollateral", [weth.address, collateral]);
  await kit.send(usdc, "mint", [c.InsuranceFund.address, INSURANCE_FUND_USDC]);
}

function describe(
  parts: Parts,
  { startBlock, plainFeeds }: { startBlock: number; plainFeeds: PerpV2["plainFeeds"] },
): ReturnType<PerpV2["deployment"]> {
  const lower = (contract: Contract) => contract.address.toLowerCase() as Hex;
  const plain = Object.entries(plainFeeds).map(([pair, aggregator]) => ({ pair, aggregator, observer: null }));
  const feeds = [...Object.values(parts.feeds), ...plain].map((feed) => ({
    pair: feed.pair,
    aggregator: lower(feed.aggregator),
    decimals: FEED_DECIMALS,
    heartbeatSeconds: HEARTBEAT_SECONDS,
    ...(feed.observer ? { observers: [lower(feed.observer)] } : {}),
  }));
  const contracts = Object.fromEntries(NAMES.map((name) => [name, lower(parts.contracts[name])]));
  const settlement: AssetDeployment = {
    symbol: "USDC",
    address: lower(parts.usdc),
    decimals: 6,
    feed: "USDC/USD",
    class: "FIAT_STABLE_REGULATED",
    issuer: "Circle",
    currency: "USD",
  };
  const weth: AssetDeployment = {
    symbol: "WETH",
    address: lower(parts.weth),
    decimals: 18,
    feed: "ETH/USD",
    class: "NATIVE_MAJOR",
    issuer: null,
    currency: null,
  };
  return { protocol: { protocol: "perp-v2", startBlock, contracts, settlement, collateral: [weth] }, feeds };
}

/** √(price) · 2⁹⁶ rounded down, for a price of one 18-decimal token in another with `decimals` digits. */
export function sqrtPriceX96(price: bigint, decimals: number): bigint {
  const square = (price << 192n) / 10n ** BigInt(decimals);
  let root = square;
  for (let next = (square + 1n) / 2n; next < root; next = (root + square / root) / 2n) root = next;
  return root;
}
