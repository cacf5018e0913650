import type { Assessment, TestPoint } from "../assessment.ts";
import type { BlockRef } from "../event.ts";
import { assetId, caip2 } from "../ids.ts";
import type { AssetDeployment, Product } from "../margin-model.ts";
import { compareKeys } from "../order.ts";
import { type Answer, answer, type Moment, type Question, questionsFor, type RuleQuery } from "../rules/assess.ts";
import { dayOf } from "../rules/day.ts";
import { type Conditions, subjectKey } from "./conditions.ts";
import type { Measurer } from "./measurer.ts";
import type { Regime } from "./regime.ts";
import type { Venue } from "./venue.ts";

/** What rules are about that is no account: it is always there, and nothing about it closes. */
export type Topic =
  | { kind: "market"; id: string; protocol: string; venue: Venue; key: string }
  | { kind: "protocol"; id: string; protocol: string; venue: Venue }
  | { kind: "asset"; id: string; protocol: string; venue: Venue; asset: AssetDeployment }
  | { kind: "chain"; id: string; protocol: string };

type Parts = {
  chainId: number;
  venues: readonly Venue[];
  regime: Regime;
  measurer: Measurer;
  conditions: Conditions;
};

/**
 * Applies the rulebook to markets, protocols, collateral assets and the chain itself: continuous rules at ticks, because
 * these move with time alone, daily rules at a UTC day's last block, others at an epoch's.
 */
export class Surveyor {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Continuous rules, on the state at the end of `block`. */
  assessTick(block: BlockRef): Assessment[] {
    return this.#assess(block, { moment: "end", testPoint: "end" });
  }

  /** Daily rules, on the state at the end of `block`, the day's last. */
  assessDay(block: BlockRef): Assessment[] {
    return this.#assess(block, { moment: "daily", testPoint: `day:${dayOf(block.timestamp)}` });
  }

  /** Rules tested every epoch, on the state at the end of `block`, the last of epoch `number`. */
  assessEpoch(block: BlockRef, number: bigint): Assessment[] {
    return this.#assess(block, { moment: "epoch", testPoint: `epoch:${Number(number)}` });
  }

  /** Everything there is to assess, in the order of keys. */
  topics(): Topic[] {
    const { chainId, venues } = this.#parts;
    const chain = caip2(chainId);
    const topics: Topic[] = [{ kind: "chain", id: chain, protocol: chain }];
    for (const venue of venues) {
      const { id: protocol, config } = venue;
      topics.push({ kind: "protocol", id: protocol, protocol, venue });
      for (const key of venue.model.marketKeys()) {
        topics.push({ kind: "market", id: `${venue.prefix}${key}`, protocol, venue, key });
      }
      for (const asset of [config.settlement, ...(config.collateral ?? [])]) {
        topics.push({ kind: "asset", id: assetId(chainId, asset.address), protocol, venue, asset });
      }
    }
    return topics.sort((a, b) => compareKeys(subjectKey(a.protocol, a.id), subjectKey(b.protocol, b.id)));
  }

  /** Answers questions about one topic. */
  answers(topic: Topic, questions: readonly Question[], block: BlockRef): Answer[] {
    return answer(questions, this.#parts.measurer.topic(topic, block));
  }

  /** What a rule must cover to be asked about the topic on a day. */
  query(topic: Topic, { moment, block, date }: { moment: Moment; block: BlockRef; date: string }): RuleQuery {
    const subject = topic.kind;
    if (topic.kind === "chain") {
      const products = this.#parts.venues.flatMap((venue) => productsOf(venue, block));
      return { subject, moment, protocol: null, products, date };
    }
    const { protocol } = topic.venue.config;
    if (topic.kind === "asset")
      return { subject, moment, protocol, products: [], asset: topic.asset.class ?? null, date };
    const products =
      topic.kind === "market"
        ? [topic.venue.figures.market(topic.key, block.timestamp).product]
        : productsOf(topic.venue, block);
    return { subject, moment, protocol, products, date };
  }

  #assess(block: BlockRef, { moment, testPoint }: { moment: Moment; testPoint: TestPoint }): Assessment[] {
    const { regime, conditions } = this.#parts;
    const date = dayOf(block.timestamp);
    return this.topics().flatMap((topic) => {
      const questions = questionsFor(regime.rulebook, this.query(topic, { moment, block, date }));
      if (questions.length === 0) return [];
      const about = { protocol: topic.protocol, subject: topic.id, account: null, testPoint, block };
      return conditions.record(about, this.answers(topic, questions, block));
    });
  }
}

function productsOf(venue: Venue, { timestamp }: BlockRef): Product[] {
  return venue.model.marketKeys().map((key) => venue.figures.market(key, timestamp).product);
}
