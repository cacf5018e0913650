import type { Assessment, Condition } from "../assessment.ts";
import type { BlockOutcome } from "../book/pending.ts";
import type { BlockRef } from "../event.ts";
import { max } from "../fixed.ts";
import { compareKeys } from "../order.ts";
import { dayOf, inForce } from "../rules/day.ts";
import type { Rule, Rulebook } from "../rules/rule.ts";
import { validity } from "../rules/rule-check.ts";
import { type BlockRange, placeIn } from "./range.ts";

/** The two rulebooks: the one on trial, and the one it is compared with. */
export type Side = "tested" | "against";

/** How often a rule's condition was found to hold, under one rulebook. */
export type Counts = Record<Condition, number>;

/** What is known of one subject that a change touched. `notional` is USD with 18 decimals, the largest at any change. */
export type Touched = { account: string | null; notional: bigint | null };

/** What the rulebook on trial changes for one rule. */
export type RuleTally = {
  ruleId: string;
  /** Tests whose condition fails under the rulebook on trial and not under the other, and the reverse. */
  gained: number;
  lost: number;
  /** Assessments made under each rulebook. */
  counts: Record<Side, Counts>;
  /** By protocol and subject. */
  touched: Map<string, Touched>;
};

/** The USD notional of a subject at the end of the block being compared; null where it is unknown or has none. */
export type NotionalOf = (about: { protocol: string; subject: string }) => bigint | null;

type Pair = Record<Side, Condition | null>;
type Change = "gained" | "lost";
/** A condition that stands until a later block changes it. `change` is what has been counted last. */
type Standing = { about: Assessment; pair: Pair; change: Change | null };

const SIDES: readonly Side[] = ["tested", "against"];

/**
 * Compares what two books say of the same blocks. A test made at one place (an opening, a day, a transfer) is compared by
 * itself. A condition that stands until it changes is compared at the end of every block, and a difference is counted
 * once for each stretch of blocks it lasts. Absent, unknown and met are alike in that they are no failure.
 */
export class Tally {
  readonly rules = new Map<string, RuleTally>();
  readonly #range: BlockRange;
  readonly #byId: Record<Side, Map<string, Rule[]>>;
  readonly #standing = new Map<string, Standing>();
  readonly #bySubject = new Map<string, Set<string>>();
  #day = "";

  constructor(range: BlockRange, rulebooks: Record<Side, Rulebook>) {
    this.#range = range;
    this.#byId = { tested: rulesById(rulebooks.tested), against: rulesById(rulebooks.against) };
  }

  /** Compares one block. Blocks come in the order of their chain, those before the range as well. */
  compare(outcomes: Record<Side, BlockOutcome>, notionalOf: NotionalOf): void {
    const { block } = outcomes.tested;
    const passing = new Map<string, { about: Assessment; pair: Pair }>();
    const changed = new Set<string>();
    for (const side of SIDES) {
      for (const item of outcomes[side].assessments) {
        const place = placeIn(this.#range, blockOf(item));
        if (place === "after") continue;
        if (place === "in") this.#count(item, side);
        if (this.#stands(item)) changed.add(this.#keep(item, side));
        else if (place === "in") meet(passing, item, side);
      }
    }
    for (const { about, pair } of passing.values()) {
      const change = changeOf(pair);
      if (change !== null) this.#note(about, change, notionalOf);
    }
    this.#compareStanding(block, { changed, notionalOf });
    for (const side of SIDES) for (const ended of outcomes[side].closed) this.#forget(ended);
  }

  /** On the first day of the range, and whenever rules may begin or end, every standing condition is looked at. */
  #compareStanding(
    block: BlockRef,
    { changed, notionalOf }: { changed: ReadonlySet<string>; notionalOf: NotionalOf },
  ): void {
    const place = placeIn(this.#range, block);
    if (place === "before") return;
    // After the range only what the next block tells of its last day is left to look at.
    const day = place === "in" ? dayOf(block.timestamp) : this.#day;
    const keys = day === this.#day ? changed : this.#standing.keys();
    this.#day = day;
    for (const key of [...keys].sort(compareKeys)) {
      const standing = this.#standing.get(key);
      if (standing === undefined) continue;
      const { about, pair } = standing;
      const now = (side: Side) => (this.#isInForce(about.ruleId, side, day) ? pair[side] : null);
      const change = changeOf({ tested: now("tested"), against: now("against") });
      if (change !== null && change !== standing.change) this.#note(about, change, notionalOf);
      standing.change = change;
    }
  }

  #keep(item: Assessment, side: Side): string {
    const subject = subjectKey(item);
    const key = `${subject}|${item.ruleId}`;
    const standing = this.#standing.get(key) ?? { about: item, pair: { tested: null, against: null }, change: null };
    standing.pair[side] = item.condition;
    standing.about = item;
    this.#standing.set(key, standing);
    const keys = this.#bySubject.get(subject) ?? new Set();
    this.#bySubject.set(subject, keys.add(key));
    return key;
  }

  #forget(ended: { protocol: string; subject: string }): void {
    const subject = subjectKey(ended);
    for (const key of this.#bySubject.get(subject) ?? []) this.#standing.delete(key);
    this.#bySubject.delete(subject);
  }

  #stands({ ruleId }: Assessment): boolean {
    const rule = (this.#byId.tested.get(ruleId) ?? this.#byId.against.get(ruleId))?.[0];
    return rule !== undefined && STANDING.has(rule.testPoint);
  }

  #isInForce(ruleId: string, side: Side, day: string): boolean {
    return this.#byId[side].get(ruleId)?.some((rule) => inForce(validity(rule), day)) ?? false;
  }

  #count({ ruleId, condition }: Assessment, side: Side): void {
    this.#rule(ruleId).counts[side][condition]++;
  }

  #note(about: Assessment, change: Change, notionalOf: NotionalOf): void {
    const rule = this.#rule(about.ruleId);
    rule[change]++;
    const key = subjectKey(about);
    const before = rule.touched.get(key)?.notional ?? null;
    const notional = notionalOf(about);
    const largest = before === null || notional === null ? (before ?? notional) : max(before, notional);
    rule.touched.set(key, { account: about.account, notional: largest });
  }

  #rule(ruleId: string): RuleTally {
    const known = this.rules.get(ruleId);
    if (known !== undefined) return known;
    const none = (): Counts => ({ met: 0, not_met: 0, unknown: 0 });
    const counts = { tested: none(), against: none() };
    const rule: RuleTally = { ruleId, gained: 0, lost: 0, counts, touched: new Map() };
    this.rules.set(ruleId, rule);
    return rule;
  }
}

/** Test points of conditions that stand: a row is written only where they change. */
const STANDING: ReadonlySet<string> = new Set(["continuous", "classification", "parameter"]);

function meet(tests: Map<string, { about: Assessment; pair: Pair }>, item: Assessment, side: Side): void {
  const key = `${subjectKey(item)}|${item.ruleId}|${item.testPoint}`;
  const test = tests.get(key) ?? { about: item, pair: { tested: null, against: null } };
  test.pair[side] = item.condition;
  tests.set(key, test);
}

function changeOf({ tested, against }: Pair): Change | null {
  if ((tested === "not_met") === (against === "not_met")) return null;
  return tested === "not_met" ? "gained" : "lost";
}

function subjectKey({ protocol, subject }: { protocol: string; subject: string }): string {
  return `${protocol}|${subject}`;
}

function blockOf(item: Assessment): Pick<BlockRef, "number" | "timestamp"> {
  return { number: BigInt(item.blockNumber), timestamp: BigInt(item.blockTimestamp) };
}

function rulesById({ rules }: Rulebook): Map<string, Rule[]> {
  const byId = new Map<string, Rule[]>();
  for (const rule of rules) byId.set(rule.id, [...(byId.get(rule.id) ?? []), rule]);
  return byId;
}
