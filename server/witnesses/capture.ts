import { InputError, InvariantError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { decodeHeader, type Header } from "../../src/core/proof/chain/header.ts";
import { runVerified } from "../../src/core/proof/verified-call.ts";
import { runViewCalls, type ViewCall } from "../../src/core/proof/view-call.ts";
import type { Witness } from "../../src/core/proof/witness.ts";
import { FetchedState } from "./fetched-state.ts";
import { headerOf } from "./header.ts";
import type { WitnessNode } from "./node.ts";

/** The block at which calls are to be proven, and the calls. */
export type CaptureRequest = { block: { number: number; hash: Hex }; calls: readonly ViewCall[] };

/** A witness that the verifier has accepted, and what the calls return. */
export type Captured = { witness: Witness; returned: readonly Hex[] };

/**
 * Captures the witness of calls in a block. The calls run here over state fetched as they ask for it, each piece proven
 * when it comes; the node's access list only fetches most of it at once. The witness leaves here after the verifier has
 * accepted it, so a node that lies can delay one but not spoil it.
 *
 * A node keeps the proofs of about 128 blocks unless it is an archive: capture while the block is young.
 * @throws InputError when the block is not, or no longer, the canonical one, or a call fails or cannot be verified;
 * StatePruned when the node no longer has the state; ProviderError when it does not answer or an answer is not proven.
 */
export async function captureWitness(node: WitnessNode, { block, calls }: CaptureRequest): Promise<Captured> {
  const raw = await canonicalHeader(node, block);
  const header = decodeHeader(raw);
  const fetched = new FetchedState(node, { number: block.number, stateRoot: header.stateRoot });
  try {
    await fetched.warm(calls);
    const environment = environmentOf(node.chainId, header);
    const { returned, touched } = await runViewCalls({ environment, state: fetched, calls });
    await requireSameAnswers(node, { block, calls, returned });
    const witness = fetched.witness(raw, touched);
    await requireAccepted(witness, { trust: { chainId: node.chainId, blockHash: block.hash }, calls, returned });
    return { witness, returned };
  } catch (error) {
    // When the block has been replaced meanwhile, that is the reason, and what went wrong only its symptom.
    if (error instanceof ProviderError || error instanceof InputError) await canonicalHeader(node, block);
    throw error;
  }
}

async function canonicalHeader(node: WitnessNode, { number, hash }: CaptureRequest["block"]): Promise<Uint8Array> {
  const found = await node.block(number);
  if (found === null) throw new InputError(`The node of chain ${node.chainId} has no block ${number}.`);
  if (found.hash !== hash) {
    throw new InputError(`Block ${number} of chain ${node.chainId} is ${found.hash}, not ${hash}: it was replaced.`);
  }
  return headerOf(found);
}

function environmentOf(chainId: number, { number, timestamp, gasLimit, beneficiary }: Header) {
  return { chainId, number, timestamp, gasLimit, coinbase: toHex(beneficiary) };
}

/** The node's own answer shows whether the chain runs code as this EVM does; where it does not, nothing is claimed. */
async function requireSameAnswers(
  node: WitnessNode,
  { block, calls, returned }: CaptureRequest & { returned: readonly Hex[] },
): Promise<void> {
  const said = await Promise.all(calls.map((call) => node.call(call, block.number)));
  calls.forEach(({ to, data }, i) => {
    if (said[i] === returned[i]) return;
    throw new ProviderError(
      `The call ${data.slice(0, 10)} of ${to} returns ${returned[i]} over proven state, but the node of chain ` +
        `${node.chainId} says ${said[i]}.`,
    );
  });
}

/** Nothing leaves here that whoever reads it would refuse, were it only for its size. */
async function requireAccepted(
  witness: Witness,
  { trust, calls, returned }: Pick<Parameters<typeof runVerified>[0], "trust" | "calls"> & { returned: readonly Hex[] },
): Promise<void> {
  const again = await runVerified({ witness, trust, calls });
  if (again.returned.some((data, i) => data !== returned[i])) {
    throw new InvariantError("The same calls over the same state returned something else.");
  }
}
