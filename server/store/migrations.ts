/**
 * SQL that brings a database from one `user_version` to the next. A step is never edited once released: a change is a
 * new step.
 */
const CREATE = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE chain (
  chain TEXT PRIMARY KEY, sealed_number INTEGER, sealed_hash TEXT, sealed_timestamp TEXT,
  comparable_from INTEGER NOT NULL
) STRICT;

CREATE TABLE block (
  chain TEXT NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL, parent_hash TEXT NOT NULL,
  timestamp TEXT NOT NULL, epoch TEXT, PRIMARY KEY (chain, number)
) STRICT;

CREATE TABLE assessment (
  id TEXT PRIMARY KEY, chain TEXT NOT NULL, recorded_block INTEGER NOT NULL, ordinal INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX assessment_block ON assessment (chain, recorded_block, ordinal);

CREATE TABLE verdict (
  id TEXT PRIMARY KEY, assessment_id TEXT NOT NULL, chain TEXT NOT NULL, block_number INTEGER NOT NULL,
  block_hash TEXT NOT NULL, recorded_block INTEGER NOT NULL, ordinal INTEGER NOT NULL, protocol TEXT NOT NULL,
  subject TEXT NOT NULL, rule_id TEXT NOT NULL, jurisdiction TEXT NOT NULL, needs_facts INTEGER NOT NULL, profile TEXT NOT NULL, outcome TEXT NOT NULL, missing TEXT NOT NULL,
  lane TEXT NOT NULL CHECK (lane IN ('provisional', 'sealed'))
) STRICT;
CREATE INDEX verdict_block ON verdict (chain, recorded_block, ordinal);
CREATE INDEX verdict_assessment ON verdict (assessment_id);
CREATE INDEX verdict_subject ON verdict (subject, rule_id);

CREATE TABLE breach (
  id TEXT PRIMARY KEY, chain TEXT NOT NULL, protocol TEXT NOT NULL, subject TEXT NOT NULL, rule_id TEXT NOT NULL,
  jurisdiction TEXT NOT NULL,
  needs_facts INTEGER NOT NULL, opened_at_block INTEGER NOT NULL, opened_block_hash TEXT NOT NULL,
  opened_by_assessment TEXT NOT NULL, opened_recorded INTEGER NOT NULL, cured_at_block INTEGER, cured_block_hash TEXT,
  cured_by_assessment TEXT, cured_recorded INTEGER,
  status TEXT NOT NULL CHECK (status IN ('open', 'cured', 'retracted')),
  lane TEXT NOT NULL CHECK (lane IN ('provisional', 'sealed')), notices INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX breach_open ON breach (protocol, subject, rule_id) WHERE status = 'open';
CREATE INDEX breach_block ON breach (chain, opened_recorded);
CREATE INDEX breach_cured ON breach (chain, cured_recorded);

CREATE TABLE leaf (
  idx INTEGER PRIMARY KEY, hash TEXT NOT NULL, kind TEXT NOT NULL, ref_id TEXT NOT NULL UNIQUE, chain TEXT,
  block_number INTEGER, block_hash TEXT, subject TEXT, rule_id TEXT, outcome TEXT, assurance TEXT NOT NULL,
  data BLOB NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX leaf_block ON leaf (chain, block_number, idx);
CREATE INDEX leaf_subject ON leaf (subject, rule_id);
CREATE TRIGGER leaf_next BEFORE INSERT ON leaf WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM leaf)
BEGIN SELECT RAISE(ABORT, 'a leaf takes the next index'); END;
CREATE TRIGGER leaf_kept BEFORE UPDATE ON leaf BEGIN SELECT RAISE(ABORT, 'a leaf is never changed'); END;
CREATE TRIGGER leaf_stays BEFORE DELETE ON leaf BEGIN SELECT RAISE(ABORT, 'a leaf is never removed'); END;

CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, root TEXT NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TRIGGER checkpoint_kept BEFORE UPDATE ON checkpoint BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END;
CREATE TRIGGER checkpoint_stays BEFORE DELETE ON checkpoint BEGIN SELECT RAISE(ABORT, 'a checkpoint is never removed'); END;

CREATE TABLE epoch (
  chain TEXT NOT NULL, number INTEGER NOT NULL, from_block INTEGER NOT NULL, to_block INTEGER NOT NULL,
  block_hash TEXT NOT NULL, state_root TEXT NOT NULL, state_count INTEGER NOT NULL, assessment_root TEXT NOT NULL,
  assessment_count INTEGER NOT NULL, rulebook_hash TEXT NOT NULL, deployment_hash TEXT NOT NULL, kernel TEXT NOT NULL,
  leaf_index INTEGER NOT NULL, PRIMARY KEY (chain, number)
) STRICT;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, webhook_id TEXT NOT NULL, receiver TEXT NOT NULL, type TEXT NOT NULL,
  breach_id TEXT NOT NULL, payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts INTEGER NOT NULL, next_attempt_ms INTEGER NOT NULL, last_result TEXT, UNIQUE (webhook_id, receiver)
) STRICT;
CREATE INDEX outbox_due ON outbox (state, next_attempt_ms);

CREATE TABLE receiver (
  id TEXT PRIMARY KEY, url TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('enabled', 'disabled'))
) STRICT;

CREATE TABLE access_key (hash TEXT PRIMARY KEY, label TEXT NOT NULL, scope TEXT NOT NULL) STRICT;

CREATE VIEW ledger_entry AS
  SELECT idx, hash, kind, ref_id, chain, block_number, block_hash, subject, rule_id, outcome, assurance FROM leaf
  WHERE idx < (SELECT coalesce(max(size), 0) FROM checkpoint);
`;

/**
 * Evidence for assessments. The assurance of an entry becomes that of the evidence kept for its assessment; the leaf's own
 * column stays what it was sealed with, because a leaf is never changed.
 */
const EVIDENCE = `
CREATE TABLE evidence (
  assessment_id TEXT PRIMARY KEY, chain TEXT NOT NULL, recorded_block INTEGER NOT NULL, block_number INTEGER NOT NULL,
  block_hash TEXT NOT NULL, shared TEXT NOT NULL, level TEXT NOT NULL CHECK (level IN ('authentic', 'proven')),
  state TEXT NOT NULL CHECK (state IN ('wanted', 'kept', 'failed')), fault TEXT, reason TEXT, manifest TEXT,
  lane TEXT NOT NULL CHECK (lane IN ('provisional', 'sealed')), attempts INTEGER NOT NULL,
  next_attempt_ms INTEGER NOT NULL, took_ms INTEGER, bytes INTEGER
) STRICT;
CREATE INDEX evidence_wanted ON evidence (chain, block_number) WHERE state = 'wanted';
CREATE INDEX evidence_shared ON evidence (shared) WHERE state = 'wanted';
CREATE INDEX evidence_unsealed ON evidence (chain, recorded_block) WHERE lane = 'provisional';
CREATE INDEX evidence_state ON evidence (state, lane, level, fault);

CREATE TABLE part (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
CREATE TABLE part_use (
  hash TEXT NOT NULL, assessment_id TEXT NOT NULL, PRIMARY KEY (hash, assessment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_use_assessment ON part_use (assessment_id);

DROP VIEW ledger_entry;
CREATE VIEW ledger_entry AS
  SELECT idx, hash, kind, ref_id, leaf.chain AS chain, block_number, block_hash, subject, rule_id, outcome,
    coalesce((
      SELECT level FROM evidence WHERE state = 'kept' AND assessment_id = CASE kind
        WHEN 'verdict' THEN (SELECT verdict.assessment_id FROM verdict WHERE verdict.id = ref_id) ELSE ref_id END
    ), assurance) AS assurance
  FROM leaf WHERE idx < (SELECT coalesce(max(size), 0) FROM checkpoint);
`;

/** What is wanted next is found at the end of an index: state before logs, new before old. */
const EVIDENCE_ORDER = `
DROP INDEX evidence_wanted;
CREATE INDEX evidence_due ON evidence (chain, level, block_number) WHERE state = 'wanted';
`;

/** When each checkpoint was signed, so that a clock that runs backwards is noticed. */
const CHECKPOINT_TIME = `
ALTER TABLE checkpoint ADD COLUMN signed_ms INTEGER;
`;

/** Heads that a chain has for good, with the receipt that shows it. */
const ANCHOR = `
CREATE TABLE anchor (
  chain TEXT NOT NULL, contract TEXT NOT NULL, size INTEGER NOT NULL, root TEXT NOT NULL, event_id TEXT NOT NULL,
  block_number INTEGER NOT NULL, block_hash TEXT NOT NULL, tx_hash TEXT NOT NULL, evidence BLOB NOT NULL,
  PRIMARY KEY (chain, contract, size)
) STRICT;
CREATE INDEX anchor_size ON anchor (size);
`;

/**
 * What epochs commit to, leaf by leaf: a row for every change, which stands until the next one of its key. Epochs that were
 * sealed before have no leaves here, and no root over collateral.
 */
const EPOCH_LEAVES = `
ALTER TABLE epoch ADD COLUMN collateral_root TEXT;
ALTER TABLE epoch ADD COLUMN collateral_count INTEGER;
ALTER TABLE epoch ADD COLUMN has_leaves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE block ADD COLUMN leaves TEXT;
CREATE TABLE epoch_leaf (
  chain TEXT NOT NULL, tree TEXT NOT NULL CHECK (tree IN ('state', 'assessment', 'collateral')), key TEXT NOT NULL,
  to_block INTEGER NOT NULL, state TEXT, PRIMARY KEY (chain, tree, key, to_block)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER epoch_leaf_kept BEFORE UPDATE ON epoch_leaf BEGIN SELECT RAISE(ABORT, 'what an epoch has is never changed'); END;
CREATE TRIGGER epoch_leaf_stays BEFORE DELETE ON epoch_leaf BEGIN SELECT RAISE(ABORT, 'what an epoch has is never removed'); END;
`;

/** Lines of witnesses below heads of the log, by the witness's key: one a head, the first that was taken. */
const COSIGNATURE = `
CREATE TABLE cosignature (
  size INTEGER NOT NULL, witness TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (size, witness)
) STRICT, WITHOUT ROWID;
CREATE INDEX cosignature_witness ON cosignature (witness, size);
`;

/** Steps in order; the database's `user_version` is how many of them it has had. */
export const MIGRATIONS: readonly string[] = [
  CREATE,
  EVIDENCE,
  EVIDENCE_ORDER,
  CHECKPOINT_TIME,
  ANCHOR,
  EPOCH_LEAVES,
  COSIGNATURE,
];
