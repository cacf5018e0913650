/** A small deployment and hand-made logs, for tests without a chain. */

import { chainlink } from "../../../../src/adapters/chainlink/index.ts";
import { synthetixPerpsV2 } from "../../../../src/adapters/synthetix-perps-v2/index.ts";
import { createSynthetixPerpsV2 } from "../../../../src/adapters/synthetix-perps-v2/model.ts";
import { PROTOCOL, SOURCE } from "../../../../src/adapters/synthetix-perps-v2/sources.ts";
import { bytes32Of } from "../../../../src/adapters/synthetix-perps-v2/text.ts";
import { Journal } from "../../../../src/core/book/journal.ts";
import type { CanonicalEvent, Log, Reading } from "../../../../src/core/event.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import type { ChainDeployment, MarginModel } from "../../../../src/core/margin-model.ts";

export const ETH_FEED = address(0xfe);
export const MARKET = address(0xa1);
export const ASSET = bytes32Of("sETH");
export const MARKET_KEY = bytes32Of("sETHPERP");
export const ALICE = address(0xa11ce);
export const BOB = address(0xb0b);
export const WAD = 10n ** 18n;
export const START = 1_775_138_400n;

export const CHAIN: ChainDeployment = {
  chainId: 902,
  name: "synthetix",
  startBlock: 1,
  tickBlocks: 10,
  epochBlocks: 32,
  gridSeconds: 300,
  feeds: [{ pair: "ETH/USD", aggregator: ETH_FEED, decimals: 8, heartbeatSeconds: 3600 }],
  protocols: [
    {
      protocol: PROTOCOL,
      startBlock: 1,
      contracts: {
        FuturesMarketManager: address(1),
        PerpsV2MarketSettings: address(2),
        FlexibleStorage: address(3),
        ExchangeRates: address(4),
        SystemStatus: address(5),
      },
      settlement: { symbol: "sUSD", address: address(6), decimals: 18, feed: "sUSD/USD" },
    },
  ],
};

/** An address from a small number. */
export function address(n: number): Hex {
  return `0x${n.toString(16).padStart(40, "0")}`;
}

/** A log of a source at a block; `START` plus ten seconds a block. */
export function log(source: string, name: string, args: Log["args"], at: Partial<Log> & { number?: bigint } = {}): Log {
  const { number = 10n, ...rest } = at;
  const hash: Hex = `0x${number.toString(16).padStart(64, "0")}`;
  const block = { number, hash, parentHash: hash, timestamp: START + number * 10n };
  const txHash = hash;
  return { chainId: 902, block, txHash, txIndex: 0, logIndex: 0, address: MARKET, source, name, args, ...rest };
}

/** The one event a log decodes to. */
export function eventOf(of: Log): CanonicalEvent {
  const adapter = of.source.startsWith("Chainlink") ? chainlink : synthetixPerpsV2;
  const { events, rejected } = adapter.decode(of);
  if (!events[0]) throw new Error(rejected ?? `${of.name} says nothing`);
  return events[0];
}

export const PARAMETERS: Record<string, bigint> = {
  maxLeverage: 50n * WAD,
  maxFundingVelocity: 9n * WAD,
  skewScale: 50_000n * WAD,
  liquidationPremiumMultiplier: (3n * WAD) / 2n,
  liquidationBufferRatio: 75n * 10n ** 14n,
};

export const said = {
  marketAdded: (number = 1n) =>
    eventOf(log(SOURCE.manager, "MarketAdded", { market: MARKET, asset: ASSET, marketKey: MARKET_KEY }, { number })),
  parameter: (parameter: string, value: bigint) =>
    eventOf(
      log(SOURCE.settings, "ParameterUpdated", { marketKey: MARKET_KEY, parameter: bytes32Of(parameter), value }),
    ),
  price: (answer: bigint, number = 10n) => {
    const args = { current: answer * 10n ** 8n, roundId: 1n, updatedAt: START + number * 10n };
    return eventOf(log("ChainlinkAggregator8", "AnswerUpdated", args, { number, address: ETH_FEED }));
  },
  aggregator: (aggregator: Hex = ETH_FEED) =>
    eventOf(log(SOURCE.rates, "AggregatorAdded", { currencyKey: ASSET, aggregator })),
  stalePeriod: (value: bigint) => {
    const record = { contractName: bytes32Of("SystemSettings"), record: bytes32Of("rateStalePeriod") };
    return eventOf(log(SOURCE.storage, "ValueSetUInt", { ...record, value }));
  },
  funding: (index: bigint, of: { funding?: bigint; rate?: bigint; number?: bigint } = {}) => {
    const number = of.number ?? 10n;
    const timestamp = START + number * 10n;
    const args = { funding: of.funding ?? 0n, fundingRate: of.rate ?? 0n, index, timestamp };
    return eventOf(log(SOURCE.market, "FundingRecomputed", args, { number }));
  },
  position: (
    account: Hex,
    of: {
      margin: bigint;
      size: bigint;
      tradeSize?: bigint;
      skew?: bigint;
      lastPrice?: bigint;
      index?: bigint;
      number?: bigint;
    },
  ) => {
    const { margin, size, tradeSize = size, skew = size, lastPrice = 2000n * WAD, index = 1n, number = 10n } = of;
    const args = { id: 1n, account, margin, size, tradeSize, lastPrice, fundingIndex: index, fee: WAD, skew };
    return eventOf(log(SOURCE.market, "PositionModified", args, { number }));
  },
  flagged: (account: Hex) =>
    eventOf(log(SOURCE.market, "PositionFlagged", { id: 1n, account, flagger: BOB, price: WAD, timestamp: START })),
  liquidated: (account: Hex, of: { size: bigint; price: bigint; fees?: bigint }) => {
    const { size, price, fees = 2n * WAD } = of;
    const paid = { flaggerFee: fees, liquidatorFee: fees, stakersFee: 0n };
    return eventOf(
      log(SOURCE.market, "PositionLiquidated", { id: 1n, account, liquidator: BOB, size, price, ...paid }),
    );
  },
};

/** What configures the market, each as an event. */
export function configuration(): CanonicalEvent[] {
  const globals: [string, Log["args"]][] = [
    ["MinKeeperFeeUpdated", { sUSD: 2n * WAD }],
    ["MaxKeeperFeeUpdated", { sUSD: 1000n * WAD }],
    ["LiquidationFeeRatioUpdated", { bps: 35n * 10n ** 14n }],
    ["MinInitialMarginUpdated", { minMargin: 50n * WAD }],
    ["KeeperLiquidationFeeUpdated", { keeperFee: 2n * WAD }],
  ];
  return [
    ...globals.map(([name, args]) => eventOf(log(SOURCE.settings, name, args))),
    ...Object.entries(PARAMETERS).map(([name, value]) => said.parameter(name, value)),
    said.stalePeriod(86_400n),
    said.aggregator(),
  ];
}

/** A model and its journal, with nothing folded. */
export function emptyModel(): { model: MarginModel; journal: Journal } {
  const journal = new Journal();
  const [config] = CHAIN.protocols;
  if (!config) throw new Error("the deployment has no protocol");
  return { model: createSynthetixPerpsV2({ chainId: 902, config, feeds: CHAIN.feeds, journal }), journal };
}

/** A model with one market, configured and priced at 2,000. */
export function readyModel(): { model: MarginModel; journal: Journal } {
  const made = emptyModel();
  for (const event of [said.marketAdded(), ...configuration(), said.price(2000n)]) made.model.apply(event);
  return made;
}

/** All folded state, as it enters an epoch's root. */
export function stateOf(model: MarginModel): unknown {
  const accounts = model.addresses().map((a) => [a, model.accountState(a)]);
  const markets = model.marketKeys().map((m) => [m, model.marketState(m), [...model.holders(m)].sort()]);
  return { accounts, markets };
}

/** An answer to a request of `event`. */
export function readingOf(event: CanonicalEvent, key: string, result: Reading["result"]): Reading {
  const { chainId, block, logIndex, protocol } = event;
  return { id: key, chainId, block, logIndex, protocol, key, address: MARKET, functionName: "", args: [], result };
}
