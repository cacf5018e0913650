/**
 * Text forms of bytes: `0x` hex on our own wire, base64 in C2SP notes. Both are strict: one byte string, one text.
 */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUES = new Map([...ALPHABET].map((digit, value) => [digit, value]));

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
    const digits = [18, 12, 6, 0].map((shift) => ALPHABET.charAt((group >> shift) & 63)).join("");
    const missing = Math.max(0, i + 3 - bytes.length);
    text += digits.slice(0, 4 - missing) + "=".repeat(missing);
  }
  return text;
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
  for (const digit of digits) {
    const value = VALUES.get(digit);
    if (value === undefined) throw new InputError(`"${digit}" is not a base64 digit.`);
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
