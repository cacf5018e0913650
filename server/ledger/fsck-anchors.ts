/** Anchored heads, each against the checkpoint of its size and the receipt that is to show it. */
import type Database from "better-sqlite3";
import { anchorProblem } from "../anchors/anchored.ts";
import type { Findings } from "./fsck.ts";
import { hasTable } from "./fsck-tables.ts";

type Row = Parameters<typeof anchorProblem>[0] & { signed: string | null };

/** Every head that is said to be anchored was signed, and its receipt publishes it. */
export function checkAnchors(db: Database.Database, findings: Findings): void {
  findings.part(
    "The table of anchored heads",
    () => {
      if (!hasTable(db, "anchor")) return;
      const rows = db
        .prepare(
          `SELECT chain, contract, anchor.size, anchor.root, event_id AS eventId, block_number AS blockNumber,
             block_hash AS blockHash, tx_hash AS txHash, evidence, checkpoint.root AS signed
           FROM anchor LEFT JOIN checkpoint ON checkpoint.size = anchor.size ORDER BY chain, anchor.size`,
        )
        .iterate() as Iterable<Row>;
      for (const row of rows) {
        if (row.root !== `0x${row.signed}`) {
          findings.add(`The anchored head of ${row.size} leaves on ${row.chain} is not the one that was signed.`);
        }
        const problem = anchorProblem(row);
        if (problem !== null) findings.add(problem);
      }
    },
    undefined,
  );
}
