/**
 * The server's tables as Drizzle sees them; `migrations.ts` holds the SQL that creates them. Block numbers and leaf
 * indexes are SQLite integers (53 bits are enough for both); amounts never appear outside JSON bodies.
 */
import { blob, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Single values: the operator's settings that must not change under a ledger, and the last known indexer schema. */
export const meta = sqliteTable("meta", { key: text().primaryKey(), value: text().notNull() });

/**
 * One row a chain: the last block that is sealed for ever. Sealed blocks from `comparableFrom` on were assessed under the
 * rulebook, deployment and kernel now in use, and can be compared with a re-index.
 */
export const chain = sqliteTable("chain", {
  chain: text().primaryKey(),
  sealedNumber: integer("sealed_number"),
  sealedHash: text("sealed_hash"),
  sealedTimestamp: text("sealed_timestamp"),
  comparableFrom: integer("comparable_from").notNull(),
});

/** Blocks above the sealed one, in the order the feed gave them, with the leaves their epoch changed. Sealing or a reorg removes them. */
export const block = sqliteTable(
  "block",
  {
    chain: text().notNull(),
    number: integer().notNull(),
    hash: text().notNull(),
    parentHash: text("parent_hash").notNull(),
    timestamp: text().notNull(),
    epoch: text(),
    leaves: text(),
  },
  (table) => [primaryKey({ columns: [table.chain, table.number] })],
);

/**
 * Assessments of unsealed blocks; a sealed one lives on as the body of its leaf. `recordedBlock` is the feed block it came
 * with, which for a daily test follows the block it is of; `ordinal` is its place there.
 */
export const assessment = sqliteTable("assessment", {
  id: text().primaryKey(),
  chain: text().notNull(),
  recordedBlock: integer("recorded_block").notNull(),
  ordinal: integer().notNull(),
  body: text().notNull(),
});

/** One verdict an assessment; `needsFacts` decides who may see it, `jurisdiction` which supervisor. */
export const verdict = sqliteTable("verdict", {
  id: text().primaryKey(),
  assessmentId: text("assessment_id").notNull(),
  chain: text().notNull(),
  blockNumber: integer("block_number").notNull(),
  blockHash: text("block_hash").notNull(),
  recordedBlock: integer("recorded_block").notNull(),
  ordinal: integer().notNull(),
  protocol: text().notNull(),
  subject: text().notNull(),
  ruleId: text("rule_id").notNull(),
  jurisdiction: text().notNull(),
  needsFacts: integer("needs_facts").notNull(),
  profile: text().notNull(),
  outcome: text().notNull(),
  missing: text().notNull(),
  lane: text().notNull(),
});

/**
 * An interval in which a subject breaks a rule. An account's id is the same in every protocol of its chain, so a subject
 * is always read together with its protocol. `openedAtBlock` and `curedAtBlock` are the blocks of the assessments that
 * say so; `openedRecorded` and `curedRecorded` the feed blocks these came with, which a reorg takes back.
 */
export const breach = sqliteTable("breach", {
  id: text().primaryKey(),
  chain: text().notNull(),
  protocol: text().notNull(),
  subject: text().notNull(),
  ruleId: text("rule_id").notNull(),
  jurisdiction: text().notNull(),
  needsFacts: integer("needs_facts").notNull(),
  openedAtBlock: integer("opened_at_block").notNull(),
  openedBlockHash: text("opened_block_hash").notNull(),
  openedByAssessment: text("opened_by_assessment").notNull(),
  openedRecorded: integer("opened_recorded").notNull(),
  curedAtBlock: integer("cured_at_block"),
  curedBlockHash: text("cured_block_hash"),
  curedByAssessment: text("cured_by_assessment"),
  curedRecorded: integer("cured_recorded"),
  status: text().notNull(),
  lane: text().notNull(),
  notices: integer().notNull(),
});

/** The log. Rows are never changed or removed: triggers refuse it. `data` is the leaf, `body` what its hash commits to. */
export const leaf = sqliteTable("leaf", {
  index: integer("idx").primaryKey(),
  hash: text().notNull(),
  kind: text().notNull(),
  refId: text("ref_id").notNull(),
  chain: text(),
  blockNumber: integer("block_number"),
  blockHash: text("block_hash"),
  subject: text(),
  ruleId: text("rule_id"),
  outcome: text(),
  assurance: text().notNull(),
  data: blob({ mode: "buffer" }).notNull(),
  body: text().notNull(),
});

/** Signed heads of the log, one a size, and when each was signed in Unix milliseconds; null of an earlier release. */
export const checkpoint = sqliteTable("checkpoint", {
  size: integer().primaryKey(),
  root: text().notNull(),
  note: text().notNull(),
  signedMs: integer("signed_ms"),
});

/** Sealed epochs, with the leaf that commits to each; with `hasLeaves`, `epoch_leaf` has what its trees are made of. */
export const epoch = sqliteTable(
  "epoch",
  {
    chain: text().notNull(),
    number: integer().notNull(),
    fromBlock: integer("from_block").notNull(),
    toBlock: integer("to_block").notNull(),
    blockHash: text("block_hash").notNull(),
    stateRoot: text("state_root").notNull(),
    stateCount: integer("state_count").notNull(),
    assessmentRoot: text("assessment_root").notNull(),
    assessmentCount: integer("assessment_count").notNull(),
    collateralRoot: text("collateral_root"),
    collateralCount: integer("collateral_count"),
    rulebookHash: text("rulebook_hash").notNull(),
    deploymentHash: text("deployment_hash").notNull(),
    kernel: text().notNull(),
    leafIndex: integer("leaf_index").notNull(),
    hasLeaves: integer("has_leaves").notNull(),
  },
  (table) => [primaryKey({ columns: [table.chain, table.number] })],
);

/**
 * What is to show that an assessment's inputs are the chain's, one row for each assessment that has, wants or could not get
 * such evidence. `shared` names the question asked of the chain: rows with the same may be answered by one capture. `level`
 * is the assurance it gives once it is kept. `fault` and `reason` tell, in a word and in a sentence, why it has failed or
 * was last put off. `manifest` names its parts.
 */
export const evidence = sqliteTable("evidence", {
  assessmentId: text("assessment_id").primaryKey(),
  chain: text().notNull(),
  recordedBlock: integer("recorded_block").notNull(),
  blockNumber: integer("block_number").notNull(),
  blockHash: text("block_hash").notNull(),
  shared: text().notNull(),
  level: text({ enum: ["authentic", "proven"] }).notNull(),
  state: text({ enum: ["wanted", "kept", "failed"] }).notNull(),
  fault: text(),
  reason: text(),
  manifest: text(),
  lane: text().notNull(),
  attempts: integer().notNull(),
  nextAttemptMs: integer("next_attempt_ms").notNull(),
  tookMs: integer("took_ms"),
  bytes: integer(),
});

/** Parts of evidence, deflated, by the SHA-256 of their content; each is stored once however much evidence has it. */
export const part = sqliteTable("part", { hash: text().primaryKey(), bytes: blob({ mode: "buffer" }).notNull() });

/** Which evidence has a part, so that a part goes with the last evidence that had it. */
export const partUse = sqliteTable(
  "part_use",
  { hash: text().notNull(), assessmentId: text("assessment_id").notNull() },
  (table) => [primaryKey({ columns: [table.hash, table.assessmentId] })],
);

/** Heads that a chain has for good. `eventId` is the indexed event's; `evidence` the deflated receipt that shows it. */
export const anchor = sqliteTable(
  "anchor",
  {
    chain: text().notNull(),
    contract: text().notNull(),
    size: integer().notNull(),
    root: text().notNull(),
    eventId: text("event_id").notNull(),
    blockNumber: integer("block_number").notNull(),
    blockHash: text("block_hash").notNull(),
    txHash: text("tx_hash").notNull(),
    evidence: blob({ mode: "buffer" }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.chain, table.contract, table.size] })],
);

/** Notices on their way to a receiver, written with the breach that causes them. Times are Unix milliseconds. */
export const outbox = sqliteTable("outbox", {
  id: integer().primaryKey({ autoIncrement: true }),
  webhookId: text("webhook_id").notNull(),
  receiver: text().notNull(),
  type: text().notNull(),
  breachId: text("breach_id").notNull(),
  payload: text().notNull(),
  state: text().notNull(),
  attempts: integer().notNull(),
  nextAttemptMs: integer("next_attempt_ms").notNull(),
  lastResult: text("last_result"),
});

/** Receivers of notices; one that answered 410 is disabled until the operator enables it again. */
export const receiver = sqliteTable("receiver", {
  id: text().primaryKey(),
  url: text().notNull(),
  state: text().notNull(),
});

/** Supervisors' keys: only their SHA-256 is kept. `scope` is a JSON list of jurisdictions, or `"*"`. */
export const accessKey = sqliteTable("access_key", {
  hash: text().primaryKey(),
  label: text().notNull(),
  scope: text().notNull(),
});
