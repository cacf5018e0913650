/**
 * Following another operator's log from head to head, and comparing its epochs with those the own server has struck.
 */
import { type Head, keyListText, openHead, parseKeyList } from "../../src/core/log/head.ts";
import { checkEpoch, type EpochSources, passedOver } from "./epoch-check.ts";
import { EpochQueue } from "./epoch-queue.ts";
import { createMonitor, type Sighting } from "./monitor.ts";
import type { RemoteLog } from "./remote-log.ts";
import type { Refused, WitnessStore } from "./witness-state.ts";

/**
 * What following came to. `compared` is how many epochs were held against the own ones in it. A refusal that is final
 * stays for every head that has what was refused.
 */
export type WitnessLook =
  | { type: "agreed"; head: Head; added: number; compared: number }
  | { type: "waiting"; sentence: string }
  | WitnessRefusal;

export type WitnessRefusal = { type: "refused"; sentence: string; evidence: Uint8Array | null; isFinal: boolean };

/** Where a witness stands, for `GET /`. */
export type WitnessStatus = {
  seen: Head | null;
  /** Entries up to which every epoch has been compared. */
  compared: number;
  waiting: string | null;
  refused: Refused | null;
};

export type Follower = {
  /** Looks at the log once, and compares what is new. @throws ProviderError when a server does not answer; InputError as `Monitor.look`. */
  look(): Promise<WitnessLook>;
  /** Follows the log to a head it has signed, and compares the epochs that it covers. @throws ProviderError as `look`. */
  settle(head: Head): Promise<WitnessLook>;
  status(): WitnessStatus;
};

export type FollowerOptions = {
  log: RemoteLog;
  logKeys: readonly string[];
  /** What epochs are compared with; null where heads are cosigned by their consistency only. */
  epochs: EpochSources | null;
  store: WitnessStore;
  /** How long after it found a file wrong it looks again before it says so. */
  retryMs: number;
  /** Told a fault that was found outside of a look. */
  onFault(fault: WitnessRefusal): void;
};

/** @throws InputError for keys that are not those of one log, or a kept head that they do not open. */
export function createFollower(options: FollowerOptions): Follower {
  const { log, logKeys, epochs, store, retryMs } = options;
  const keys = parseKeyList(keyListText(logKeys));
  const origin = keys[0]?.name as string;
  const by = { origin, mode: epochs === null ? "consistency" : "epochs" } as const;
  const kept = store.followed(by);
  const numbers = new Map(Object.entries(kept?.epochs ?? {}));
  const queue = new EpochQueue();
  const onEntry = epochs === null ? {} : { onEntry: (entry: Uint8Array, at: number) => queue.read(entry, at) };
  let seen = kept === null ? null : openHead(kept.note, keys);
  const cosigned = store.cosigned(origin);
  /** The last head cosigned before this start, until it was held against the log: it may be beyond what was followed. */
  let unjoined = cosigned === null ? null : openHead(cosigned.note, keys);
  const monitor = createMonitor(log, { logKeys, last: seen, full: false, retryMs, ...onEntry });
  /** The head of which it is on disk that every epoch has been compared. */
  let followed = seen;
  let refused = store.refused(origin);
  let waiting: string | null = null;
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
  function take(sighting: Sighting): WitnessRefusal | null {
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

  /** Follows the log. @returns the fault, null when there is none. */
  async function follow(sight: () => Promise<Sighting>): Promise<WitnessRefusal | null> {
    const fault = take(await sight());
    if (fault !== null || unjoined === null) return fault;
    const before = take(await monitor.follow(unjoined));
    if (before === null) unjoined = null;
    return before;
  }

  /** Compares the epochs among the first `size` entries that have not been. */
  async function compareUpTo(size: number): Promise<WitnessLook | { type: "compared"; count: number }> {
    for (let count = 0; ; count++) {
      const next = queue.first;
      if (refused !== null && size > refused.index) return standing(refused);
      if (next === null) {
        const failed = await findPassedOver();
        if (failed !== null) return failed;
        if (seen !== null) keepFollowed(seen);
      }
      if (next === null || next.index >= size) return { type: "compared", count };
      const failed = await compareNext(next);
      if (failed !== null) return failed;
    }
  }

  /** With no epoch left to be compared, none may be missing behind the last of a chain. */
  async function findPassedOver(): Promise<WitnessLook | null> {
    for (const [chain, block] of queue.blocks) {
      const before = numbers.get(chain) ?? null;
      const check = await passedOver({ chain, block, before }, epochs as EpochSources);
      if (check !== null) return check.type === "waits" ? wait(check.sentence) : unserved(check.sentence);
    }
    waiting = null;
    return null;
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
    if (check.type === "unserved") return unserved(check.sentence);
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

  function unserved(sentence: string): WitnessLook {
    waiting = sentence;
    return { type: "refused", sentence, evidence: null, isFinal: false };
  }

  function wait(sentence: string): WitnessLook {
    waiting = sentence;
    return { type: "waiting", sentence };
  }

  function keepFollowed(head: Head): void {
    if (head === followed) return;
    followed = head;
    store.follow(by, { note: head.note, epochs: Object.fromEntries(numbers) });
  }

  async function settle(head: Head): Promise<WitnessLook> {
    if (refused !== null && head.size > refused.index) return standing(refused);
    const fault = await follow(() => monitor.follow(head));
    if (fault !== null) {
      options.onFault(fault);
      return fault;
    }
    const result = await compareUpTo(head.size);
    return result.type === "compared" ? { type: "agreed", head, added: 0, compared: result.count } : result;
  }

  async function look(): Promise<WitnessLook> {
    const from = seen?.size ?? 0;
    const fault = await follow(monitor.look);
    if (fault !== null) return fault;
    const head = seen as Head;
    const result = await compareUpTo(head.size);
    return result.type === "compared"
      ? { type: "agreed", head, added: head.size - from, compared: result.count }
      : result;
  }

  return {
    look: () => inTurn(look),
    settle: (head) => inTurn(() => settle(head)),
    status: () => ({ seen, compared: Math.min(queue.first?.index ?? Infinity, seen?.size ?? 0), waiting, refused }),
  };
}

function standing({ sentence }: Refused): WitnessRefusal {
  return { type: "refused", sentence, evidence: null, isFinal: true };
}
