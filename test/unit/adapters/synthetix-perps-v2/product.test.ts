import { stringToHex } from "viem";
import { describe, expect, it } from "vitest";
import { namesOf } from "../../../../src/adapters/synthetix-perps-v2/product.ts";
import type { Setting } from "../../../../src/adapters/synthetix-perps-v2/state.ts";

const KEY = "0x00000000000000000000000000000000000000aa";
const bytes32 = (text: string) => stringToHex(text, { size: 32 });

function productOf(asset: string, underliers: Setting["underliers"] = {}) {
  const of = { key: KEY, marketKey: bytes32(`s${asset.replace(/^s/, "")}PERP`), asset: bytes32(asset) } as const;
  return namesOf({ underliers } as Setting, of).product;
}

describe("the class of what a market is about", () => {
  it.each([
    ["sETH", "ETH", "crypto"],
    ["EUR", "EUR", "fx_major"],
    ["sEUR", "EUR", "fx_major"],
    ["AUD", "AUD", "fx_minor"],
    ["XAU", "XAU", "gold"],
    ["US500", "US500", "index_major"],
    ["OIL", "OIL", "commodity"],
    ["XAG", "XAG", "commodity"],
    ["TSLA", "TSLA", "equity"],
  ])("%s is %s, %s", (asset, underlier, underlierClass) => {
    expect(productOf(asset)).toMatchObject({ kind: "PERPETUAL", payoff: "LINEAR", underlier, underlierClass });
  });

  it("follows the deployment where it names the underlier", () => {
    expect(productOf("GOLD", { sGOLDPERP: "XAU" })).toMatchObject({ underlier: "XAU", underlierClass: "gold" });
  });
});
