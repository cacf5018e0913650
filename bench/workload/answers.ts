/** What the contracts answer when the indexer asks for what no event says. */
import type { Abi } from "viem";
import { READ_ABIS as PERP_ABIS } from "../../src/adapters/perp-v2/sources.ts";
import { READ_ABIS as SYNTHETIX_ABIS } from "../../src/adapters/synthetix-perps-v2/sources.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { Answer } from "./log.ts";
import { FEE_RATIO, INSURANCE_FEE_RATIO, TICK_SPACING } from "./perp-pool.ts";
import { MAX_FUNDING_RATE, type PerpSession } from "./perp-v2.ts";
import { FEED_TO_WAD, type PriceFeeds } from "./prices.ts";
import { aggregatorOf, baseTokenOf, observerOf, PERP, poolOf, SUSD, SYNTHETIX, USDC } from "./setting.ts";
import { GLOBALS, namesOf, parametersOf, type SynthetixSession } from "./synthetix.ts";

/** What the vault holds, in USDC's own decimals, and what each of the other protocol's markets owes: 18 decimals. */
const VAULT_USDC = 4_000_000_000_000_000n;
const MARKET_DEBT = 10n ** 24n;
/** What the insurance fund holds itself, in USDC's own decimals. */
const FUND_USDC = 250_000_000_000n;
const IM_RATIO = 100_000;
const MM_RATIO = 62_500;
const TWAP_SECONDS = 900;
const MARK_TWAP_SECONDS = 1_800;
const RATE_STALE_SECONDS = 90_000n;
/** The pools look back further than any average, so that every figure is known from the first trade on. */
const HISTORY_SECONDS = 7_200n;

type Said = { abi: string; address: Hex; functionName: string; args?: Answer["args"]; result: unknown };

/** Answers about Perp v2 before its first event. */
export function perpAnswers(session: PerpSession, { prices, timestamp }: { prices: PriceFeeds; timestamp: bigint }) {
  const config = (functionName: string, result: unknown): Said => ({
    abi: "ClearingHouseConfig",
    address: PERP.ClearingHouseConfig,
    functionName,
    result,
  });
  const said: Said[] = [
    config("getImRatio", IM_RATIO),
    config("getMmRatio", MM_RATIO),
    config("getTwapInterval", TWAP_SECONDS),
    config("getMaxFundingRate", Number(MAX_FUNDING_RATE)),
    config("getMarkPriceConfig", [MARK_TWAP_SECONDS, TWAP_SECONDS]),
    { abi: "Erc20", address: USDC, functionName: "balanceOf", args: [PERP.InsuranceFund], result: FUND_USDC },
    { abi: "Erc20", address: USDC, functionName: "balanceOf", args: [PERP.Vault], result: VAULT_USDC },
  ];
  for (const { underlier, pool } of session.markets) {
    const [base, observer] = [baseTokenOf(underlier), observerOf(underlier)];
    const answer = prices.price(underlier) / FEED_TO_WAD;
    const [registry, address] = [PERP.MarketRegistry, poolOf(underlier)];
    const slot0 = [pool.sqrtPriceX96, pool.tick, 0, 1, 1, 0, true];
    const oldest = [Number(timestamp - HISTORY_SECONDS), 0n, 0n, true];
    said.push(
      { abi: "UniswapV3Pool", address, functionName: "slot0", result: slot0 },
      { abi: "UniswapV3Pool", address, functionName: "observations", args: [0n], result: oldest },
      { abi: "UniswapV3Pool", address, functionName: "tickSpacing", result: TICK_SPACING },
      { abi: "BaseToken", address: base, functionName: "symbol", result: `v${underlier}` },
      { abi: "BaseToken", address: base, functionName: "getPriceFeed", result: observer },
      { abi: "PriceFeed", address: observer, functionName: "getLastValidPrice", result: answer },
      {
        abi: "PriceFeed",
        address: observer,
        functionName: "getLastValidTimestamp",
        result: timestamp - HISTORY_SECONDS,
      },
      ratio(registry, { functionName: "getFeeRatio", base, result: FEE_RATIO }),
      ratio(registry, { functionName: "getInsuranceFundFeeRatio", base, result: INSURANCE_FEE_RATIO }),
      round(aggregatorOf(underlier), { answer, timestamp }),
    );
  }
  return said.map((one) => answerOf(one, PERP_ABIS));
}

/** Answers about Synthetix v2 perps before its first event. */
export function synthetixAnswers(session: SynthetixSession, timestamp: bigint): Answer[] {
  const settings = SYNTHETIX.PerpsV2MarketSettings;
  const said: Said[] = [
    {
      abi: "ExchangeRates",
      address: SYNTHETIX.ExchangeRates,
      functionName: "rateStalePeriod",
      result: RATE_STALE_SECONDS,
    },
    ...Object.entries(GLOBALS).map(([functionName, result]) => ({
      ...{ abi: "PerpsV2MarketSettings", address: settings },
      ...{ functionName, result },
    })),
    { abi: "Erc20", address: SUSD, functionName: "balanceOf", args: [SYNTHETIX.FuturesMarketManager], result: 0n },
    suspension("systemSuspension"),
    suspension("exchangeSuspension"),
    suspension("futuresSuspension"),
  ];
  for (const { underlier, address } of session.markets) {
    const { asset, marketKey } = namesOf(underlier);
    const view = (functionName: string, result: unknown): Said => ({
      ...{ abi: "PerpsV2Market", address },
      ...{ functionName, result },
    });
    said.push(
      {
        abi: "PerpsV2MarketSettings",
        address: settings,
        functionName: "parameters",
        args: [marketKey],
        result: allParameters(underlier),
      },
      view("fundingSequenceLength", 1n),
      view("fundingRateLastRecomputed", 0n),
      view("fundingLastRecomputed", Number(timestamp)),
      view("marketDebt", [MARKET_DEBT, false]),
      { abi: "Erc20", address: SUSD, functionName: "balanceOf", args: [address], result: 0n },
      suspension("futuresMarketSuspension", marketKey),
      suspension("synthSuspension", asset),
    );
  }
  return [...said.map((one) => answerOf(one, SYNTHETIX_ABIS)), ...totalsNow(session)];
}

/** The markets' totals as contract storage would hold them now. */
export function totalsNow(session: SynthetixSession): Answer[] {
  return session.markets.flatMap(({ address, size, skew }) => [
    answerOf({ abi: "PerpsV2Market", address, functionName: "marketSize", result: size }, SYNTHETIX_ABIS),
    answerOf({ abi: "PerpsV2Market", address, functionName: "marketSkew", result: skew }, SYNTHETIX_ABIS),
  ]);
}

function answerOf({ abi, args, ...said }: Said, abis: Readonly<Record<string, Abi>>): Answer {
  const found = abis[abi];
  if (found === undefined) throw new InvariantError(`No adapter asks for views of ${abi}.`);
  return { ...said, abi: found, args: args ?? [] };
}

function ratio(address: Hex, of: { functionName: string; base: Hex; result: bigint }): Said {
  const { functionName, base, result } = of;
  return { abi: "MarketRegistry", address, functionName, args: [base], result: Number(result) };
}

function round(address: Hex, { answer, timestamp }: { answer: bigint; timestamp: bigint }): Said {
  return {
    abi: "Aggregator",
    address,
    functionName: "latestRoundData",
    result: [1n, answer, timestamp, timestamp, 1n],
  };
}

function suspension(functionName: string, key?: Hex): Said {
  const args = key === undefined ? [] : [key];
  return { abi: "SystemStatus", address: SYNTHETIX.SystemStatus, functionName, args, result: [false, 0n] };
}

/** The whole tuple the view answers with; what the indexer does not use is zero. */
function allParameters(underlier: Parameters<typeof parametersOf>[0]): Record<string, unknown> {
  const zeros = [
    ...["takerFee", "makerFee", "takerFeeDelayedOrder", "makerFeeDelayedOrder", "takerFeeOffchainDelayedOrder"],
    ...["makerFeeOffchainDelayedOrder", "maxMarketValue", "nextPriceConfirmWindow", "delayedOrderConfirmWindow"],
    ...["minDelayTimeDelta", "maxDelayTimeDelta", "offchainDelayedOrderMinAge", "offchainDelayedOrderMaxAge"],
    ...["offchainPriceDivergence", "maxLiquidationDelta", "maxPD"],
  ];
  const offchainMarketKey = `0x${"00".repeat(32)}`;
  return { ...Object.fromEntries(zeros.map((name) => [name, 0n])), offchainMarketKey, ...parametersOf(underlier) };
}
