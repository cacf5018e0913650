import { InputError, ProviderError } from "../../src/core/errors.ts";
import type { Fault } from "./keeper.ts";
import { NodeSilent, Refusal, StatePruned, type WitnessNode } from "./node.ts";

/** What went wrong, in a word and in a sentence. */
export type Failure = { fault: Fault; reason: string };

/**
 * Why a capture failed. A fault of the input may be the block's, which has been replaced or has not come to the node yet;
 * only then is it worth another try.
 */
export async function failureOf(
  error: unknown,
  { node, block }: { node: WitnessNode; block: { number: number; hash: string } },
): Promise<Failure> {
  const reason = publicText(error instanceof Error ? error.message : String(error));
  if (error instanceof StatePruned) return { fault: "pruned", reason };
  if (error instanceof NodeSilent) return { fault: "silent", reason };
  if (error instanceof Refusal) return { fault: "refused", reason };
  if (error instanceof ProviderError) return { fault: "untrue", reason };
  if (!(error instanceof InputError)) return { fault: "crashed", reason };
  const held = await node.block(block.number).catch(() => null);
  return { fault: held?.hash === block.hash ? "fails" : "replaced", reason };
}

/** URLs of any kind, and hosts with a port or path: where a node is, and often a key to it. */
const PLACE = /\b[a-z][a-z0-9+.-]*:\/\/\S+|\b(?:[a-z0-9-]+\.)+[a-z0-9-]+(?::\d+|\/)\S*|\blocalhost:\d+\S*/gi;

/** What a node says is passed on, but for addresses, which may hold a key, and the rest of a long story. */
export function publicText(text: string): string {
  return text.slice(0, 2_000).replace(PLACE, "(a URL)").slice(0, 500);
}

/** How often a fault is met before no more is tried. What follows from block and question alone is met once. */
const PATIENCE: Readonly<Record<Fault, number>> = {
  silent: Number.POSITIVE_INFINITY,
  refused: 8,
  untrue: 5,
  replaced: 8,
  crashed: 3,
  pruned: 8,
  fails: 1,
  differs: 1,
  unprovable: 1,
  "too-large": 1,
};

/**
 * Whether a fault is believed to be that a state is forgotten: not before it is met twice in a row, since behind one address
 * there may be several nodes.
 * @param before the fault that was met before, `null` for none.
 */
export function isForgotten(fault: Fault, before: string | null): boolean {
  return fault === "pruned" && before === fault;
}

/** Whether it is worth asking again after so many attempts, of which the last but one ended with `before`. */
export function isWorthAgain(fault: Fault, { attempts, before }: { attempts: number; before: string | null }): boolean {
  return !isForgotten(fault, before) && attempts < PATIENCE[fault];
}
