/**
 * Cosigning those heads of another operator's log whose epochs are the ones the own server has struck.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { answerAddCheckpoint } from "../../src/core/log/add-checkpoint.ts";
import type { Cosigner } from "../../src/core/log/cosignature.ts";
import { type Head, keyListText, parseKeyList } from "../../src/core/log/head.ts";
import { plainText } from "../../src/core/log/json-difference.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { parseNote } from "../../src/core/proof/note.ts";
import { createFollower, type Follower, type FollowerOptions, type WitnessLook } from "./follower.ts";

/** An HTTP answer to a request for a cosignature. */
export type WitnessAnswer = { status: number; contentType: string; body: string; retryAfterSeconds?: number };

export type Witness = Pick<Follower, "look" | "status"> & {
  /** Answers the body of a request for a cosignature. */
  add(body: string): Promise<WitnessAnswer>;
};

export type WitnessOptions = FollowerOptions & {
  cosigner: Cosigner;
  /** Wall clock in milliseconds. */
  now(): number;
  /** How long a request waits for epochs to be compared. */
  patienceMs: number;
};

const TEXT_TYPE = "text/plain; charset=utf-8";
const LATE = { type: "waiting", sentence: "Its epochs are being compared." } as const;
const BUSY = { type: "waiting", sentence: "Too many requests wait here." } as const;
const RETRY_AFTER_SECONDS = 5;
const UNANSWERED = "A server that is asked for what the head is over does not answer as it should.";
/** Between two looks at whether the own server has got further, while a request waits. */
const POLL_MS = 500;
/** Requests that wait at a time, and heads that are being looked into. */
const MAX_WAITING = 16;

/** @throws InputError for keys that are not those of one log, or a kept head that they do not open. */
export function createWitness(options: WitnessOptions): Witness {
  const { logKeys, cosigner, store, now, patienceMs } = options;
  const keys = parseKeyList(keyListText(logKeys));
  const origin = keys[0]?.name as string;
  const follower = createFollower(options);
  let requests = 0;
  let settling = 0;

  /** Follows the log to a head; the work goes on when nobody waits for it any more, so that there is a limit to it. */
  async function settle(head: Head): Promise<WitnessLook> {
    if (settling >= MAX_WAITING) return BUSY;
    settling++;
    try {
      return await follower.settle(head);
    } finally {
      settling--;
    }
  }

  /** Follows the log to a head, again while the own server has not got there, as long as a request waits. */
  async function settlePatiently(head: Head): Promise<WitnessLook> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const left = end - performance.now();
      const late = sleep(Math.max(0, left), LATE, { ref: false });
      const result = await Promise.race([settle(head), late]);
      if (result.type !== "waiting" || end - performance.now() < POLL_MS) return result;
      await sleep(POLL_MS);
    }
  }

  function cosign(head: Head, known: Pick<Head, "size" | "root"> | null): WitnessAnswer | "moved" {
    const time = Math.floor(now() / 1_000);
    const came = store.keep(head, { last: known, time });
    if (came === "moved") return came;
    if (came === "clock") return later("This witness's clock stands before the time of its last cosignature.");
    // Only now, when it is on disk that no smaller head may follow, does the signature leave.
    const line = cosigner.cosign(parseNote(head.note).text, BigInt(time));
    return { status: 200, contentType: TEXT_TYPE, body: line };
  }

  /** Looks into a head that the log has signed and that cannot follow from the last cosigned one. */
  function investigate(head: Head): void {
    settle(head).catch(() => {});
  }

  async function answer(body: string): Promise<WitnessAnswer> {
    let known: Pick<Head, "size" | "root"> | null = null;
    const decided = answerAddCheckpoint(body, {
      keysOf: (of) => (of === origin ? keys : []),
      lastOf: () => {
        known = store.cosigned(origin);
        return known;
      },
    });
    if ("status" in decided) {
      const { signed, ...refusal } = decided;
      if (signed !== null && (refusal.status === 422 || isFork(signed, known))) investigate(signed);
      return refusal;
    }
    const settled = await settlePatiently(decided.head);
    if (settled.type === "waiting") return later(settled.sentence);
    if (settled.type === "refused") return settled.isFinal ? forbidden(settled.sentence) : later(settled.sentence);
    const signed = cosign(decided.head, known);
    // Another request was quicker: this one is decided anew by what is the last now.
    return signed === "moved" ? await answer(body) : signed;
  }

  return {
    look: follower.look,
    status: follower.status,
    async add(body) {
      if (requests >= MAX_WAITING) return later(BUSY.sentence);
      requests++;
      try {
        return await answer(body);
      } catch (error) {
        if (!(error instanceof ProviderError || error instanceof InputError)) throw error;
        // Where the own server is reached is nobody else's business.
        return later(error instanceof ProviderError ? UNANSWERED : error.message);
      } finally {
        requests--;
      }
    },
  };
}

function isFork(signed: Head, last: Pick<Head, "size" | "root"> | null): boolean {
  return last !== null && signed.size === last.size && !equalBytes(signed.root, last.root);
}

function later(sentence: string): WitnessAnswer {
  return {
    status: 503,
    contentType: TEXT_TYPE,
    body: `${plainText(sentence)}\n`,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  };
}

function forbidden(sentence: string): WitnessAnswer {
  return { status: 403, contentType: TEXT_TYPE, body: `${plainText(sentence)}\n` };
}
