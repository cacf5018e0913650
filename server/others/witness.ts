/**
 * Following another operator's log, and cosigning those of its heads whose epochs are the ones the own server has struck.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import { answerAddCheckpoint } from "../../src/core/log/add-checkpoint.ts";
import type { Cosigner } from "../../src/core/log/cosignature.ts";
import { type Head, keyListText, openHead, parseKeyList } from "../../src/core/log/head.ts";
import { plainText } from "../../src/core/log/json-difference.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { parseNote } from "../../src/core/proof/note.ts";
import { checkEpoch, type EpochSources } from "./epoch-check.ts";
import { EpochQueue } from "./epoch-queue.ts";
import { createMonitor, type Sighting } from "./monitor.ts";
import type { RemoteLog } from "./remote-log.ts";
import type { Refused, WitnessStore } from "./witness-state.ts";

/** What a look came to. `compared` is how many epochs were held against the own ones in it. */
export type WitnessLook =
  | { type: "agreed"; head: Head; added: number; compared: number }
  | { type: "waiting"; sentence: string }
  | { type: "refused"; sentence: string; evidence: Uint8Array | null; isFinal: boolean };

/** An HTTP answer to a request for a cosignature. */
export type WitnessAnswer = { status: number; contentType: string; body: string; retryAfterSeconds?: number };

/** Where a witness stands, for `GET /`. */
export type WitnessStatus = {
  seen: Head | null;
  /** Entries up to which every epoch has been compared. */
  compared: number;
  waiting: string | null;
  refused: Refused | null;
};

export type Witness = {
  /** Looks at the log once, and compares what is new. @throws ProviderError when a server does not answer; InputError as `Monitor.look`. */
  look(): Promise<WitnessLook>;
  /** Answers the body of a request for a cosignature. */
  add(body: string): Promise<WitnessAnswer>;
  status(): WitnessStatus;
};

export type WitnessOptions = {
  log: RemoteLog;
  logKeys: readonly string[];
  /** What epochs are compared with; null where heads are cosigned by their consistency only. */
  epochs: EpochSources | null;
  cosigner: Cosigner;
  store: WitnessStore;
  /** Wall clock in milliseconds. */
  now(): number;
  /** How long after it found a file wrong it looks again before it says so. */
  retryMs: number;
  /** How long a request waits for epochs to be compared. */
  patienceMs: number;
  /** Told a fault that was found outside of a look. */
  onFault(fault: WitnessLook & { type: "refused" }): void;
};

const TEXT_TYPE = "text/plain; charset=utf-8";
const LATE = { type: "waiting", sentence: "Its epochs are being compared." } as const;
const RETRY_AFTER_SECONDS = 5;
/** Between two looks at whether the own server has got further, while a request waits. */
const POLL_MS = 500;
/** Requests that wait at a time. */
const MAX_WAITING = 16;

/** @throws InputError for keys that are not those of one log, or a kept head that they do not open. */
export function createWitness(options: WitnessOptions): Witness {
  const { log, logKeys, epochs, cosigner, store, now, retryMs, patienceMs } = options;
  const keys = parseKeyList(keyListText(logKeys));
  const origin = keys[0]?.name as string;
  const by = { origin, mode: epochs === null ? "consistency" : "epochs" } as const;
  const kept = store.followed(by);
  const last = kept === null ? null : openHead(kept.note, keys);
  const numbers = new Map(Object.entries(kept?.epochs ?? {}));
  const queue = new EpochQueue();
  const onEntry = epochs === null ? {} : { onEntry: (entry: Uint8Array, at: number) => queue.read(entry, at) };
  const monitor = createMonitor(log, { logKeys, last, full: false, retryMs, ...onEntry });
  let seen = last;
  let refused = store.refused(origin);
  let waiting: string | null = null;
  let requests = 0;
  let turn: Promise<unknown> = Promise.resolve();

  /** One at a time: the log is followed from head to head, and its epochs are compared in their order. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  }

  function refuse(found: Refused): void {
    store.refuse(origin, found);
    refused = store.refused(origin);
  }

  /** Takes what the monitor saw. @returns the fault, null when there is none. */
  function take(sighting: Sighting): (WitnessLook & { type: "refused" }) | null {
    if (sighting.type === "good") {
      if (seen === null || sighting.head.size > seen.size) {
        seen = sighting.head;
        queue.accept();
      } else queue.discard();
      return null;
    }
    queue.discard();
    const sentence = `${sighting.finding}: ${sighting.sentence}`;
    // What the log's own signatures prove it can never make good; the rest may be a matter of its files.
    const isFinal = sighting.finding === "equivocation" || sighting.finding === "inconsistent";
    if (isFinal) refuse({ index: 0, sentence, details: null, evidence: null });
    return { type: "refused", sentence, evidence: sighting.evidence, isFinal };
  }

  /** Compares the epochs among the first `size` entries that have not been. */
  async function compareUpTo(size: number): Promise<WitnessLook | { type: "compared"; count: number }> {
    for (let count = 0; ; count++) {
      const next = queue.first;
      if (refused !== null && size > refused.index) return standing(refused);
      if (next === null || next.index >= size) {
        if (next === null && seen !== null) keepFollowed(seen);
        return { type: "compared", count };
      }
      const failed = await compareNext(next);
      if (failed !== null) return failed;
    }
  }

  async function compareNext({ index, leaf }: NonNullable<EpochQueue["first"]>): Promise<WitnessLook | null> {
    if (leaf === null) {
      return wait(
        `Leaf ${index} is of a form that is not known here, and may be an epoch; this witness is older than the log.`,
      );
    }
    const before = numbers.get(`eip155:${leaf.chainId}`) ?? null;
    const check = await checkEpoch({ index, leaf, before }, epochs as EpochSources);
    if (check.type === "waits") return wait(check.sentence);
    if (check.type === "unserved") {
      waiting = check.sentence;
      return { type: "refused", sentence: check.sentence, evidence: null, isFinal: false };
    }
    if (check.type === "differs") {
      const { sentence, theirs, ours } = check;
      refuse({ index, sentence, details: JSON.stringify({ theirs, ours }), evidence: null });
      return standing(refused as Refused);
    }
    numbers.set(check.epoch.chain, check.epoch.number);
    queue.shift();
    waiting = null;
    return null;
  }

  function wait(sentence: string): WitnessLook {
    waiting = sentence;
    return { type: "waiting", sentence };
  }

  function keepFollowed(head: Head): void {
    store.follow(by, { note: head.note, epochs: Object.fromEntries(numbers) });
  }

  /** Follows the log to a head it has signed, and compares the epochs it covers. */
  async function settle(head: Head): Promise<WitnessLook> {
    if (refused !== null && head.size > refused.index) return standing(refused);
    const sighting = await monitor.follow(head);
    const fault = take(sighting);
    if (fault !== null) {
      options.onFault(fault);
      return fault;
    }
    const result = await compareUpTo(head.size);
    return result.type === "compared" ? { type: "agreed", head, added: 0, compared: result.count } : result;
  }

  /** The same, again while the own server has not got there, as long as a request waits. */
  async function settlePatiently(head: Head): Promise<WitnessLook> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const left = end - performance.now();
      const late = sleep(Math.max(0, left), LATE, { ref: false });
      const result = await Promise.race([inTurn(() => settle(head)), late]);
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
    if (requests > MAX_WAITING) return;
    requests++;
    inTurn(() => settle(head))
      .catch(() => {})
      .finally(() => requests--);
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
    look: () =>
      inTurn(async () => {
        const from = seen?.size ?? 0;
        const fault = take(await monitor.look());
        if (fault !== null) return fault;
        const head = seen as Head;
        const result = await compareUpTo(head.size);
        if (result.type !== "compared") return result;
        return { type: "agreed", head, added: head.size - from, compared: result.count };
      }),
    async add(body) {
      if (requests >= MAX_WAITING) return later("Too many requests wait here.");
      requests++;
      try {
        return await answer(body);
      } catch (error) {
        if (!(error instanceof ProviderError || error instanceof InputError)) throw error;
        return later(error.message);
      } finally {
        requests--;
      }
    },
    status: () => ({ seen, compared: Math.min(queue.first?.index ?? Infinity, seen?.size ?? 0), waiting, refused }),
  };
}

function standing({ sentence }: Refused): WitnessLook & { type: "refused" } {
  return { type: "refused", sentence, evidence: null, isFinal: true };
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
