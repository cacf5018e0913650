/**
 * What is asked of a block's state: view calls and single storage slots, in rounds, so that one answer can lead to the
 * next question. An ask is plain code that whoever wants to know runs for himself: the prover to capture what it reads,
 * the verifier over what was captured.
 */
import type { Hex } from "../ids.ts";

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
