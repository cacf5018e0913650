/**
 * The integer arithmetic of Uniswap v3 that Perp v2 builds on. Prices are square roots with 96 binary digits.
 * @see npm @uniswap/v3-core 1.0.1, contracts/libraries/TickMath.sol and SqrtPriceMath.sol
 */
import { InvariantError } from "../../core/errors.ts";
import { WAD } from "../../core/fixed.ts";

export const Q96 = 1n << 96n;
export const Q128 = 1n << 128n;
const UINT256 = (1n << 256n) - 1n;
const MAX_TICK = 887_272;

/** 1.0001^(-2^(i-1)) with 128 binary digits, for i = 0 … 19. */
const RATIOS = [
  0xfffcb933bd6fad37aa2d162d1a594001n,
  0xfff97272373d413259a46990580e213an,
  0xfff2e50f5f656932ef12357cf3c7fdccn,
  0xffe5caca7e10e4e61c3624eaa0941cd0n,
  0xffcb9843d60f6159c9db58835c926644n,
  0xff973b41fa98c081472e6896dfb254c0n,
  0xff2ea16466c96a3843ec78b326b52861n,
  0xfe5dee046a99a2a811c461f1969c3053n,
  0xfcbe86c7900a88aedcffc83b479aa3a4n,
  0xf987a7253ac413176f2b074cf7815e54n,
  0xf3392b0822b70005940c7a398e4b70f3n,
  0xe7159475a2c29b7443b29c7fa6e889d9n,
  0xd097f3bdfd2022b8845ad8f792aa5825n,
  0xa9f746462d870fdf8a65dc1f90e061e5n,
  0x70d869a156d2a1b890bb3df62baf32f7n,
  0x31be135f97d08fd981231505542fcfa6n,
  0x9aa508b5b7a84e1c677de54f3e99bc9n,
  0x5d6af8dedb81196699c329225ee604n,
  0x2216e584f5fa1ea926041bedfe98n,
  0x48a170391f7dc42444e8fa2n,
] as const;

/**
 * √(1.0001^tick) · 2⁹⁶, rounded as `TickMath.getSqrtRatioAtTick` rounds (up in the last place).
 * @throws InvariantError beyond ±887272, where Uniswap has no price.
 */
export function sqrtRatioAtTick(tick: number): bigint {
  const distance = Math.abs(tick);
  if (!Number.isInteger(tick) || distance > MAX_TICK) {
    throw new InvariantError(`Tick ${tick} is not an integer within ±${MAX_TICK}.`);
  }
  let ratio = Q128;
  RATIOS.forEach((factor, bit) => {
    if (distance & (1 << bit)) ratio = bit === 0 ? factor : (ratio * factor) >> 128n;
  });
  if (tick > 0) ratio = UINT256 / ratio;
  return (ratio >> 32n) + ((ratio & 0xffffffffn) === 0n ? 0n : 1n);
}

/** Base tokens between two prices for an amount of liquidity, rounded down. */
export function baseBetween(lower: bigint, upper: bigint, liquidity: bigint): bigint {
  return ((liquidity << 96n) * (upper - lower)) / upper / lower;
}

/** Quote tokens between two prices for an amount of liquidity, rounded down. */
export function quoteBetween(lower: bigint, upper: bigint, liquidity: bigint): bigint {
  return (liquidity * (upper - lower)) / Q96;
}

/** Quote tokens between two prices for an amount of liquidity, rounded up. */
export function quoteBetweenUp(lower: bigint, upper: bigint, liquidity: bigint): bigint {
  return ceilDiv(liquidity * (upper - lower), Q96);
}

/** Price with 96 binary digits, rounded down. */
export function priceX96(sqrtPriceX96: bigint): bigint {
  return (sqrtPriceX96 * sqrtPriceX96) / Q96;
}

/** From 96 binary to 18 decimal digits, rounded down. */
export function x96ToWad(value: bigint): bigint {
  return (value * WAD) / Q96;
}

/** From 18 decimal to 96 binary digits, rounded down. */
export function wadToX96(value: bigint): bigint {
  return (value * Q96) / WAD;
}

/** Price with 18 decimals. Rounded down twice, as the protocol does: once at 96 binary digits, once at 18 decimals. */
export function priceWad(sqrtPriceX96: bigint): bigint {
  return x96ToWad(priceX96(sqrtPriceX96));
}

/** √x rounded down, `x` not negative. */
export function squareRoot(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt((x.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** a / b rounded up, both not negative. */
export function ceilDiv(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}

/** value · ratio with the ratio in millionths, rounded toward zero as `PerpMath.mulRatio` does. */
export function mulRatio(value: bigint, ratio: bigint): bigint {
  return (value * ratio) / 1_000_000n;
}

/** x modulo 2²⁵⁶: fee growth wraps around on purpose. */
export function wrap256(x: bigint): bigint {
  return x & UINT256;
}
