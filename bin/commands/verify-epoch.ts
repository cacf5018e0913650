import { formatDecimal } from "../../src/core/fixed.ts";
import type { EpochFile, ScopeProof } from "../../src/core/proof/epoch-file.ts";
import { shown } from "../../src/core/proof/verification.ts";
import { type EpochTrust, type EpochVerification, verifyEpochFile } from "../../src/core/proof/verify-epoch.ts";

const MARKS = new Map([
  [true, "ok     "],
  [false, "FAILED "],
  [null, "-      "],
]);
/** Decimals of what is held and required. */
const DECIMALS = 18;

/** What checking an epoch proof comes to: its result, and the same in lines for a person. */
export function checkEpochProof(
  bytes: Uint8Array,
  trust: EpochTrust,
): { status: EpochVerification["status"]; links: EpochVerification["links"]; report: string } {
  const verification = verifyEpochFile(bytes, trust);
  return { status: verification.status, links: verification.links, report: reportOf(verification) };
}

/** One line for every link, then what the epoch says, then what it all comes to. */
function reportOf(verification: EpochVerification): string {
  const { links, status, file } = verification;
  const lines = links.map(({ link, ok, sentence }) => `${MARKS.get(ok)}${link.padEnd(12)}${sentence}`);
  if (status !== "refuted" && file !== null) lines.push(...file.scopes.flatMap(factsOf));
  return `${[...lines, conclusionOf(verification)].map(shown).join("\n")}\n`;
}

function conclusionOf({ status, links, file }: EpochVerification): string {
  if (status === "refuted" || file === null) {
    const first = links.find(({ ok }) => ok === false)?.link;
    return `Refuted by its ${first}: do not rely on this file.`;
  }
  if (status === "unchecked") {
    return "Unchecked: nothing is wrong with what could be looked at, but not everything could be.";
  }
  const { chain, number, toBlock, blockHash } = file.epoch.body;
  return (
    `Verified: this is all that the log has of ${file.subject} at the end of epoch ${number} of ${chain}. ` +
    `Still trusted: that the log's operator worked it out rightly from block ${toBlock}, ${blockHash}; ` +
    "whoever indexes the same chain can compare the roots."
  );
}

/** What one protocol says of the subject, a line for each kind of thing; none where it says nothing. */
function factsOf({ protocol, assessments, collateral }: ScopeProof): string[] {
  const lines: string[] = [];
  if ("assessments" in assessments) {
    const byCondition = new Map<string, string[]>();
    for (const { key, state } of assessments.assessments) {
      const condition = String((state as { condition?: unknown }).condition);
      byCondition.set(condition, [...(byCondition.get(condition) ?? []), key.slice(key.lastIndexOf("|") + 1)]);
    }
    const counts = [...byCondition].map(([condition, rules]) =>
      condition === "met" ? `${rules.length} met` : `${rules.length} ${condition} (${rules.join(", ")})`,
    );
    lines.push(`${protocol}: ${counts.join(", ")}.`);
  }
  return [...lines, ...collateral.flatMap(holdingLine)];
}

function holdingLine({ totals, holding }: EpochFile["scopes"][number]["collateral"][number]): string[] {
  if (!("leaf" in totals) || holding === null || !("leaf" in holding)) return [];
  const { held, required } = holding.leaf.state;
  const needs = required === null ? "what is required is unknown" : `required ${amount(required)}`;
  return [`${totals.leaf.key}: held ${amount(held)}, ${needs}.`];
}

function amount(text: string): string {
  return formatDecimal(BigInt(text), DECIMALS);
}
