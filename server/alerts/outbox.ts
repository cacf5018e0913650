/**
 * The outbox: a notice is a row written in the transaction that changes the breach, so that neither exists without the
 * other. One logical event has one `webhook-id`, whatever becomes of its delivery.
 */
import { eq } from "drizzle-orm";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import type { Db } from "../store/database.ts";
import { outbox, receiver } from "../store/schema.ts";
import type { BreachChange } from "../verdicts/breaches.ts";

/** What a notice says besides the breach itself. */
export type NoticeContext = { publicUrl: string; now(): number };

/** Where notices wait. `wake` tells the sender that something may be due; it is called after the commit. */
export type Outbox = {
  /** @param timestamp of the block that caused the change, in seconds; `null` when a vanished block did. */
  enqueue(change: BreachChange, timestamp: string | null): void;
  wake(): void;
  /** Called by the sender to be woken. */
  onWake(listener: () => void): void;
};

/** Id of a receiver, so that a URL (which may hold a token) need not appear in the outbox. */
export function receiverId(url: string): string {
  return sha256Hex(`plumbline-receiver/1:${url}`).slice(0, 32);
}

/** An outbox to the given receivers' URLs. */
export function createOutbox(db: Db, urls: readonly string[], context: NoticeContext): Outbox {
  const ids = urls.map(receiverId);
  urls.forEach((url, i) => {
    db.insert(receiver)
      .values({ id: ids[i] as string, url, state: "enabled" })
      .onConflictDoNothing()
      .run();
  });
  let listener: () => void = () => {};
  return {
    enqueue(change, timestamp) {
      if (ids.length === 0) return;
      const payload = JSON.stringify(payloadOf(change, timestamp, context));
      const webhookId = `msg_${sha256Hex(`${change.breach.id}/${change.breach.notices}`).slice(0, 32)}`;
      for (const id of ids) {
        if (db.select().from(receiver).where(eq(receiver.id, id)).get()?.state === "disabled") continue;
        db.insert(outbox)
          .values({
            webhookId,
            receiver: id,
            type: change.type,
            breachId: change.breach.id,
            payload,
            state: "pending",
            attempts: 0,
            nextAttemptMs: 0,
            lastResult: null,
          })
          .run();
      }
    },
    wake: () => listener(),
    onWake(next) {
      listener = next;
    },
  };
}

/** The thin body of a notice: what happened and where the evidence is. */
function payloadOf({ type, breach, note }: BreachChange, timestamp: string | null, context: NoticeContext): unknown {
  const ms = timestamp === null ? context.now() : Number(timestamp) * 1000;
  const evidence = breach.curedByAssessment ?? breach.openedByAssessment;
  return {
    type,
    timestamp: new Date(ms).toISOString(),
    data: {
      breachId: breach.id,
      status: breach.status,
      lane: breach.lane,
      chain: breach.chain,
      protocol: breach.protocol,
      subject: breach.subject,
      ruleId: breach.ruleId,
      jurisdiction: breach.jurisdiction,
      openedAtBlock: String(breach.openedAtBlock),
      openedByAssessment: breach.openedByAssessment,
      curedAtBlock: breach.curedAtBlock === null ? null : String(breach.curedAtBlock),
      curedByAssessment: breach.curedByAssessment,
      note,
      evidence: `${context.publicUrl}/v1/proofs/${evidence}`,
    },
  };
}
