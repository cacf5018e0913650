/**
 * Verified calls: a protocol's own view functions, run again by whoever wants to know what they said in a block, with
 * nothing to trust but the hash of that block. It needs no knowledge of storage layouts and no network.
 */
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { fromHex, toHex } from "./bytes.ts";
import { decodeHeader } from "./chain/header.ts";
import { provenState, requireAllTouched } from "./proven-state.ts";
import { runViewCalls, type ViewCall } from "./view-call.ts";
import { readWitness, type Witness } from "./witness.ts";

/** What is believed beforehand. The chain id is not in a header; calls can ask for it. */
export type BlockTrust = { chainId: number; blockHash: Hex };

/** `returned` has what each call returned, ABI-encoded, in their order. Time in seconds. */
export type VerifiedRun = {
  block: { number: bigint; timestamp: bigint };
  returned: readonly Hex[];
  gasUsed: bigint;
};

/**
 * Runs calls over the state a witness proves. The result follows from the witness, the trusted block and the calls: it is
 * the same in every place and at any time.
 * @param calls what to run, derived by the verifier; the witness does not say.
 * @throws InputError naming the first fault: another block, a part that is not proven, missing or not used, or a call
 * that fails.
 */
export async function runVerified(given: {
  witness: Witness;
  trust: BlockTrust;
  calls: readonly ViewCall[];
}): Promise<VerifiedRun> {
  const { trust, calls } = given;
  const witness = readWitness(given.witness);
  const header = decodeHeader(fromHex(witness.header));
  const hash = toHex(header.hash);
  if (hash !== trust.blockHash) {
    throw new InputError(`The witness is of block ${hash}, not of the trusted block ${trust.blockHash}.`);
  }
  const state = provenState(witness, header.stateRoot);
  const { number, timestamp, gasLimit } = header;
  const environment = { chainId: trust.chainId, number, timestamp, gasLimit, coinbase: toHex(header.beneficiary) };
  const { returned, gasUsed, touched } = await runViewCalls({ environment, state, calls });
  requireAllTouched(witness, touched);
  return { block: { number, timestamp }, returned, gasUsed };
}
