import type { Assessment } from "../../src/core/assessment.ts";
import { ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { dayOf } from "../../src/core/rules/day.ts";
import { type Rule, ruleAt } from "../../src/core/rules/rule.ts";
import { rulebookWith, type Schedule } from "../../src/core/rules/schedule.ts";
import { type Loop, runLoop } from "../feed/run.ts";
import type { Failpoint } from "../ledger/ledger.ts";
import type { Store } from "../store/database.ts";
import { type CaptureWorker, WorkerLost, WorkerStopped } from "./capture-worker.ts";
import { type Failure, isForgotten, isWorthAgain } from "./faults.ts";
import type { CaptureResult } from "./job.ts";
import {
  type Captured,
  dueEvidence,
  type EvidenceRow,
  giveUpPruned,
  keepEvidence,
  putOff,
  recordedAssessment,
  type Wanted,
} from "./keeper.ts";
import type { CaptureStats } from "./stats.ts";

/** Milliseconds between looks at what is wanted, and before a second attempt; each later one waits twice as long. */
export type Pace = { pauseMs: number; backoffMs: number };

/** What capturing the evidence of one chain works with. It alone takes evidence out of the state `wanted`. */
export type CaptureParts = {
  chain: string;
  store: Store;
  worker: CaptureWorker;
  schedule: Schedule;
  /** Bytes of a bundle that are not its evidence. */
  sizeOfRest(assessment: Assessment): number;
  stats: CaptureStats;
  failpoint?: Failpoint;
  pace?: Pace;
  onError(error: unknown): void;
};

/** Larger than this nobody wants to carry one. */
const BUNDLE_BYTES_MAX = 400_000;

const PACE: Pace = { pauseMs: 250, backoffMs: 1_000 };
const BACKOFF_MAX_MS = 60_000;
/** Questions asked of one chain at a time. */
const AT_ONCE = 3;

/**
 * Captures what is wanted of a chain as fast as its node answers, what rests on state first and of that the newest block,
 * because nodes forget. Nothing waits for it: blocks are sealed with their evidence or without, and it may still come later.
 */
export function startCaptureLoop(parts: CaptureParts): Loop {
  const { chain, store, pace = PACE } = parts;
  return runLoop(turn, { pauseMs: pace.pauseMs, maxBackoffMs: BACKOFF_MAX_MS / 2, onError: parts.onError });

  async function turn(): Promise<{ more: boolean }> {
    const due = dueEvidence(store.db, chain, { now: Date.now(), limit: AT_ONCE });
    // All of them end before the next turn looks again at what is wanted.
    const ends = await Promise.allSettled(due.map((wanted) => attempt(parts, wanted)));
    for (const end of ends) {
      if (end.status === "rejected") throw end.reason;
      // The node is silent, not the question wrong: all that is wanted of it can wait.
      if (end.value !== null) throw new ProviderError(end.value.reason);
    }
    // What has been tried is no longer due, so that there is more only when there is.
    return { more: due.length > 0 };
  }
}

type Item = { row: EvidenceRow; assessment: Assessment; rule: Rule };
type Outcome = CaptureResult["outcomes"][number];

/** Tries to capture what is wanted. Returns why when it was the node that did not answer at all. */
async function attempt(parts: CaptureParts, { rows }: Wanted): Promise<Failure | null> {
  const items = rows.flatMap((row) => itemOf(parts, row) ?? giveUp(parts, row));
  const [first] = items;
  if (first === undefined) return null;
  const { level, blockNumber, blockHash } = first.row;
  const job = {
    ...{ kind: "capture" as const, chain: parts.chain, level },
    block: { number: blockNumber, hash: blockHash as Hex },
    items: items.map(({ assessment, rule }) => ({ assessment, rule })),
  };
  try {
    const result = await parts.worker.run(job, { alone: items.some(({ row }) => row.fault === "crashed") });
    return settle(parts, items, result);
  } catch (error) {
    if (error instanceof WorkerStopped) return null;
    if (!(error instanceof WorkerLost)) throw error;
    const lost = { capture: null, fault: "crashed" as const, reason: error.message };
    return settle(parts, items, {
      captures: [],
      outcomes: items.map(({ row }) => ({ id: row.assessmentId, ...lost })),
    });
  }
}

/** What a row is about; `null` when it can no longer be told. */
function itemOf({ store, schedule }: CaptureParts, row: EvidenceRow): Item | null {
  const assessment = recordedAssessment(store.db, row.assessmentId);
  const rulebook = assessment === null ? undefined : rulebookWith(schedule, assessment.rulebookHash);
  if (assessment === null || rulebook === undefined) return null;
  return { row, assessment, rule: ruleAt(rulebook, assessment.ruleId, dayOf(BigInt(assessment.blockTimestamp))) };
}

function giveUp({ store, chain, stats }: CaptureParts, row: EvidenceRow): [] {
  const reason = "The rulebook of the assessment is not among those this server has.";
  putOff(store.db, row, { fault: "unprovable", reason, attempts: row.attempts + 1, again: null });
  stats.failed(chain, "unprovable");
  return [];
}

/** Puts on disk, all at once, what came of a job. Returns why when the node did not answer at all. */
function settle(parts: CaptureParts, items: readonly Item[], { captures, outcomes }: CaptureResult): Failure | null {
  const { store, chain, stats, failpoint } = parts;
  const found = outcomes.map((outcome, i) => ({
    item: items[i] as Item,
    end: endOf(parts, items[i] as Item, { outcome, captures }),
  }));
  const kept = store.transaction(() => {
    const done = found.filter(({ item, end }) => {
      if (!("fault" in end)) return keepEvidence(store.db, item.row, end);
      fail(parts, item.row, end);
      return false;
    });
    failpoint?.("evidence: before commit");
    return done;
  });
  failpoint?.("evidence: after commit");
  for (const { item, end } of kept) stats.kept(chain, item.row.level, end as Captured);
  const failures = found.flatMap(({ end }) => ("fault" in end ? [end] : []));
  for (const { fault } of failures) stats.failed(chain, fault);
  return failures.find(({ fault }) => fault === "silent") ?? null;
}

/** What is to be kept for an item, or why nothing is. */
function endOf(
  { sizeOfRest }: CaptureParts,
  { assessment }: Item,
  { outcome, captures }: { outcome: Outcome; captures: readonly Captured[] },
): Captured | Failure {
  if (outcome.fault !== null) return { fault: outcome.fault, reason: outcome.reason };
  const captured = captures[outcome.capture] as Captured;
  const bytes = captured.bytes + sizeOfRest(assessment);
  if (bytes <= BUNDLE_BYTES_MAX) return captured;
  const reason = `The bundle would have ${bytes} bytes, which is more than ${BUNDLE_BYTES_MAX}.`;
  return { fault: "too-large", reason };
}

/** Notes why there is no evidence. A silent node says nothing about the question, so it is no attempt at it. */
function fail({ store, chain, pace = PACE }: CaptureParts, row: EvidenceRow, { fault, reason }: Failure): void {
  const attempts = row.attempts + (fault === "silent" ? 0 : 1);
  const wait = Math.min(pace.backoffMs * 2 ** row.attempts, BACKOFF_MAX_MS) * (1 + Math.random() / 10);
  const again = isWorthAgain(fault, { attempts, before: row.fault }) ? Date.now() + wait : null;
  putOff(store.db, row, { fault, reason, attempts, again });
  if (isForgotten(fault, row.fault)) giveUpPruned(store.db, chain, { number: row.blockNumber, reason });
}
