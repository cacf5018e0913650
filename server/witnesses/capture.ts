import { InputError, InvariantError, ProviderError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { type Ask, asked, isCall, type Request } from "../../src/core/proof/ask.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { decodeHeader, type Header } from "../../src/core/proof/chain/header.ts";
import { type BlockTrust, runVerified, type VerifiedRun } from "../../src/core/proof/verified-call.ts";
import { type Answered, runAsk } from "../../src/core/proof/view-call.ts";
import type { Witness } from "../../src/core/proof/witness.ts";
import { FetchedState } from "./fetched-state.ts";
import { canonicalBlock, headerOf } from "./header.ts";
import { inTurn, type WitnessNode } from "./node.ts";

/** The block at which something is to be proven, and what is asked of it. */
export type CaptureRequest<T> = { block: { number: number; hash: Hex }; ask: () => Ask<T> };

/** A witness that the verifier has accepted, what was asked for came to, and the hashes of the code that ran. */
export type Captured<T> = { witness: Witness; result: T } & Pick<VerifiedRun<T>, "codeHashes">;

/**
 * Captures the witness of an ask in a block. Its calls run here over state fetched as they ask for it, each piece proven
 * when it comes; the node's access list only fetches most of it at once. The witness leaves here after the verifier has
 * accepted it, so a node that lies can delay one but not spoil it.
 *
 * A node keeps the proofs of about 128 blocks unless it is an archive: capture while the block is young.
 * @throws InputError when the block is not, or no longer, the canonical one, or a call fails or cannot be verified;
 * StatePruned when the node no longer has the state; ProviderError when it does not answer or an answer is not proven.
 */
export async function captureWitness<T>(node: WitnessNode, { block, ask }: CaptureRequest<T>): Promise<Captured<T>> {
  const raw = headerOf(await canonicalBlock(node, block));
  const header = decodeHeader(raw);
  const fetched = new FetchedState(node, { number: block.number, stateRoot: header.stateRoot });
  try {
    const environment = environmentOf(node.chainId, header);
    const prepare = (requests: readonly Request[]) => fetched.warm(requests);
    const { result, answered, touched } = await runAsk({ environment, state: fetched, ask, prepare });
    await requireSameAnswers(node, { number: block.number, answered });
    const witness = fetched.witness(raw, touched);
    const { codeHashes } = await accepted(witness, {
      trust: { chainId: node.chainId, blockHash: block.hash },
      answered,
    });
    return { witness, result, codeHashes };
  } catch (error) {
    // When the block has been replaced meanwhile, that is the reason, and what went wrong only its symptom.
    if (error instanceof ProviderError || error instanceof InputError) await canonicalBlock(node, block);
    throw error;
  }
}

function environmentOf(chainId: number, { number, timestamp, gasLimit, beneficiary }: Header) {
  return { chainId, number, timestamp, gasLimit, coinbase: toHex(beneficiary) };
}

/** The node's own answer shows whether the chain runs code as this EVM does; where it does not, nothing is claimed. */
async function requireSameAnswers(
  node: WitnessNode,
  { number, answered }: { number: number; answered: readonly Answered[] },
): Promise<void> {
  await inTurn(answered, async ({ request, answer }) => {
    if (!isCall(request)) return;
    const said = await node.call(request, number);
    if (said === answer) return;
    throw new ProviderError(
      `The call ${request.data.slice(0, 10)} of ${request.to} returns ${answer} over proven state, but the node of ` +
        `chain ${node.chainId} says ${said}.`,
    );
  });
}

/** Nothing leaves here that whoever reads it would refuse, were it only for its size. */
async function accepted(
  witness: Witness,
  { trust, answered }: { trust: BlockTrust; answered: readonly Answered[] },
): Promise<VerifiedRun<readonly Hex[]>> {
  const run = await runVerified({ witness, trust, ask: () => asked(answered.map(({ request }) => request)) });
  if (run.result.some((answer, i) => answer !== answered[i]?.answer)) {
    throw new InvariantError("The same requests over the same state were answered otherwise.");
  }
  return run;
}
