import { join } from "node:path";
import Database from "better-sqlite3";
import { hasStore, serverFolder } from "./database.ts";

/**
 * The highest block a server has followed of each CAIP-2 chain, sealed or not, read while no server runs; empty before
 * the first.
 */
export function followedBlocks(dataDir: string): ReadonlyMap<string, bigint> {
  if (!hasStore(dataDir)) return new Map();
  const store = new Database(join(serverFolder(dataDir), "ledger.sqlite"), { readonly: true });
  try {
    const rows = store
      .prepare(
        `SELECT chain, max(number) AS number FROM
         (SELECT chain, number FROM block UNION ALL SELECT chain, sealed_number FROM chain) GROUP BY chain`,
      )
      .all() as { chain: string; number: number | null }[];
    return new Map(rows.flatMap(({ chain, number }) => (number === null ? [] : [[chain, BigInt(number)] as const])));
  } finally {
    store.close();
  }
}
