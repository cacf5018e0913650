/**
 * Links of the head that a record is proven under: who has signed it, who has cosigned it, which chain has it.
 */
import { chainIdOf } from "../../ids.ts";
import { type Cosignature, checkQuorum, cosignedAt, isNamedIn, type Quorum } from "../../log/cosignature.ts";
import { openHead } from "../../log/head.ts";
import { publishedHeads } from "../anchor.ts";
import { equalBytes } from "../bytes.ts";
import { provenLogs } from "../log-evidence.ts";
import { isSignedBy, type Note } from "../note.ts";
import type { Verifier } from "../note-key.ts";
import { type Finding, holds, refuted, unsettled } from "../verification.ts";
import type { Context } from "./context.ts";
import { believedHash } from "./ground.ts";

export const UNSEALED = unsettled("Not needed: a figure on its own is in no log.");

/** Whether a log whose key was given has signed the checkpoint, and nobody else in its name. */
export function checkSignature({ sealed, evidence, verifiers }: Context): Finding {
  if (sealed === null) return UNSEALED;
  if (verifiers.length === 0) {
    const isProof = evidence?.kind === "calls";
    return unsettled(
      isProof
        ? "Not checked: no log key was given; this proof does not rest on it."
        : "Signature not checked: no log key was given.",
    );
  }
  const { note, checkpoint } = sealed;
  const own = verifiers.filter((key) => key.name === checkpoint.origin && isNamedIn(note, key));
  if (own.length === 0) return refuted("The checkpoint is not signed by a log key that was given.");
  if (!own.every((key) => isSignedBy(note, key))) {
    return refuted(`A signature in the name of ${checkpoint.origin}, by a key that was given, does not hold.`);
  }
  return holds(`The checkpoint is signed by ${checkpoint.origin}.`);
}

/** Whether a log whose key was given has signed a checkpoint. @throws InputError when one was given and it has not. */
export function judgeSignature(note: string, keys: readonly Verifier[]): Finding {
  if (keys.length === 0) return unsettled("Signature not checked: no log key was given.");
  return holds(`The checkpoint is signed by ${openHead(note, keys).origin}.`);
}

/**
 * Cosignatures of witnesses that were named. A witness may watch other logs too: without a log's key it is not known of
 * which of them it speaks, and there are none.
 */
export function cosignaturesOf({ sealed, quorum, verifiers }: Context): readonly Cosignature[] {
  if (sealed === null || quorum === null || verifiers.length === 0) return [];
  return checkQuorum(sealed.note, { quorum, logKeys: verifiers }).cosignatures;
}

/** Whether the quorum of witnesses that were named has cosigned the checkpoint. */
export function checkWitnesses({ sealed, quorum, verifiers }: Context): Finding {
  if (sealed === null) return UNSEALED;
  const { note, bundle } = sealed;
  const { witnessed } = bundle.claims;
  if (quorum === null) {
    return unsettled(
      witnessed === "0"
        ? "Not needed: no witness was named, and there is no cosignature."
        : `Not needed: no witness was named; ${witnessed} lines that say to be cosignatures are not checked.`,
    );
  }
  return judgeQuorum(note, { quorum, verifiers });
}

/** Whether a quorum stands below a note: a wrong line in the name of one of it refutes, too few leave it open. */
export function judgeQuorum(
  note: Note,
  { quorum, verifiers }: { quorum: Quorum; verifiers: readonly Verifier[] },
): Finding {
  const { cosigners, threshold } = quorum;
  const spoiled = cosigners.find((one) => isNamedIn(note, one) && cosignedAt(note, one) === null);
  if (spoiled !== undefined) return refuted(`The cosignature in the name of ${spoiled.name} does not hold.`);
  if (verifiers.length === 0) return unsettled("Cosignatures not checked: no log key was given.");
  const { met, cosignatures } = checkQuorum(note, { quorum, logKeys: verifiers });
  const who = cosignatures.length === 0 ? "" : `: ${cosignatures.map(nameAndTime).join(", ")}`;
  const said = `Of ${cosigners.length} witnesses that were named ${cosignatures.length} cosigned the checkpoint${who}.`;
  return met ? holds(said) : unsettled(`${said} Asked for are ${threshold}.`);
}

/** Whoever writes a contract writes its events: only that of an anchor that the reader believes in says anything. */
export function checkAnchor({ sealed, trust }: Context): Finding {
  if (sealed === null) return UNSEALED;
  const { checkpoint, bundle } = sealed;
  const { anchored } = bundle.claims;
  if (anchored === null || bundle.anchor === null) {
    return unsettled(
      `${trust.anchors === undefined ? "Not needed" : "Not there"}: no anchor is said to have the checkpoint.`,
    );
  }
  const { chain, contract, blockNumber, blockHash } = anchored;
  const proven = provenLogs(bundle.anchor, { chainId: chainIdOf(chain), blockHash });
  const { number } = proven.block;
  if (number.toString() !== blockNumber)
    return refuted(`The anchor's block is ${number}, where ${blockNumber} is claimed.`);
  const { size, root } = checkpoint;
  const heads = publishedHeads(proven.logs, contract);
  if (!heads.some((head) => head.size === BigInt(size) && equalBytes(head.root, root))) {
    return refuted(
      `Transaction ${proven.transactionIndex} of that block does not publish the checkpoint at ${contract}.`,
    );
  }
  const believed = believedHash(trust.blocks, { chain, number: blockNumber });
  if (believed.hash !== null && believed.hash !== blockHash) {
    return refuted(`Block ${blockNumber} of ${chain} has the hash ${believed.hash}; the anchor's is of ${blockHash}.`);
  }
  const said = `Transaction ${proven.transactionIndex} of block ${blockNumber} of ${chain} published the checkpoint at ${contract}`;
  if (trust.anchors === undefined)
    return unsettled(`Not needed: no anchor was named. ${said}, whatever that contract is.`);
  if (!trust.anchors.includes(`${chain}:${contract}`))
    return refuted(`${said}, which is none of the anchors you named.`);
  return believed.hash === null
    ? unsettled(`${said}, if there is such a block. ${believed.sentence}`)
    : holds(`${said}.`);
}

const LAST_SECOND = 253_402_300_799n;

/** A time is a witness's own word, and may be one that no calendar has. */
function nameAndTime({ name, time }: Cosignature): string {
  return `${name} at ${time > LAST_SECOND ? `second ${time}` : new Date(Number(time) * 1_000).toISOString()}`;
}
