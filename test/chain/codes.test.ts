import { createPublicClient, http } from "viem";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Anvil, startAnvil } from "../../devnet/anvil.ts";
import { createRpc } from "../../devnet/rpc.ts";
import { BEFORE_LOGS } from "../../src/core/book/rows.ts";
import { ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { readCodes } from "../../src/indexing/codes.ts";

const block = { number: 0n, hash: "0x00" as Hex, parentHash: "0x00" as Hex, timestamp: 0n };
const place = { chainId: 31_337, block, logIndex: BEFORE_LOGS, protocol: "owners" };
const addressOf = (i: number): Hex => `0x${(0xacc0_0000 + i).toString(16).padStart(40, "0")}`;

let anvil: Anvil;

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337, accounts: 1 });
});

afterAll(() => anvil.stop());

describe("whether addresses carry code", () => {
  it("is told of each, in calls of many", async () => {
    const client = createPublicClient({ transport: http(anvil.url) });
    const addresses = Array.from({ length: 1_203 }, (_, i) => addressOf(i));
    const contracts = new Set([0, 1, 499, 500, 777, 1_202].map(addressOf));
    for (const address of contracts) await createRpc(anvil.url)("anvil_setCode", [address, "0x00"]);
    const readings = await readCodes(addresses, { client, place });
    expect(readings.map((r) => r.address)).toEqual(addresses);
    for (const { address, result } of readings) expect(result).toEqual([contracts.has(address)]);
    expect(new Set(readings.map((r) => r.id)).size).toBe(addresses.length);
  });

  it("asks nothing about nobody", async () => {
    const client = { call: () => Promise.reject(new Error("asked")), readContract: () => Promise.reject() };
    expect(await readCodes([], { client, place })).toEqual([]);
  });

  it("refuses an answer of the wrong length", async () => {
    const client = { call: async () => ({ data: "0x00" as Hex }), readContract: () => Promise.reject() };
    await expect(readCodes([addressOf(1), addressOf(2)], { client, place })).rejects.toThrow(ProviderError);
  });
});
