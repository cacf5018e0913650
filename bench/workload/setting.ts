/** Where everything of the benchmark's chain is: addresses, feeds, markets, and the deployment that follows from them. */
import { keccak256, toHex } from "viem";
import type { Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment } from "../../src/core/margin-model.ts";

export const CHAIN_ID = 903;

/** Block 1 teaches the contracts their answers; the first logs are in this one. */
export const FIRST_BLOCK = 2;

/** Seconds between blocks. */
export const BLOCK_SECONDS = 12n;

/** An address made from a name: fixed, and spread like any other. */
export function addressOf(name: string): Hex {
  return `0x${keccak256(toHex(`plumbline-bench/${name}`)).slice(-40)}`;
}

/** Currencies of thresholds, with their price at the start in USD cents: they do not move. */
export const CURRENCIES = { EUR: 108n, GBP: 127n, CHF: 112n } as const;

export type Underlier = "ETH" | "BTC" | "SOL" | "LINK";

/** Prices at the start in USD cents, with the exponent of two by which the pool's depth is scaled. */
export const UNDERLIERS: readonly { underlier: Underlier; startCents: bigint; everyBlocks: number }[] = [
  { underlier: "ETH", startCents: 200_000n, everyBlocks: 1 },
  { underlier: "BTC", startCents: 6_000_000n, everyBlocks: 2 },
  { underlier: "SOL", startCents: 4_000n, everyBlocks: 3 },
  { underlier: "LINK", startCents: 1_500n, everyBlocks: 3 },
];

export const FEED_DECIMALS = 8;

export const PERP = {
  ClearingHouse: addressOf("perp/clearing-house"),
  Vault: addressOf("perp/vault"),
  AccountBalance: addressOf("perp/account-balance"),
  Exchange: addressOf("perp/exchange"),
  MarketRegistry: addressOf("perp/market-registry"),
  ClearingHouseConfig: addressOf("perp/clearing-house-config"),
  CollateralManager: addressOf("perp/collateral-manager"),
  InsuranceFund: addressOf("perp/insurance-fund"),
} as const;

export const SYNTHETIX = {
  FuturesMarketManager: addressOf("synthetix/manager"),
  PerpsV2MarketSettings: addressOf("synthetix/settings"),
  FlexibleStorage: addressOf("synthetix/storage"),
  ExchangeRates: addressOf("synthetix/rates"),
  SystemStatus: addressOf("synthetix/status"),
} as const;

export const USDC = addressOf("token/usdc");
export const SUSD = addressOf("token/susd");
export const QUOTE_TOKEN = addressOf("perp/quote-token");

export const SYNTHETIX_UNDERLIERS: readonly Underlier[] = ["ETH", "BTC", "SOL"];

export const aggregatorOf = (asset: string) => addressOf(`feed/${asset}`);
export const observerOf = (underlier: Underlier) => addressOf(`perp/observer/${underlier}`);
export const baseTokenOf = (underlier: Underlier) => addressOf(`perp/base-token/${underlier}`);
export const poolOf = (underlier: Underlier) => addressOf(`perp/pool/${underlier}`);
export const synthetixMarketOf = (underlier: Underlier) => addressOf(`synthetix/market/${underlier}`);
export const accountOf = (index: number) => addressOf(`account/${index}`);

/** Every address that has to emit logs or answer calls. */
export function contractAddresses(): Hex[] {
  const assets = [...UNDERLIERS.map((u) => u.underlier), "USDC", "sUSD", ...Object.keys(CURRENCIES)];
  return [
    ...Object.values(PERP),
    ...Object.values(SYNTHETIX),
    USDC,
    SUSD,
    ...assets.map(aggregatorOf),
    ...UNDERLIERS.flatMap(({ underlier }) => [observerOf(underlier), baseTokenOf(underlier), poolOf(underlier)]),
    ...SYNTHETIX_UNDERLIERS.map(synthetixMarketOf),
  ];
}

const feed = (pair: string, aggregator: Hex) => ({
  pair,
  aggregator,
  decimals: FEED_DECIMALS,
  heartbeatSeconds: 90_000,
});

const CHAIN: ChainDeployment = {
  chainId: CHAIN_ID,
  name: "bench",
  startBlock: FIRST_BLOCK,
  tickBlocks: 10,
  epochBlocks: 256,
  gridSeconds: 3600,
  finalityBlocks: 30,
  feeds: [
    ...UNDERLIERS.map(({ underlier }) => ({
      ...feed(`${underlier}/USD`, aggregatorOf(underlier)),
      observers: [observerOf(underlier)],
    })),
    feed("USDC/USD", aggregatorOf("USDC")),
    feed("sUSD/USD", aggregatorOf("sUSD")),
    ...Object.keys(CURRENCIES).map((currency) => feed(`${currency}/USD`, aggregatorOf(currency))),
  ],
  protocols: [
    {
      protocol: "perp-v2",
      startBlock: FIRST_BLOCK,
      contracts: PERP,
      settlement: {
        ...{ symbol: "USDC", address: USDC, decimals: 6, feed: "USDC/USD" },
        ...{ class: "FIAT_STABLE_REGULATED", issuer: "Circle", currency: "USD" },
      },
    },
    {
      protocol: "synthetix-perps-v2",
      startBlock: FIRST_BLOCK,
      contracts: SYNTHETIX,
      settlement: {
        ...{ symbol: "sUSD", address: SUSD, decimals: 18, feed: "sUSD/USD" },
        ...{ class: "CRYPTO_BACKED_STABLE", issuer: "Synthetix", currency: "USD" },
      },
    },
  ],
};

export const DEPLOYMENT: Deployment = { version: 1, name: "bench", chains: [CHAIN] };

/** The benchmark's one chain, as its deployment describes it. */
export function chainDeployment(): ChainDeployment {
  return CHAIN;
}
