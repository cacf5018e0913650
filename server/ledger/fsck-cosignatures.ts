/** Cosignatures, each against the checkpoint it stands under and the key it is of. */
import type Database from "better-sqlite3";
import { InputError } from "../../src/core/errors.ts";
import { cosignedAt, parseCosignerKey } from "../../src/core/log/cosignature.ts";
import { parseNote } from "../../src/core/proof/note.ts";
import type { Findings } from "./fsck.ts";
import { hasTable } from "./fsck-tables.ts";

type Row = { size: number; witness: string; line: string; note: string | null };

/** Every kept line is its witness's cosignature of a checkpoint that was signed. */
export function checkCosignatures(db: Database.Database, findings: Findings): void {
  findings.part(
    "The table of cosignatures",
    () => {
      if (!hasTable(db, "cosignature")) return;
      const rows = db
        .prepare(
          `SELECT cosignature.size, witness, line, note FROM cosignature
           LEFT JOIN checkpoint ON checkpoint.size = cosignature.size ORDER BY cosignature.size, witness`,
        )
        .iterate() as Iterable<Row>;
      for (const row of rows) {
        if (holds(row)) continue;
        findings.add(`The cosignature of ${row.witness} under the head of ${row.size} leaves does not hold.`);
      }
    },
    undefined,
  );
}

function holds({ witness, line, note }: Row): boolean {
  if (note === null) return false;
  try {
    return cosignedAt(parseNote(`${parseNote(note).text}\n${line}`), parseCosignerKey(witness)) !== null;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}
