import type { FeedDeployment } from "../src/core/margin-model.ts";
import { aggregatorArtifact } from "./artifacts.ts";
import type { Contract, Kit } from "./kit.ts";

/** A price feed to deploy. `price` is the first answer, in `decimals` digits. */
export type FeedSpec = { pair: string; decimals: number; price: bigint; heartbeatSeconds: number };

/** A deployed feed: the devnet's own aggregator, answered by account 0. */
export type Feed = Omit<FeedSpec, "price"> & { aggregator: Contract };

/** Deploys one aggregator a feed and gives each its first answer, all in one block. Keyed by pair. */
export async function deployFeeds(kit: Kit, specs: readonly FeedSpec[]): Promise<ReadonlyMap<string, Feed>> {
  const feeds = new Map<string, Feed>();
  await kit.batch(async () => {
    for (const { pair, decimals, price, heartbeatSeconds } of specs) {
      const aggregator = await kit.deploy(aggregatorArtifact(), [decimals, pair], { name: `Aggregator ${pair}` });
      await kit.send(aggregator, "setAnswer", [price]);
      feeds.set(pair, { pair, decimals, heartbeatSeconds, aggregator });
    }
  });
  return feeds;
}

/** The feed's entry in a deployment file. */
export function feedDeployment(feed: Feed): FeedDeployment {
  return {
    pair: feed.pair,
    aggregator: feed.aggregator.address.toLowerCase() as `0x${string}`,
    decimals: feed.decimals,
    heartbeatSeconds: feed.heartbeatSeconds,
  };
}
