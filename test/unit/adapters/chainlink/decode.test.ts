import { describe, expect, it } from "vitest";
import { chainlink } from "../../../../src/adapters/chainlink/index.ts";
import { InputError } from "../../../../src/core/errors.ts";
import type { Log } from "../../../../src/core/event.ts";
import type { ChainDeployment } from "../../../../src/core/margin-model.ts";

const HASH = `0x${"11".repeat(32)}` as const;
const AGGREGATOR = "0xC5a5C42992dECbae36851359345FE25997F5C42d";

const LOG: Log = {
  chainId: 902,
  block: { number: 7n, hash: HASH, parentHash: HASH, timestamp: 1_775_138_400n },
  txHash: HASH,
  txIndex: 0,
  logIndex: 3,
  address: AGGREGATOR,
  source: "ChainlinkAggregator8",
  name: "AnswerUpdated",
  args: { current: 2000_00000000n, roundId: 5n, updatedAt: 1_775_138_400n },
};

function chain(feeds: ChainDeployment["feeds"]): ChainDeployment {
  return {
    chainId: 902,
    name: "x",
    startBlock: 4,
    tickBlocks: 10,
    epochBlocks: 32,
    gridSeconds: 300,
    feeds,
    protocols: [],
  };
}

function feed(pair: string, aggregator: string, decimals: number): ChainDeployment["feeds"][number] {
  return { pair, aggregator: aggregator as `0x${string}`, decimals, heartbeatSeconds: 3600 };
}

describe("a price feed's answer", () => {
  it("becomes an ORACLE_PRICE with 18 decimals, from the lower-case address", () => {
    expect(chainlink.decode(LOG)).toEqual({
      rejected: null,
      events: [
        {
          id: "902-000000000007-000003",
          chainId: 902,
          block: LOG.block,
          txHash: HASH,
          txIndex: 0,
          logIndex: 3,
          protocol: "chainlink",
          address: AGGREGATOR.toLowerCase(),
          kind: "ORACLE_PRICE",
          market: null,
          account: null,
          sizeDelta: null,
          price: 2000n * 10n ** 18n,
          amount: null,
          asset: null,
          fee: null,
          payload: { event: "AnswerUpdated", current: 2000_00000000n, roundId: 5n, updatedAt: 1_775_138_400n },
        },
      ],
    });
  });

  it("takes its decimals from the source it came through", () => {
    const { events } = chainlink.decode({
      ...LOG,
      source: "ChainlinkAggregator20",
      args: { ...LOG.args, current: 199n },
    });
    expect(events[0]?.price).toBe(1n);
  });

  it.each([
    ["another event", { name: "NewRound" }],
    ["a source without decimals", { source: "ChainlinkAggregator" }],
    ["an answer that is no integer", { args: { ...LOG.args, current: "2000" } }],
    ["no time", { args: { current: 1n, roundId: 1n } }],
  ])("is rejected with a sentence when it has %s", (_what, change) => {
    expect(chainlink.decode({ ...LOG, ...change })).toEqual({ events: [], rejected: expect.stringMatching(/\.$/) });
  });
});

describe("the sources of a chain's feeds", () => {
  it("are one for each number of decimals, with sorted, distinct, lower-case addresses", () => {
    const [b, a, c] = ["0xBb", "0xaA", "0xcC"].map((x) => x.padEnd(42, "0")) as [string, string, string];
    const sources = chainlink.sources(chain([feed("B", b, 8), feed("A", a, 8), feed("C", c, 18), feed("B2", b, 8)]));
    expect(sources.map((s) => [s.name, s.where, s.startBlock])).toEqual([
      ["ChainlinkAggregator8", { kind: "addresses", addresses: [a.toLowerCase(), b.toLowerCase()] }, 4],
      ["ChainlinkAggregator18", { kind: "addresses", addresses: [c.toLowerCase()] }, 4],
    ]);
    expect(chainlink.sources(chain([]))).toEqual([]);
  });

  it.each([-1, 28, 8.5])("refuse a feed with %s decimals", (decimals) => {
    expect(() => chainlink.sources(chain([feed("X", AGGREGATOR, decimals)]))).toThrow(InputError);
  });
});
