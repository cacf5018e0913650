/**
 * Breaches: intervals in which a subject breaks a rule. A breach row says which block opened it and which cured it, so
 * that taking back the blocks from a height on is two statements and restores exactly what was before.
 */
import { and, eq, gte, isNull, lt, lte, ne, or, sql } from "drizzle-orm";
import type { Hex } from "../../src/core/ids.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import type { Db } from "../store/database.ts";
import { breach } from "../store/schema.ts";

export type Breach = typeof breach.$inferSelect;

/** A change of a breach that a receiver is told about. */
export type BreachChange = {
  type: "breach.opened" | "breach.cured" | "breach.retracted";
  breach: Breach;
  note: string | null;
};

/** What a verdict means for breaches: `holds` neither opens nor cures (an unknown is never taken for a cure). */
export type Effect = "opens" | "cures" | "holds";

/** A verdict as far as breaches need it. */
export type BreachInput = {
  chain: string;
  blockNumber: number;
  blockHash: Hex;
  /** The feed block the verdict's assessment came with. */
  recordedBlock: number;
  assessmentId: string;
  protocol: string;
  subject: string;
  ruleId: string;
  jurisdiction: string;
  needsFacts: boolean;
  effect: Effect;
};

/** Applies one verdict, in chain order. Returns the change it made, if any. */
export function applyVerdict(db: Db, input: BreachInput): BreachChange | null {
  const open = db
    .select()
    .from(breach)
    .where(and(isAbout(input), eq(breach.ruleId, input.ruleId), eq(breach.status, "open")))
    .get();
  if (input.effect === "opens" && open === undefined) return openBreach(db, input);
  if (input.effect === "cures" && open !== undefined) return cure(db, open, { ...input, note: null });
  return null;
}

/** Cures every open breach of a subject that has ended: a position gone flat, an account without an open position. */
export function closeSubject(
  db: Db,
  about: { protocol: string; subject: string },
  { blockNumber, blockHash }: { blockNumber: number; blockHash: Hex },
): BreachChange[] {
  const open = db
    .select()
    .from(breach)
    .where(and(isAbout(about), eq(breach.status, "open")))
    .orderBy(breach.ruleId)
    .all();
  const by = { blockNumber, blockHash, recordedBlock: blockNumber, assessmentId: null };
  return open.map((row) => cure(db, row, { ...by, note: "No position is open any more." }));
}

/** Cures every open breach of a chain whose rule is not among those in force from a block on. */
export function closeRules(
  db: Db,
  chain: string,
  { rules, blockNumber, blockHash }: { rules: ReadonlySet<string>; blockNumber: number; blockHash: Hex },
): BreachChange[] {
  const open = db
    .select()
    .from(breach)
    .where(and(eq(breach.chain, chain), eq(breach.status, "open")))
    .orderBy(breach.protocol, breach.subject, breach.ruleId)
    .all();
  const by = { blockNumber, blockHash, recordedBlock: blockNumber, assessmentId: null };
  const note = "The rule is not in force any more.";
  return open.filter(({ ruleId }) => !rules.has(ruleId)).map((row) => cure(db, row, { ...by, note }));
}

/**
 * Takes back what the feed blocks of a chain from a height on did: breaches they opened are retracted, breaches they cured
 * are open again. Openings go first, since a breach can only be open again where no later one stands.
 */
export function retractBreaches(db: Db, chain: string, from: number): BreachChange[] {
  const vanished = db
    .update(breach)
    .set({ status: "retracted", notices: sql`${breach.notices} + 1` })
    .where(and(eq(breach.chain, chain), gte(breach.openedRecorded, from), ne(breach.status, "retracted")))
    .returning()
    .all();
  const reopened = db
    .update(breach)
    .set({
      status: "open",
      curedAtBlock: null,
      curedBlockHash: null,
      curedByAssessment: null,
      curedRecorded: null,
      notices: sql`${breach.notices} + 1`,
    })
    .where(and(eq(breach.chain, chain), lt(breach.openedRecorded, from), gte(breach.curedRecorded, from)))
    .returning()
    .all();
  return [
    ...vanished.map((row) => ({
      type: "breach.retracted" as const,
      breach: row,
      note: "The block that opened this breach is no longer part of the chain.",
    })),
    ...reopened.map((row) => ({
      type: "breach.opened" as const,
      breach: row,
      note: "Open again: the block that cured it is no longer part of the chain.",
    })),
  ];
}

/** Moves to the sealed lane every breach whose opening, and cure if any, are in sealed blocks. */
export function sealBreaches(db: Db, chain: string, upTo: number): void {
  db.update(breach)
    .set({ lane: "sealed" })
    .where(
      and(
        eq(breach.chain, chain),
        eq(breach.lane, "provisional"),
        lte(breach.openedRecorded, upTo),
        or(isNull(breach.curedRecorded), lte(breach.curedRecorded, upTo)),
        ne(breach.status, "retracted"),
      ),
    )
    .run();
}

function isAbout({ protocol, subject }: { protocol: string; subject: string }) {
  return and(eq(breach.protocol, protocol), eq(breach.subject, subject));
}

function openBreach(db: Db, input: BreachInput): BreachChange {
  const id = sha256Hex(`plumbline-breach/1:${input.assessmentId}`);
  const row = {
    id,
    chain: input.chain,
    protocol: input.protocol,
    subject: input.subject,
    ruleId: input.ruleId,
    jurisdiction: input.jurisdiction,
    needsFacts: input.needsFacts ? 1 : 0,
    openedAtBlock: input.blockNumber,
    openedBlockHash: input.blockHash,
    openedByAssessment: input.assessmentId,
    openedRecorded: input.recordedBlock,
    curedAtBlock: null,
    curedBlockHash: null,
    curedByAssessment: null,
    curedRecorded: null,
    status: "open",
    lane: "provisional",
  };
  // A chain that returns to a block it had left brings the same assessment, and so the same breach, back.
  const opened = db
    .insert(breach)
    .values({ ...row, notices: 1 })
    .onConflictDoUpdate({ target: breach.id, set: { ...row, notices: sql`${breach.notices} + 1` } })
    .returning()
    .get();
  return { type: "breach.opened", breach: opened, note: null };
}

function cure(
  db: Db,
  open: Breach,
  by: { blockNumber: number; blockHash: Hex; recordedBlock: number; assessmentId: string | null; note: string | null },
): BreachChange {
  const cured = db
    .update(breach)
    .set({
      status: "cured",
      lane: "provisional",
      curedAtBlock: by.blockNumber,
      curedBlockHash: by.blockHash,
      curedByAssessment: by.assessmentId,
      curedRecorded: by.recordedBlock,
      notices: open.notices + 1,
    })
    .where(eq(breach.id, open.id))
    .returning()
    .get();
  return { type: "breach.cured", breach: cured as Breach, note: by.note };
}
