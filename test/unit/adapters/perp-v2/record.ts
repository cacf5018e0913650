/**
 * Records a short seeded session on the real bytecode for the unit tests: raw logs, readings, and what the protocol's own
 * views say at the end. Run it again only when the session or the adapter's readings change:
 * `node bin/run.mjs test/unit/adapters/perp-v2/record.ts`.
 */
import { writeFileSync } from "node:fs";
import type { Log as RpcLog } from "viem";
import { perpViews } from "../../../../devnet/perp-v2-actions.ts";
import { sources } from "../../../../src/adapters/perp-v2/sources.ts";
import { toJson } from "../../../../src/core/event.ts";
import { logId } from "../../../../src/core/ids.ts";
import { startPerpSession } from "../../../chain/perp-v2-session.ts";
import { createReplay, type ReplayClient } from "../../../parity/replay.ts";

const session = await startPerpSession(5);
try {
  for (let i = 0; i < 12; i++) await session.step();
  await session.distress(async () => {});
  const { client } = session.kit;
  const block = await session.kit.blockNumber();
  const replay = createReplay({ client: client as unknown as ReplayClient, chain: session.chain, protocol: "perp-v2" });
  await replay.advance(block);
  const emitters = new Map<string, string>();
  for (const source of sources(session.chain)) {
    if (source.where.kind === "addresses") for (const a of source.where.addresses) emitters.set(a, source.name);
  }
  for (const market of session.perp.markets) {
    emitters.set(market.base.address.toLowerCase(), "PerpV2BaseToken");
    emitters.set(market.pool.address.toLowerCase(), "PerpV2Pool");
  }
  for (const feed of session.chain.feeds) emitters.set(feed.aggregator, `ChainlinkAggregator${feed.decimals}`);
  const logs = await client.getLogs({
    address: [...emitters.keys()] as `0x${string}`[],
    fromBlock: 1n,
    toBlock: block,
  });
  const timestamps = new Map<bigint, bigint>();
  for (const { blockNumber } of logs) {
    if (!timestamps.has(blockNumber)) timestamps.set(blockNumber, (await client.getBlock({ blockNumber })).timestamp);
  }
  const handled = new Set(replay.events.map((event) => event.id));
  const isHandled = (log: { blockNumber: bigint; logIndex: number }) =>
    handled.has(logId(session.chain.chainId, log.blockNumber, log.logIndex));
  const views = perpViews(session.perp);
  const now = (await client.getBlock({ blockNumber: block })).timestamp;
  const accounts = [];
  for (const address of replay.model.addresses()) {
    const [equity, requirement] = [await views.accountValue(address), await views.marginRequirement(address)];
    accounts.push({ address, equity: equity.toString(), requirement: requirement.toString() });
  }
  const fixture = {
    chain: session.chain,
    now: now.toString(),
    logs: (logs as RpcLog<bigint, number, false>[])
      .filter(isHandled)
      .map((log) => [
        Number(log.blockNumber),
        (timestamps.get(log.blockNumber) as bigint).toString(),
        log.transactionIndex,
        log.logIndex,
        log.address,
        emitters.get(log.address.toLowerCase()),
        log.topics,
        log.data,
      ]),
    readings: replay.readings.map((r) => [
      Number(r.block.number),
      r.logIndex,
      r.key,
      r.result === null ? null : r.result.map(toJson),
    ]),
    accounts,
  };
  const path = new URL("./session.fixture.json", import.meta.url);
  writeFileSync(path, `${JSON.stringify(fixture)}\n`);
  console.log(`${logs.length} logs, ${replay.readings.length} readings, ${accounts.length} accounts to block ${block}`);
} finally {
  await session.anvil.stop();
}
