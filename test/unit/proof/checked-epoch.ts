/** Epoch proofs as a verifier finds them. */
import { canonicalBytes, type Json } from "../../../src/core/proof/canonical.ts";
import type { EpochFile } from "../../../src/core/proof/epoch-file.ts";
import { type EpochTrust, verifyEpochFile } from "../../../src/core/proof/verify-epoch.ts";
import { signer } from "./epoch-sample.ts";

/** Who trusts the log and nobody else. */
export const TRUST: EpochTrust = { logKeys: [signer.verifierKey] };

/** A file with parts that can be changed. */
// biome-ignore lint/suspicious/noExplicitAny: a hostile file has any form
export type Loose = any;

/** What a file comes to, and the links that fail. */
export function checked(file: EpochFile | Loose, trust: EpochTrust = TRUST) {
  const { status, links } = verifyEpochFile(canonicalBytes(file as unknown as Json), trust);
  const failed = links.filter(({ ok }) => ok === false).map(({ link }) => link);
  return { status, failed };
}
