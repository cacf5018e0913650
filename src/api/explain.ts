import { and, asc, desc, eq, inArray, lte, or } from "drizzle-orm";
import { event, price, reading } from "../../ponder.schema.ts";
import type { Book } from "../core/book/book.ts";
import { netDelta } from "../core/book/exposures.ts";
import type { Venue } from "../core/book/venue.ts";
import { InputError } from "../core/errors.ts";
import { addressOf, caip10, type Hex } from "../core/ids.ts";
import { isMetricId, levelOf, type MetricId } from "../core/metrics/catalogue.ts";
import { explain, type Source } from "../core/metrics/compute.ts";
import {
  accountInputs,
  counterpartyInputs,
  type ExposurePart,
  type InputsOf,
  type MetricOf,
  positionInputs,
} from "../core/metrics/figures.ts";
import { dayOf } from "../core/rules/day.ts";
import { ruleAt } from "../core/rules/rule.ts";
import { runtime } from "../indexing/runtime.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's read-only database type depends on generated files
type Database = any;

/** Rows named as sources, at most; `sourceCount` says how many there are. */
const SOURCES_LIMIT = 500;

/** Where a figure's rows are: what an account did, and what moved the markets it holds. */
type Origin = { book: Book; venue: Venue; address: Hex | null; markets: readonly string[] };
type Subject = { unit: string; gathered: InputsOf; origins: readonly Origin[] };
type Question = { subject: string; metric: string; rule: string | null };

/**
 * Says how a figure comes about now: formula, inputs, result, and the rows of `event`, `price` and `reading` it was
 * folded from.
 * @param question.subject a position id; `<protocol id>/<CAIP-10 account>` for an account in one protocol; a market id; or
 *   an owner's address, over all chains.
 * @param question.rule the rule whose own rates a close-out ratio uses.
 * @throws InputError for an unknown subject, metric or rule.
 */
export async function explainFigure(db: Database, question: Question) {
  const { subject, metric } = question;
  const { unit, gathered, origins } = find(question);
  const asOf = origins.map(({ book }) => ({
    chain: book.chain.chainId,
    block: String(book.ended?.number),
    hash: book.ended?.hash,
  }));
  if (gathered.inputs === null) return { subject, metric, value: null, reason: gathered.reason, asOf };
  const parts = await Promise.all(origins.map((origin) => sourcesOf(db, origin)));
  const sources = parts.flatMap((p) => p.sources);
  const found = explain(metric as MetricId, { inputs: gathered.inputs, unit, sources });
  const inputs = Object.fromEntries(Object.entries(found.inputs).map(([k, v]) => [k, v.toString()]));
  const { value, decimals, reason } = found.result;
  const result = { value: value?.toString() ?? null, decimals, unit: found.result.unit, reason };
  const sourceCount = parts.reduce((n, p) => n + p.count, 0);
  return { subject, metric, formula: found.formula, inputs, ...result, sources, sourceCount, asOf };
}

function find(question: Question): Subject {
  const { subject, metric } = question;
  if (!isMetricId(metric)) throw new InputError(`"${metric}" is no metric of the catalogue.`);
  const books = [...runtime().books.values()].filter((b) => b.ended !== null);
  if (levelOf(metric) === "CPT") return ofOwner(subject, { metric: metric as MetricOf<"CPT">, books });
  const book = books.find((b) => b.venues.some((v) => subject.startsWith(v.prefix)));
  const venue = book?.venues.find((v) => subject.startsWith(v.prefix));
  if (book === undefined || venue === undefined)
    throw new InputError(`"${subject}" is no subject this indexer follows.`);
  const rest = subject.slice(venue.prefix.length);
  const scene = { book, venue, now: book.ended?.timestamp ?? 0n };
  if (levelOf(metric) === "ACC")
    return ofAccount(addressOf(rest), { ...scene, metric: metric as MetricOf<"ACC">, rule: question.rule });
  if (levelOf(metric) === "MKT") return ofMarket(rest, { ...scene, metric: metric as MetricOf<"MKT"> });
  return ofPosition(subject, { ...scene, metric: metric as MetricOf<"POS"> });
}

type Scene = { book: Book; venue: Venue; now: bigint };

function ofPosition(id: string, { book, venue, now, metric }: Scene & { metric: MetricOf<"POS"> }): Subject {
  const [key, address] = id.slice(venue.prefix.length).split("/") as [string, Hex];
  const group = venue.model.account(address, now).groups.find((g) => g.positions.some((p) => p.market === key));
  const position = group?.positions.find((p) => p.market === key);
  if (group === undefined || position === undefined)
    throw new InputError(`"${id}" is not an open position, which ${metric} is about.`);
  const gathered = positionInputs(metric, { group, position, market: venue.model.market(key, now) });
  const markets = group.positions.map((p) => `${venue.prefix}${p.market}`);
  return { unit: venue.model.unit, gathered, origins: [{ book, venue, address, markets }] };
}

function ofAccount(
  address: Hex,
  { book, venue, now, metric, rule }: Scene & { metric: MetricOf<"ACC">; rule: string | null },
): Subject {
  const account = venue.model.account(address, now);
  const marketOf = (key: string) => venue.model.market(key, now);
  const rates = rule === null ? null : ruleAt(runtime().rulebook, rule, dayOf(now)).rates;
  const markets = account.groups.flatMap((g) => g.positions.map((p) => `${venue.prefix}${p.market}`));
  const gathered = accountInputs(metric, { account, marketOf, rates });
  return { unit: venue.model.unit, gathered, origins: [{ book, venue, address, markets }] };
}

function ofMarket(key: string, { book, venue, metric }: Scene & { metric: MetricOf<"MKT"> }): Subject {
  if (!venue.model.marketKeys().includes(key))
    throw new InputError(`"${venue.prefix}${key}" is no market of ${venue.id}.`);
  const block = book.ended;
  if (block === null) throw new InputError(`${venue.id} has no whole block yet.`);
  const gathered = book.projection.marketInputs(key, { metric, venue, block });
  return {
    unit: venue.model.unit,
    gathered,
    origins: [{ book, venue, address: null, markets: [`${venue.prefix}${key}`] }],
  };
}

/** An owner's exposure over every venue, each netting set valued as it is struck. */
function ofOwner(owner: string, { metric, books }: { metric: MetricOf<"CPT">; books: readonly Book[] }): Subject {
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

async function sourcesOf(
  db: Database,
  { book, venue, address, markets }: Origin,
): Promise<{ sources: Source[]; count: number }> {
  const { chainId } = book.chain;
  const to = book.ended?.number ?? 0n;
  const own = address === null ? undefined : eq(event.account, caip10(chainId, address));
  const about = markets.length === 0 ? own : or(own, inArray(event.market, [...markets]));
  const events: { id: string }[] = await db
    .select({ id: event.id })
    .from(event)
    .where(and(eq(event.chainId, chainId), eq(event.protocol, venue.id), about, lte(event.blockNumber, to)))
    .orderBy(asc(event.id));
  const ofProtocol = eq(reading.protocol, venue.config.protocol);
  const readings: { id: string }[] = await db
    .select({ id: reading.id })
    .from(reading)
    .where(and(eq(reading.chainId, chainId), ofProtocol, lte(reading.blockNumber, to)))
    .orderBy(asc(reading.id));
  const prices: { id: string }[] = await db
    .select({ id: price.id })
    .from(price)
    .where(and(eq(price.chainId, chainId), lte(price.blockNumber, to)))
    .orderBy(desc(price.id));
  const named = (kind: Source["kind"], rows: { id: string }[]) => rows.map(({ id }): Source => ({ kind, id }));
  const sources = [
    ...named("event", events.slice(-SOURCES_LIMIT)),
    ...named("reading", readings.slice(0, SOURCES_LIMIT)),
    ...named("price", prices.slice(0, SOURCES_LIMIT)),
  ];
  return { sources, count: events.length + readings.length + prices.length };
}
