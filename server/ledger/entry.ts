import { hash } from "node:crypto";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Assessment, Epoch } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import type { Hex } from "../../src/core/ids.ts";
import { equalBytes } from "../../src/core/proof/bytes.ts";
import { canonicalText, type Json, parseCanonical } from "../../src/core/proof/canonical.ts";
import {
  assessmentLeaf,
  correctionLeaf,
  encodeLeaf,
  epochLeaf,
  globalLeaf,
  type Leaf,
  nameHash,
  parseLeaf,
  type VerdictBody,
  verdictLeaf,
} from "../../src/core/proof/leaf.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import { isWhole, rulebookHash } from "../../src/core/rules/digest.ts";
import type { leaf } from "../store/schema.ts";

/** A leaf as it is stored. */
export type LeafRow = typeof leaf.$inferSelect;

/**
 * Something to be recorded. `refId` names it and is unique in the log; `about` is what the public list shows of it. There is
 * one for every leaf, so a body is written and hashed once.
 */
export type Entry = {
  refId: string;
  leaf: Leaf;
  /** The body, canonical: what is hashed is what is stored. */
  text: string;
  about: { chain: string; blockNumber: string; blockHash: Hex; subject: string | null; ruleId: string | null } | null;
};

/** All that this version can claim: signed and logged. */
const ASSURANCE = "attested";

/** The rulebook, whole: its leaf has the hash by which assessments name it, which is made from digests of its rules. */
export function rulebookEntry(source: Json): Entry {
  return globalEntry(globalLeaf("rulebook", rulebookHash(source)), canonicalText(source));
}

/** The deployment, as the very object its hash is of. */
export function deploymentEntry(json: Json): Entry {
  const text = canonicalText(json);
  return globalEntry(globalLeaf("deployment", hashOfText(text)), text);
}

/** A salted commitment to a fact. Whom it is about, and what it says, only the opening tells. */
export function factEntry(commitment: string): Entry {
  const text = canonicalText({ commitment });
  return globalEntry(globalLeaf("fact", hashOfText(text)), text);
}

/** An assessment, whole. */
export function assessmentEntry(assessment: Assessment): Entry {
  const text = canonicalText(assessment);
  return { refId: assessment.id, leaf: assessmentLeaf(assessment, hashOfText(text)), text, about: assessment };
}

/** A verdict as the log shows it: that it was made, and a commitment to what it says. */
export function verdictEntry(body: VerdictBody): Entry {
  const text = canonicalText(body);
  return { refId: body.id, leaf: verdictLeaf(body, hashOfText(text)), text, about: body };
}

/** An epoch: the roots of its trees, and what they are under. */
export function epochEntry(epoch: Epoch): Entry {
  const text = canonicalText(epoch);
  return {
    refId: hashOfText(text).slice(2),
    leaf: epochLeaf(epoch),
    text,
    about: { chain: epoch.chain, blockNumber: epoch.toBlock, blockHash: epoch.blockHash, subject: null, ruleId: null },
  };
}

/** A correction names what was sealed and what a re-index says instead; nothing is rewritten. */
export function correctionEntry(about: { chain: string; blockNumber: string; blockHash: Hex }, body: Json): Entry {
  const place = { ...about, subject: null, ruleId: null };
  const text = canonicalText(body);
  return { refId: hashOfText(text).slice(2), leaf: correctionLeaf(place, body), text, about: place };
}

/** The row of an entry at an index. */
export function leafRowOf(entry: Entry, index: number): LeafRow {
  const data = encodeLeaf(entry.leaf);
  return {
    index,
    hash: Buffer.from(leafHash(data)).toString("hex"),
    kind: entry.leaf.kind,
    refId: entry.refId,
    chain: entry.about?.chain ?? null,
    blockNumber: entry.about === null ? null : Number(entry.about.blockNumber),
    blockHash: entry.about?.blockHash ?? null,
    subject: entry.about?.subject ?? null,
    ruleId: entry.about?.ruleId ?? null,
    outcome: entry.leaf.outcome === "none" ? null : entry.leaf.outcome,
    assurance: ASSURANCE,
    data: Buffer.from(data),
    body: entry.text,
  };
}

/** The bytes of a stored hash; of one that is damaged fewer than a hash has. */
export function hashOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/**
 * Whether a leaf came back from disk as exactly what was appended, in every column. Of what was appended bytes, hash and
 * body are known to belong together.
 */
export function isSameRow(row: LeafRow, appended: LeafRow): boolean {
  for (const column in appended) {
    if (column === "data") continue;
    if (row[column as keyof LeafRow] !== appended[column as keyof LeafRow]) return false;
  }
  return row.data.equals(appended.data);
}

/**
 * Checks a leaf as it came back from disk: its bytes, its hash, its body and every column that is shown of it.
 * @returns the leaf's hash.
 * @throws InvariantError naming the leaf; nothing may be signed over it.
 */
export function checkLeafRow(row: LeafRow): Uint8Array {
  const parsed = parse(row);
  const hash = leafHash(row.data);
  const columns: [string, boolean][] = [
    ["hash", equalBytes(hash, hashOf(row.hash))],
    ["body", isBodyOf(row, parsed)],
    ["kind", row.kind === parsed.kind],
    ["outcome", (row.outcome ?? "none") === parsed.outcome],
    ["block number", BigInt(row.blockNumber ?? 0) === parsed.blockNumber],
    ["block hash", row.blockHash === null || row.blockHash === parsed.blockHash],
    ["chain", row.chain === null ? parsed.chainId === 0n : row.chain === `eip155:${parsed.chainId}`],
    ["subject", row.subject === null || nameHash(row.subject) === parsed.subjectHash],
    ["rule", row.ruleId === null || nameHash(row.ruleId) === parsed.ruleHash],
  ];
  const wrong = columns.find(([, ok]) => !ok);
  if (wrong) throw new InvariantError(`Leaf ${row.index} came back from disk with another ${wrong[0]} than its own.`);
  return hash;
}

function parse(row: LeafRow): Leaf {
  try {
    return parseLeaf(row.data);
  } catch (error) {
    throw new InvariantError(`Leaf ${row.index} came back from disk as no leaf.`, { cause: error });
  }
}

/** Whether a body is what a leaf commits to. A rulebook that cannot be read, or not all of it, is not. */
function isBodyOf({ kind, body }: LeafRow, { bodyHash }: Leaf): boolean {
  if (kind !== "rulebook") return hashOfText(body) === bodyHash;
  try {
    const source = parseCanonical(utf8ToBytes(body));
    return isWhole(source) && rulebookHash(source) === bodyHash;
  } catch {
    return false;
  }
}

function globalEntry(leaf: Leaf, text: string): Entry {
  return { refId: leaf.bodyHash.slice(2), leaf, text, about: null };
}

/** SHA-256 of a text's UTF-8 form, by the machine's own code: what the core computes in its, several times as fast. */
function hashOfText(text: string): Hex {
  return `0x${hash("sha256", text, "hex")}`;
}
