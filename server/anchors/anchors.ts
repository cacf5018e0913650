import type { Logger } from "pino";
import type { PrivateKeyAccount } from "viem/accounts";
import { caip2, caip10, type Hex } from "../../src/core/ids.ts";
import { type LogHead, originHash } from "../../src/core/proof/anchor.ts";
import type { IndexerClient } from "../feed/client.ts";
import { type Loop, runLoop } from "../feed/run.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { ServerOptions } from "../options.ts";
import type { Store } from "../store/database.ts";
import { createWitnessNode } from "../witnesses/node.ts";
import { createAnchorNode } from "./anchor-node.ts";
import { type AnchoredHead, anchoredHeads, createFollower, lastAnchored } from "./anchored.ts";
import { createPublisher } from "./publisher.ts";

/**
 * The key that owns the anchors, how long to wait from one head to the next on the same anchor, and the most wei that a unit
 * of gas may cost.
 */
export type AnchorSettings = { account: PrivateKeyAccount; everyMs: number; feeMax: bigint };

/** An anchor as health tells it; sizes as decimal text. */
export type AnchorHealth = {
  /** CAIP-10. */
  anchor: string;
  /** Whether this server has the key to publish there. */
  publishes: boolean;
  /** The last head of this log that the chain had when it was last asked, which may still be replaced. */
  published: string | null;
  /** The largest head that the chain has for good. */
  anchored: string | null;
  /** Why the last attempt to publish or to take up failed. */
  error: string | null;
};

export type Anchors = {
  health(): AnchorHealth[];
  /** Heads of at least `from` leaves that chains have for good, the largest first. */
  heads(range: { from: number; limit: number }): AnchoredHead[];
  stop(): Promise<void>;
};

/** What anchors work with. */
export type AnchorsParts = {
  store: Store;
  ledger: Ledger;
  indexer: IndexerClient;
  log: Logger;
  /** The newest head that has enough cosignatures, where these are gathered; null while there is none. */
  cosignedHead?: () => LogHead | null;
};

const PUBLISH_PAUSE_MS = 2_000;
const FOLLOW_PAUSE_MS = 2_000;
const BACKOFF_MAX_MS = 60_000;

/**
 * Follows every anchor of the deployment, and publishes on them where there is a key for that. Neither holds anything else
 * up: a chain or a node that fails is tried again, and named in health until it does not.
 */
export function startAnchors(options: ServerOptions, parts: AnchorsParts): Anchors {
  const running = options.deployment.chains.flatMap(({ chainId, anchor }) => {
    const rpcUrl = options.chains.find(({ chain }) => chain === caip2(chainId))?.rpcUrl;
    if (anchor === undefined || rpcUrl === undefined) return [];
    return [startAnchor(options, { ...parts, chainId, contract: anchor.address, rpcUrl })];
  });
  return {
    health: () => running.map(({ health }) => health()),
    heads: (range) => anchoredHeads(parts.store.db, range),
    stop: async () => void (await Promise.all(running.flatMap(({ loops }) => loops).map((loop) => loop.stop()))),
  };
}

type AnchorParts = AnchorsParts & { chainId: number; contract: Hex; rpcUrl: string };

function startAnchor(options: ServerOptions, parts: AnchorParts): { health(): AnchorHealth; loops: Loop[] } {
  const { chainId, contract, rpcUrl, store, ledger, indexer } = parts;
  const { tree } = ledger;
  const [chain, anchor] = [caip2(chainId), caip10(chainId, contract)];
  const node = createAnchorNode(chainId, { url: rpcUrl, address: contract });
  const errors: Record<"publish" | "follow", string | null> = { publish: null, follow: null };
  const head = () => ledger.head();

  const loop = (what: "publish" | "follow", pauseMs: number, turn: () => Promise<boolean>): Loop =>
    runLoop(
      async () => {
        const more = await turn();
        errors[what] = null;
        return { more };
      },
      {
        ...{ pauseMs, maxBackoffMs: BACKOFF_MAX_MS },
        onError(error) {
          const sentence = error instanceof Error ? error.message : String(error);
          if (errors[what] !== sentence) parts.log.warn({ anchor, error: sentence }, "anchor failed; trying again");
          errors[what] = sentence;
        },
      },
    );

  const follow = createFollower({
    ...{ chainId, contract, store, indexer, tree, head },
    node: createWitnessNode(chainId, rpcUrl),
  });
  let isOwn = false;
  const loops = [
    loop("follow", FOLLOW_PAUSE_MS, async () => {
      // An anchor of another log may stand in a shared deployment: what it publishes is none of ours.
      isOwn ||= (await node.state()).originHash === originHash(options.origin);
      return isOwn && (await follow());
    }),
  ];
  const { anchor: settings } = options;
  const publisher =
    settings === null
      ? null
      : createPublisher({
          ...{ anchor, node, tree, head, ...settings, origin: options.origin },
          next: parts.cosignedHead ?? head,
          onLaterHead: (size) => ledger.laterHeadKnownBy({ who: `the anchor ${anchor}`, size }),
          now: () => performance.now(),
        });
  if (publisher !== null) {
    loops.push(loop("publish", PUBLISH_PAUSE_MS, () => publisher.turn().then(() => false)));
  }
  return {
    loops,
    health: () => ({
      ...{ anchor, publishes: publisher !== null, published: publisher?.published().lastSize ?? null },
      anchored: lastAnchored(store.db, { chain, contract }),
      error: errors.publish ?? errors.follow,
    }),
  };
}
