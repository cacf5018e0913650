import { describe, expect, it } from "vitest";
import { InputError } from "../../../../src/core/errors.ts";
import { decodeHeader } from "../../../../src/core/proof/chain/header.ts";
import { keccak256 } from "../../../../src/core/proof/chain/keccak.ts";
import { encodeRlp, type Rlp } from "../../../../src/core/proof/chain/rlp.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const filled = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
const EMPTY_ROOT = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";

/** The first block of Ethereum. */
const GENESIS: Rlp[] = [
  filled(32, 0),
  bytes("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"),
  filled(20, 0),
  bytes("d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544"),
  bytes(EMPTY_ROOT),
  bytes(EMPTY_ROOT),
  filled(256, 0),
  bytes("0400000000"),
  new Uint8Array(),
  bytes("1388"),
  new Uint8Array(),
  new Uint8Array(),
  bytes("11bbe8db4e347b4e8c937c1c8370e4b5ed33adb3db69cbdb7a38e1e50b1b82fa"),
  filled(32, 0),
  bytes("0000000000000042"),
];

/** The first block's header with some fields replaced or appended. */
function changed(fields: Record<number, Rlp>): Uint8Array {
  const header = [...GENESIS];
  for (const [place, field] of Object.entries(fields)) header[Number(place)] = field;
  return encodeRlp(header);
}

describe("headers", () => {
  it("have the hash that the chain knows", () => {
    const header = decodeHeader(encodeRlp(GENESIS));
    expect(hex(header.hash)).toBe("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
    expect(hex(header.stateRoot)).toBe("d7f8974fb5ac78d9ac099b9ad5018bedc2ce0a72dad1827a1709da30580f0544");
    expect(header.difficulty).toBe(17_179_869_184n);
    expect(header.gasLimit).toBe(5000n);
    expect(hex(header.nonce)).toBe("0000000000000042");
    expect(header.later).toEqual([]);
  });

  it("give each field from its own place", () => {
    const lengths = [32, 32, 20, 32, 32, 32, 256, 2, 3, 4, 5, 6, 7, 32, 8];
    const fields = lengths.map((length, place) => filled(length, place + 1));
    const header = decodeHeader(encodeRlp(fields));
    const names = [
      ...["parentHash", "ommersHash", "beneficiary", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"],
      ...["difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"],
    ] as (keyof typeof header)[];
    names.forEach((name, place) => {
      const field = fields[place] as Uint8Array;
      expect(header[name], name).toEqual(typeof header[name] === "bigint" ? BigInt(`0x${hex(field)}`) : field);
    });
  });

  it.each<[string, Rlp[]]>([
    ["Ethereum's since Prague", [bytes("07"), filled(32), new Uint8Array(), new Uint8Array(), filled(32), filled(32)]],
    ["Arbitrum's", [bytes("05f5e100")]],
    [
      "Avalanche's, which come in between",
      [filled(32), bytes("05d21dba00"), new Uint8Array(), bytes("01"), new Uint8Array()],
    ],
    ["some that nobody has thought of", [[[filled(3)], []], filled(100)]],
  ])("take later fields as they are: %s", (_, later) => {
    const raw = encodeRlp([...GENESIS, ...later]);
    const header = decodeHeader(raw);
    expect(header.later).toEqual(later);
    expect(header.hash).toEqual(keccak256(raw));
    expect(header.gasLimit).toBe(5000n);
  });

  it("are refused when a later field is not canonical", () => {
    const good = changed({ 15: bytes("7f") });
    expect(hex(good.subarray(-1))).toBe("7f");
    // The same field as a string with a length, which makes the list one byte longer.
    const bad = Uint8Array.from([...good.subarray(0, -1), 0x81, 0x7f]);
    bad[2] = (good[2] as number) + 1;
    expect(decodeHeader(good).later).toEqual([bytes("7f")]);
    expect(() => decodeHeader(bad)).toThrow(InputError);
  });

  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["a string", encodeRlp(filled(600))],
    ["fourteen fields", encodeRlp(GENESIS.slice(0, 14))],
    ["a byte behind", Uint8Array.from([...encodeRlp(GENESIS), 0])],
    ["a byte missing", encodeRlp(GENESIS).subarray(0, -1)],
    ["more than any chain has", changed({ 12: filled(1 << 17) })],
    ...[0, 1, 3, 4, 5, 13].map((at): [string, Uint8Array] => [
      `31 bytes in place ${at}`,
      changed({ [at]: filled(31) }),
    ]),
    ["an address of 19 bytes", changed({ 2: filled(19) })],
    ["a bloom of 255 bytes", changed({ 6: filled(255) })],
    ["a nonce of 7 bytes", changed({ 14: filled(7) })],
    ["a difficulty of 33 bytes", changed({ 7: filled(33) })],
    ...[8, 9, 10, 11].map((at): [string, Uint8Array] => [`9 bytes in place ${at}`, changed({ [at]: filled(9) })]),
    ...[7, 8, 9, 10, 11].map((at): [string, Uint8Array] => [
      `zero as a byte in place ${at}`,
      changed({ [at]: bytes("00") }),
    ]),
    ...GENESIS.map((_, at): [string, Uint8Array] => [`a list in place ${at}`, changed({ [at]: [] })]),
  ])("are refused: %s", (_, raw) => {
    expect(() => decodeHeader(raw)).toThrow(InputError);
  });
});
