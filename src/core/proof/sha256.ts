import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as digest } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** Length of a SHA-256 digest in bytes. */
export const HASH_BYTES = 32;

/** SHA-256 of bytes, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return digest(data);
}

/** SHA-256 of bytes, or of a text's UTF-8 form, as 64 lower-case hex digits without `0x`. */
export function sha256Hex(data: Uint8Array | string): string {
  return bytesToHex(digest(typeof data === "string" ? utf8ToBytes(data) : data));
}

/** HMAC-SHA256 under `key` of a text's UTF-8 form, as 64 lower-case hex digits without `0x`. */
export function hmacSha256Hex(key: Uint8Array, text: string): string {
  return bytesToHex(hmac(digest, key, utf8ToBytes(text)));
}
