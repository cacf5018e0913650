/**
 * Verified calls: a protocol's own view functions, run again by whoever wants to know what they said in a block, with
 * nothing to trust but the hash of that block. It needs no knowledge of storage layouts and no network.
 */
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import type { Ask } from "./ask.ts";
import { fromHex, toHex } from "./bytes.ts";
import { decodeHeader, type Header } from "./chain/header.ts";
import { provenState, requireAllTouched } from "./proven-state.ts";
import type { StateReader, Touched } from "./read-only-state.ts";
import { runAsk } from "./view-call.ts";
import { readWitness, type Witness } from "./witness.ts";

/** What is believed beforehand. The chain id is not in a header; calls can ask for it. */
export type BlockTrust = { chainId: number; blockHash: Hex };

/** What was asked for came to. Time in seconds. `codeHashes`: keccak-256 of the code of every account whose code ran. */
export type VerifiedRun<T> = {
  block: { number: bigint; timestamp: bigint };
  result: T;
  /** How many requests were answered. */
  requests: number;
  gasUsed: bigint;
  codeHashes: ReadonlyMap<Hex, Hex>;
};

/**
 * Answers an ask over the state a witness proves. The result follows from the witness, the trusted block and the ask: it
 * is the same in every place and at any time.
 * @param given `ask` is the verifier's own; the witness does not say what is asked.
 * @throws InputError naming the first fault: another block, a part that is not proven, missing or not used, or a call
 * that fails; whatever `ask` throws.
 */
export async function runVerified<T>(given: {
  witness: Witness;
  trust: BlockTrust;
  ask: () => Ask<T>;
}): Promise<VerifiedRun<T>> {
  const { trust, ask } = given;
  const witness = readWitness(given.witness);
  const header = decodeHeader(fromHex(witness.header));
  const hash = toHex(header.hash);
  if (hash !== trust.blockHash) {
    throw new InputError(`The witness is of block ${hash}, not of the trusted block ${trust.blockHash}.`);
  }
  return await answerOver(openWitness(witness), { chainId: trust.chainId, ask });
}

/** A witness whose state is proven by its header, whatever block that is. */
export type OpenWitness = { witness: Witness; header: Header; state: StateReader };

/**
 * Proves a witness's state by its own header.
 * @param witness in its checked form, as `readWitness` gives it.
 * @throws InputError naming what is not proven.
 */
export function openWitness(witness: Witness): OpenWitness {
  const header = decodeHeader(fromHex(witness.header));
  return { witness, header, state: provenState(witness, header.stateRoot) };
}

/** Answers an ask over a proven state. @throws InputError as `runVerified` does. */
export async function answerOver<T>(
  { witness, header, state }: OpenWitness,
  { chainId, ask }: { chainId: number; ask: () => Ask<T> },
): Promise<VerifiedRun<T>> {
  const { number, timestamp, gasLimit } = header;
  const environment = { chainId, number, timestamp, gasLimit, coinbase: toHex(header.beneficiary) };
  const { result, answered, gasUsed, touched } = await runAsk({ environment, state, ask });
  requireAllTouched(witness, touched);
  const codeHashes = hashesOfCode(witness, touched);
  return { block: { number, timestamp }, result, requests: answered.length, gasUsed, codeHashes };
}

/**
 * Refuses a run of other code than is pinned by address. What did not run is not looked at.
 * @throws InputError naming the account.
 */
export function requirePinned(codeHashes: ReadonlyMap<Hex, Hex>, pinned: Readonly<Record<Hex, Hex>> = {}): void {
  for (const [address, expected] of Object.entries(pinned)) {
    const is = codeHashes.get(address as Hex) ?? expected;
    if (is !== expected) throw new InputError(`The code of ${address} is ${is}; the deployment pins ${expected}.`);
  }
}

function hashesOfCode({ accounts }: Witness, touched: Touched): Map<Hex, Hex> {
  const ran = accounts.filter(({ address }) => touched.get(address)?.code);
  return new Map(ran.map(({ address, codeHash }) => [address, codeHash]));
}
