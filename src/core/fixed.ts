import { InputError } from "./errors.ts";

/** 1 in 18-decimal fixed point ("wad"). */
export const WAD = 1_000_000_000_000_000_000n;

/** |x|. */
export function abs(x: bigint): bigint {
  return x < 0n ? -x : x;
}

/** The larger of two integers. */
export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The smaller of two integers. */
export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** a / b rounded toward minus infinity. `b` must be positive. */
export function divDown(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a < 0n && q * b !== a ? q - 1n : q;
}

/** a / b rounded toward plus infinity. `b` must be positive. */
export function divUp(a: bigint, b: bigint): bigint {
  const q = a / b;
  return a > 0n && q * b !== a ? q + 1n : q;
}

/** x · y / 1e18 rounded toward plus infinity. */
export function wadMulUp(x: bigint, y: bigint): bigint {
  return divUp(x * y, WAD);
}

/** Moves an integer from one number of decimals to another, toward minus infinity when digits are lost. */
export function rescaleDown(x: bigint, from: number, to: number): bigint {
  return to >= from ? x * 10n ** BigInt(to - from) : divDown(x, 10n ** BigInt(from - to));
}

/**
 * Parses a plain decimal string ("0.50", "-3", "30") into an integer with `decimals` digits.
 * @throws InputError when it is no plain decimal, or has more digits than `decimals` holds.
 */
export function parseDecimal(text: string, decimals: number): bigint {
  const m = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/.exec(text);
  if (!m) throw new InputError(`"${text}" is not a decimal number like 0.50 or 30.`);
  const fraction = m[3] ?? "";
  if (fraction.length > decimals && /[1-9]/.test(fraction.slice(decimals))) {
    throw new InputError(`"${text}" has more than ${decimals} decimals.`);
  }
  const digits = BigInt(`${m[2]}${fraction.slice(0, decimals).padEnd(decimals, "0")}`);
  return m[1] === "-" ? -digits : digits;
}

/** Prints an integer with `decimals` digits as a plain decimal string without trailing zeros. */
export function formatDecimal(value: bigint, decimals: number): string {
  const digits = abs(value)
    .toString()
    .padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
