import { describe, expect, it } from "vitest";
import { plumblineAnchor } from "../../../../src/adapters/plumbline-anchor/index.ts";
import { type Log, payloadFromJson, payloadToJson } from "../../../../src/core/event.ts";
import type { Hex } from "../../../../src/core/ids.ts";
import type { ChainDeployment } from "../../../../src/core/margin-model.ts";

const HASH = `0x${"11".repeat(32)}` as const;
const ZERO = `0x${"00".repeat(32)}` as const;
const ANCHOR = "0xC5a5C42992dECbae36851359345FE25997F5C42d";

const LOG: Log = {
  chainId: 901,
  block: { number: 7n, hash: HASH, parentHash: HASH, timestamp: 1_775_138_400n },
  txHash: HASH,
  txIndex: 0,
  logIndex: 3,
  address: ANCHOR,
  source: "PlumblineAnchorCheckpointAnchor",
  name: "HeadPublished",
  args: { oldSize: 0n, oldRoot: ZERO, newSize: 5n, newRoot: `0x${"AB".repeat(32)}` },
};

const CHAIN: ChainDeployment = {
  ...{ chainId: 901, name: "x", startBlock: 4, tickBlocks: 10, epochBlocks: 32, gridSeconds: 300 },
  ...{ feeds: [], protocols: [] },
};

describe("a published head", () => {
  it("becomes a LOG_HEAD with sizes and roots, from the lower-case address", () => {
    const { events, rejected } = plumblineAnchor.decode(LOG);
    expect(rejected).toBeNull();
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      ...{ id: "901-000000000007-000003", chainId: 901, protocol: "plumbline-anchor", kind: "LOG_HEAD" },
      ...{ address: ANCHOR.toLowerCase(), market: null, account: null, amount: null },
      payload: { event: "HeadPublished", oldSize: 0n, oldRoot: ZERO, newSize: 5n, newRoot: `0x${"ab".repeat(32)}` },
    });
  });

  it("reads back from its JSON form", () => {
    const payload = plumblineAnchor.decode(LOG).events[0]?.payload ?? {};
    expect(payloadFromJson(payloadToJson(payload))).toEqual(payload);
  });

  it("is rejected when it is another event or lacks something", () => {
    const changes: Partial<Log>[] = [
      { name: "Acted" },
      { source: "ChainlinkAggregator8" },
      { args: { ...LOG.args, newSize: 5 } },
      { args: { ...LOG.args, oldSize: undefined } },
      { args: { ...LOG.args, newRoot: "0xab" } },
      { args: { ...LOG.args, oldRoot: undefined } },
    ];
    for (const change of changes) {
      const { events, rejected } = plumblineAnchor.decode({ ...LOG, ...change });
      expect(events).toEqual([]);
      expect(rejected).toEqual(expect.any(String));
    }
  });
});

describe("the sources of a chain", () => {
  it("are its anchor, from where the deployment says", () => {
    const address = ANCHOR.toLowerCase() as Hex;
    const [source, ...others] = plumblineAnchor.sources({ ...CHAIN, anchor: { address, startBlock: 9 } });
    expect(others).toEqual([]);
    expect(source).toMatchObject({ events: ["HeadPublished"], startBlock: 9 });
    expect(source?.where).toEqual({ kind: "addresses", addresses: [address] });
  });

  it("are none without one", () => {
    expect(plumblineAnchor.sources(CHAIN)).toEqual([]);
  });
});
