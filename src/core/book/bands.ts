import type { BlockRef } from "../event.ts";
import { WAD } from "../fixed.ts";
import type { Hex } from "../ids.ts";
import type { MarginGroup } from "../margin-model.ts";
import type { HeldPosition } from "../metrics/figures.ts";
import type { Answer } from "../rules/assess.ts";
import { slackOf, smallestSlack } from "../rules/slack.ts";
import { isInDebt, type Scene } from "./scene.ts";
import type { Venue } from "./venue.ts";
import type { Band } from "./watch.ts";

/** What an account was found at, of which its band is drawn: the answers about it as a whole and about each position. */
export type Sighting = {
  scene: Scene;
  held: readonly HeldPosition[];
  ofAccount: readonly Answer[];
  ofPositions: readonly { group: MarginGroup; answers: readonly Answer[] }[];
};

/**
 * Who must be looked at though nothing touched them. None of it is part of the fold: it may be emptied at any time, and
 * every account looked at again, without changing what is found.
 */
export class Bands {
  readonly #unwatched = new Set<string>();
  readonly #restless = new Map<string, Set<Hex>>();
  readonly #priceless = new Map<string, boolean>();
  readonly #venues = new Set<Venue>();

  /** Voids every band: all accounts are assessed again at the end of the next block. */
  clear(): void {
    for (const venue of this.#venues) {
      venue.watch.clear();
      this.#unwatched.add(venue.id);
    }
    this.#restless.clear();
    this.#priceless.clear();
  }

  /** Whether the venue has not been assessed in full since its bands were voided; asking settles it. */
  mustAssessAll(venue: Venue): boolean {
    if (!this.#venues.has(venue)) {
      this.#venues.add(venue);
      return true;
    }
    return this.#unwatched.delete(venue.id);
  }

  /** Accounts nothing touched whose conditions can have changed all the same. */
  *due(venue: Venue, block: BlockRef): Generator<Hex> {
    yield* this.#restless.get(venue.id) ?? [];
    for (const key of venue.model.marketKeys()) {
      const { markPrice } = venue.figures.market(key, block.timestamp);
      const id = `${venue.prefix}${key}`;
      if (this.#priceless.get(id) !== (markPrice.value === null)) {
        this.#priceless.set(id, markPrice.value === null);
        yield* venue.model.holders(key);
      }
      if (markPrice.value !== null) yield* venue.watch.crossed(key, markPrice.value);
    }
    yield* venue.watch.expired(block.timestamp);
  }

  /** Draws the account's band anew. */
  draw({ scene, held, ofAccount, ofPositions }: Sighting): void {
    const { venue, block, figures } = scene;
    const { address } = figures;
    this.#restless.get(venue.id)?.delete(address);
    if (held.length === 0) {
      venue.watch.drop(address);
      if (isInDebt(scene) || ofAccount.some(({ condition }) => condition !== "met"))
        this.#restlessOf(venue).add(address);
      return;
    }
    const prices = held.map(({ position, market }) => ({ market: position.market, price: market.markPrice.value }));
    if (figures.groups.some((g) => g.restless) || prices.some((p) => p.price === null)) {
      this.#restlessOf(venue).add(address);
      venue.watch.drop(address);
      return;
    }
    const slacks = [smallestSlack(ofAccount, exposure(figures.groups))];
    for (const { group, answers } of ofPositions) slacks.push(smallestSlack(answers, exposure([group])));
    for (const group of figures.groups) slacks.push(healthSlack(group));
    const bounded = slacks.filter((s): s is bigint => s !== null);
    const band: Band = {
      slack: bounded.length === 0 ? null : bounded.reduce((a, b) => (a < b ? a : b)),
      held: prices as { market: string; price: bigint }[],
      fundingRatePerDay: largest(held.map((h) => h.market.fundingBound.ratePerDay)),
      fundingGrowthPerDay: largest(held.map((h) => h.market.fundingBound.growthPerDay)),
    };
    venue.watch.draw(address, block.timestamp, band);
  }

  #restlessOf(venue: Venue): Set<Hex> {
    let set = this.#restless.get(venue.id);
    if (set === undefined) {
      set = new Set();
      this.#restless.set(venue.id, set);
    }
    return set;
  }
}

/** Whether the protocol may liquidate is followed whatever the rulebook asks, and so is watched whatever it asks. */
function healthSlack(group: MarginGroup): bigint | null {
  const { equity, maintenance, positions } = group;
  if (positions.length === 0) return null;
  if (equity.value === null || maintenance.value === null) return 0n;
  const moves = { numerator: "exposure", denominator: "own" } as const;
  const terms = { numerator: equity.value, denominator: maintenance.value };
  return slackOf(terms, { threshold: WAD, moves, exposure: exposure([group]) });
}

/** Value of everything the groups hold whose price the watch follows; 0 where a price is unknown, and nothing is watched. */
function exposure(groups: readonly MarginGroup[]): bigint {
  let total = 0n;
  for (const group of groups) for (const { notional } of group.positions) total += notional.value ?? 0n;
  return total;
}

function largest(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b), 0n);
}
