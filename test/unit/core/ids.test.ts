import { describe, expect, it } from "vitest";
import { assetId, caip10, holderOf, marketId, positionId, protocolId } from "../../../src/core/ids.ts";

const ADDRESS = `0x${"Ab".repeat(20)}`;
const market = marketId(901, "perp-v2", ADDRESS);

describe("the holder of a subject", () => {
  it("is a position's account, whatever its market's key and however often it was reopened", () => {
    for (const of of [market, marketId(901, "synthetix-perps-v2", "sETH")]) {
      expect(holderOf(positionId(of, ADDRESS, 1))).toBe(caip10(901, ADDRESS));
      expect(holderOf(positionId(of, ADDRESS, 120))).toBe(caip10(901, ADDRESS));
    }
  });

  it("is the subject itself where that is no position", () => {
    const others = [caip10(901, ADDRESS), market, protocolId(901, "perp-v2"), assetId(901, ADDRESS), "eip155:901"];
    for (const subject of others) expect(holderOf(subject)).toBe(subject);
    const like = [`${market}/${ADDRESS.toLowerCase()}`, `${market}/0xab/1`, `${market}/${ADDRESS.toLowerCase()}/0`];
    for (const subject of like) expect(holderOf(subject)).toBe(subject);
  });
});
