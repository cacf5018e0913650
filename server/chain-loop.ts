import { InvariantError, ProviderError } from "../src/core/errors.ts";
import type { EpochKeeper } from "./epochs/keeper.ts";
import { sealedMark, tipOf } from "./feed/blocks.ts";
import type { IndexerClient } from "./feed/client.ts";
import { type StepResult, step } from "./feed/follower.ts";
import type { ChainNode } from "./feed/node.ts";
import { type Loop, runLoop } from "./feed/run.ts";
import type { ChainHealth } from "./http/health.ts";
import { type AuditRange, auditStep } from "./ledger/audit.ts";
import type { Failpoint, Ledger } from "./ledger/ledger.ts";
import { createMergeClock, type MergeDelays } from "./ledger/merge-delay.ts";
import { type SealResult, sealStep } from "./ledger/sealer.ts";
import type { Store } from "./store/database.ts";
import type { Recorder } from "./verdicts/recorder.ts";

/** What the loop of one chain works with. It alone writes that chain's rows. */
export type ChainParts = {
  chain: string;
  store: Store;
  ledger: Ledger;
  epochs: EpochKeeper;
  recorder: Recorder;
  indexer: IndexerClient;
  node: ChainNode;
  secret: Uint8Array;
  failpoint?: Failpoint;
  /** Told, of each step of finality, the seconds from learning of it to the signed head over it. */
  onMerged(seconds: number): void;
  onError(error: unknown): void;
  /** Called once when something is so that it cannot be: the loop has ended. */
  onFatal(error: InvariantError): void;
};

/** A chain that is followed and sealed. */
export type ChainLoop = Loop & { health(): ChainHealth; indexerReachable(): boolean };

const PAUSE_MS = 250;
const BACKOFF_MAX_MS = 5_000;
/** Asking the node for its final block more often than this gains nothing. */
const SEAL_EVERY_MS = 1_000;

/**
 * Follows a chain's feed and seals its final blocks, in turns: because the two never run at once, nothing that is being
 * sealed can be retracted meanwhile.
 */
export function startChainLoop(parts: ChainParts): ChainLoop {
  const { chain, store, recorder } = parts;
  const merging = createMergeClock(() => performance.now(), parts.onMerged);
  const node = learning(parts.node, merging.learned);
  let followed: StepResult | null = null;
  let sealed: SealResult | null = null;
  let reachable = false;
  let lastSealMs = 0;
  let audit = wholeAudit(store, chain);

  async function follow(): Promise<boolean> {
    try {
      followed = await step({
        ...{ chain, db: store.db, indexer: parts.indexer, node: parts.node },
        record: (blocks) => recorder.record(blocks),
        retract: (from) => recorder.retract(chain, from),
      });
      reachable = true;
    } catch (error) {
      if (error instanceof ProviderError) reachable = false;
      throw error;
    }
    // An indexer whose head lies below what is sealed builds its tables anew: what it then says is compared again.
    if (followed.type === "waiting" && (followed.head ?? -1) < (sealedMark(store.db, chain)?.number ?? 0)) {
      audit = wholeAudit(store, chain);
    }
    return followed.type === "advanced" || followed.type === "retracted";
  }

  async function seal(): Promise<boolean> {
    if (followed?.type === "contradicted" || Date.now() - lastSealMs < SEAL_EVERY_MS) return false;
    sealed = await sealStep({ ...parts, node });
    if (sealed.type === "sealed") merging.merged(sealed.upTo);
    const more = sealed.type === "sealed" && sealed.more;
    lastSealMs = more ? 0 : Date.now();
    return more;
  }

  async function turn(): Promise<{ more: boolean }> {
    try {
      // Sealing does not wait for the indexer: what has been followed can become final while it is away.
      const [fed, error] = await follow().then(
        (more) => [more, null] as const,
        (failure: unknown) => [false, failure] as const,
      );
      const moreToSeal = error === null || error instanceof ProviderError ? await seal() : false;
      if (error !== null) throw error;
      const idle = followed?.type === "current" && !moreToSeal;
      if (idle && audit !== null) audit = await auditStep(parts, audit);
      return { more: fed || moreToSeal || (idle && audit !== null) };
    } catch (error) {
      if (error instanceof InvariantError) {
        void loop.stop();
        parts.onFatal(error);
      }
      throw error;
    }
  }

  const loop = runLoop(turn, { pauseMs: PAUSE_MS, maxBackoffMs: BACKOFF_MAX_MS, onError: parts.onError });
  return {
    stop: () => loop.stop(),
    indexerReachable: () => reachable,
    health: () => healthOfChain(store, chain, { followed, sealed, delays: merging.delays() }),
  };
}

/** A node whose final blocks are told on. */
function learning(node: ChainNode, learned: (number: number) => void): ChainNode {
  return {
    ...node,
    async finalized() {
      const block = await node.finalized();
      if (block !== null) learned(block.number);
      return block;
    },
  };
}

/** All that is sealed so far; sealed blocks to come are compared when they are sealed. */
function wholeAudit(store: Store, chain: string): AuditRange | null {
  const sealed = sealedMark(store.db, chain);
  return sealed === null ? null : { after: 0, until: sealed.number };
}

function healthOfChain(
  store: Store,
  chain: string,
  { followed, sealed, delays }: { followed: StepResult | null; sealed: SealResult | null; delays: MergeDelays },
): ChainHealth {
  const tip = tipOf(store.db, chain);
  const mark = sealedMark(store.db, chain);
  const finalized = sealed?.finalized ?? null;
  const waiting = finalized === null ? null : Math.max(0, finalized - (mark?.number ?? 0));
  return {
    chain,
    state: sealed?.type === "disagrees" ? "disagrees" : (followed?.type ?? "starting"),
    indexerHead: textOf(followed?.head ?? null),
    followed: textOf(tip?.number ?? null),
    sealed: textOf(mark?.number ?? null),
    finalized: textOf(finalized),
    unsealedFinal: textOf(waiting),
    mergeDelay: delays,
  };
}

function textOf(number: number | null): string | null {
  return number === null ? null : String(number);
}
