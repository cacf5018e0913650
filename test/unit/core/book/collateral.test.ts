import { describe, expect, it } from "vitest";
import { collateralLeaves } from "../../../../src/core/book/collateral.ts";
import type { Venue } from "../../../../src/core/book/venue.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import type { Figure } from "../../../../src/core/margin-model.ts";

const ACCOUNT: Hex = `0x${"ab".repeat(20)}`;
const USDC: Hex = `0x${"0c".repeat(20)}`;
const WETH: Hex = `0x${"0E".repeat(20)}`;
const UNKNOWN: Figure = { value: null, reason: "NO_PRICE" };

const known = (value: bigint): Figure => ({ value, reason: null });

/** What is said of an account with these holdings and groups: maintenance, and whether there is a position. */
function said(holdings: Record<string, bigint>, groups: readonly (readonly [Figure, boolean])[]) {
  const venue = {
    id: "eip155:901/perp-v2",
    config: { settlement: { symbol: "USDC", address: USDC }, collateral: [{ symbol: "WETH", address: WETH }] },
    model: { holdings: () => Object.entries(holdings).map(([asset, units]) => ({ asset, units })) },
    figures: {
      account: () => ({
        groups: groups.map(([maintenance, isOpen]) => ({ maintenance, positions: isOpen ? [{}] : [] })),
      }),
    },
  } as unknown as Venue;
  const leaves = collateralLeaves(ACCOUNT, { venue, chainId: 901, now: 1n });
  expect(leaves.map(({ tree, key }) => [tree, key])).toEqual([
    ["collateral", `eip155:901/perp-v2|eip155:901/erc20:${USDC}|${ACCOUNT}`],
    ["collateral", `eip155:901/perp-v2|eip155:901/erc20:${WETH.toLowerCase()}|${ACCOUNT}`],
  ]);
  return leaves.map(({ state }) => state);
}

describe("an account's collateral", () => {
  it("is held by asset, and required in the settlement asset for all open positions together", () => {
    const groups = [[known(30n), true] as const, [known(12n), true] as const];
    expect(said({ USDC: 500n, WETH: 7n }, groups)).toEqual([
      { held: "500", required: "42" },
      { held: "7", required: "0" },
    ]);
  });

  it("is not held where it is owed, and not there where nothing is held or required", () => {
    expect(said({ USDC: -5n }, [[known(3n), true]])).toEqual([{ held: "0", required: "3" }, null]);
    expect(said({ USDC: -5n }, [[known(0n), true]])).toEqual([null, null]);
    expect(said({ WETH: 1n }, [])).toEqual([null, { held: "1", required: "0" }]);
  });

  it("is required to an unknown amount where one figure is unknown, but of no position nothing is", () => {
    const groups = [[known(30n), true] as const, [UNKNOWN, true] as const];
    expect(said({}, groups)).toEqual([{ held: "0", required: null }, null]);
    expect(said({ USDC: 9n }, [[UNKNOWN, false]])).toEqual([{ held: "9", required: "0" }, null]);
  });

  it("counts no token that the deployment does not list", () => {
    expect(said({ [`0x${"0d".repeat(20)}`]: 4n, WETH: 2n }, [])).toEqual([null, { held: "2", required: "0" }]);
  });
});
