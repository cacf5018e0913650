import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drizzle } from "drizzle-orm/node-postgres";
import type { PgTable } from "drizzle-orm/pg-core";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import * as schema from "../../ponder.schema.ts";
import type { Book } from "../../src/core/book/book.ts";
import type { BlockOutcome } from "../../src/core/book/pending.ts";
import { fold, type RowSource } from "../../src/core/book/replay.ts";
import { deploymentHash } from "../../src/core/deployment.ts";
import { caip2 } from "../../src/core/ids.ts";
import { extent, rowSource } from "../../src/indexing/fold.ts";
import { createBook } from "../../src/indexing/runtime.ts";
import { loadSchedule } from "../../src/indexing/settings.ts";
import { writeOutcome } from "../../src/indexing/writer.ts";
import { leavesOf, rootsOf } from "../support/epoch-from-nothing.ts";
import type { Indexer } from "../support/indexer.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { isAbsent } from "../support/require.ts";
import { indexAll, untilHeads } from "../support/world.ts";

/** Tables that are projections of the book. `event`, `price` and `reading` are what it is folded from. */
const PROJECTIONS = {
  market: schema.market,
  account: schema.account,
  position: schema.position,
  assessment: schema.assessment,
  strike: schema.strike,
  exposure: schema.exposure,
  epochRoot: schema.epochRoot,
  epochCollateral: schema.epochCollateral,
  epochLeaf: schema.epochLeaf,
  block: schema.block,
  stamp: schema.stamp,
} as const satisfies Record<string, PgTable>;

type Projections = Record<keyof typeof PROJECTIONS, string[]>;

const SCHEMA = "fold_test";
const HISTORY = 96;
const LIVE = 12;
const CHAINS = [901, 902];
/** Characters of a row that a failure shows. */
const SHOWN = 600;
const ABSENT = isAbsent("the fold", findPostgres() !== null, "there is no PostgreSQL; install postgresql");

describe.skipIf(ABSENT)("the book is the fold of the append-only rows", () => {
  const data = mkdtempSync(join(tmpdir(), "plumbline-fold-"));
  let postgres: Postgres;
  let devnet: Devnet;
  let indexer: Indexer;
  let pool: pg.Pool;
  let tables: ReturnType<typeof drizzle>;
  /** The projections as the indexer had written them when the history ended. */
  let atHistory: Map<number, Projections>;
  let historyHeads: Record<string, number>;

  beforeAll(async () => {
    [postgres, devnet] = await Promise.all([startPostgres(), startDevnet({ historyBlocks: HISTORY })]);
    indexer = await indexAll(devnet, { databaseUrl: postgres.url, schema: SCHEMA, data });
    pool = new pg.Pool({ connectionString: `${postgres.url}?options=-c%20search_path%3D${SCHEMA}` });
    tables = drizzle(pool);
    historyHeads = await untilHeads(devnet, indexer);
    atHistory = new Map();
    for (const chainId of CHAINS) atHistory.set(chainId, await written(chainId));
    for (let i = 0; i < LIVE; i++) await devnet.step();
    await untilHeads(devnet, indexer);
  }, 900_000);

  afterAll(async () => {
    await indexer?.stop();
    await pool?.end();
    await devnet?.stop();
    await postgres?.stop();
    rmSync(data, { recursive: true, force: true });
  });

  /** What the indexer has written about a chain. */
  async function written(chainId: number): Promise<Projections> {
    const of = async (table: PgTable) => canonical(await tables.select().from(table), chainId);
    const entries = Object.entries(PROJECTIONS).map(async ([name, table]) => [name, await of(table)]);
    return Object.fromEntries(await Promise.all(entries)) as Projections;
  }

  function newBook(chainId: number): Book {
    const chain = devnet.deployment.chains.find((c) => c.chainId === chainId);
    if (chain === undefined) throw new Error(`no chain ${chainId}`);
    return createBook(chain, {
      deploymentHash: deploymentHash(devnet.deployment),
      schedule: loadSchedule("rulebooks"),
    });
  }

  /** Folds a chain's rows, up to `to` if it is given, and says what every block left behind. */
  async function folded(chainId: number, to?: bigint): Promise<{ book: Book; outcomes: BlockOutcome[] }> {
    const range = await extent(tables, chainId);
    if (range === null) throw new Error(`chain ${chainId} has no rows`);
    const book = newBook(chainId);
    const outcomes: BlockOutcome[] = [];
    const source: RowSource = rowSource(tables, chainId);
    await fold(book, { source, from: range.from, to: to ?? range.to, onBlock: (outcome) => outcomes.push(outcome) });
    return { book, outcomes };
  }

  test.each(CHAINS)("of chain %i: folding them gives every projected row of every table", async (chainId) => {
    const { outcomes } = await folded(chainId);
    const expected = await written(chainId);
    for (const name of [
      "market",
      "position",
      "assessment",
      "exposure",
      "epochRoot",
      "epochCollateral",
      "epochLeaf",
    ] as const) {
      expect(expected[name].length).toBeGreaterThan(0);
    }
    expect(outcomes.length).toBe(expected.block.length);
    expect(differing(await projected(chainId, outcomes), expected)).toEqual([]);
  });

  test.each(CHAINS)(
    "of chain %i: roots worked out from nothing are those kept up from block to block",
    async (chainId) => {
      const range = await extent(tables, chainId);
      const book = newBook(chainId);
      const kept: unknown[] = [];
      const anew: unknown[] = [];
      const onBlock = ({ epoch }: BlockOutcome) => {
        if (epoch === null) return;
        kept.push(epoch);
        anew.push({ ...epoch, ...rootsOf(leavesOf(book)) });
      };
      await fold(book, { source: rowSource(tables, chainId), ...(range as { from: bigint; to: bigint }), onBlock });
      expect(kept.length).toBeGreaterThan(1);
      expect(kept).toEqual(anew);
    },
  );

  test.each(CHAINS)("of chain %i: a fold stopped earlier gives what had been written by then", async (chainId) => {
    const { outcomes } = await folded(chainId, BigInt(historyHeads[caip2(chainId)] as number));
    expect(differing(await projected(chainId, outcomes), atHistory.get(chainId) as Projections)).toEqual([]);
  });

  test.each(CHAINS)("of chain %i: an earlier fold goes on as the later one went", async (chainId) => {
    const all = await folded(chainId);
    const source = rowSource(tables, chainId);
    const to = all.book.ended?.number as bigint;
    for (const back of [1n, 7n, 20n, 64n]) {
      const stopped = await folded(chainId, to - back);
      expect(stopped.book.ended?.number).toBe(to - back);
      const later: BlockOutcome[] = [];
      await fold(stopped.book, { source, from: to - back + 1n, to, onBlock: (outcome) => later.push(outcome) });
      expect(apart(later, all.outcomes.slice(-Number(back)))).toEqual([]);
    }
  });

  test.each(CHAINS)(
    "of chain %i: a book undone to a block goes on as if it had never been further",
    async (chainId) => {
      const { book, outcomes } = await folded(chainId);
      const source = rowSource(tables, chainId);
      const to = book.ended?.number as bigint;
      for (const back of [1n, 20n, 64n]) {
        book.undoToEndOf(to - back);
        expect(stateOf(book)).toEqual(stateOf((await folded(chainId, to - back)).book));
        const again: BlockOutcome[] = [];
        await fold(book, { source, from: to - back + 1n, to, onBlock: (outcome) => again.push(outcome) });
        expect(apart(again, outcomes.slice(-Number(back)))).toEqual([]);
      }
    },
  );

  test("open interest agrees with contract storage wherever storage has totals", async () => {
    const rows = await tables.select().from(schema.market);
    const of = (protocol: string) => rows.filter((row) => row.protocol.endsWith(protocol));
    const epochEnds = await tables.select().from(schema.epochRoot);
    const last = epochEnds.filter((e) => e.chainId === 902).reduce((n, e) => (e.toBlock > n ? e.toBlock : n), 0n);
    expect(of("synthetix-perps-v2").length).toBe(9);
    for (const row of of("synthetix-perps-v2")) {
      expect({ market: row.id, diff: row.oiReconDiff, block: row.oiReconBlock }).toEqual({
        market: row.id,
        diff: 0n,
        block: last,
      });
      expect(row.openInterestTotal).toBeGreaterThan(0n);
    }
    expect(of("perp-v2").length).toBeGreaterThan(0);
    for (const row of of("perp-v2")) {
      expect({ diff: row.oiReconDiff, reason: row.oiReconReason }).toEqual({ diff: null, reason: "NO_STORAGE_TOTAL" });
    }
  });
});

/** Writes outcomes into empty tables, as the indexer does. */
async function projected(chainId: number, outcomes: readonly BlockOutcome[]): Promise<Projections> {
  const db = new MemoryStore();
  const context = { chain: { id: chainId, name: "" }, db } as unknown as Parameters<typeof writeOutcome>[1];
  for (const outcome of outcomes) await writeOutcome(outcome, context);
  const entries = Object.entries(PROJECTIONS).map(([name, table]) => [name, canonical(db.rows(table), chainId)]);
  return Object.fromEntries(entries) as Projections;
}

/** The rows of one chain as sorted texts. */
function canonical(rows: readonly Record<string, unknown>[], chainId: number): string[] {
  const own = rows.filter((row) => (row.chainId ?? Number(String(row.chain).split(":")[1])) === chainId);
  return own.map((row) => text(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))))).sort();
}

function differing(actual: Projections, expected: Projections): string[] {
  return Object.keys(PROJECTIONS).flatMap((key) => {
    const name = key as keyof Projections;
    const [ours, theirs] = [new Set(actual[name]), new Set(expected[name])];
    const extra = actual[name].filter((row) => !theirs.has(row));
    const missing = expected[name].filter((row) => !ours.has(row));
    if (extra.length + missing.length === 0) return [];
    const [one, other] = [extra[0]?.slice(0, SHOWN), missing[0]?.slice(0, SHOWN)];
    return [`${name}: ${extra.length} too many, as ${one}; ${missing.length} missing, as ${other}`];
  });
}

/** Where two runs of blocks left different things behind, in the same order. */
function apart(actual: readonly BlockOutcome[], expected: readonly BlockOutcome[]): string[] {
  if (actual.length !== expected.length) return [`${actual.length} blocks, not ${expected.length}`];
  return expected.flatMap((outcome, i) =>
    Object.entries(outcome).flatMap(([part, theirs]) => {
      const ours = actual[i]?.[part as keyof BlockOutcome];
      if (text(ours) === text(theirs)) return [];
      return [`${part} of ${outcome.block.number}: ${firstApart(ours, theirs)}`];
    }),
  );
}

function firstApart(actual: unknown, expected: unknown): string {
  const [ours, theirs] = [actual, expected].map((v) => (Array.isArray(v) ? v.map(text) : [text(v)])) as [
    string[],
    string[],
  ];
  const at = theirs.findIndex((item, i) => item !== ours[i]);
  const [one, other] = [ours.at(at)?.slice(0, SHOWN), theirs.at(at)?.slice(0, SHOWN)];
  return `${ours.length} for ${theirs.length}; ${one} for ${other}`;
}

/** All that a book knows of its venues. */
function stateOf(book: Book): unknown {
  return {
    ended: book.ended,
    mark: book.mark,
    venues: book.venues.map(({ model }) => ({
      accounts: model.addresses().map((address) => [address, model.accountState(address)]),
      markets: model.marketKeys().map((key) => [key, model.marketState(key)]),
    })),
  };
}

/** JSON with keys as they come and exact integers. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, v) => (typeof v === "bigint" ? v.toString() : sortedKeys(v)));
}

function sortedKeys(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
