import { keccak_256 } from "@noble/hashes/sha3.js";

/** Length of a Keccak-256 digest in bytes. */
export const KECCAK_BYTES = 32;

/** Keccak-256 of bytes, 32 bytes: the hash of EVM chains, which is not the later standard SHA-3. */
export function keccak256(data: Uint8Array): Uint8Array {
  return keccak_256(data);
}
