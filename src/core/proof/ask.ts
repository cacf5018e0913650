/**
 * What is asked of a block's state: view calls and single storage slots, in rounds, so that one answer can lead to the
 * next question. An ask is plain code that whoever wants to know runs for himself: the prover to capture what it reads,
 * the verifier over what was captured.
 */
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";

/** At most so many requests in a run. */
export const MAX_REQUESTS = 1_024;

/** A contract's view function: the contract, and the ABI-encoded call; both in lower case. */
export type ViewCall = { to: Hex; data: Hex };

/** One slot of an account's storage, for what no view states. Lower case; the slot's key is 32 bytes. */
export type SlotRead = { account: Hex; slot: Hex };

/** A view call, or one storage slot (EIP-1186). */
export type Request = ViewCall | SlotRead;

/**
 * Rounds of requests, answered in their order (the data a call returns, ABI-encoded; a slot's 32 bytes), then a result.
 * It must ask the same whenever it is given the same answers. A call that fails ends the run, and is not answered.
 */
export type Ask<T> = Generator<readonly Request[], T, readonly Hex[]>;

/** Asks for all of the requests at once, and gives their answers. */
export function* asked(requests: readonly Request[]): Ask<readonly Hex[]> {
  return yield requests;
}

/** Whether a request is a view call. */
export function isCall(request: Request): request is ViewCall {
  return "to" in request;
}

/**
 * What a contract lists, where something is to be asked of each. @throws InputError when that is more than can be asked: a
 * contract made for it lists so many that putting the questions together takes minutes.
 */
export function askable<T>(listed: readonly T[]): readonly T[] {
  if (listed.length <= MAX_REQUESTS) return listed;
  throw new InputError(
    `A contract lists ${listed.length} things, more than the ${MAX_REQUESTS} that can be asked for.`,
  );
}
