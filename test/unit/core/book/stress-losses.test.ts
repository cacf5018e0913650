import { expect, it } from "vitest";
import { lossesUnder } from "../../../../src/core/book/stress-losses.ts";
import type { Venue } from "../../../../src/core/book/venue.ts";
import { account, group, known, wad } from "../../rules/figures.ts";

const FALL = new Map([["down-50", -wad(1n) / 2n]]);

it("counts accounts with a position and those that only hold further collateral, each once", () => {
  const equities: Record<string, bigint> = { taker: -2n, debtor: -5n, depositor: -9n };
  const asked: string[] = [];
  const model = {
    marketKeys: () => ["eth", "btc"],
    holders: () => ["taker"],
    addresses: () => ["debtor", "depositor", "taker"],
    equityUnder: (address: string) => {
      asked.push(address);
      return known(wad(equities[address] as bigint));
    },
  };
  const figures = {
    account: (address: string) => account(group({ restless: address === "debtor", positions: [] })),
  };
  const losses = lossesUnder(FALL, { venue: { model, figures } as unknown as Venue, now: 0n });
  expect(losses.get("down-50")).toEqual([known(wad(5n)), known(wad(2n)), known(0n)]);
  expect(asked.sort()).toEqual(["debtor", "taker"]);
});
