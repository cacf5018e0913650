/** How open interest is spread over its holders, and how late a market liquidates: sums and ranks, made once. */
import { divUp } from "../fixed.ts";

const LARGEST = 5;

/** One side: the sum of sizes (18 decimals), of their squares (36 decimals), and of the five largest. */
export type Side = { total: bigint; squares: bigint; top5: bigint };

/** Both sides of a market. */
export type Concentration = { long: Side; short: Side };

/** The two sides of a market, from the signed size of each of its holders. */
export function concentrationOf(sizes: Iterable<bigint>): Concentration {
  const long: bigint[] = [];
  const short: bigint[] = [];
  for (const size of sizes) {
    if (size > 0n) long.push(size);
    else if (size < 0n) short.push(-size);
  }
  return { long: sideOf(long), short: sideOf(short) };
}

function sideOf(sizes: bigint[]): Side {
  const side = { total: 0n, squares: 0n, top5: 0n };
  for (const size of sizes) {
    side.total += size;
    side.squares += size * size;
  }
  const falling = sizes.sort((a, b) => (a < b ? 1 : a > b ? -1 : 0));
  for (const size of falling.slice(0, LARGEST)) side.top5 += size;
  return side;
}

/** The 95th percentile by nearest rank: the smallest value that 95 % are not above; 0 of nothing. */
export function p95(values: readonly bigint[]): bigint {
  const rising = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const rank = divUp(95n * BigInt(rising.length), 100n);
  return rising[Number(rank) - 1] ?? 0n;
}
