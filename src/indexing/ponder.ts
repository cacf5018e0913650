/**
 * The part of Ponder's handler interface the indexer uses. Contracts and events come from the catalogue at run time, so
 * Ponder's generated types know nothing of them.
 */

import { ponder } from "ponder:registry";
import type { PgTable } from "drizzle-orm/pg-core";
import type { Abi } from "viem";
import type { Hex } from "../core/ids.ts";

type Row = Record<string, unknown>;

/** Ponder's indexing store, for tables whose rows are plain records. */
export type Store = {
  find(table: PgTable, key: Row): Promise<Row | null>;
  insert(table: PgTable): {
    values(rows: Row | Row[]): Promise<unknown> & {
      onConflictDoUpdate(row: Row | ((row: Row) => Row)): Promise<unknown>;
      onConflictDoNothing(): Promise<unknown>;
    };
  };
  sql: { select(): { from(table: PgTable): unknown } };
};

/** Ponder's cached client: every call is made at the event's block. */
export type Client = {
  readContract(call: { abi: Abi; address: Hex; functionName: string; args: readonly unknown[] }): Promise<unknown>;
  call(call: { data: Hex }): Promise<{ data?: Hex | undefined }>;
};

export type Context = { chain: { id: number; name: string }; client: Client; db: Store };

export type Block = { number: bigint; hash: Hex; parentHash: Hex; timestamp: bigint };

export type LogEvent = {
  args: Readonly<Record<string, unknown>>;
  block: Block;
  log: { address: Hex; logIndex: number };
  transaction: { hash: Hex; transactionIndex: number };
};

/** Registers a handler under a name that only the catalogue knows. */
export function on<E>(name: string, handler: (args: { event: E; context: Context }) => Promise<void>): void {
  const registry = ponder as unknown as { on(name: string, handler: unknown): void };
  registry.on(name, handler);
}
