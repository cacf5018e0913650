import { describe, expect, it } from "vitest";
import { headerOf } from "../../../server/witnesses/header.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import { encodeRlp } from "../../../src/core/proof/chain/rlp.ts";
import { areBlocksAbsent, readBlocks } from "../proof/chain/mainnet-blocks.ts";
import { rpcBlock } from "./rpc.ts";

const AVALANCHE = { later: "extDataHash baseFeePerGas extDataGasUsed blockGasCost" };

const word = (byte: number) => new Uint8Array(32).fill(byte);
const COMMON = [
  ...[word(1), word(2), new Uint8Array(20).fill(3), word(4), word(5), word(6), new Uint8Array(256)],
  ...[new Uint8Array(), Uint8Array.of(9), Uint8Array.of(200), Uint8Array.of(1, 0), Uint8Array.of(0x65)],
  ...[new Uint8Array(), word(7), new Uint8Array(8)],
];

describe.skipIf(areBlocksAbsent())("headers of Ethereum, before and after the forks that added fields", () => {
  it.each(readBlocks())("$number is put together from what JSON-RPC gives", ({ header }) => {
    expect(headerOf(rpcBlock(header))).toEqual(header);
  });
});

describe("a header from JSON-RPC", () => {
  const [old, london] = [encodeRlp(COMMON), encodeRlp([...COMMON, Uint8Array.of(7)])];

  it("has the fields of its time, and zero as the empty string", () => {
    expect(headerOf(rpcBlock(old))).toEqual(old);
    expect(headerOf(rpcBlock(london))).toEqual(london);
    expect(headerOf({ ...rpcBlock(london), withdrawalsRoot: null })).toEqual(london);
  });

  it("has Avalanche's own fields before the base fee", () => {
    const raw = encodeRlp([...COMMON, word(8), Uint8Array.of(7), new Uint8Array(), Uint8Array.of(2)]);
    expect(headerOf(rpcBlock(raw, AVALANCHE))).toEqual(raw);
  });

  it("is refused when its fields do not make its hash", () => {
    expect(() => headerOf({ ...rpcBlock(london), timestamp: "0x66" })).toThrow(InputError);
    const unknown = encodeRlp([...COMMON, Uint8Array.of(7), word(9)]);
    expect(() => headerOf({ ...rpcBlock(unknown, { later: "baseFeePerGas fieldOfTomorrow" }) })).toThrow(InputError);
  });

  it.each(["miner", "number", "extraData"])("is refused without a well-formed %s", (name) => {
    for (const value of [undefined, null, 7, "0x0g", "12"]) {
      expect(() => headerOf({ ...rpcBlock(london), [name]: value })).toThrow(ProviderError);
    }
  });
});
