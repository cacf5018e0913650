import { and, asc, desc, eq, inArray, lte, or } from "drizzle-orm";
import { event, price, reading } from "../../ponder.schema.ts";
import { caip10 } from "../core/ids.ts";
import type { MetricId } from "../core/metrics/catalogue.ts";
import { explain, type Source } from "../core/metrics/compute.ts";
import { find, type Origin, type Question } from "./explained.ts";

// biome-ignore lint/suspicious/noExplicitAny: Ponder's read-only database type depends on generated files
type Database = any;

/** Rows named as sources, at most; `sourceCount` says how many there are. */
const SOURCES_LIMIT = 500;

/**
 * Says how a figure comes about now: formula, inputs, result, and the rows of `event`, `price` and `reading` it was
 * folded from.
 * @param question.subject a position id; `<protocol id>/<CAIP-10 account>` for an account in one protocol; an owner's
 *   address, over all chains; or the id of a market, protocol, asset or chain.
 * @param question.rule the rule whose own rates, haircuts, classes, scenarios and currency the metric uses.
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
