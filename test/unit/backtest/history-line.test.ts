import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type HistoryBlock, historyLine, parseHistoryLine, rowsOf } from "../../../src/core/backtest/history-line.ts";
import { byBlock } from "../../../src/core/book/replay.ts";
import { ProviderError } from "../../../src/core/errors.ts";
import type { Hex } from "../../../src/core/ids.ts";

const CHAIN = 901;
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw): Hex => `0x${Buffer.from(raw).toString("hex")}`);
const amount = fc.bigInt({ min: -(2n ** 255n), max: 2n ** 255n });
const count = fc.nat();
const json = fc.oneof(fc.string(), fc.boolean(), amount.map(String));

const historyBlock = fc
  .record({ number: fc.bigInt({ min: 0n, max: 10n ** 12n }), hash: hex(32), parentHash: hex(32), timestamp: fc.nat() })
  .chain(({ number, hash, parentHash, timestamp }) => {
    const block = { number, hash, parentHash, timestamp: BigInt(timestamp) };
    const shared = {
      ...{ chain: `eip155:${CHAIN}`, chainId: CHAIN },
      ...{ blockNumber: number, blockHash: hash, blockTimestamp: block.timestamp },
    };
    const place = { id: fc.string(), txHash: hex(32), txIndex: count, logIndex: count };
    const event = fc.record({
      ...place,
      protocol: fc.constant("eip155:901/perp-v2"),
      kind: fc.constant("TRADE" as const),
      name: fc.string(),
      address: hex(20),
      market: fc.option(fc.string()),
      account: fc.option(fc.string()),
      sizeDelta: fc.option(amount),
      price: fc.option(amount),
      amount: fc.option(amount),
      asset: fc.option(fc.string()),
      fee: fc.option(amount),
      payload: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), json),
    });
    const price = fc.record({
      ...{ ...place, pair: fc.string(), aggregator: hex(20), answer: amount, decimals: fc.nat(36) },
      ...{ roundId: amount, updatedAt: amount },
    });
    const reading = fc.record({
      ...{ id: fc.string(), protocol: fc.string(), key: fc.string(), address: hex(20), functionName: fc.string() },
      ...{ args: fc.array(json), result: fc.option(fc.array(json)), logIndex: count, ordinal: count },
    });
    const ofBlock = <T extends object>(row: fc.Arbitrary<T>) =>
      fc.array(
        row.map((own) => ({ ...own, ...shared })),
        { maxLength: 3 },
      );
    return fc.record({
      block: fc.constant(block),
      events: ofBlock(event),
      prices: ofBlock(price),
      readings: ofBlock(reading),
    }) as fc.Arbitrary<HistoryBlock>;
  });

describe("a line of history", () => {
  test("gives its block back, whatever it holds", () => {
    fc.assert(
      fc.property(historyBlock, (block) => {
        const line = historyLine(block);
        expect(line).not.toContain("\n");
        expect(parseHistoryLine(line, CHAIN)).toEqual(block);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  test("folds as the rows themselves do", () => {
    fc.assert(
      fc.property(historyBlock, (block) => {
        const again = parseHistoryLine(historyLine(block), CHAIN);
        expect(byBlock(rowsOf([again]))).toEqual(byBlock(rowsOf([block])));
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  test.each([
    ["no JSON", "{"],
    ["a number where a string belongs", '{"block":{"number":1}}'],
    ["decimals no price has", JSON.stringify(line({ decimals: 1_000_000 }))],
    ["a field nobody knows", '{"block":{},"events":[],"prices":[],"readings":[],"more":[]}'],
  ])("%s is refused", (_, line) => {
    expect(() => parseHistoryLine(line, CHAIN)).toThrow(ProviderError);
  });
});

/** A line with one price that has these fields. */
function line(fields: object) {
  const price = {
    ...{ id: "1", pair: "ETH/USD", aggregator: "0x01", answer: "1", decimals: 8, roundId: "1", updatedAt: "1" },
    ...{ txHash: "0x01", txIndex: 0, logIndex: 0, ...fields },
  };
  return {
    block: { number: "1", hash: "0x01", parentHash: "0x00", timestamp: "1" },
    ...{ events: [], prices: [price], readings: [] },
  };
}
