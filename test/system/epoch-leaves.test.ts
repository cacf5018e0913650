import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as schema from "../../ponder.schema.ts";
import { epochLeavesPage, type LeafPage } from "../../src/api/epoch-leaves.ts";
import type { EpochTree } from "../../src/core/assessment.ts";
import { openPglite, type Pglite } from "../support/tables.ts";

/** What Ponder makes of a schema. */
type Statements = Record<"tables" | "indexes", { sql: string[] }>;
const KIT = new URL("../../node_modules/ponder/dist/esm/drizzle/kit/index.js", import.meta.url).href;

type Leaf = { chainId: number; number: number; tree: EpochTree; key: string; state: unknown };

/** Keys whose order by raw bytes is none that a language has, nor that of UTF-16. */
const KEYS = ["Z", "a", "a|b", "z", "é", "\u{10000}", "\uffff"];
const OWN = { chainId: 901, tree: "state" } as const;

/** The last key goes with epoch 2 and is back with epoch 3, in which the first one changes. */
const LEAVES: readonly Leaf[] = [
  ...KEYS.map((key) => ({ ...OWN, number: 1, key, state: { of: 1 } })),
  { ...OWN, number: 2, key: "\uffff", state: null },
  { ...OWN, number: 3, key: "\uffff", state: { of: 3 } },
  { ...OWN, number: 3, key: "Z", state: { of: 3 } },
  { ...OWN, chainId: 902, number: 1, key: "of another chain", state: {} },
  { ...OWN, tree: "assessment", number: 1, key: "of another tree", state: {} },
];

let folder: string;
let database: Pglite;
let db: ReturnType<typeof drizzle>;
let asked: string;

/** The two tables as Ponder makes them of the schema. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-epoch-leaves-"));
  database = openPglite(join(folder, "pglite"));
  const { getSql } = (await import(KIT)) as { getSql(of: typeof schema): Statements };
  const { tables, indexes } = getSql(schema);
  const own = [...tables.sql, ...indexes.sql].filter((text) => /(?:TABLE|ON) "epoch_(?:leaf|root)"/.test(text));
  expect(own).toHaveLength(5);
  for (const statement of own) await database.exec(statement);
  const logQuery = (query: string) => {
    asked = query;
  };
  db = drizzle(database as never, { logger: { logQuery } });
  const none = { fromBlock: 0n, blockHash: "0x", rulebookHash: "0x", deploymentHash: "0x", kernel: "" } as const;
  const roots = { stateRoot: "0x", assessmentRoot: "0x", collateralRoot: "0x" } as const;
  const counts = { stateCount: 0, assessmentCount: 0, collateralCount: 0 };
  for (const number of [1n, 2n, 3n]) {
    const of = { id: `${number}`, chain: "eip155:901", chainId: 901, number, toBlock: number * 32n };
    await db.insert(schema.epochRoot).values({ ...none, ...roots, ...counts, ...of });
  }
  const rows = LEAVES.map(({ number, ...leaf }, ordinal) => {
    const of = { id: `${ordinal}`, chain: `eip155:${leaf.chainId}`, toBlock: BigInt(number) * 32n };
    return { ...leaf, ...of, number: BigInt(number), ordinal };
  });
  await db.insert(schema.epochLeaf).values(rows);
});
afterAll(async () => {
  await database?.close();
  rmSync(folder, { recursive: true, force: true });
});

const page = (number: number, { after = "", limit = 100 } = {}): Promise<LeafPage | null> =>
  epochLeavesPage(db, { ...OWN, number: BigInt(number), after, limit });

describe("pages of an epoch's leaves", () => {
  const sorted = [...KEYS].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

  it("have each leaf as it stood, in the order of raw bytes, and none that is gone", async () => {
    expect(await page(1)).toEqual({ leaves: sorted.map((key) => ({ key, state: { of: 1 } })), next: null });
    const without = sorted.filter((key) => key !== "\uffff");
    expect(await page(2)).toEqual({ leaves: without.map((key) => ({ key, state: { of: 1 } })), next: null });
    const changed = sorted.map((key) => ({ key, state: { of: key === "Z" || key === "\uffff" ? 3 : 1 } }));
    expect(await page(3)).toEqual({ leaves: changed, next: null });
  });

  it.each([1, 2, 3, 7])("of %i lead through all of them", async (limit) => {
    for (const number of [1, 2, 3]) {
      const leaves: unknown[] = [];
      for (let after: string | null = ""; after !== null; ) {
        const found: LeafPage | null = await page(number, { after, limit });
        leaves.push(...(found?.leaves ?? []));
        after = found?.next ?? null;
      }
      expect(leaves).toEqual((await page(number))?.leaves);
    }
  });

  it("are not of an epoch that is not there", async () => {
    expect(await page(4)).toBeNull();
  });

  it("are read along an index that has their order", async () => {
    await page(3);
    const literals = ["901", "'state'", "96", "''", "100"];
    const query = asked.replaceAll(/\$(\d)/g, (_, place: string) => literals[Number(place) - 1] as string);
    await database.exec("SET enable_seqscan = off");
    const plan = (await database.query(`EXPLAIN ${query}`, [])).rows.map((row) => Object.values(row)[0]).join("\n");
    expect(plan).toContain("epoch_leaf_key_index");
    expect(plan).not.toContain("Sort");
  });
});
