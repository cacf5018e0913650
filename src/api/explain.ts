import { and, asc, desc, eq, lte, or } from "drizzle-orm";
import { event, price, reading } from "../../ponder.schema.ts";
import type { Book } from "../core/book/book.ts";
import type { Venue } from "../core/book/venue.ts";
import { InputError } from "../core/errors.ts";
import { addressOf, caip10, type Hex } from "../core/ids.ts";
import { isMetricId, levelOf } from "../core/metrics/catalogue.ts";
import { explain, type Source } from "../core/metrics/compute.ts";
import { accountInputs, type InputsOf, type MetricOf, positionInputs } from "../core/metrics/figures.ts";
import { runtime } from "../indexing/runtime.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's read-only database type depends on generated files
type Database = any;

/** Rows named as sources, at most; `sourceCount` says how many there are. */
const SOURCES_LIMIT = 500;

type Subject = { book: Book; venue: Venue; address: Hex; market: string | null; unit: string; gathered: InputsOf };

/**
 * Says how a figure comes about now: formula, inputs, result, and the rows of `event`, `price` and `reading` it was
 * folded from.
 * @param subject a position id, or `<protocol id>/<CAIP-10 account>` for an account in one protocol.
 * @throws InputError for an unknown subject or metric.
 */
export async function explainFigure(db: Database, { subject, metric }: { subject: string; metric: string }) {
  const { book, venue, address, market, unit, gathered } = find(subject, metric);
  const asOf = { blockNumber: String(book.ended?.number), blockHash: book.ended?.hash };
  if (gathered.inputs === null) return { subject, metric, value: null, reason: gathered.reason, asOf };
  const { sources, count } = await sourcesOf(db, { book, venue, address, market });
  const found = explain(metric as MetricOf<"POS">, { inputs: gathered.inputs, unit, sources });
  const inputs = Object.fromEntries(Object.entries(found.inputs).map(([k, v]) => [k, v.toString()]));
  const { value, decimals, reason } = found.result;
  const result = { value: value?.toString() ?? null, decimals, unit: found.result.unit, reason };
  return { subject, metric, formula: found.formula, inputs, ...result, sources, sourceCount: count, asOf };
}

function find(subject: string, metric: string): Subject {
  if (!isMetricId(metric)) throw new InputError(`"${metric}" is no metric of the catalogue.`);
  const book = [...runtime().books.values()].find((b) => b.venues.some((v) => subject.startsWith(v.prefix)));
  const venue = book?.venues.find((v) => subject.startsWith(v.prefix));
  if (book?.ended == null || venue === undefined)
    throw new InputError(`"${subject}" is no subject this indexer follows.`);
  const now = book.ended.timestamp;
  const rest = subject.slice(venue.prefix.length);
  const { unit } = venue.model;
  if (levelOf(metric) === "ACC") {
    const address = addressOf(rest);
    const account = venue.model.account(address, now);
    const marketOf = (key: string) => venue.model.market(key, now);
    const gathered = accountInputs(metric as MetricOf<"ACC">, { account, marketOf });
    return { book, venue, address, market: null, unit, gathered };
  }
  const [key, address] = rest.split("/") as [string, Hex];
  const group = venue.model.account(address, now).groups.find((g) => g.positions.some((p) => p.market === key));
  const position = group?.positions.find((p) => p.market === key);
  if (levelOf(metric) !== "POS" || group === undefined || position === undefined) {
    throw new InputError(`"${subject}" is not an open position, which ${metric} is about.`);
  }
  const gathered = positionInputs(metric as MetricOf<"POS">, { group, position, market: venue.model.market(key, now) });
  return { book, venue, address, market: `${venue.prefix}${key}`, unit, gathered };
}

async function sourcesOf(
  db: Database,
  { book, venue, address, market }: Pick<Subject, "book" | "venue" | "address" | "market">,
): Promise<{ sources: Source[]; count: number }> {
  const { chainId } = book.chain;
  const to = book.ended?.number ?? 0n;
  const own = eq(event.account, caip10(chainId, address));
  const about = market === null ? own : or(own, eq(event.market, market));
  const events: { id: string }[] = await db
    .select({ id: event.id })
    .from(event)
    .where(and(eq(event.chainId, chainId), eq(event.protocol, venue.id), about, lte(event.blockNumber, to)))
    .orderBy(asc(event.id));
  const readings: { id: string }[] = await db
    .select({ id: reading.id })
    .from(reading)
    .where(
      and(eq(reading.chainId, chainId), eq(reading.protocol, venue.config.protocol), lte(reading.blockNumber, to)),
    );
  const prices: { id: string }[] = await db
    .select({ id: price.id })
    .from(price)
    .where(and(eq(price.chainId, chainId), lte(price.blockNumber, to)))
    .orderBy(desc(price.id))
    .limit(SOURCES_LIMIT);
  const sources = [
    ...events.slice(-SOURCES_LIMIT).map(({ id }): Source => ({ kind: "event", id })),
    ...readings.slice(0, SOURCES_LIMIT).map(({ id }): Source => ({ kind: "reading", id })),
    ...prices.map(({ id }): Source => ({ kind: "price", id })),
  ];
  return { sources, count: events.length + readings.length + prices.length };
}
