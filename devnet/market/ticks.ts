/** Ticks of Uniswap v3, near enough to place liquidity; the pool itself does the exact arithmetic. */

/** The Uniswap tick next to a price with eight digits, by comparing powers of 1.0001 in integers. */
export function tickNear(price: bigint): number {
  const one = 10n ** 8n;
  const up = price >= one;
  const ratio = up ? (price << 96n) / one : (one << 96n) / price;
  let tick = 0;
  let power = 1n << 96n;
  for (let bit = 19; bit >= 0; bit--) {
    const next = (power * tickPower(bit)) >> 96n;
    if (next <= ratio) {
      power = next;
      tick += 2 ** bit;
    }
  }
  return up ? tick : -tick;
}

/** 1.0001^(2^bit) with 96 fractional bits, rounded down. */
function tickPower(bit: number): bigint {
  let power = ((1n << 96n) * 10_001n) / 10_000n;
  for (let i = 0; i < bit; i++) power = (power * power) >> 96n;
  return power;
}
