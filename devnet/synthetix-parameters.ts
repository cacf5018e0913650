/** What the markets of the local Synthetix v2 perps are, and how they are set. */
import { parseEther, stringToHex } from "viem";
import type { Hex } from "../src/core/ids.ts";

/** Crypto-assets with a market. */
export type CryptoUnderlier = "ETH" | "BTC" | "SOL";

/** Everything else with a market: two currencies, gold, an index, oil and a share. */
export const OTHER_UNDERLIERS = ["EUR", "AUD", "XAU", "US500", "OIL", "TSLA"] as const;
export type OtherUnderlier = (typeof OTHER_UNDERLIERS)[number];

/** Underliers that can have a market. */
export type Underlier = CryptoUnderlier | OtherUnderlier;

export const SYNTHETIX_UNDERLIERS: readonly Underlier[] = ["ETH", "BTC", "SOL", ...OTHER_UNDERLIERS];

type Size = { maxLeverage: bigint; skewScale: bigint; maxMarketValue: bigint; maxFundingVelocity: bigint };

const crypto = (skewScale: string, maxMarketValue: string): Size => ({
  maxLeverage: parseEther("50"),
  skewScale: parseEther(skewScale),
  maxMarketValue: parseEther(maxMarketValue),
  maxFundingVelocity: parseEther("9"),
});

const other = (maxLeverage: string, skewScale: string, maxMarketValue: string): Size => ({
  maxLeverage: parseEther(maxLeverage),
  skewScale: parseEther(skewScale),
  maxMarketValue: parseEther(maxMarketValue),
  maxFundingVelocity: parseEther("1"),
});

/** Depth and size limit in base units. Crypto is shallow, so that a few dozen traders move its funding. */
const SIZES: Readonly<Record<Underlier, Size>> = {
  ETH: crypto("50000", "20000"),
  BTC: crypto("2500", "1000"),
  SOL: crypto("1000000", "500000"),
  EUR: other("100", "2000000000", "40000000"),
  AUD: other("100", "2000000000", "60000000"),
  XAU: other("25", "1000000", "20000"),
  US500: other("25", "400000", "8000"),
  OIL: other("25", "20000000", "500000"),
  TSLA: other("25", "5000000", "200000"),
};

/** A market's names as the protocol gave them: the first ones after their synth, later ones after the asset alone. */
export function namesOf(underlier: Underlier): { symbol: string; marketKey: Hex; asset: Hex } {
  const symbol = `s${underlier}PERP`;
  const asset = (OTHER_UNDERLIERS as readonly string[]).includes(underlier) ? underlier : `s${underlier}`;
  return { symbol, marketKey: bytes32(symbol), asset: bytes32(asset) };
}

/** The argument of `PerpsV2MarketSettings.setParameters` for a market. */
export function parametersOf(underlier: Underlier): Record<string, bigint | Hex> {
  return {
    takerFee: parseEther("0.001"),
    makerFee: parseEther("0.0005"),
    takerFeeDelayedOrder: parseEther("0.001"),
    makerFeeDelayedOrder: parseEther("0.0005"),
    takerFeeOffchainDelayedOrder: parseEther("0.0006"),
    makerFeeOffchainDelayedOrder: parseEther("0.0002"),
    ...SIZES[underlier],
    nextPriceConfirmWindow: 2n,
    delayedOrderConfirmWindow: 120n,
    minDelayTimeDelta: 60n,
    maxDelayTimeDelta: 6000n,
    offchainDelayedOrderMinAge: 2n,
    offchainDelayedOrderMaxAge: 60n,
    offchainMarketKey: bytes32(`oc${underlier}PERP`),
    offchainPriceDivergence: parseEther("0.05"),
    liquidationPremiumMultiplier: parseEther("1.5"),
    liquidationBufferRatio: parseEther("0.0075"),
    maxLiquidationDelta: parseEther("0.02"),
    maxPD: parseEther("0.1"),
  };
}

/** A short text as the protocol keeps it. */
export function bytes32(text: string): Hex {
  return stringToHex(text, { size: 32 });
}
