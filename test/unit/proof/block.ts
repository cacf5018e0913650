import { bloomOf, joinBloom } from "../../../src/core/proof/chain/bloom.ts";
import { orderedTrie } from "../../../src/core/proof/chain/ordered-trie.ts";
import { encodeReceipt, type Log, type Receipt } from "../../../src/core/proof/chain/receipt.ts";
import { encodeInteger, encodeRlp } from "../../../src/core/proof/chain/rlp.ts";

const word = (byte: number) => new Uint8Array(32).fill(byte);

/** The raw header of a made-up block with these receipts. */
export function headerWith(receipts: readonly Receipt[], changes: Record<number, Uint8Array> = {}): Uint8Array {
  const bloom = new Uint8Array(256);
  for (const { logs } of receipts) joinBloom(bloom, bloomOf(logs));
  const fields = [
    ...[word(1), word(2), new Uint8Array(20).fill(3), word(4), word(5)],
    ...[orderedTrie(receipts.map(encodeReceipt)).root, bloom, new Uint8Array()],
    ...[encodeInteger(4711), encodeInteger(30_000_000), encodeInteger(receipts.at(-1)?.cumulativeGas ?? 0)],
    ...[encodeInteger(1_775_088_000), new Uint8Array(), word(7), new Uint8Array(8), Uint8Array.of(7)],
  ];
  return encodeRlp(fields.map((field, place) => changes[place] ?? field));
}

/** A receipt of a transaction with these logs, the `index`-th of its block. */
export function receiptWith(logs: readonly Log[], index: number): Receipt {
  return { type: 2, outcome: Uint8Array.of(1), cumulativeGas: BigInt(index + 1) * 21_000n, logs, deposit: null };
}

/** A log whose data are the given bytes. */
export function logWith(...data: number[]): Log {
  return { address: new Uint8Array(20).fill(0x5a), topics: [word(8), word(9)], data: Uint8Array.from(data) };
}

/** Three transactions with two, no and three logs. */
export const RECEIPTS: readonly Receipt[] = [
  receiptWith([logWith(0), logWith(1)], 0),
  receiptWith([], 1),
  receiptWith([logWith(2), logWith(3), logWith(4)], 2),
];
