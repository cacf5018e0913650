/**
 * The arithmetic of `PerpsV2MarketBase`, operation for operation: every product and quotient is truncated toward zero
 * where the contract truncates it, because a figure that is right to within a wei is not the protocol's figure.
 * @see https://github.com/Synthetixio/synthetix/blob/develop/contracts/PerpsV2MarketBase.sol
 */
import { abs, max, min, WAD } from "../../core/fixed.ts";

const SECONDS_PER_DAY = 86_400n;
/** A tenth of a cent: the slack `_accessibleMargin` leaves for rounding. */
const MILLI = WAD / 1000n;

/** Parameters of one market. All with 18 decimals; the velocity is a change of rate per day, per day. */
export type Parameters = {
  maxLeverage: bigint;
  maxFundingVelocity: bigint;
  skewScale: bigint;
  liquidationPremiumMultiplier: bigint;
  liquidationBufferRatio: bigint;
};

/** Parameters all markets share, in sUSD with 18 decimals except the ratio. */
export type GlobalParameters = {
  minKeeperFee: bigint;
  maxKeeperFee: bigint;
  liquidationFeeRatio: bigint;
  minInitialMargin: bigint;
  keeperLiquidationFee: bigint;
};

/** The last entry of a market's funding sequence. `value` is sUSD per base unit since the market began. */
export type FundingEntry = { index: bigint; value: bigint; rate: bigint; timestamp: bigint };

/**
 * A position as storage holds it, with the value of the funding sequence at its index beside it so that the sequence
 * itself need not be kept. `entryFunding` is `null` where that entry was never seen.
 */
export type Position = {
  id: bigint;
  lastFundingIndex: bigint;
  entryFunding: bigint | null;
  margin: bigint;
  lastPrice: bigint;
  size: bigint;
};

/** Funding at a moment. `rate` is per day, `nextEntry` is what the sequence would record now. */
export type FundingNow = { rate: bigint; velocity: bigint; unrecorded: bigint; nextEntry: bigint };

/** `multiplyDecimal`: the product of two 18-decimal numbers, toward zero. */
export function multiplyDecimal(x: bigint, y: bigint): bigint {
  return (x * y) / WAD;
}

/** `divideDecimal`: the quotient of two 18-decimal numbers, toward zero. `y` is not zero. */
export function divideDecimal(x: bigint, y: bigint): bigint {
  return (x * WAD) / y;
}

/**
 * Funding at `now`. The elapsed days are a fixed-point number truncated before anything is multiplied with it, so that
 * dividing by a day at the end, though finer, would give another figure than the contract's.
 */
export function fundingAt(
  entry: FundingEntry,
  now: { timestamp: bigint; price: bigint; skew: bigint; parameters: Parameters },
): FundingNow {
  const { skewScale, maxFundingVelocity } = now.parameters;
  const elapsedDays = divideDecimal(now.timestamp - entry.timestamp, SECONDS_PER_DAY);
  const proportionalSkew = min(max(-WAD, divideDecimal(now.skew, skewScale)), WAD);
  const velocity = multiplyDecimal(proportionalSkew, maxFundingVelocity);
  const rate = entry.rate + multiplyDecimal(velocity, elapsedDays);
  const average = divideDecimal(-(entry.rate + rate), 2n * WAD);
  const unrecorded = multiplyDecimal(multiplyDecimal(average, elapsedDays), now.price);
  return { rate, velocity, unrecorded, nextEntry: entry.value + unrecorded };
}

/** `_notionalValue`: signed, toward zero. */
export function notionalValue(size: bigint, price: bigint): bigint {
  return multiplyDecimal(size, price);
}

/** `_profitLoss` since the position's last price. */
export function profitLoss(position: Position, price: bigint): bigint {
  return multiplyDecimal(position.size, price - position.lastPrice);
}

/** `_accruedFunding`: positive when owed to the holder; `null` where the position's entry is unknown. */
export function accruedFunding(position: Position, nextEntry: bigint): bigint | null {
  if (position.lastFundingIndex === 0n) return 0n;
  if (position.entryFunding === null) return null;
  return multiplyDecimal(position.size, nextEntry - position.entryFunding);
}

/** What `_liquidationFee` takes of the shared parameters. */
export type FeeTerms = Pick<GlobalParameters, "minKeeperFee" | "maxKeeperFee" | "liquidationFeeRatio">;

/** `_liquidationFee`: what the flagger is paid for a position of this size. */
export function liquidationFee(size: bigint, price: bigint, globals: FeeTerms): bigint {
  const proportional = multiplyDecimal(multiplyDecimal(abs(size), price), globals.liquidationFeeRatio);
  return max(min(proportional, globals.maxKeeperFee), globals.minKeeperFee);
}

/** `_liquidationMargin`: buffer, flagger's fee and keeper's fee. */
export function liquidationMargin(
  size: bigint,
  price: bigint,
  given: {
    parameters: Pick<Parameters, "liquidationBufferRatio">;
    globals: FeeTerms & Pick<GlobalParameters, "keeperLiquidationFee">;
  },
): bigint {
  const buffer = multiplyDecimal(multiplyDecimal(abs(size), price), given.parameters.liquidationBufferRatio);
  return buffer + liquidationFee(size, price, given.globals) + given.globals.keeperLiquidationFee;
}

/** `_liquidationPremium`: the price impact a liquidation is charged for. */
export function liquidationPremium(
  size: bigint,
  price: bigint,
  parameters: Pick<Parameters, "skewScale" | "liquidationPremiumMultiplier">,
): bigint {
  if (size === 0n) return 0n;
  const impact = divideDecimal(abs(size), parameters.skewScale);
  const charged = multiplyDecimal(impact, abs(notionalValue(size, price)));
  return multiplyDecimal(charged, parameters.liquidationPremiumMultiplier);
}

/**
 * What must be free above `remainingMargin` before any of it can be withdrawn: `_accessibleMargin`. `null` where the
 * contract divides by zero, or its unsigned subtraction would revert (`maxLeverage` at or below 0.001).
 */
export function accessibleMargin(
  remainingMargin: bigint,
  notional: bigint,
  given: { parameters: Parameters; globals: GlobalParameters },
): bigint | null {
  const leverage = given.parameters.maxLeverage - MILLI;
  if (leverage <= 0n) return null;
  let inaccessible = abs(divideDecimal(notional, leverage));
  if (inaccessible > 0n) inaccessible = max(inaccessible, given.globals.minInitialMargin) + MILLI;
  return max(0n, remainingMargin - inaccessible);
}

/**
 * `_approxLiquidationPrice`: margin and premium are those at the current price, which makes it approximate; zero for a
 * long that no price above zero liquidates, as the view answers.
 */
function liquidationPrice(
  position: Position,
  given: { netFunding: bigint; liquidationMargin: bigint; liquidationPremium: bigint },
): bigint {
  if (position.size === 0n) return 0n;
  const missing = given.liquidationMargin - (position.margin - given.liquidationPremium);
  return max(0n, position.lastPrice + divideDecimal(missing, position.size) - given.netFunding);
}

/** The formulas a mutated model replaces in tests, so that the comparison with the views is shown to have power. */
export type Arithmetic = {
  fundingAt: typeof fundingAt;
  liquidationMargin: typeof liquidationMargin;
  liquidationPremium: typeof liquidationPremium;
  liquidationPrice: typeof liquidationPrice;
};

/** The contract's own arithmetic. */
export const ARITHMETIC: Arithmetic = { fundingAt, liquidationMargin, liquidationPremium, liquidationPrice };
