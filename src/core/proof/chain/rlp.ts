/**
 * RLP, the form in which EVM chains hash headers, receipts and trie nodes. Decoding is strict: every structure has one
 * form, and any other is refused, so that no two byte strings mean the same.
 * @see Ethereum Yellow Paper, appendix B
 */
import { InputError } from "../../errors.ts";

/** A byte string or a list. */
export type Rlp = Uint8Array | readonly Rlp[];

/** What a decoder takes at most: bytes in all, lists within lists, and items in all. */
export type RlpLimits = { bytes: number; depth: number; items: number };

/** Room for the receipt of a transaction that fills a block, which is the largest thing we read. */
const DEFAULT_LIMITS: RlpLimits = { bytes: 1 << 22, depth: 8, items: 1 << 20 };

/** Longest payload whose length fits into the first byte. */
const SHORT_MAX = 55;
const STRING = 0x80;
const LIST = 0xc0;

/** The bytes of an item. */
export function encodeRlp(item: Rlp): Uint8Array {
  const bytes = new Uint8Array(rlpLength(item));
  write(bytes, 0, item);
  return bytes;
}

/** Number of bytes of an encoded item. */
export function rlpLength(item: Rlp): number {
  if (isSingleByte(item)) return 1;
  const payload = payloadLength(item);
  return payload + (payload <= SHORT_MAX ? 1 : 1 + lengthBytes(payload));
}

/**
 * The one item that these bytes encode. Byte strings are views of `bytes`.
 * @throws InputError when they are no RLP in its canonical form, have anything behind the item, or exceed the limits.
 */
export function decodeRlp(bytes: Uint8Array, limits: RlpLimits = DEFAULT_LIMITS): Rlp {
  if (bytes.length > limits.bytes) throw new InputError(`RLP has ${bytes.length} bytes, more than ${limits.bytes}.`);
  let [at, items] = [0, 0];

  const item = (end: number, depth: number): Rlp => {
    if (++items > limits.items) throw new InputError(`RLP has more than ${limits.items} items.`);
    const { isList, from, to } = headAt(bytes, { at, end });
    at = from;
    if (!isList) {
      at = to;
      return bytes.subarray(from, to);
    }
    if (depth === limits.depth) throw new InputError(`RLP has lists nested more than ${limits.depth} deep.`);
    const list: Rlp[] = [];
    while (at < to) list.push(item(to, depth + 1));
    return list;
  };

  const decoded = item(bytes.length, 0);
  if (at !== bytes.length) throw new InputError(`RLP ends at byte ${at}, but there are ${bytes.length} bytes.`);
  return decoded;
}

/** An integer without leading zeros, big-endian; zero is the empty string. @throws InputError for a negative one. */
export function encodeInteger(value: bigint | number): Uint8Array {
  let rest = BigInt(value);
  if (rest < 0n) throw new InputError(`${value} is negative, and RLP has no form for that.`);
  const digits: number[] = [];
  for (; rest > 0n; rest >>= 8n) digits.push(Number(rest & 0xffn));
  return Uint8Array.from(digits.reverse());
}

/** A list. @param name what it is, for the message. @throws InputError for a byte string. */
export function asList(item: Rlp | undefined, name: string): readonly Rlp[] {
  if (item === undefined || item instanceof Uint8Array) throw new InputError(`The ${name} is not an RLP list.`);
  return item;
}

/** A byte string. @param name what it is, for the message. @throws InputError for a list. */
export function asBytes(item: Rlp | undefined, name: string): Uint8Array {
  if (!(item instanceof Uint8Array)) throw new InputError(`The ${name} is not an RLP byte string.`);
  return item;
}

/** A byte string of a known length. @throws InputError for a list or another length. */
export function asFixed(item: Rlp | undefined, { name, bytes }: { name: string; bytes: number }): Uint8Array {
  const value = asBytes(item, name);
  if (value.length !== bytes) throw new InputError(`The ${name} has ${value.length} bytes, not ${bytes}.`);
  return value;
}

/** A non-negative integer of at most `bytes` bytes. @throws InputError for a list, leading zeros or a longer one. */
export function asInteger(item: Rlp | undefined, { name, bytes }: { name: string; bytes: number }): bigint {
  const digits = asBytes(item, name);
  if (digits.length > bytes) throw new InputError(`The ${name} has ${digits.length} bytes, more than ${bytes}.`);
  if (digits[0] === 0) throw new InputError(`The ${name} has a leading zero.`);
  let value = 0n;
  for (const digit of digits) value = (value << 8n) | BigInt(digit);
  return value;
}

/** A byte below 0x80 is its own encoding. */
function isSingleByte(item: Rlp): item is Uint8Array {
  return item instanceof Uint8Array && item.length === 1 && (item[0] as number) < STRING;
}

function payloadLength(item: Rlp): number {
  if (item instanceof Uint8Array) return item.length;
  let length = 0;
  for (const child of item) length += rlpLength(child);
  return length;
}

/** Number of bytes a length takes. */
function lengthBytes(length: number): number {
  let bytes = 0;
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes++;
  return bytes;
}

/** Writes an item at a place and returns where it ends. */
function write(out: Uint8Array, at: number, item: Rlp): number {
  if (isSingleByte(item)) {
    out[at] = item[0] as number;
    return at + 1;
  }
  const length = payloadLength(item);
  const base = item instanceof Uint8Array ? STRING : LIST;
  const width = length <= SHORT_MAX ? 0 : lengthBytes(length);
  out[at] = width === 0 ? base + length : base + SHORT_MAX + width;
  let rest = length;
  for (let i = width; i > 0; i--) {
    out[at + i] = rest & 0xff;
    rest = Math.floor(rest / 256);
  }
  let end = at + 1 + width;
  if (item instanceof Uint8Array) {
    out.set(item, end);
    return end + length;
  }
  for (const child of item) end = write(out, end, child);
  return end;
}

/** Kind and payload of the item at a place, which must lie before `end` as a whole. */
function headAt(bytes: Uint8Array, { at, end }: { at: number; end: number }) {
  const first = bytes[at];
  if (first === undefined) throw new InputError(`RLP ends at byte ${at}, where an item is expected.`);
  if (first < STRING) return { isList: false, from: at, to: at + 1 };
  const isList = first >= LIST;
  const short = first - (isList ? LIST : STRING);
  const width = Math.max(0, short - SHORT_MAX);
  const from = at + 1 + width;
  const length = width === 0 ? short : longLength(bytes, { at: at + 1, width });
  const to = from + length;
  if (to > end) throw new InputError(`The RLP item at byte ${at} is longer than what holds it.`);
  if (!isList && length === 1 && (bytes[from] as number) < STRING) {
    throw new InputError(`The RLP item at byte ${at} is a single byte that stands for itself, yet has a length.`);
  }
  return { isList, from, to };
}

/** A payload's length from the bytes behind the first one. */
function longLength(bytes: Uint8Array, { at, width }: { at: number; width: number }): number {
  let length = 0;
  // Beyond 2^53 this rounds, which is as good as any length that no input can have.
  for (let i = 0; i < width; i++) length = length * 256 + (bytes[at + i] ?? 0);
  if (bytes[at] === 0 || length <= SHORT_MAX) {
    throw new InputError(`The RLP length at byte ${at} is not in its shortest form.`);
  }
  return length;
}
