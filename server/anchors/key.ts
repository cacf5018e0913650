/** The key that owns anchors: it pays for heads on a chain, and signs nothing else. */
import { readFileSync, statSync } from "node:fs";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { InputError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";

/** What others could do with the file: read, write, run. */
const OTHERS = 0o077;

/**
 * Reads a secp256k1 private key, 64 hex digits with or without `0x`, from a file that only its owner can read.
 * @throws InputError when there is no such file, others can read it, or it holds something else; never with what it holds.
 */
export function readAnchorKey(file: string): PrivateKeyAccount {
  let text: string;
  let mode: number;
  try {
    mode = statSync(file).mode;
    text = readFileSync(file, "utf8").trim();
  } catch {
    throw new InputError(`The anchor key file "${file}" cannot be read.`);
  }
  if ((mode & OTHERS) !== 0) {
    throw new InputError(`The anchor key file "${file}" can be read by others; expected mode 600.`);
  }
  const digits = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(text)?.[1];
  try {
    if (digits !== undefined) return privateKeyToAccount(`0x${digits}` as Hex);
  } catch {
    // Zero and numbers beyond the curve's order are no keys.
  }
  throw new InputError(`The anchor key file "${file}" does not hold a private key of 64 hex digits.`);
}
