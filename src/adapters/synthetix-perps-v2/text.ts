/** Names in Synthetix are ASCII in 32 bytes, padded with zeros on the right. */
import { hexToString, stringToHex } from "viem/utils";
import { InputError } from "../../core/errors.ts";
import type { Hex } from "../../core/ids.ts";

/** A name as 32 bytes. */
export function bytes32Of(name: string): Hex {
  return stringToHex(name, { size: 32 });
}

/**
 * The name in 32 bytes.
 * @throws InputError when it is empty, not printable ASCII, or nothing but digits (which would read back as a number).
 */
export function textOf(bytes32: Hex): string {
  const text = hexToString(bytes32).replace(/\0+$/, "");
  if (!/^[\x21-\x7e]+$/.test(text) || /^\d+$/.test(text)) throw new InputError(`${bytes32} does not hold a name.`);
  return text;
}

/** The name in 32 bytes, or the bytes themselves where they hold none. */
export function nameOf(bytes32: Hex): string {
  try {
    return textOf(bytes32);
  } catch (error) {
    if (error instanceof InputError) return bytes32;
    throw error;
  }
}
