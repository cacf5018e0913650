/** Holds what a contestant has written against what was emitted. */
import Database from "better-sqlite3";
import type pg from "pg";
import type { Epoch } from "../src/core/assessment.ts";
import { chainDeployment } from "./workload/setting.ts";
import type { Totals } from "./workload/workload.ts";

/** Sums found in some tables, in the terms of `Totals`. */
type Found = Record<string, string>;

/**
 * Compares the tables of a Ponder app with the model.
 * @returns one sentence a difference.
 */
export async function checkTables(client: pg.Client, schema: string, totals: Totals): Promise<string[]> {
  const found = await sumsOf(client, schema);
  return differences(found, expected(totals));
}

/** Compares the indexer's epochs with those of the fold in memory, and its open interest with storage. */
export async function checkEpochs(client: pg.Client, schema: string, epochs: readonly Epoch[]): Promise<string[]> {
  const { rows } = await client.query(
    `select number, state_root, assessment_root, collateral_root from "${schema}".epoch_root order by number`,
  );
  const found: Found = { epochs: String(rows.length) };
  for (const row of rows) {
    found[`roots of epoch ${row.number}`] = `${row.state_root} ${row.assessment_root} ${row.collateral_root}`;
  }
  const wanted: Found = { epochs: String(epochs.length) };
  for (const e of epochs) {
    wanted[`roots of epoch ${e.number}`] = `${e.stateRoot} ${e.assessmentRoot} ${e.collateralRoot}`;
  }
  if (epochs.length > 0) {
    const unequal = `select count(*) as n from "${schema}".market where protocol like '%/synthetix-perps-v2'
      and oi_recon_diff is distinct from 0`;
    found["markets whose open interest differs from storage"] = (await client.query(unequal)).rows[0].n;
    wanted["markets whose open interest differs from storage"] = "0";
  }
  return differences(found, wanted);
}

/** Compares the plain script's database with the model. */
export function checkScript(file: string, totals: Totals): string[] {
  const database = new Database(file, { readonly: true });
  const found: Found = {};
  const named = database.prepare("select name, count(*) as n from event group by name").all();
  for (const { name, n } of named as { name: string; n: number }[]) found[`${name} logs`] = String(n);
  const prices = database.prepare("select count(*) as n from price").get() as { n: number };
  found["AnswerUpdated logs"] = String(prices.n);
  const sides = new Map<string, bigint>();
  const held = database.prepare("select market, size from position").all() as { market: string; size: string }[];
  database.close();
  for (const { market, size } of held) {
    const value = BigInt(size);
    if (value === 0n) continue;
    const side = sideKey(market, value > 0n ? "long" : "short");
    sides.set(side, (sides.get(side) ?? 0n) + (value < 0n ? -value : value));
  }
  for (const [side, size] of sides) found[side] = String(size);
  const wanted = expected(totals);
  const known = Object.keys(wanted).filter((what) => what.endsWith(" logs") || what.startsWith("size "));
  return differences(found, Object.fromEntries(known.map((what) => [what, wanted[what] as string])));
}

async function sumsOf(client: pg.Client, schema: string): Promise<Found> {
  const found: Found = {};
  const query = async (text: string) => (await client.query(text.replaceAll("$S", `"${schema}"`))).rows;
  for (const { name, n } of await query("select name, count(*) as n from $S.event group by name")) {
    found[`${name} logs`] = n;
  }
  const one = async (what: string, text: string) => {
    found[what] = String((await query(text))[0]?.n ?? 0);
  };
  await one("AnswerUpdated logs", "select count(*) as n from $S.price");
  const trades = "name in ('PositionChanged', 'PositionModified') and size_delta is not null";
  await one("trades", `select count(*) as n from $S.event where ${trades}`);
  const signed = "case when name = 'Withdrawn' then -abs(amount) else abs(amount) end";
  await one("deposits", `select sum(${signed}) as n from $S.event where name in ('Deposited', 'Withdrawn')`);
  await one("realised results", "select sum(amount) as n from $S.event where name = 'PnlRealized'");
  await one("margin transferred", "select sum(amount) as n from $S.event where name = 'MarginTransferred'");
  const latest = `select distinct on (market, account) payload from $S.event where name = 'PositionModified'
    order by market, account, id desc`;
  await one("margin held", `select sum((payload->>'margin')::numeric) as n from (${latest}) latest`);
  const sides = "select market, side, sum(size) as n from $S.position where size > 0 and not is_maker";
  for (const { market, side, n } of await query(`${sides} group by market, side`)) {
    found[sideKey(String(market).split("/").at(-1) as string, side)] = n;
  }
  return found;
}

function expected(totals: Totals): Found {
  const wanted: Found = {};
  for (const [name, count] of Object.entries(totals.logsByName)) wanted[`${name} logs`] = String(count);
  wanted.trades = String(totals.trades);
  wanted.deposits = String(totals.perp.deposited);
  wanted["realised results"] = String(totals.perp.realized);
  wanted["margin transferred"] = String(totals.synthetix.transferred);
  wanted["margin held"] = String(totals.synthetix.margin);
  for (const { market, long, short } of totals.sizes) {
    if (long > 0n) wanted[sideKey(market, "long")] = String(long);
    if (short > 0n) wanted[sideKey(market, "short")] = String(short);
  }
  return wanted;
}

function sideKey(market: string, side: string): string {
  return `size ${side} in ${market.toLowerCase()} of ${chainDeployment().name}`;
}

function differences(found: Found, wanted: Found): string[] {
  const what = new Set([...Object.keys(found), ...Object.keys(wanted)]);
  return [...what]
    .filter((name) => found[name] !== wanted[name])
    .map((name) => `${name}: found ${found[name] ?? "none"}, expected ${wanted[name] ?? "none"}.`);
}
