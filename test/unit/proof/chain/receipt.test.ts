import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { BLOOM_BYTES, bloomOf, joinBloom, mayContain } from "../../../../src/core/proof/chain/bloom.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import {
  DEPOSIT_TYPE,
  decodeReceipt,
  encodeReceipt,
  type Log,
  type Receipt,
} from "../../../../src/core/proof/chain/receipt.ts";
import { decodeRlp, encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";

const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const filled = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
const fixed = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

const logs: fc.Arbitrary<Log[]> = fc.array(
  fc.record({
    address: fixed(20),
    topics: fc.array(fixed(32), { maxLength: 4 }),
    data: fc.uint8Array({ maxLength: 100 }),
  }),
  { maxLength: 5 },
);
const count = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const status = fc.constantFrom(new Uint8Array(), Uint8Array.of(1));
const receipts: fc.Arbitrary<Receipt> = fc.oneof(
  fc.record({
    type: fc.constant(0),
    outcome: fc.oneof(status, fixed(32)),
    cumulativeGas: count,
    logs,
    deposit: fc.constant(null),
  }),
  fc.record({
    type: fc.integer({ min: 1, max: 0x7f }),
    outcome: status,
    cumulativeGas: count,
    logs,
    deposit: fc.constant(null),
  }),
  fc.record({
    type: fc.constant(DEPOSIT_TYPE),
    outcome: status,
    cumulativeGas: count,
    logs,
    deposit: fc.record({ nonce: count, version: count }),
  }),
);

const LOG: Log = { address: filled(20), topics: [filled(32, 1), filled(32, 2)], data: filled(3) };
const RECEIPT: Receipt = {
  type: 2,
  outcome: Uint8Array.of(1),
  cumulativeGas: 21_000n,
  logs: [LOG],
  deposit: null,
};

/** The filter as one integer of 2048 bits, word for word after the Yellow Paper. */
function naiveBloom(items: readonly Uint8Array[]): string {
  let bits = 0n;
  for (const item of items) {
    const hash = keccak256(item);
    for (const i of [0, 2, 4]) {
      bits |= 1n << (((BigInt(hash[i] as number) << 8n) + BigInt(hash[i + 1] as number)) % 2048n);
    }
  }
  return bits.toString(16).padStart(2 * BLOOM_BYTES, "0");
}

/** The fields of the sample receipt's body with some replaced, behind a type. */
function forged(fields: Record<number, Rlp>, type: number | null = 2): Uint8Array {
  const body = [...(decodeRlp(encodeReceipt(RECEIPT).subarray(1)) as readonly Rlp[])];
  for (const [place, field] of Object.entries(fields)) body[Number(place)] = field;
  return Uint8Array.from([...(type === null ? [] : [type]), ...encodeRlp(body)]);
}

/** A receipt whose only log has these fields, and the bloom that goes with the log it should have. */
function forgedLog(...fields: Rlp[]): Uint8Array {
  return forged({ 3: [fields] });
}

describe("the bloom filter", () => {
  it("is that of the Yellow Paper", () => {
    fc.assert(
      fc.property(logs, (some) => {
        expect(hex(bloomOf(some))).toBe(naiveBloom(some.flatMap(({ address, topics }) => [address, ...topics])));
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  it("may contain every address and topic of its logs, and not what has another bit", () => {
    const bloom = bloomOf([LOG]);
    for (const item of [LOG.address, ...LOG.topics]) expect(mayContain(bloom, item)).toBe(true);
    const all = BigInt(`0x${hex(bloom)}`);
    const others = Array.from({ length: 2000 }, (_, i) => keccak256(Uint8Array.of(i >> 8, i & 0xff)));
    const sharesSomeBits = others.filter((item) => {
      const bits = BigInt(`0x${naiveBloom([item])}`);
      expect(mayContain(bloom, item)).toBe((bits & ~all) === 0n);
      return (bits & all) !== 0n;
    });
    expect(sharesSomeBits.length).toBeGreaterThan(5);
    expect(mayContain(bloom, LOG.data)).toBe(false);
  });

  it("of a block is that of its receipts, joined", () => {
    const other: Log = { address: filled(20, 7), topics: [], data: new Uint8Array() };
    const joined = new Uint8Array(BLOOM_BYTES);
    joinBloom(joined, bloomOf([LOG]));
    joinBloom(joined, bloomOf([other]));
    expect(hex(joined)).toBe(hex(bloomOf([LOG, other])));
  });
});

describe("receipts", () => {
  it("are read back as they were written: legacy, typed and the OP stack's deposits", () => {
    fc.assert(
      fc.property(receipts, (receipt) => {
        const raw = encodeReceipt(receipt);
        expect(decodeReceipt(raw)).toEqual(receipt);
        expect(raw[0]).toBe(receipt.type === 0 ? 0xf9 : receipt.type);
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it("of the OP stack have a nonce and a version from Canyon on, and neither before", () => {
    const deposit = { ...RECEIPT, type: DEPOSIT_TYPE };
    expect(decodeReceipt(encodeReceipt(deposit)).deposit).toBeNull();
    const canyon = { ...deposit, deposit: { nonce: 4_012_991n, version: 1n } };
    expect(decodeReceipt(encodeReceipt(canyon)).deposit).toEqual({ nonce: 4_012_991n, version: 1n });
    const version = Uint8Array.of(1);
    expect(decodeReceipt(forged({ 4: version, 5: version }, DEPOSIT_TYPE)).deposit?.version).toBe(1n);
    expect(() => decodeReceipt(forged({ 4: version }, DEPOSIT_TYPE))).toThrow(InputError);
    expect(() => decodeReceipt(forged({ 4: version, 5: Uint8Array.of(0, 1) }, DEPOSIT_TYPE))).toThrow(InputError);
    expect(() => decodeReceipt(forged({ 4: version, 5: [] }, DEPOSIT_TYPE))).toThrow(InputError);
    expect(() => decodeReceipt(forged({ 4: version, 5: version, 6: version }, DEPOSIT_TYPE))).toThrow(InputError);
    expect(() => decodeReceipt(forged({ 4: version, 5: version }))).toThrow(InputError);
  });

  it("with another bloom than their logs have are refused", () => {
    const bloom = bloomOf([LOG]);
    expect(decodeReceipt(forged({ 2: bloom })).logs).toEqual([LOG]);
    const emptied = new Uint8Array(BLOOM_BYTES);
    const widened = bloom.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
    for (const other of [emptied, widened]) expect(() => decodeReceipt(forged({ 2: other }))).toThrow(InputError);
    expect(() => decodeReceipt(forged({ 3: [] }))).toThrow(InputError);
    expect(() => decodeReceipt(forgedLog(filled(20, 0xab), LOG.topics, LOG.data))).toThrow(InputError);
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a type and nothing else", Uint8Array.of(2)],
    ["type 0", forged({}, 0)],
    ["a type above 0x7f", forged({}, 0x80)],
    ["a string instead of a list", Uint8Array.of(2, 0x80)],
    ["a legacy receipt in a string", Uint8Array.of(0xbf, 0xc0)],
    ["bytes behind the list", Uint8Array.from([...encodeReceipt(RECEIPT), 0])],
    [
      "a missing field",
      Uint8Array.from([2, ...encodeRlp((decodeRlp(encodeReceipt(RECEIPT).subarray(1)) as Rlp[]).slice(0, 3))]),
    ],
    ["a field too many", forged({ 4: new Uint8Array() })],
    ["status 2", forged({ 0: Uint8Array.of(2) })],
    ["status 0 with a byte", forged({ 0: Uint8Array.of(0) })],
    ["a status of two bytes", forged({ 0: Uint8Array.of(1, 1) })],
    ["a list for a status", forged({ 0: [] })],
    ["a state root in a typed receipt", forged({ 0: filled(32) })],
    ["a state root of 31 bytes", forged({ 0: filled(31) }, null)],
    ["gas with a leading zero", forged({ 1: Uint8Array.of(0, 1) })],
    ["gas of nine bytes", forged({ 1: filled(9) })],
    ["a list for gas", forged({ 1: [] })],
    ["a bloom of 255 bytes", forged({ 2: new Uint8Array(255) })],
    ["a list for a bloom", forged({ 2: [] })],
    ["a string for the logs", forged({ 3: new Uint8Array() })],
    ["a string for a log", forged({ 3: [new Uint8Array()] })],
    ["a log of two fields", forgedLog(LOG.address, LOG.topics)],
    ["a log of four fields", forgedLog(LOG.address, LOG.topics, LOG.data, LOG.data)],
    [
      "an address of 19 bytes",
      forged({ 3: [[filled(19), [], new Uint8Array()]], 2: bloomOf([{ ...LOG, address: filled(19), topics: [] }]) }),
    ],
    [
      "a topic of 31 bytes",
      forged({ 3: [[LOG.address, [filled(31)], LOG.data]], 2: bloomOf([{ ...LOG, topics: [filled(31)] }]) }),
    ],
    [
      "five topics",
      forged({
        3: [[LOG.address, Array(5).fill(filled(32, 1)), LOG.data]],
        2: bloomOf([{ ...LOG, topics: [filled(32, 1)] }]),
      }),
    ],
    [
      "a string for the topics",
      forged({ 3: [[LOG.address, filled(32), LOG.data]], 2: bloomOf([{ ...LOG, topics: [] }]) }),
    ],
    ["a list for the data", forgedLog(LOG.address, LOG.topics, [LOG.data])],
  ])("are refused: %s", (_, raw) => {
    expect(() => decodeReceipt(raw)).toThrow(InputError);
  });

  it("with any byte changed are refused or mean something else", () => {
    const raw = encodeReceipt(RECEIPT);
    for (let at = 0; at < raw.length; at++) {
      const changed = raw.map((byte, i) => (i === at ? byte ^ 1 : byte));
      let receipt: Receipt;
      try {
        receipt = decodeReceipt(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        continue;
      }
      expect(receipt).not.toEqual(RECEIPT);
      expect(hex(encodeReceipt(receipt))).toBe(hex(changed));
    }
  });
});
