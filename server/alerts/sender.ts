import { and, eq, inArray, lte, sql } from "drizzle-orm";
import { Webhook } from "standardwebhooks";
import { type Agent, request } from "undici";
import { InputError } from "../../src/core/errors.ts";
import type { Db } from "../store/database.ts";
import { outbox, receiver } from "../store/schema.ts";
import { checkReceiverUrl, createEgressAgent, type EgressPolicy } from "./egress.ts";
import { type Outbox, receiverId } from "./outbox.ts";

/** A receiver of notices. The secret is of the Standard Webhooks form, `whsec_<base64>`. */
export type Receiver = { url: string; secret: string };

/** Seconds to wait before each attempt, the first included. @see https://www.standardwebhooks.com */
const SCHEDULE_S: readonly number[] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const CONCURRENT = 8;
const ANSWER_BYTES = 4_096;

/** Clock and chance, so that tests can hold them still. Milliseconds; `random` in [0, 1). */
export type SenderClock = { now(): number; random(): number };

/** Sends what is due in the outbox. */
export type Sender = {
  /** Delivers everything that is due now; resolves when those attempts have ended. */
  flush(): Promise<void>;
  stop(): Promise<void>;
};

type Row = typeof outbox.$inferSelect;
type Attempt = { delivered: boolean; gone: boolean; result: string; retryAfterMs: number };

/**
 * A sender for the operator's receivers. Starts at once and looks again whenever the outbox is woken, and every second.
 * @throws InputError when a receiver's URL or secret cannot be used.
 */
export function startSender(
  db: Db,
  receivers: readonly Receiver[],
  options: { outbox: Outbox; policy: EgressPolicy; clock: SenderClock },
): Sender {
  const byId = new Map(receivers.map((item) => [receiverId(item.url), prepare(item, options.policy)]));
  const agent = createEgressAgent(options.policy);
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  async function pass(): Promise<void> {
    while (!stopped) {
      const due = dueRows(db, [...byId.keys()], options.clock.now());
      if (due.length === 0) return;
      await Promise.all(
        due.map(async (row) => {
          const to = byId.get(row.receiver) as Prepared;
          const attempt = await send(row, { to, agent, now: options.clock.now() });
          if (!stopped) settle(db, row, { attempt, clock: options.clock });
        }),
      );
    }
  }

  function flush(): Promise<void> {
    running = running.then(pass);
    return running;
  }

  const timer = setInterval(flush, 1_000);
  timer.unref();
  options.outbox.onWake(() => void flush());
  void flush();
  return {
    flush,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await agent.destroy();
      await running;
    },
  };
}

type Prepared = { url: URL; webhook: Webhook };

function prepare(item: Receiver, policy: EgressPolicy): Prepared {
  const url = checkReceiverUrl(item.url, policy);
  const encoded = /^whsec_([A-Za-z0-9+/]+=*)$/.exec(item.secret)?.[1];
  if (encoded === undefined || Buffer.from(encoded, "base64").length < 24) {
    throw new InputError("The webhook secret is not of the form whsec_<base64 of 24 to 64 bytes>.");
  }
  return { url, webhook: new Webhook(item.secret) };
}

/** Due notices; one of a breach waits while an earlier one of the same breach is on its way to the same receiver. */
function dueRows(db: Db, receivers: readonly string[], now: number): Row[] {
  return db
    .select()
    .from(outbox)
    .where(
      and(
        eq(outbox.state, "pending"),
        inArray(outbox.receiver, [...receivers]),
        lte(outbox.nextAttemptMs, now),
        sql`NOT EXISTS (SELECT 1 FROM outbox AS earlier WHERE earlier.breach_id = ${outbox.breachId}
          AND earlier.receiver = ${outbox.receiver} AND earlier.id < ${outbox.id} AND earlier.state = 'pending')`,
      ),
    )
    .orderBy(outbox.id)
    .limit(CONCURRENT)
    .all();
}

/** One attempt: the same id and body each time, a fresh timestamp and so a fresh signature. */
async function send(row: Row, { to, agent, now }: { to: Prepared; agent: Agent; now: number }): Promise<Attempt> {
  const at = new Date(now);
  try {
    const response = await request(to.url, {
      method: "POST",
      dispatcher: agent,
      headers: {
        "content-type": "application/json",
        "user-agent": "plumbline",
        "webhook-id": row.webhookId,
        "webhook-timestamp": String(Math.floor(now / 1000)),
        "webhook-signature": to.webhook.sign(row.webhookId, at, row.payload),
      },
      body: row.payload,
      signal: AbortSignal.timeout(20_000),
    });
    await response.body.dump({ limit: ANSWER_BYTES });
    const status = response.statusCode;
    return {
      delivered: status >= 200 && status < 300,
      gone: status === 410,
      result: `HTTP ${status}`,
      retryAfterMs: retryAfter(response.headers["retry-after"], now),
    };
  } catch (error) {
    const code = (error as { code?: string }).code ?? (error as Error).name;
    return { delivered: false, gone: false, result: code, retryAfterMs: 0 };
  }
}

function settle(db: Db, row: Row, { attempt, clock }: { attempt: Attempt; clock: SenderClock }): void {
  const attempts = row.attempts + 1;
  const waitS = SCHEDULE_S[attempts];
  const failed = !attempt.delivered && (attempt.gone || waitS === undefined);
  // Up to a tenth more, so that receivers that failed together are not asked again together.
  const wait = Math.max((waitS ?? 0) * 1_000 * (1 + clock.random() / 10), attempt.retryAfterMs);
  db.update(outbox)
    .set({
      attempts,
      lastResult: attempt.result,
      state: attempt.delivered ? "delivered" : failed ? "failed" : "pending",
      nextAttemptMs: Math.ceil(clock.now() + wait),
    })
    .where(eq(outbox.id, row.id))
    .run();
  if (attempt.gone) {
    db.update(receiver).set({ state: "disabled" }).where(eq(receiver.id, row.receiver)).run();
    db.update(outbox)
      .set({ state: "failed", lastResult: "receiver disabled by HTTP 410" })
      .where(and(eq(outbox.receiver, row.receiver), eq(outbox.state, "pending")))
      .run();
  }
}

function retryAfter(header: string | string[] | undefined, now: number): number {
  if (typeof header !== "string") return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), 86_400_000) : 0;
}
