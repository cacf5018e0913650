import { formatDecimal } from "../../src/core/fixed.ts";
import type { EpochFile, ScopeProof } from "../../src/core/proof/epoch-file.ts";
import { shown } from "../../src/core/proof/verification.ts";
import { type EpochTrust, type EpochVerification, verifyEpochFile } from "../../src/core/proof/verify-epoch.ts";
import { linkLines, refutation, UNCHECKED } from "./link-lines.ts";

/** Decimals of what is held and required. */
const DECIMALS = 18;

/** What checking an epoch proof comes to: its result, as JSON too, and the same in lines for a person. */
export function checkEpochProof(
  bytes: Uint8Array,
  trust: EpochTrust,
): { status: EpochVerification["status"]; json: object; report: string } {
  const verification = verifyEpochFile(bytes, trust);
  const { status, links } = verification;
  return { status, json: { status, links }, report: reportOf(verification) };
}

/** One line for every link, then what the epoch says, then what it all comes to. */
function reportOf(verification: EpochVerification): string {
  const { links, status, file } = verification;
  const lines = linkLines(links);
  if (status !== "refuted" && file !== null) lines.push(...file.scopes.flatMap(factsOf));
  return `${[...lines, conclusionOf(verification)].map(shown).join("\n")}\n`;
}

function conclusionOf({ status, links, file }: EpochVerification): string {
  if (status === "refuted" || file === null) return refutation(links);
  if (status === "unchecked") return UNCHECKED;
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
