import type { CanonicalEvent } from "../event.ts";
import { rescaleDown } from "../fixed.ts";
import type { FeedDeployment, Figure } from "../margin-model.ts";
import type { Journal } from "./journal.ts";

/** The latest answer of one feed. `price` has 18 decimals; `block` is the number of the block its event is in. */
export type FeedPrice = { pair: string; price: bigint; updatedAt: bigint; block: bigint; eventId: string };

/** The chain's price feeds as their logs left them. */
export class Prices {
  #journal: Journal;
  #feeds: Map<string, FeedDeployment>;
  #heartbeats: Map<string, bigint>;
  #latest = new Map<string, FeedPrice>();

  constructor(feeds: readonly FeedDeployment[], journal: Journal) {
    this.#journal = journal;
    this.#feeds = new Map(feeds.map((f) => [f.aggregator.toLowerCase(), f]));
    this.#heartbeats = new Map(feeds.map((f) => [f.pair, BigInt(f.heartbeatSeconds)]));
  }

  /** Takes in the answer of a feed that the deployment names; any other says nothing. */
  apply(event: CanonicalEvent): void {
    const feed = this.#feeds.get(event.address.toLowerCase());
    const { current, updatedAt } = event.payload;
    if (feed === undefined || typeof current !== "bigint" || typeof updatedAt !== "bigint") return;
    const price = rescaleDown(current, feed.decimals, 18);
    const { pair } = feed;
    this.#journal.set(this.#latest, pair, { pair, price, updatedAt, block: event.block.number, eventId: event.id });
  }

  /** The last answer for a pair, however old; undefined before the first. */
  latest(pair: string): FeedPrice | undefined {
    return this.#latest.get(pair);
  }

  /** Price of `pair` with 18 decimals at `now`; unknown when it was never set, is not positive, or is past its heartbeat. */
  at(pair: string, now: bigint): Figure {
    const found = this.#latest.get(pair);
    if (found === undefined || found.price <= 0n) return { value: null, reason: "NO_PRICE" };
    const heartbeat = this.#heartbeats.get(pair);
    const stale = heartbeat !== undefined && found.updatedAt + heartbeat < now;
    return stale ? { value: null, reason: "STALE_ORACLE" } : { value: found.price, reason: null };
  }
}
