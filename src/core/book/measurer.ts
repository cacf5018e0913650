import type { BlockRef } from "../event.ts";
import type { AssetDeployment, ChainDeployment, Holding, MarketFigures } from "../margin-model.ts";
import { compute, unitOf } from "../metrics/compute.ts";
import { concentrationOf } from "../metrics/concentration.ts";
import { withRate } from "../metrics/convert.ts";
import { type AccountMetric, accountInputs, marketInputs, positionInputs } from "../metrics/figures.ts";
import type { InputsOf, MetricOf } from "../metrics/inputs.ts";
import type { FeedState, MarketMetric } from "../metrics/market-inputs.ts";
import { METRIC_DECIMALS } from "../metrics/metric.ts";
import { protocolInputs, type StressedLosses } from "../metrics/stress.ts";
import { assetInputs, finalityInputs, transferInputs } from "../metrics/subject-inputs.ts";
import { type Unit, unknown } from "../result.ts";
import type { Measured, Question } from "../rules/assess.ts";
import { parametersOf } from "../rules/parameters.ts";
import type { Shocks } from "../rules/tables.ts";
import type { Health } from "./health.ts";
import type { Losses } from "./losses.ts";
import type { Prices } from "./prices.ts";
import { rateOf } from "./rates.ts";
import type { RecentBlocks } from "./recent-blocks.ts";
import type { Held, Scene } from "./scene.ts";
import { lossesUnder } from "./stress-losses.ts";
import type { Topic } from "./surveyor.ts";
import type { Transfer } from "./transfers.ts";
import type { Venue } from "./venue.ts";

type Parts = { chain: ChainDeployment; prices: Prices; health: Health; losses: Losses; recent: RecentBlocks };

/** Where something is measured: in the unit of a venue, at a block. */
type At = { venue: Venue; block: BlockRef };

/** Measures one question after another about the same thing, at the same place of the fold. */
export type Measure = (question: Question) => Measured;

/** Measures what rules ask for, from the figures of the fold as it stands and what the deployment says. */
export class Measurer {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What is asked about a position. */
  position({ group, position, market }: Held, scene: Scene): Measure {
    const held = { group, position, market, holdings: holdingsOf(scene) };
    return (question) => this.#measured(question, positionInputs(question.metric as MetricOf<"POS">, held), scene);
  }

  /** What is asked about an account in one protocol. */
  account(scene: Scene): Measure {
    const { venue, block, figures: account } = scene;
    const { settlement, collateral: others } = venue.config;
    const posted = {
      holdings: holdingsOf(scene),
      assetOf: (symbol: string) =>
        settlement.symbol === symbol ? settlement : others?.find((asset) => asset.symbol === symbol),
      pricedAt: (feed: string) => this.#parts.prices.latest(feed)?.updatedAt ?? null,
      now: block.timestamp,
    };
    const marketOf = (key: string) => venue.figures.market(key, block.timestamp);
    const known = new Map<string, InputsOf>();
    return (question) => {
      const parameters = parametersOf(question.rule, question.metric);
      let gathered = known.get(parameters.inputs);
      if (gathered === undefined) {
        const { rates, counts, collateral, haircuts, eligible, set } = parameters;
        const held = { account, marketOf, rates, counts, collateral, haircuts, eligible, set, posted };
        gathered = accountInputs(question.metric as AccountMetric, held);
        known.set(parameters.inputs, gathered);
      }
      return this.#measured(question, gathered, scene);
    };
  }

  /** What is asked about a deposit or withdrawal. */
  transfer(transfer: Transfer): Measure {
    return (question) => this.#measured(question, transferInputs(transfer), transfer);
  }

  /** What is asked about a market, a protocol, an asset or the chain. */
  topic(topic: Topic, block: BlockRef): Measure {
    switch (topic.kind) {
      case "chain":
        return (question) => measuredIn("", question, this.#finality(block));
      case "asset":
        return this.#asset(topic.asset, topic.venue);
      case "market":
        return this.#market(topic.key, { venue: topic.venue, block });
      case "protocol":
        return this.#protocol({ venue: topic.venue, block });
    }
  }

  #asset(asset: AssetDeployment, { model }: Venue): Measure {
    const held = { asset, custody: () => model.custody(asset.address) };
    return (question) => measuredIn(model.unit, question, assetInputs(question.metric as MetricOf<"AST">, held));
  }

  #market(key: string, at: At): Measure {
    const { venue, block } = at;
    const now = block.timestamp;
    const market = venue.figures.market(key, now);
    const sizes = () => sizesIn(key, { venue, now });
    const latencies = this.#parts.health.latencies(`${venue.prefix}${key}`);
    const given = { book: venue.model.book, liquidatable: [], stored: null, now, latencies };
    return (question) => {
      const metric = question.metric as MarketMetric;
      const { set } = parametersOf(question.rule, metric);
      const context = { ...given, feed: this.#feedOf(market, now), set };
      const isOfHolders = metric === "MKT.HHI_OI" || metric === "MKT.TOP5_SHARE";
      const holders = isOfHolders ? { holders: concentrationOf(sizes()) } : {};
      return this.#measured(question, marketInputs(metric, market, { ...context, ...holders }), at);
    };
  }

  #protocol(at: At): Measure {
    const { venue, block } = at;
    const now = block.timestamp;
    const known = new Map<Shocks, ReadonlyMap<string, StressedLosses>>();
    return (question) => {
      const { shocks } = parametersOf(question.rule, question.metric);
      if (shocks !== null && !known.has(shocks)) known.set(shocks, lossesUnder(shocks, { venue, now }));
      const losses = shocks === null ? {} : { losses: known.get(shocks) ?? new Map() };
      const context = { absorbers: venue.model.absorbers(now), badDebt: this.#parts.losses.recent(venue, now) };
      return this.#measured(
        question,
        protocolInputs(question.metric as MetricOf<"PRT">, { ...context, ...losses }),
        at,
      );
    };
  }

  #finality({ number, timestamp: now }: BlockRef): InputsOf {
    const { finalityBlocks } = this.#parts.chain;
    const at =
      finalityBlocks === undefined ? undefined : this.#parts.recent.timestampAt(number - BigInt(finalityBlocks));
    return finalityInputs({ now, finalityBlocks, finalTimestamp: at });
  }

  /** The deployment's feed of the market's underlier; null where there is none, or it never answered. */
  #feedOf({ product }: MarketFigures, now: bigint): FeedState | null {
    const { chain, prices } = this.#parts;
    const pair = `${product.underlier}/USD`;
    const feed = chain.feeds.find((f) => f.pair === pair);
    const latest = prices.latest(pair);
    if (feed === undefined || latest === undefined) return null;
    return { price: prices.at(pair, now), updatedAt: latest.updatedAt, heartbeat: BigInt(feed.heartbeatSeconds) };
  }

  /** Evaluates the inputs, in the currency of the rule where it states one. */
  #measured(question: Question, gathered: InputsOf, { venue, block }: At): Measured {
    const { currency, bound } = parametersOf(question.rule, question.metric);
    const { unit } = venue.model;
    if (currency === null) return measuredIn(unit, question, gathered);
    const { feed } = venue.config.settlement;
    const found = rateOf({ currency, bound }, { feed, prices: this.#parts.prices, now: block.timestamp });
    if (gathered.inputs === null) return measuredIn(found.currency, question, gathered);
    if (found.rate === null) return measuredIn(found.currency, question, { inputs: null, reason: found.reason });
    const inputs = withRate(gathered.inputs, found.rate);
    return measuredIn(found.currency, question, { inputs, reason: null });
  }
}

function measuredIn(unit: Unit, { metric }: Question, { inputs, reason }: InputsOf): Measured {
  if (inputs === null) return { metric, inputs: {}, result: unknown(reason, METRIC_DECIMALS, unitOf(metric, unit)) };
  return { metric, inputs, result: compute(metric, inputs, unit) };
}

/** An account's collateral, worked out at the first need. */
function holdingsOf({ venue, block, figures }: Scene): () => readonly Holding[] {
  let holdings: readonly Holding[] | null = null;
  return () => {
    holdings ??= venue.model.holdings(figures.address, block.timestamp);
    return holdings;
  };
}

/** Signed sizes of everybody in a market. */
function sizesIn(key: string, { venue, now }: { venue: Venue; now: bigint }): bigint[] {
  const sizes: bigint[] = [];
  for (const address of venue.model.holders(key)) {
    for (const { positions } of venue.figures.account(address, now).groups) {
      for (const position of positions) if (position.market === key) sizes.push(position.size);
    }
  }
  return sizes;
}
