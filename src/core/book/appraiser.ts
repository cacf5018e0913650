import type { Assessment, TestPoint } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import { abs } from "../fixed.ts";
import { caip10, type Hex } from "../ids.ts";
import type {
  AccountFigures,
  MarginGroup,
  MarketFigures,
  PositionFigures,
  Product,
  StateJson,
} from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import { type Measured, type Moment, measureAccount, measurePosition, rulesFor } from "../rules/assess.ts";
import { dayOf } from "../rules/day.ts";
import type { Rule, Rulebook } from "../rules/rule.ts";
import { slack } from "../rules/slack.ts";
import { Conditions, conditionKey } from "./conditions.ts";
import { Health } from "./health.ts";
import type { Journal } from "./journal.ts";
import { Lifecycle, type Stretch } from "./lifecycle.ts";
import type { Venue } from "./venue.ts";
import type { Band } from "./watch.ts";

/** A trade (or, with no market, a change of liquidity) of the transaction being folded. */
export type Traded = { venue: Venue; address: Hex; market: string | null; logIndex: number };

type Found = { assessments: Assessment[]; closed: { protocol: string; subject: string }[]; ended: Stretch[] };
type Scene = { venue: Venue; block: BlockRef; figures: AccountFigures; account: string; date: string };

/**
 * Applies the rulebook to accounts: opening rules after an opening or increase, continuous rules at the end of a block,
 * daily rules at a UTC day's last block. It decides nothing about who an account is.
 */
export class Appraiser {
  readonly #journal: Journal;
  readonly #chainId: number;
  readonly #rulebook: Rulebook;
  readonly #conditions: Conditions;
  readonly lifecycle: Lifecycle;
  readonly health: Health;
  readonly #takerSizes = new Map<string, bigint>();
  readonly #openingLeverage = new Map<string, bigint>();
  /** Not part of the fold: which venues must be assessed in full, who must be looked at in every block, which prices were unknown. */
  readonly #unwatched = new Set<string>();
  readonly #restless = new Map<string, Set<Hex>>();
  readonly #priceless = new Map<string, boolean>();
  readonly #venues = new Set<Venue>();
  #day = { timestamp: -1n, date: "" };

  constructor(
    journal: Journal,
    { chainId, rulebook, changed }: { chainId: number; rulebook: Rulebook; changed: (key: string) => void },
  ) {
    this.#journal = journal;
    this.#chainId = chainId;
    this.#rulebook = rulebook;
    this.#conditions = new Conditions(journal, { chainId, rulebookHash: rulebook.hash, changed });
    this.lifecycle = new Lifecycle(journal);
    this.health = new Health(journal);
  }

  keys(): IterableIterator<string> {
    return this.#conditions.keys();
  }

  /** What an epoch commits to for one current assessment. */
  stateOf(key: string): StateJson | undefined {
    const a = this.#conditions.get(key);
    return a === undefined ? undefined : { id: a.id, condition: a.condition, measured: a.measured, reason: a.reason };
  }

  current(protocol: string, subject: string, ruleId: string): Assessment | undefined {
    return this.#conditions.get(conditionKey(protocol, subject, ruleId));
  }

  openingLeverage(positionId: string): bigint | null {
    return this.#openingLeverage.get(positionId) ?? null;
  }

  /** Voids every band: all accounts are assessed again at the end of the next block. */
  reassessAll(): void {
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
  *dueByWatch(venue: Venue, block: BlockRef): Generator<Hex> {
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

  /** Opening tests of one transaction's trades. A change of liquidity in the same transaction is no opening. */
  assessOpenings(
    traded: readonly Traded[],
    block: BlockRef,
  ): { assessments: Assessment[]; closed: Found["closed"]; ended: { stretch: Stretch; venue: Venue }[] } {
    const assessments: Assessment[] = [];
    const closed: Found["closed"] = [];
    const ended: { stretch: Stretch; venue: Venue }[] = [];
    const last = new Map(
      traded.filter((t) => t.market !== null).map((t) => [`${t.venue.id}|${t.address}|${t.market}`, t]),
    );
    for (const trade of last.values()) {
      const { venue, address } = trade;
      const scene = this.#scene(address, venue, block);
      const found = this.#followLifecycle(scene);
      closed.push(...found.closed);
      ended.push(...found.ended.map((stretch) => ({ stretch, venue })));
      const provides = traded.some((t) => t.market === null && t.venue === venue && t.address === address);
      assessments.push(...this.#assessOpening(trade, { scene, provides }));
    }
    return { assessments, closed, ended };
  }

  /** Daily tests of one account, on the state at the end of `block`. */
  assessDay(address: Hex, { venue, block }: { venue: Venue; block: BlockRef }): Assessment[] {
    const scene = this.#scene(address, venue, block);
    const testPoint: TestPoint = `day:${scene.date}`;
    return this.#positionsOf(scene).flatMap(({ group, position, stretch, market }) =>
      this.#rules("daily", { scene, markets: [market] }).flatMap((rule) => {
        const measured = measurePosition(rule, { group, position, market, testPoint: "daily", unit: venue.model.unit });
        return this.#record(rule, { scene, measured, subject: stretch.id, testPoint });
      }),
    );
  }

  /** Continuous rules of one account at the end of a block; draws its band anew. */
  assessAccount(address: Hex, { venue, block }: { venue: Venue; block: BlockRef }): Found {
    const scene = this.#scene(address, venue, block);
    const found = this.#followLifecycle(scene);
    const held = this.#positionsOf(scene);
    const slacks: (bigint | null)[] = [];
    for (const { group, position, stretch, market } of held) {
      for (const rule of this.#rules("end", { scene, markets: [market] })) {
        const measured = measurePosition(rule, { group, position, market, testPoint: "end", unit: venue.model.unit });
        found.assessments.push(...this.#record(rule, { scene, measured, subject: stretch.id, testPoint: "end" }));
        slacks.push(slack(rule, measured, exposure([group])));
      }
    }
    const { account } = scene;
    const marketOf = (key: string) => venue.figures.market(key, block.timestamp);
    for (const rule of this.#accountRules(scene, held)) {
      const measured = measureAccount(rule, { account: scene.figures, marketOf, unit: venue.model.unit });
      found.assessments.push(...this.#record(rule, { scene, measured, subject: account, testPoint: "end" }));
      slacks.push(slack(rule, measured, exposure(scene.figures.groups)));
    }
    this.health.follow(scene.figures, { venue, now: block.timestamp });
    this.#drawBand(scene, { held, slacks });
    return found;
  }

  #scene(address: Hex, venue: Venue, block: BlockRef): Scene {
    const figures = venue.figures.account(address, block.timestamp);
    return { venue, block, figures, account: caip10(this.#chainId, address), date: this.#dayOf(block) };
  }

  /** A block's day is asked for with every account. */
  #dayOf({ timestamp }: BlockRef): string {
    if (this.#day.timestamp !== timestamp) this.#day = { timestamp, date: dayOf(timestamp) };
    return this.#day.date;
  }

  #followLifecycle({ venue, block, figures }: Scene): Found {
    const now = new Map<string, -1 | 0 | 1>();
    for (const group of figures.groups) {
      for (const p of group.positions) {
        if (p.size !== 0n || p.isMaker) now.set(`${venue.prefix}${p.market}`, p.isMaker ? 0 : p.size > 0n ? 1 : -1);
      }
    }
    const ended = this.lifecycle.update(figures.address, { prefix: venue.prefix, now, block: block.number });
    for (const stretch of ended) this.#conditions.forgetSubject(venue.id, stretch.id);
    return { assessments: [], closed: ended.map((s) => ({ protocol: venue.id, subject: s.id })), ended };
  }

  #assessOpening(trade: Traded, { scene, provides }: { scene: Scene; provides: boolean }): Assessment[] {
    const key = `${scene.venue.prefix}${trade.market}/${trade.address}`;
    const before = this.#takerSizes.get(key) ?? 0n;
    const held = this.#positionsOf(scene).find((h) => h.position.market === trade.market);
    const after = held?.position.takerSize ?? 0n;
    this.#journal.set(this.#takerSizes, key, after);
    const opened = abs(after) > abs(before) || (before !== 0n && after !== 0n && before > 0n !== after > 0n);
    if (held === undefined || provides || !opened) return [];
    const testPoint: TestPoint = `log:${trade.logIndex}`;
    const { group, position, stretch, market } = held;
    const { unit } = scene.venue.model;
    return this.#rules("open", { scene, markets: [market] }).flatMap((rule) => {
      const measured = measurePosition(rule, { group, position, market, testPoint: "open", unit });
      if (measured.metric === "POS.LEVERAGE_OPEN" && measured.result.value !== null) {
        this.#journal.set(this.#openingLeverage, stretch.id, measured.result.value);
      }
      return this.#record(rule, { scene, measured, subject: stretch.id, testPoint });
    });
  }

  #record(
    rule: Rule,
    {
      scene,
      measured,
      subject,
      testPoint,
    }: { scene: Scene; measured: Measured; subject: string; testPoint: TestPoint },
  ): Assessment[] {
    const { venue, block, account } = scene;
    const test = { protocol: venue.id, subject, account, rule, measured, testPoint, block };
    const assessment = this.#conditions.record(test);
    return assessment === null ? [] : [assessment];
  }

  #rules(testPoint: Moment, { scene, markets }: { scene: Scene; markets: readonly MarketFigures[] }): readonly Rule[] {
    const { venue, date } = scene;
    const products = markets.map((m) => m.product);
    return rulesFor(this.#rulebook, { level: "POS", testPoint, protocol: venue.config.protocol, products, date });
  }

  /**
   * Continuous rules about the account. One without a position is asked only what was asked while it had one, until a
   * rule's answer says that there is nothing left to it.
   */
  #accountRules({ venue, block, account, date }: Scene, held: readonly { market: MarketFigures }[]): readonly Rule[] {
    if (held.length === 0 && !this.#conditions.has(venue.id, account)) return [];
    const keys = held.length > 0 ? [] : venue.model.marketKeys();
    const markets =
      held.length > 0 ? held.map((h) => h.market) : keys.map((k) => venue.figures.market(k, block.timestamp));
    const products = markets.map((m) => m.product);
    const { protocol } = venue.config;
    const rules = rulesFor(this.#rulebook, {
      level: "ACC",
      testPoint: "end",
      protocol,
      products: distinct(products),
      date,
    });
    return held.length > 0 ? rules : rules.filter((r) => this.current(venue.id, account, r.id) !== undefined);
  }

  #positionsOf({ venue, block, figures }: Scene) {
    const open = this.lifecycle.of(figures.address);
    return figures.groups.flatMap((group) =>
      group.positions.flatMap((position) => {
        const stretch = open.get(`${venue.prefix}${position.market}`);
        if (stretch === undefined) return [];
        return [{ group, position, stretch, market: venue.figures.market(position.market, block.timestamp) }];
      }),
    );
  }

  #drawBand(
    { venue, block, figures }: Scene,
    {
      held,
      slacks,
    }: { held: readonly { position: PositionFigures; market: MarketFigures }[]; slacks: readonly (bigint | null)[] },
  ): void {
    const { address } = figures;
    const restless = this.#restlessOf(venue);
    restless.delete(address);
    if (held.length === 0) {
      venue.watch.drop(address);
      return;
    }
    const prices = held.map(({ position, market }) => ({ market: position.market, price: market.markPrice.value }));
    if (figures.groups.some((g) => g.restless) || prices.some((p) => p.price === null)) {
      restless.add(address);
      venue.watch.drop(address);
      return;
    }
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

/** Value of everything the groups hold whose price the watch follows; 0 where a price is unknown, and nothing is watched. */
function exposure(groups: readonly MarginGroup[]): bigint {
  let total = 0n;
  for (const group of groups) for (const { notional } of group.positions) total += notional.value ?? 0n;
  return total;
}

/** Products by kind and underlier class, each once, so that questions to the rulebook repeat. */
function distinct(products: readonly Product[]): Product[] {
  const found = new Map(products.map((p) => [`${p.kind}/${p.underlierClass}`, p]));
  return [...found].sort(([a], [b]) => compareKeys(a, b)).map(([, product]) => product);
}

function largest(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => (a > b ? a : b), 0n);
}
