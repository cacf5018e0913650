/**
 * The bloom filter of a header or receipt: which addresses and topics can be among its logs.
 * @see Ethereum Yellow Paper, section 4.3.1, the function M3:2048
 */
import { keccak256 } from "./keccak.ts";
import type { Log } from "./receipt.ts";

/** Length of a bloom filter in bytes. */
export const BLOOM_BYTES = 256;

/** The filter of these logs. */
export function bloomOf(logs: readonly Log[]): Uint8Array {
  const bloom = new Uint8Array(BLOOM_BYTES);
  for (const log of logs) {
    add(bloom, log.address);
    for (const topic of log.topics) add(bloom, topic);
  }
  return bloom;
}

/** Joins a filter into another, as a block's is that of all its receipts. */
export function joinBloom(into: Uint8Array, bloom: Uint8Array): void {
  for (let i = 0; i < BLOOM_BYTES; i++) into[i] = (into[i] as number) | (bloom[i] as number);
}

/** Whether an address or topic can be among the logs. False is certain, true is not. */
export function mayContain(bloom: Uint8Array, item: Uint8Array): boolean {
  return bitsOf(item).every(({ byte, mask }) => ((bloom[byte] ?? 0) & mask) !== 0);
}

function add(bloom: Uint8Array, item: Uint8Array): void {
  for (const { byte, mask } of bitsOf(item)) bloom[byte] = (bloom[byte] as number) | mask;
}

/** The three bits of an item: the low eleven of each of the first three byte pairs of its hash, counted from the end. */
function bitsOf(item: Uint8Array): { byte: number; mask: number }[] {
  const hash = keccak256(item);
  return [0, 2, 4].map((at) => {
    const bit = (((hash[at] as number) << 8) | (hash[at + 1] as number)) & (8 * BLOOM_BYTES - 1);
    return { byte: BLOOM_BYTES - 1 - (bit >> 3), mask: 1 << (bit & 7) };
  });
}
