import type { Book } from "../core/book/book.ts";
import { netDelta } from "../core/book/exposures.ts";
import type { Measure } from "../core/book/measurer.ts";
import type { Venue } from "../core/book/venue.ts";
import { InputError } from "../core/errors.ts";
import type { BlockRef } from "../core/event.ts";
import { addressOf, caip10, type Hex } from "../core/ids.ts";
import { isMetricId, type MetricId, subjectOf } from "../core/metrics/catalogue.ts";
import {
  type AccountMetric,
  accountInputs,
  counterpartyInputs,
  type ExposurePart,
  type InputsOf,
  type MetricOf,
  type OwnerMetric,
  positionInputs,
} from "../core/metrics/figures.ts";
import { asQuestions } from "../core/rules/assess.ts";
import { dayOf } from "../core/rules/day.ts";
import { type Rule, ruleAt } from "../core/rules/rule.ts";
import { runtime } from "../indexing/runtime.ts";

/** Where a figure's rows are: what an account did, and what moved the markets it holds. */
export type Origin = { book: Book; venue: Venue; address: Hex | null; markets: readonly string[] };

/** What is to be explained: the inputs as they are now, and where they came from. */
export type Explained = { unit: string; gathered: InputsOf; origins: readonly Origin[] };

/** A figure to explain. `rule` is whose parameters it uses; null for a metric that takes none. */
export type Question = { subject: string; metric: string; rule: string | null };

type Scene = { book: Book; venue: Venue; block: BlockRef; metric: MetricId; rule: Rule | null };

const OWNER_METRICS: ReadonlySet<string> = new Set(["CPT.GROSS_EXPOSURE", "CPT.NET_EXPOSURE"]);

/**
 * Finds a subject in the live books and gathers a metric's inputs.
 * @throws InputError for an unknown subject, metric or rule.
 */
export function find(question: Question): Explained {
  const { subject, metric } = question;
  if (!isMetricId(metric)) throw new InputError(`"${metric}" is no metric of the catalogue.`);
  const books = [...runtime().books.values()].filter((book) => book.ended !== null);
  if (OWNER_METRICS.has(metric)) return ofOwner(subject, { metric: metric as OwnerMetric, books });
  if (metric.startsWith("AML.")) throw new InputError(`${metric} is of one transfer; its assessment has the inputs.`);
  for (const book of books) {
    const block = book.ended as BlockRef;
    const rule = question.rule === null ? null : ruleAt(runtime().rulebook, question.rule, dayOf(block.timestamp));
    if (rule !== null && rule.metric !== metric && rule.dailyMetric !== metric) {
      throw new InputError(`Rule ${rule.id} is not about ${metric} but about ${rule.metric}.`);
    }
    const topic = book.surveyor.topics().find((one) => one.id === subject && one.kind === subjectOf(metric));
    const venue = book.venues.find((one) => subject.startsWith(one.prefix));
    if (topic !== undefined) return ofTopic(topic, { book, block, metric, rule });
    if (venue === undefined) continue;
    const scene = { book, venue, block, metric, rule };
    const rest = subject.slice(venue.prefix.length);
    return subjectOf(metric) === "account" ? ofAccount(addressOf(rest), scene) : ofPosition(subject, scene);
  }
  throw new InputError(`"${subject}" is no subject of ${metric} that this indexer follows.`);
}

function ofPosition(id: string, { book, venue, block, metric, rule }: Scene): Explained {
  const [, address] = id.slice(venue.prefix.length).split("/") as [string, Hex];
  const scene = book.appraiser.scene(address, venue, block);
  const held = book.appraiser.held(scene).find((one) => id === one.stretch.id);
  if (held === undefined) throw new InputError(`"${id}" is not an open position, which ${metric} is about.`);
  const holdings = () => venue.model.holdings(address, block.timestamp);
  const markets = held.group.positions.map((p) => `${venue.prefix}${p.market}`);
  const origins = [{ book, venue, address, markets }];
  if (rule !== null) return measured(book.measurer.position(held, scene), { metric, rule, origins });
  const gathered = positionInputs(metric as MetricOf<"POS">, { ...held, holdings });
  return { unit: venue.model.unit, gathered, origins };
}

function ofAccount(address: Hex, { book, venue, block, metric, rule }: Scene): Explained {
  const scene = book.appraiser.scene(address, venue, block);
  const account = scene.figures;
  const markets = account.groups.flatMap((g) => g.positions.map((p) => `${venue.prefix}${p.market}`));
  const origins = [{ book, venue, address, markets }];
  if (rule !== null) return measured(book.measurer.account(scene), { metric, rule, origins });
  const marketOf = (key: string) => venue.figures.market(key, block.timestamp);
  const gathered = accountInputs(metric as AccountMetric, { account, marketOf });
  return { unit: venue.model.unit, gathered, origins };
}

type Topic = ReturnType<Book["surveyor"]["topics"]>[number];

/** A market, protocol, asset or chain. What the tables show of markets needs no rule; everything else takes one's terms. */
function ofTopic(topic: Topic, { book, block, metric, rule }: Omit<Scene, "venue">): Explained {
  const venues = topic.kind === "chain" ? book.venues : [topic.venue];
  const markets = topic.kind === "market" ? [topic.id] : [];
  const origins = venues.map((venue) => ({ book, venue, address: null, markets }));
  if (rule !== null) return measured(book.measurer.topic(topic, block), { metric, rule, origins });
  if (topic.kind !== "market") throw new InputError(`${metric} is explained under a rule; name one with rule=.`);
  const { venue, key } = topic;
  const gathered = book.projection.marketInputs(key, { metric: metric as MetricOf<"MKT">, venue, block });
  return { unit: venue.model.unit, gathered, origins };
}

/** A rule's question, measured as an assessment of it is. */
function measured(
  measure: Measure,
  { metric, rule, origins }: { metric: MetricId; rule: Rule; origins: Origin[] },
): Explained {
  const [question] = asQuestions([rule], rule.metric === metric ? "end" : "daily");
  if (question === undefined) throw new InputError(`Rule ${rule.id} asks nothing.`);
  const { inputs, result } = measure(question);
  const isUnknown = result.reason !== null && Object.keys(inputs).length === 0;
  const gathered: InputsOf = isUnknown ? { inputs: null, reason: result.reason } : { inputs, reason: null };
  return { unit: result.unit, gathered, origins };
}

/** An owner's exposure over every venue, each netting set valued as it is struck. */
function ofOwner(owner: string, { metric, books }: { metric: OwnerMetric; books: readonly Book[] }): Explained {
  const parts: ExposurePart[] = [];
  const origins: Origin[] = [];
  const address = addressOf(owner.includes(":") ? owner : caip10(1, owner));
  for (const book of books) {
    if (book.owners.of(address) !== owner.toLowerCase()) continue;
    const now = book.ended?.timestamp ?? 0n;
    for (const venue of book.venues) {
      const rate = book.prices.at(venue.config.settlement.feed, now);
      const held = venue.model
        .account(address, now)
        .groups.flatMap((group) =>
          group.positions.map((position) => ({ group, position, market: venue.model.market(position.market, now) })),
        );
      if (held.length === 0) continue;
      origins.push({ book, venue, address, markets: held.map((h) => `${venue.prefix}${h.market.key}`) });
      if (metric === "CPT.GROSS_EXPOSURE") {
        for (const { position } of held)
          parts.push({ key: `${venue.prefix}${position.market}`, amount: position.notional, price: rate });
      } else parts.push(...netDelta(held, { venue: venue.id, rate }));
    }
  }
  if (origins.length === 0) throw new InputError(`"${owner}" has no open position this indexer follows.`);
  return { unit: "USD", gathered: counterpartyInputs(metric, parts), origins };
}
