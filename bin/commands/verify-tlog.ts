import { type TlogTrust, type TlogVerification, verifyTlogFile } from "../../src/core/log/verify-tlog-proof.ts";
import { linkLines, refutation, UNCHECKED } from "./link-lines.ts";

/** What checking a tlog-proof comes to: its result, as JSON too, and the same in lines for a person. */
export function checkTlogProof(
  bytes: Uint8Array,
  trust: TlogTrust,
): { status: TlogVerification["status"]; json: object; report: string } {
  const { status, links, leaf } = verifyTlogFile(bytes, trust);
  const plain = leaf && { ...leaf, chainId: String(leaf.chainId), blockNumber: String(leaf.blockNumber) };
  const conclusions = {
    refuted: refutation(links),
    unchecked: UNCHECKED,
    verified: "Verified: the leaf is in the log. That its body is true is not shown by this file.",
  };
  return {
    status,
    json: { status, leaf: plain, links },
    report: `${[...linkLines(links), conclusions[status]].join("\n")}\n`,
  };
}
