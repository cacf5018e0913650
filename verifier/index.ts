/**
 * The verifier as a library: whether a bundle of Plumbline holds, told with nothing but the bundle and what you trust.
 *
 * It uses no network, no file and no clock, and runs in Node and, bundled, in a browser. The same bytes and the same
 * trust always have the same outcome.
 */
import { ADAPTERS, adapterOf } from "../src/adapters/catalogue.ts";
import type { Hex } from "../src/core/ids.ts";
import {
  type Link,
  type TrustedBlock,
  type TrustedWitnesses,
  type Verification,
  verifyBundle,
} from "../src/core/proof/verify.ts";
import { disclosedRulebook } from "../src/core/rules/disclosure.ts";
import { reassess } from "../src/core/rules/reassess.ts";

export type { Assurance } from "../src/core/proof/bundle.ts";
export { LINKS } from "../src/core/proof/verification.ts";
export type { Link, LinkName, TrustedBlock, TrustedWitnesses, Verification } from "../src/core/proof/verify.ts";
export { type BlockName, blocksIn, type Claim, readClaim } from "../src/core/proof/verify.ts";

/**
 * What you trust, got from somewhere else than the bundle.
 *
 * - `blocks`: hashes of blocks, from a node of yours or a source you believe. A bundle of level `proven` or `authentic`,
 *   and a figure proof, rest on the hash of their block. Left out, it is not checked, which only `attested` allows.
 * - `logKeys`: verifier keys of logs, `name+hash+base64`. `attested` and `authentic` rest on the log's signature.
 * - `witnesses`: keys of witnesses, `name+hash+base64`, and how many of these must have cosigned the log's checkpoint. Left
 *   out, cosignatures are not looked at, however many there are said to be.
 * - `anchors`: contracts that you believe to be anchors of the log, `eip155:901:0x…` in lower case. One of them must have
 *   published the checkpoint in a block that is among `blocks`. Left out, no contract is believed.
 * - `rulebooks`, `deployments`: hashes of those you know. Left out, any will do, and whoever reads the result has to
 *   compare the hashes in the sentences of these links: anybody can write a deployment that names contracts of his own.
 * - `onLink`: nothing to trust: it hears of each link as soon as it has been looked at, for whoever shows a check as it
 *   goes. For bytes that are no bundle it is not called.
 */
export type Trusted = {
  blocks?: readonly TrustedBlock[];
  logKeys?: readonly string[];
  witnesses?: TrustedWitnesses;
  anchors?: readonly string[];
  rulebooks?: readonly Hex[];
  deployments?: readonly Hex[];
  onLink?: (link: Link) => void;
};

/** The protocols whose views this verifier can run again. */
export const PROTOCOLS: readonly string[] = ADAPTERS.flatMap(({ protocol, views }) =>
  views === undefined ? [] : [protocol],
);

/**
 * Checks a bundle, as `/v1/proofs/:id` gives it, or a figure proof.
 * @param bytes the file as it came. Any bytes have an outcome.
 * @returns whether it holds, the level that is reached, which inputs are proven, and a sentence for every link.
 * @throws InputError for a malformed key, anchor or hash, and a number of witnesses that can never be met.
 */
export async function verify(bytes: Uint8Array, { logKeys = [], ...trusted }: Trusted): Promise<Verification> {
  return await verifyBundle(bytes, {
    ...trusted,
    logKeys,
    reassess: (rulebook, assessment) => reassess(disclosedRulebook(rulebook), assessment),
    adapterOf,
  });
}
