import type { PrivateKeyAccount } from "viem/accounts";
import { InputError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { type LogHead, originHash, publishArguments } from "../../src/core/proof/anchor.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import type { MerkleTree } from "../../src/core/proof/merkle.ts";
import { type AnchorNode, type AnchorState, RAISES_MAX } from "./anchor-node.ts";

/** What a publisher works with. */
export type PublisherParts = {
  /** CAIP-10, as messages name the anchor. */
  anchor: string;
  node: AnchorNode;
  account: PrivateKeyAccount;
  origin: string;
  tree: MerkleTree;
  /** The last signed head; null before the first. */
  head(): LogHead | null;
  /** The head to publish: the same one, or the newest that has enough cosignatures. */
  next(): LogHead | null;
  /** Told where the anchor knows a head of more leaves than the log has signed. */
  onLaterHead(size: number): void;
  everyMs: number;
  /** Wei that a unit of gas may cost at most. */
  feeMax: bigint;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
};

/** The last head of this log that the chain was seen with, as decimal text; null before the first, and before that. */
export type Published = { lastSize: string | null };

type Sent = { hash: Hex; size: number; atMs: number; raise: number };

/** After so long without being mined a publication is sent again, for more. */
const RESEND_AFTER_MS = 120_000;

/**
 * Publishes heads on one anchor, one turn after the other. Nothing is lost with the process: what the chain has is asked of
 * the chain, a head that it has already changes nothing, and a transaction that still waits is replaced.
 */
export function createPublisher(parts: PublisherParts): { turn(): Promise<void>; published(): Published } {
  const { node, account, now } = parts;
  let sent: Sent | null = null;
  let lastSentMs: number | null = null;
  let lastSize: string | null = null;

  /** @throws InputError when nothing can be published as things are. */
  function check(state: AnchorState): void {
    if (state.originHash !== originHash(parts.origin)) {
      throw new InputError(`The anchor ${parts.anchor} belongs to another log than ${parts.origin}.`);
    }
    if (state.owner !== account.address.toLowerCase()) {
      throw new InputError(`The anchor ${parts.anchor} is owned by ${state.owner}, not by ${account.address}.`);
    }
    const { last } = state;
    if (last === null) return;
    // Only the owner's key publishes there, so what the anchor has was signed here.
    if (last.size > (parts.head()?.size ?? 0)) {
      // A contract counts further than a log can.
      parts.onLaterHead(Math.min(last.size, Number.MAX_SAFE_INTEGER));
      throw new InputError(
        `The anchor ${parts.anchor} has a head of ${last.size} leaves, which this log has not signed.`,
      );
    }
    if (!equalBytes(parts.tree.root(last.size), last.root)) {
      throw new InputError(`The anchor ${parts.anchor} has another head of ${last.size} leaves than this log.`);
    }
  }

  /** How often the transaction that is on its way has been sent; null while it must still be waited for. */
  async function raiseOf(): Promise<number | null> {
    if (sent === null) return 0;
    const outcome = await node.outcome(sent.hash);
    if (outcome === "waiting") {
      return now() - sent.atMs < RESEND_AFTER_MS ? null : Math.min(sent.raise + 1, RAISES_MAX);
    }
    const { hash, size } = sent;
    sent = null;
    if (outcome === "done") return 0;
    throw new InputError(`The anchor ${parts.anchor} refused the head of ${size} leaves in transaction ${hash}.`);
  }

  async function turn(): Promise<void> {
    const raise = await raiseOf();
    if (raise === null) return;
    const state = await node.state();
    const { last } = state;
    const isOwn = state.originHash === originHash(parts.origin);
    lastSize = isOwn && last !== null ? String(last.size) : null;
    check(state);
    const head = parts.next();
    if (head === null || head.size <= (last?.size ?? 0)) return;
    const isDue = lastSentMs === null || raise > 0 || now() - lastSentMs >= parts.everyMs;
    if (!isDue) return;
    const proof = last === null ? [] : parts.tree.consistencyProof(last.size, head.size);
    const args = publishArguments(head, { last, proof });
    const hash = await node.publish({ args, raise, feeMax: parts.feeMax }, account);
    lastSentMs = now();
    sent = { hash, size: head.size, atMs: lastSentMs, raise };
  }

  return { turn, published: () => ({ lastSize }) };
}
