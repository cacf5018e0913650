import { and, eq, gte } from "drizzle-orm";
import type { Assessment, FeedBlock } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { assessmentId, verdictId } from "../../src/core/proof/ids.ts";
import { dayOf, inForce } from "../../src/core/rules/day.ts";
import { validity } from "../../src/core/rules/rule-check.ts";
import { rulebookAt, type Schedule } from "../../src/core/rules/schedule.ts";
import type { Outbox } from "../alerts/outbox.ts";
import { dropFrom, sealedMark } from "../feed/blocks.ts";
import type { Store } from "../store/database.ts";
import { assessment, block, verdict } from "../store/schema.ts";
import { dropEvidence, wantEvidence } from "../witnesses/keeper.ts";
import { applyVerdict, closeRules, closeSubject, retractBreaches, sealBreaches } from "./breaches.ts";
import type { Judge } from "./verdicts.ts";

/** The provisional lane: what the feed says becomes rows, and a reorg takes them back. */
export type Recorder = {
  /** Records whole blocks in chain order, in one transaction with the notices they cause. */
  record(blocks: readonly FeedBlock[]): void;
  /** Takes back a chain's unsealed blocks from a height on. */
  retract(chain: string, from: number): void;
};

/** @throws InvariantError (from `record`) when an assessment's id is not the hash of what it is about. */
export function createRecorder(
  store: Store,
  { judge, schedule, outbox }: { judge: Judge; schedule: Schedule; outbox: Outbox },
): Recorder {
  const { db } = store;
  /** The day up to which rules have been retired, by chain; forgotten where that may have been taken back. */
  const days = new Map<string, string>();

  function recordBlock(from: FeedBlock): void {
    const number = Number(from.number);
    db.insert(block)
      .values({
        chain: from.chain,
        number,
        hash: from.hash,
        parentHash: from.parentHash,
        timestamp: from.timestamp,
        epoch: from.epoch === null ? null : JSON.stringify(from.epoch),
        leaves: from.epoch === null ? null : JSON.stringify(from.leaves),
      })
      .run();
    from.assessments.forEach((item, ordinal) => {
      recordAssessment(from, item, ordinal);
    });
    retireRules(from);
    for (const ended of from.closed) {
      const changes = closeSubject(db, ended, { blockNumber: number, blockHash: from.hash });
      for (const change of changes) outbox.enqueue(change, from.timestamp);
    }
  }

  /** Breaches are over of rules that the version in force does not have, or whose last day has passed. */
  function retireRules({ chain, number, hash, timestamp }: FeedBlock): void {
    const day = dayOf(BigInt(timestamp));
    const isNewVersion = schedule.versions.some(({ from }) => from[chain] === BigInt(number) && number !== "0");
    if (!isNewVersion && days.get(chain) === day) return;
    days.set(chain, day);
    const current = rulebookAt(schedule, chain, BigInt(number)).rules.filter((rule) => inForce(validity(rule), day));
    const rules = new Set(current.map(({ id }) => id));
    const changes = closeRules(db, chain, { rules, blockNumber: Number(number), blockHash: hash });
    for (const change of changes) outbox.enqueue(change, timestamp);
  }

  function recordAssessment(from: FeedBlock, item: Assessment, ordinal: number): void {
    checkAssessment(from, item);
    const recordedBlock = Number(from.number);
    const judged = judge(item);
    db.insert(assessment)
      .values({ id: item.id, chain: from.chain, recordedBlock, ordinal, body: JSON.stringify(item) })
      .run();
    wantEvidence(db, item, recordedBlock);
    const about = {
      chain: from.chain,
      blockNumber: Number(item.blockNumber),
      blockHash: item.blockHash,
      recordedBlock,
      assessmentId: item.id,
      protocol: item.protocol,
      subject: item.subject,
      ruleId: item.ruleId,
      jurisdiction: judged.jurisdiction,
    };
    db.insert(verdict)
      .values({
        ...about,
        id: verdictId(item.id),
        ordinal,
        needsFacts: judged.needsFacts ? 1 : 0,
        profile: judged.profile,
        outcome: judged.outcome,
        missing: JSON.stringify(judged.missing),
        lane: "provisional",
      })
      .run();
    const change = applyVerdict(db, { ...about, needsFacts: judged.needsFacts, effect: judged.effect });
    if (change !== null) outbox.enqueue(change, from.timestamp);
  }

  return {
    record(blocks) {
      try {
        store.transaction(() => {
          for (const item of blocks) recordBlock(item);
        });
      } catch (error) {
        days.clear();
        throw error;
      }
      outbox.wake();
    },
    retract(chain, from) {
      days.delete(chain);
      store.transaction(() => {
        const sealed = sealedMark(db, chain);
        if (sealed !== null && from <= sealed.number) {
          throw new InvariantError(`Block ${from} of ${chain} was to be retracted, but ${sealed.number} is sealed.`);
        }
        dropFrom(db, chain, from);
        dropEvidence(db, chain, from);
        db.delete(verdict)
          .where(and(eq(verdict.chain, chain), gte(verdict.recordedBlock, from)))
          .run();
        const changes = retractBreaches(db, chain, from);
        if (sealed !== null) sealBreaches(db, chain, sealed.number);
        for (const change of changes) outbox.enqueue(change, null);
      });
      outbox.wake();
    },
  };
}

/** An assessment is of the block it comes with or, where only the next block shows that a day has ended, of an earlier. */
function checkAssessment(from: FeedBlock, item: Assessment): void {
  const own = item.blockNumber === from.number && item.blockHash === from.hash;
  if (item.chain !== from.chain || !(own || BigInt(item.blockNumber) < BigInt(from.number))) {
    throw new InvariantError(
      `Assessment ${item.id} came with block ${from.number} of ${from.chain}, but is of another.`,
    );
  }
  const id = assessmentId(item);
  if (id !== item.id) throw new InvariantError(`Assessment ${item.id} should have the id ${id} of what it is about.`);
}
