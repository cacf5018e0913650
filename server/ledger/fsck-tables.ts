/** What rests on the log: epochs, verdicts and evidence, each against the leaves it says it belongs to. */
import type Database from "better-sqlite3";
import type { Epoch } from "../../src/core/assessment.ts";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { verdictId } from "../../src/core/proof/ids.ts";
import { joinEvidence, type Manifest, partsIn } from "../witnesses/parts.ts";
import type { Findings } from "./fsck.ts";

type EpochRow = {
  chain: string;
  number: number;
  fromBlock: number;
  toBlock: number;
  leafIndex: number;
  kind: string | null;
  body: string | null;
} & Record<(typeof EPOCH_FIELDS)[number], string | number | null | undefined>;

const EPOCH_FIELDS = [
  ...["chain", "number", "fromBlock", "toBlock", "blockHash", "stateRoot", "stateCount"],
  ...[
    "assessmentRoot",
    "assessmentCount",
    "collateralRoot",
    "collateralCount",
    "rulebookHash",
    "deploymentHash",
    "kernel",
  ],
] as const;

/** Epochs are those of their leaves, each epoch's leaf has one, and on a chain they follow each other. Returns how many. */
export function checkEpochs(db: Database.Database, findings: Findings): number {
  return findings.part(
    "The table of epochs",
    () => {
      if (!hasTable(db, "epoch")) return 0;
      const rows = db
        .prepare(
          `SELECT epoch.chain, number, from_block AS fromBlock, to_block AS toBlock, epoch.block_hash AS blockHash,
             state_root AS stateRoot, state_count AS stateCount, assessment_root AS assessmentRoot,
             assessment_count AS assessmentCount, ${ofCollateral(db)} rulebook_hash AS rulebookHash, deployment_hash AS deploymentHash,
             kernel, leaf_index AS leafIndex, kind, body
           FROM epoch LEFT JOIN leaf ON idx = leaf_index ORDER BY epoch.chain, number`,
        )
        .all() as EpochRow[];
      rows.forEach((row, i) => {
        for (const problem of epochProblems(row, rows[i - 1])) findings.add(problem);
      });
      const without = db
        .prepare("SELECT idx, chain FROM leaf WHERE kind = 'epoch' AND idx NOT IN (SELECT leaf_index FROM epoch)")
        .all() as { idx: number; chain: string }[];
      for (const { idx, chain } of without)
        findings.add(`Leaf ${idx} is an epoch of ${chain} that no row of epochs has.`);
      return rows.length;
    },
    0,
  );
}

/** The columns of a root over collateral, in a database that has them. */
function ofCollateral(db: Database.Database): string {
  const has = db.prepare("SELECT 1 FROM pragma_table_info('epoch') WHERE name = 'collateral_root'").get() !== undefined;
  return has ? "collateral_root AS collateralRoot, collateral_count AS collateralCount," : "";
}

/** A column as an epoch's body has it: an epoch of a former kernel has no root over collateral. */
function textOf(value: string | number | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

function epochProblems(row: EpochRow, before: EpochRow | undefined): string[] {
  const name = `Epoch ${row.number} of ${row.chain}`;
  const problems: string[] = [];
  if (row.kind !== "epoch") problems.push(`${name} names leaf ${row.leafIndex}, which is no epoch.`);
  else {
    const epoch = parsed(row.body) as Epoch | null;
    const wrong = EPOCH_FIELDS.find((field) => epoch === null || textOf(row[field]) !== epoch[field as keyof Epoch]);
    if (wrong !== undefined) problems.push(`${name} has another ${wrong} than its leaf ${row.leafIndex}.`);
  }
  if (before?.chain === row.chain && row.fromBlock <= before.toBlock) {
    problems.push(`${name} begins at block ${row.fromBlock}; the one before it ends at ${before.toBlock}.`);
  }
  return problems;
}

/**
 * A sealed verdict's assessment is a leaf, and so is the verdict itself where its rule needs facts; and a verdict's leaf is
 * on an assessment's. Returns how many are sealed.
 */
export function checkVerdicts(db: Database.Database, findings: Findings): number {
  return findings.part(
    "The table of verdicts",
    () => {
      if (!hasTable(db, "verdict")) return 0;
      const rows = db
        .prepare(
          `SELECT verdict.id, assessment_id AS assessmentId, needs_facts AS needsFacts,
             EXISTS (SELECT 1 FROM leaf WHERE ref_id = assessment_id AND kind = 'assessment') AS hasAssessment,
             EXISTS (SELECT 1 FROM leaf WHERE ref_id = verdict.id AND kind = 'verdict') AS hasLeaf
           FROM verdict WHERE lane = 'sealed'`,
        )
        .iterate() as Iterable<
        Record<"id" | "assessmentId", string> & Record<"needsFacts" | "hasAssessment" | "hasLeaf", number>
      >;
      let count = 0;
      for (const { id, assessmentId, needsFacts, hasAssessment, hasLeaf } of rows) {
        count++;
        if (id !== verdictId(assessmentId)) findings.add(`The verdict ${id} is not on the assessment ${assessmentId}.`);
        if (hasAssessment === 0) findings.add(`The assessment ${assessmentId} of a sealed verdict is no leaf.`);
        if (needsFacts === 1 && hasLeaf === 0) findings.add(`The sealed verdict ${id} is no leaf.`);
      }
      const unfounded = db
        .prepare(
          `SELECT idx FROM leaf AS v WHERE kind = 'verdict' AND NOT EXISTS (
             SELECT 1 FROM leaf AS a WHERE a.kind = 'assessment' AND json_valid(v.body)
               AND a.ref_id = json_extract(v.body, '$.assessmentId'))`,
        )
        .all() as { idx: number }[];
      for (const { idx } of unfounded) findings.add(`Leaf ${idx} is a verdict on an assessment that is no leaf.`);
      return count;
    },
    0,
  );
}

/** Parts are what their hashes say, and all that kept evidence names is there. Returns how many parts. */
export function checkEvidence(db: Database.Database, findings: Findings): number {
  return findings.part(
    "The evidence",
    () => {
      if (!["evidence", "part", "part_use"].every((table) => hasTable(db, table))) return 0;
      const known = new Set<string>();
      for (const { hash, bytes } of db.prepare("SELECT hash, bytes FROM part").iterate() as Iterable<{
        hash: string;
        bytes: Buffer;
      }>) {
        known.add(hash);
        const problem = partProblem(hash, bytes);
        if (problem !== null) findings.add(problem);
      }
      const kept = db.prepare("SELECT assessment_id AS id, manifest FROM evidence WHERE state = 'kept'").iterate();
      for (const { id, manifest } of kept as Iterable<{ id: string; manifest: string | null }>) {
        const missing = namedParts(manifest)?.find((hash) => !known.has(hash));
        if (namedParts(manifest) === null) findings.add(`The evidence for ${id} has a damaged list of its parts.`);
        else if (missing !== undefined) findings.add(`The evidence for ${id} lacks its part ${missing}.`);
      }
      checkUses(db, findings);
      return known.size;
    },
    0,
  );
}

function checkUses(db: Database.Database, findings: Findings): void {
  const unused = db.prepare("SELECT hash FROM part WHERE hash NOT IN (SELECT hash FROM part_use)").all() as {
    hash: string;
  }[];
  for (const { hash } of unused) findings.add(`Part ${hash} belongs to no evidence.`);
  const sealed = db
    .prepare(
      `SELECT assessment_id AS id FROM evidence WHERE lane = 'sealed'
         AND NOT EXISTS (SELECT 1 FROM leaf WHERE ref_id = assessment_id AND kind = 'assessment')`,
    )
    .all() as { id: string }[];
  for (const { id } of sealed) findings.add(`The sealed evidence for ${id} is for an assessment that is no leaf.`);
}

/** A part is read as evidence of that part alone would be. */
function partProblem(hash: string, bytes: Uint8Array): string | null {
  try {
    joinEvidence(JSON.stringify({ rest: hash, codes: null }), () => bytes);
    return null;
  } catch (error) {
    if (error instanceof InvariantError) return error.message;
    if (error instanceof InputError) return `Part ${hash} of evidence holds what is none: ${error.message}`;
    throw error;
  }
}

function namedParts(manifest: string | null): string[] | null {
  const value = parsed(manifest) as Partial<Manifest> | null;
  return typeof value?.rest === "string" ? partsIn(value as Manifest) : null;
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** Whether the database has a table; one of an earlier release may not. */
export function hasTable(db: Database.Database, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== undefined;
}
