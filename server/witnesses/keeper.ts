/**
 * Which assessments want evidence, and what has become of it. A row is wanted in the transaction that records its
 * assessment, so that a crash loses none, and goes with it when its block does.
 */
import { and, desc, eq, gte, inArray, lte, notExists } from "drizzle-orm";
import type { Assessment } from "../../src/core/assessment.ts";
import type { Assurance } from "../../src/core/proof/bundle.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { isProvable } from "../../src/core/proof/derive.ts";
import type { Db, Store } from "../store/database.ts";
import { assessment as assessmentTable, evidence, leaf, part, partUse } from "../store/schema.ts";
import { joinEvidence, type Manifest, type Part, partsIn } from "./parts.ts";

/** Why there is no evidence, in a word: of the node, of what it says, of the question, or of ourselves. */
const FAULTS = [
  "silent",
  "refused",
  "untrue",
  "replaced",
  "pruned",
  "fails",
  "differs",
  "unprovable",
  "too-large",
  "crashed",
] as const;
export type Fault = (typeof FAULTS)[number];

export type EvidenceRow = typeof evidence.$inferSelect;

/** Assessments that may be answered by one capture. */
export type Wanted = { shared: string; blockNumber: number; rows: readonly EvidenceRow[] };

/** Rows looked at to find what to capture next; those of one capture are next to each other. */
const LOOK_AT = 256;

/**
 * The level to be had for an assessment, `null` where nothing beyond the log is wanted. A condition that holds is not worth
 * a capture in every block, except what is struck once an epoch. State within a block cannot be proven, its logs can.
 */
function wantedLevel(item: Assessment): Exclude<Assurance, "attested"> | null {
  if (item.testPoint.startsWith("log:")) return "authentic";
  if (item.condition !== "not_met" && !item.testPoint.startsWith("epoch:")) return null;
  return isProvable(item.metric, item.testPoint) ? "proven" : null;
}

/** Adds the row of an assessment that is being recorded, where evidence is wanted; only within a transaction. */
export function wantEvidence(db: Db, item: Assessment, recordedBlock: number): void {
  const level = wantedLevel(item);
  if (level === null) return;
  db.insert(evidence)
    .values({
      assessmentId: item.id,
      chain: item.chain,
      recordedBlock,
      blockNumber: Number(item.blockNumber),
      blockHash: item.blockHash,
      shared: sharedBy(item, level),
      level,
      state: "wanted",
      lane: "provisional",
      attempts: 0,
      nextAttemptMs: 0,
    })
    .run();
}

/** A block's logs come with its receipts all at once; and whatever is asked of one account may well be one question. */
function sharedBy({ blockHash, protocol, account, subject }: Assessment, level: Assurance): string {
  return [blockHash, ...(level === "authentic" ? ["logs"] : [protocol, account ?? subject])].join(" ");
}

/** Forgets the evidence of a chain's unsealed blocks from a height on, and parts that no other has. */
export function dropEvidence(db: Db, chain: string, from: number): void {
  const gone = and(eq(evidence.chain, chain), eq(evidence.lane, "provisional"), gte(evidence.recordedBlock, from));
  const ids = db.select({ id: evidence.assessmentId }).from(evidence).where(gone);
  const unused = db.delete(partUse).where(inArray(partUse.assessmentId, ids)).returning({ hash: partUse.hash }).all();
  db.delete(evidence).where(gone).run();
  for (const hash of new Set(unused.map((use) => use.hash))) {
    const uses = db.select().from(partUse).where(eq(partUse.hash, hash));
    db.delete(part)
      .where(and(eq(part.hash, hash), notExists(uses)))
      .run();
  }
}

/** Moves evidence to the sealed lane with its blocks, be it there yet or not. */
export function sealEvidence(db: Db, chain: string, upTo: number): void {
  db.update(evidence)
    .set({ lane: "sealed" })
    .where(and(eq(evidence.chain, chain), eq(evidence.lane, "provisional"), lte(evidence.recordedBlock, upTo)))
    .run();
}

/** What of a chain is wanted and due: state before logs and new before old, as nodes forget the state of old blocks. */
export function dueEvidence(db: Db, chain: string, { now, limit }: { now: number; limit: number }): Wanted[] {
  const wanted = and(eq(evidence.chain, chain), eq(evidence.state, "wanted"), lte(evidence.nextAttemptMs, now));
  // Along the index from its end: of what waits, be it ever so much, only the newest is read.
  const newest = db
    .select({ shared: evidence.shared, blockNumber: evidence.blockNumber })
    .from(evidence)
    .where(wanted)
    .orderBy(desc(evidence.level), desc(evidence.blockNumber))
    .limit(LOOK_AT)
    .all();
  const numbers = new Map(newest.map(({ shared, blockNumber }) => [shared, blockNumber]));
  return [...numbers].slice(0, limit).map(([shared, blockNumber]) => {
    const rows = db
      .select()
      .from(evidence)
      .where(and(wanted, eq(evidence.shared, shared)))
      .all();
    return { shared, blockNumber, rows };
  });
}

/** An assessment by its id, be it sealed or not; `null` when it is gone. */
export function recordedAssessment(db: Db, id: string): Assessment | null {
  const row =
    db.select({ body: assessmentTable.body }).from(assessmentTable).where(eq(assessmentTable.id, id)).get() ??
    db.select({ body: leaf.body }).from(leaf).where(eq(leaf.refId, id)).get();
  return row === undefined ? null : (JSON.parse(row.body) as Assessment);
}

/** Evidence that has been captured, in parts. */
export type Captured = { manifest: Manifest; parts: readonly Part[]; bytes: number; tookMs: number };

/**
 * Keeps what was captured for an assessment; only within a transaction.
 * @returns whether it is still wanted: its block may have been replaced meanwhile.
 */
export function keepEvidence(db: Db, row: EvidenceRow, captured: Captured): boolean {
  const { manifest, parts, bytes, tookMs } = captured;
  const kept = db
    .update(evidence)
    .set({ state: "kept", fault: null, reason: null, manifest: JSON.stringify(manifest), bytes, tookMs })
    .where(stillWanted(row))
    .run();
  if (kept.changes === 0) return false;
  for (const { hash, bytes: content } of parts) {
    db.insert(part)
      .values({ hash, bytes: Buffer.from(content) })
      .onConflictDoNothing()
      .run();
  }
  for (const hash of partsIn(manifest)) {
    db.insert(partUse).values({ hash, assessmentId: row.assessmentId }).onConflictDoNothing().run();
  }
  return true;
}

/** What an attempt without success comes to: `again` is when the next one is due, `null` when there is none. */
export type Setback = { fault: Fault; reason: string; attempts: number; again: number | null };

/** Notes why there is no evidence yet, or that there will be none. */
export function putOff(db: Db, row: EvidenceRow, { fault, reason, attempts, again }: Setback): void {
  db.update(evidence)
    .set({
      ...{ fault, reason, attempts },
      ...(again === null ? { state: "failed" as const } : { nextAttemptMs: Math.ceil(again) }),
    })
    .where(stillWanted(row))
    .run();
}

/** Gives up what rests on the state of a block or an earlier one: the node that forgot it has forgotten those too. */
export function giveUpPruned(db: Db, chain: string, { number, reason }: { number: number; reason: string }): number {
  return db
    .update(evidence)
    .set({ state: "failed", fault: "pruned" satisfies Fault, reason })
    .where(
      and(
        ...[eq(evidence.chain, chain), eq(evidence.state, "wanted")],
        ...[eq(evidence.level, "proven"), lte(evidence.blockNumber, number)],
      ),
    )
    .run().changes;
}

function stillWanted({ assessmentId, blockHash }: EvidenceRow) {
  return and(
    ...[eq(evidence.assessmentId, assessmentId), eq(evidence.blockHash, blockHash)],
    eq(evidence.state, "wanted"),
  );
}

/** What there is for an assessment; `undefined` where no evidence was ever wanted. */
export function evidenceOf(db: Db, assessmentId: string): EvidenceRow | undefined {
  return db.select().from(evidence).where(eq(evidence.assessmentId, assessmentId)).get();
}

/** Kept evidence, whole. @throws InvariantError when a part is missing or altered. */
export function readEvidence({ db }: Store, { manifest }: { manifest: string }): Json {
  return joinEvidence(manifest, (hash) => db.select().from(part).where(eq(part.hash, hash)).get()?.bytes ?? null);
}
