/**
 * How much of what is said here can be checked, and how far: shares by level, and what became of captures.
 */
import { type Assurance, LEVELS } from "../../src/core/proof/bundle.ts";
import type { Store } from "../store/database.ts";
import type { Fault } from "./keeper.ts";

/** How many stand at a level, and their share of all as a decimal with four digits. */
export type Share = { count: number; share: string };
export type Shares = Readonly<Record<Assurance, Share>>;

/** Why evidence is missing: how often for this reason, and the last sentence that was said about it. */
export type Missing = { fault: Fault; count: number; latest: string };

/**
 * `figures` are the last assessment of each subject and rule, sealed or not; `sealed` are entries of the log. `waiting`
 * evidence is still to be captured; `reasons` are those of what has failed, or was put off, most frequent first.
 */
export type Coverage = {
  figures: Shares;
  sealed: Shares;
  capture: { waiting: number; kept: number; failed: number; reasons: readonly Missing[] };
};

/** Counting reads every verdict, so it is not done anew for each who asks, and takes a fiftieth of the time at most. */
const FRESH_MS = 2_000;
const FRESH_FOR = 50;

/** The row of a group that `max` takes is the one whose other columns SQLite gives. */
const FIGURES = `
  SELECT coalesce(evidence.level, 'attested') AS level, count(*) AS count FROM (
    SELECT assessment_id, max(recorded_block * 1000000 + ordinal) FROM verdict GROUP BY protocol, subject, rule_id
  ) AS latest
  LEFT JOIN evidence ON evidence.assessment_id = latest.assessment_id AND evidence.state = 'kept' GROUP BY 1`;

/** An assessment with evidence has its leaf, and where its rule needs facts another one for the verdict. */
const SEALED = `
  SELECT level, sum(1 + coalesce(needs_facts, 0)) AS count FROM evidence
  LEFT JOIN verdict ON verdict.assessment_id = evidence.assessment_id
  WHERE evidence.state = 'kept' AND evidence.lane = 'sealed' GROUP BY level`;

const STATES = "SELECT state, count(*) AS count FROM evidence GROUP BY state";

const REASONS = `
  SELECT fault, count(*) AS count, reason AS latest, max(recorded_block) FROM evidence
  WHERE fault IS NOT NULL AND state != 'kept' GROUP BY fault ORDER BY count DESC, fault`;

type Counted = { level: Assurance; count: number };

/**
 * A reader of the coverage of a store.
 * @param sizeOf how many entries the signed log has.
 */
export function createCoverage({ read }: Store, sizeOf: () => number): () => Coverage {
  let last: { coverage: Coverage; until: number } | null = null;
  return () => {
    const now = performance.now();
    if (last !== null && now < last.until) return last.coverage;
    const coverage = count();
    const took = performance.now() - now;
    last = { coverage, until: now + Math.max(FRESH_MS, took * FRESH_FOR) };
    return coverage;
  };

  function count(): Coverage {
    const states = new Map(
      (read.prepare(STATES).all() as { state: string; count: number }[]).map((row) => [row.state, row.count]),
    );
    const figures = read.prepare(FIGURES).all() as Counted[];
    const total = figures.reduce((sum, row) => sum + row.count, 0);
    return {
      figures: sharesOf(figures, total),
      sealed: sharesOf(read.prepare(SEALED).all() as Counted[], sizeOf()),
      capture: {
        waiting: states.get("wanted") ?? 0,
        kept: states.get("kept") ?? 0,
        failed: states.get("failed") ?? 0,
        reasons: (read.prepare(REASONS).all() as Missing[]).map(({ fault, count, latest }) => ({
          fault,
          count,
          latest,
        })),
      },
    };
  }
}

/** Whatever has no evidence is attested. */
function sharesOf(counted: readonly Counted[], total: number): Shares {
  const countOf = (level: Assurance) => counted.find((row) => row.level === level)?.count ?? 0;
  const beyond = countOf("authentic") + countOf("proven");
  const entries = LEVELS.map((level): [Assurance, Share] => {
    const count = level === "attested" ? Math.max(0, total - beyond) : countOf(level);
    return [level, { count, share: total === 0 ? "0" : (count / total).toFixed(4) }];
  });
  return Object.fromEntries(entries) as Shares;
}
