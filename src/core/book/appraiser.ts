import type { Assessment, TestPoint } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import { abs } from "../fixed.ts";
import { caip10, type Hex } from "../ids.ts";
import type { Product } from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import { type Answer, answer, type Moment, type Question, questionsFor } from "../rules/assess.ts";
import { dayOf } from "../rules/day.ts";
import { Bands } from "./bands.ts";
import type { Conditions } from "./conditions.ts";
import type { Health } from "./health.ts";
import type { Journal } from "./journal.ts";
import { Lifecycle, type Stretch } from "./lifecycle.ts";
import type { Measurer } from "./measurer.ts";
import type { Regime } from "./regime.ts";
import { type Held, heldIn, isInDebt, type Scene } from "./scene.ts";
import type { Venue } from "./venue.ts";

/** A trade (or, with no market, a change of liquidity) of the transaction being folded. */
export type Traded = { venue: Venue; address: Hex; market: string | null; logIndex: number };

type Found = { assessments: Assessment[]; closed: { protocol: string; subject: string }[]; ended: Stretch[] };

type Parts = { chainId: number; regime: Regime; measurer: Measurer; conditions: Conditions; health: Health };

/**
 * Applies the rulebook to accounts: opening rules after an opening or increase, continuous rules at the end of a block,
 * daily rules at a UTC day's last block. It decides nothing about who an account is.
 */
export class Appraiser {
  readonly #journal: Journal;
  readonly #parts: Parts;
  readonly lifecycle: Lifecycle;
  readonly bands = new Bands();
  readonly #takerSizes = new Map<string, bigint>();
  readonly #openingLeverage = new Map<string, bigint>();
  #day = { timestamp: -1n, date: "" };

  constructor(journal: Journal, parts: Parts) {
    this.#journal = journal;
    this.#parts = parts;
    this.lifecycle = new Lifecycle(journal);
  }

  /** Leverage a position was opened with, 18 decimals; null where no opening of it has been measured. */
  openingLeverage(positionId: string): bigint | null {
    return this.#openingLeverage.get(positionId) ?? null;
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
      const scene = this.scene(address, venue, block);
      const found = this.#followLifecycle(scene);
      closed.push(...found.closed);
      ended.push(...found.ended.map((stretch) => ({ stretch, venue })));
      const provides = traded.some((t) => t.market === null && t.venue === venue && t.address === address);
      assessments.push(...this.#assessOpening(trade, { scene, provides }));
    }
    return { assessments, closed, ended };
  }

  /**
   * Daily tests of one account and its positions, on the state at the end of `block`. Of an account that has nothing any
   * more only those rules are asked that it did not meet, or that another version of the rulebook asked before this day,
   * so that its breaches end.
   */
  assessDay(address: Hex, { venue, block }: { venue: Venue; block: BlockRef }): Assessment[] {
    const scene = this.scene(address, venue, block);
    const held = this.held(scene);
    const testPoint: TestPoint = `day:${scene.date}`;
    const record = (subject: string, answers: readonly Answer[]) =>
      this.#record(answers, { scene, subject, testPoint });
    if (held.length > 0 || hasCollateral(scene)) {
      const found = this.answers(scene, { held, moment: "daily" });
      return found.flatMap(({ subject, answers }) => record(subject, answers));
    }
    const { conditions } = this.#parts;
    const { account } = scene;
    if (!conditions.has(venue.id, account)) return [];
    const questions = this.#accountQuestions(scene, { held, moment: "daily" }).filter(({ rule }) => {
      const current = conditions.of(venue.id, account, rule.id);
      return current === undefined ? conditions.isAsked(venue.id, account, rule.id) : current.condition !== "met";
    });
    return record(account, this.#answersOf(scene, questions));
  }

  /** What the rules of a moment say of each position and of the account, as the fold stands. Nothing is recorded. */
  answers(
    scene: Scene,
    { held, moment }: { held: readonly Held[]; moment: Moment },
  ): { subject: string; answers: Answer[] }[] {
    const ofPositions = held.map((one) => ({
      subject: one.stretch.id,
      answers: this.#answersOn(one, { scene, moment }),
    }));
    const questions = this.#accountQuestions(scene, { held, moment });
    return [...ofPositions, { subject: scene.account, answers: this.#answersOf(scene, questions) }];
  }

  /** Continuous rules of one account at the end of a block; draws its band anew. */
  assessAccount(address: Hex, { venue, block }: { venue: Venue; block: BlockRef }): Found {
    const scene = this.scene(address, venue, block);
    const { figures } = scene;
    const found = this.#followLifecycle(scene);
    const held = this.held(scene);
    const ofPositions = held.map((one) => {
      const answers = this.#answersOn(one, { scene, moment: "end" });
      found.assessments.push(...this.#record(answers, { scene, subject: one.stretch.id, testPoint: "end" }));
      return { group: one.group, answers };
    });
    const ofAccount = this.#answersOf(scene, this.#continuousQuestions(scene, held));
    found.assessments.push(...this.#record(ofAccount, { scene, subject: scene.account, testPoint: "end" }));
    this.#parts.health.follow(figures, { venue, now: block.timestamp });
    this.bands.draw({ scene, held, ofAccount, ofPositions });
    return found;
  }

  /** An account in one protocol, as the fold stands. */
  scene(address: Hex, venue: Venue, block: BlockRef): Scene {
    const figures = venue.figures.account(address, block.timestamp);
    return { venue, block, figures, account: caip10(this.#parts.chainId, address), date: this.#dayOf(block) };
  }

  /** The account's open positions. */
  held(scene: Scene): Held[] {
    return heldIn(scene, this.lifecycle.of(scene.figures.address));
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
    for (const stretch of ended) this.#parts.conditions.forgetSubject(venue.id, stretch.id);
    return { assessments: [], closed: ended.map((s) => ({ protocol: venue.id, subject: s.id })), ended };
  }

  #assessOpening(trade: Traded, { scene, provides }: { scene: Scene; provides: boolean }): Assessment[] {
    const key = `${scene.venue.prefix}${trade.market}/${trade.address}`;
    const before = this.#takerSizes.get(key) ?? 0n;
    const held = this.held(scene).find((h) => h.position.market === trade.market);
    const after = held?.position.takerSize ?? 0n;
    this.#journal.set(this.#takerSizes, key, after);
    const opened = abs(after) > abs(before) || (before !== 0n && after !== 0n && before > 0n !== after > 0n);
    if (held === undefined || provides || !opened) return [];
    const answers = this.#answersOn(held, { scene, moment: "open" });
    const leverage = answers.find(({ measured }) => measured.metric === "POS.LEVERAGE_OPEN")?.measured.result.value;
    if (leverage != null) this.#journal.set(this.#openingLeverage, held.stretch.id, leverage);
    return this.#record(answers, { scene, subject: held.stretch.id, testPoint: `log:${trade.logIndex}` });
  }

  #answersOn(held: Held, { scene, moment }: { scene: Scene; moment: Moment }): Answer[] {
    const { venue, date } = scene;
    const { protocol } = venue.config;
    const products = [held.market.product];
    const query = { subject: "position", moment, protocol, products, date } as const;
    const questions = questionsFor(this.#parts.regime.rulebook, query);
    return answer(questions, this.#parts.measurer.position(held, scene));
  }

  #answersOf(scene: Scene, questions: readonly Question[]): Answer[] {
    return answer(questions, this.#parts.measurer.account(scene));
  }

  #record(
    answers: readonly Answer[],
    { scene, subject, testPoint }: { scene: Scene; subject: string; testPoint: TestPoint },
  ): Assessment[] {
    const { venue, block, account } = scene;
    return this.#parts.conditions.record({ protocol: venue.id, subject, account, testPoint, block }, answers);
  }

  /** Rules about the account: those that cover a product it holds or, where it holds none, one that it could. */
  #accountQuestions(
    { venue, block, date }: Scene,
    { held, moment }: { held: readonly Held[]; moment: Moment },
  ): readonly Question[] {
    const market = (key: string) => venue.figures.market(key, block.timestamp);
    const markets = held.length > 0 ? held.map((h) => h.market) : venue.model.marketKeys().map(market);
    const products = distinct(markets.map((m) => m.product));
    const { protocol } = venue.config;
    return questionsFor(this.#parts.regime.rulebook, { subject: "account", moment, protocol, products, date });
  }

  /**
   * Continuous rules about the account. One without a position is asked what was asked while it had one: all of it in the
   * block its last position ends and while it is in debt, after that only what it has not met. What it has met then stays
   * met, and it needs no watching.
   */
  #continuousQuestions(scene: Scene, held: readonly Held[]): readonly Question[] {
    const { venue, block, account } = scene;
    const { conditions } = this.#parts;
    if (held.length === 0 && !conditions.has(venue.id, account)) return [];
    const questions = this.#accountQuestions(scene, { held, moment: "end" });
    if (held.length > 0) return questions;
    const isOpen = this.lifecycle.lastEnd(scene.figures.address, venue.prefix) === block.number || isInDebt(scene);
    return questions.filter(({ rule }) => {
      const current = conditions.of(venue.id, account, rule.id);
      if (current === undefined) return conditions.isAsked(venue.id, account, rule.id);
      return isOpen || current.condition !== "met";
    });
  }
}

/** Whether the account has anything in the protocol, unknown amounts included. */
function hasCollateral({ figures }: Scene): boolean {
  return figures.groups.some(({ collateral }) => collateral.value !== 0n);
}

/** Products by kind and underlier class, each once, so that questions to the rulebook repeat. */
function distinct(products: readonly Product[]): readonly Product[] {
  if (products.length === 1) return products;
  const found = new Map(products.map((p) => [`${p.kind}/${p.underlierClass}`, p]));
  return [...found].sort(([a], [b]) => compareKeys(a, b)).map(([, product]) => product);
}
