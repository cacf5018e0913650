/**
 * Ids and commitments that are content: whoever has what they are about can compute them again.
 */
import type { Assessment } from "../assessment.ts";
import { canonicalBytes, type Json } from "./canonical.ts";
import { hmacSha256Hex, sha256Hex } from "./sha256.ts";

/** What an assessment is about. The rest of it follows from this, the chain and the rulebook. */
export type AssessmentSubject = Pick<
  Assessment,
  "chain" | "protocol" | "blockHash" | "subject" | "ruleId" | "testPoint" | "rulebookHash" | "kernel"
>;

/** Id of an assessment: SHA-256, hex without `0x`, of the RFC 8785 form of what it is about. */
export function assessmentId(about: AssessmentSubject): string {
  const { chain, protocol, blockHash, subject, ruleId, testPoint, rulebookHash, kernel } = about;
  // Names in order and nothing but text: JSON.stringify gives the RFC 8785 form, and there are many ids to compute.
  return sha256Hex(JSON.stringify({ blockHash, chain, kernel, protocol, ruleId, rulebookHash, subject, testPoint }));
}

/** Id of the verdict on an assessment, hex without `0x`. It tells nothing of the outcome. */
export function verdictId(assessment: string): string {
  return sha256Hex(`plumbline-verdict/1:${assessment}`);
}

/**
 * Salt of a commitment, 64 hex digits: HMAC-SHA256 of the id under the operator's secret. Without the secret it cannot
 * be guessed, and with it nothing needs to be stored to open a commitment again.
 */
export function saltOf(secret: Uint8Array, id: string): string {
  return hmacSha256Hex(secret, id);
}

/**
 * Blinded commitment to a confidential body, hex without `0x`. Verdicts have few outcomes and facts few values: without
 * the salt anyone could try them all.
 */
export function blind(salt: string, body: Json): string {
  return sha256Hex(canonicalBytes({ body, salt }));
}
