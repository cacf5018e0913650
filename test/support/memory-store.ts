import { getTableColumns, getTableName } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";
import { InvariantError } from "../../src/core/errors.ts";

type Row = Record<string, unknown>;

/** The part of Ponder's store the indexer writes through, over maps. A key that stands already is an error, as there. */
export class MemoryStore {
  readonly tables = new Map<string, Map<unknown, Row>>();

  insert(table: PgTable) {
    const rows = this.#rowsOf(table);
    const keyOf = primaryKeyOf(table);
    return {
      values: (given: Row | Row[]) => {
        let onConflict: ((row: Row) => Row) | null = null;
        // Written once the caller has said what to do about a conflict, which it says at once or never.
        const written = Promise.resolve().then(() => {
          for (const row of Array.isArray(given) ? given : [given]) {
            const known = rows.get(row[keyOf]);
            if (known !== undefined && onConflict === null) throw new InvariantError(`${row[keyOf]} stands already.`);
            rows.set(row[keyOf], known === undefined ? row : { ...known, ...onConflict?.(known) });
          }
        });
        return Object.assign(written, {
          onConflictDoUpdate(update: Row | ((row: Row) => Row)) {
            onConflict = typeof update === "function" ? update : () => update;
            return written;
          },
          onConflictDoNothing() {
            onConflict = (row) => row;
            return written;
          },
        });
      },
    };
  }

  rows(table: PgTable): Row[] {
    return [...this.#rowsOf(table).values()];
  }

  #rowsOf(table: PgTable): Map<unknown, Row> {
    const name = getTableName(table);
    const known = this.tables.get(name);
    if (known !== undefined) return known;
    const rows = new Map<unknown, Row>();
    this.tables.set(name, rows);
    return rows;
  }
}

function primaryKeyOf(table: PgTable): string {
  const found = Object.entries(getTableColumns(table)).find(([, column]) => column.primary);
  if (found === undefined) throw new InvariantError(`${getTableName(table)} has no primary key of one column.`);
  return found[0];
}
