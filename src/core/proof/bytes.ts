/**
 * Text forms of bytes: `0x` hex on our own wire, base64 in C2SP notes. Both are strict: one byte string, one text.
 */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Values of digits by character code; 64 where a character is none. */
const VALUES = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = ALPHABET.indexOf(String.fromCharCode(code));
  return value < 0 ? 64 : value;
});

/** `0x` and lower-case hex. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${bytesToHex(bytes)}`;
}

/** The bytes of lower-case `0x` hex. @throws InputError for anything else. */
export function fromHex(text: string): Uint8Array {
  if (!/^0x(?:[0-9a-f]{2})*$/.test(text)) throw new InputError(`"${text}" is not lower-case hex like 0x00ff.`);
  return hexToBytes(text.slice(2));
}

/** Standard base64 with padding. @see https://www.rfc-editor.org/rfc/rfc4648.html section 4 */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a, b, c] = [bytes[i] ?? 0, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0];
    const group = (a << 16) | (b << 8) | c;
    text += ALPHABET.charAt((group >> 18) & 63) + ALPHABET.charAt((group >> 12) & 63);
    text += ALPHABET.charAt((group >> 6) & 63) + ALPHABET.charAt(group & 63);
  }
  const missing = (3 - (bytes.length % 3)) % 3;
  return text.slice(0, text.length - missing) + "=".repeat(missing);
}

/**
 * The bytes of standard base64. Padding must be there and the bits it leaves over must be zero, so that no two texts
 * mean the same bytes.
 * @throws InputError for anything else.
 */
export function fromBase64(text: string): Uint8Array {
  const digits = text.replace(/={1,2}$/, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let [buffer, bits, at] = [0, 0, 0];
  for (let i = 0; i < digits.length; i++) {
    const value = VALUES[digits.charCodeAt(i)] ?? 64;
    if (value === 64) throw new InputError(`"${digits.charAt(i)}" is not a base64 digit.`);
    buffer = ((buffer << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (buffer >> bits) & 0xff;
    }
  }
  if (toBase64(bytes) !== text) throw new InputError(`"${text}" is not base64 in its one canonical form.`);
  return bytes;
}

/** Whether two byte strings are equal. For public values: it does not hide where they differ. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
