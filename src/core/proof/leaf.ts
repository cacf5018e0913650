/**
 * An entry of the log: a header of fixed offsets, which a contract can parse, and the hash of the body, which says
 * everything else. All integers are big-endian.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 1 | version, 1 |
 * | 1 | 1 | kind |
 * | 2 | 8 | chain id; 0 for what belongs to no chain |
 * | 10 | 8 | block number |
 * | 18 | 32 | block hash |
 * | 50 | 32 | SHA-256 of the subject's id, or zero |
 * | 82 | 32 | SHA-256 of the rule's id, or zero |
 * | 114 | 1 | outcome: 0 none or blinded, 1 met, 2 not met, 3 unknown |
 * | 115 | 32 | SHA-256 of the RFC 8785 body; of a rulebook its own hash |
 */
import type { Assessment, Condition, Epoch } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { chainIdOf, type Hex } from "../ids.ts";
import { fromHex, toHex } from "./bytes.ts";
import { canonicalBytes, type Json } from "./canonical.ts";
import { HASH_BYTES, sha256, sha256Hex } from "./sha256.ts";

/** Length of every leaf in bytes. */
export const LEAF_BYTES = 147;

const VERSION = 1;
const KINDS = { rulebook: 1, deployment: 2, epoch: 3, assessment: 4, verdict: 5, fact: 6, correction: 7 } as const;
const OUTCOMES = { none: 0, met: 1, not_met: 2, unknown: 3 } as const;
const MAX_UINT64 = 2n ** 64n - 1n;
const ZERO_HASH: Hex = `0x${"00".repeat(HASH_BYTES)}`;

const OFFSET = {
  version: 0,
  kind: 1,
  chainId: 2,
  blockNumber: 10,
  blockHash: 18,
  subjectHash: 50,
  ruleHash: 82,
  outcome: 114,
  bodyHash: 115,
} as const;

/** What an entry records. */
export type LeafKind = keyof typeof KINDS;

/** What an entry says of a rule's condition in the open. Verdicts are blinded: `none`. */
export type LeafOutcome = keyof typeof OUTCOMES;

/** A leaf's fields. Hashes are 32 bytes in `0x` hex, zero where the kind has no such thing. */
export type Leaf = {
  kind: LeafKind;
  chainId: bigint;
  blockNumber: bigint;
  blockHash: Hex;
  subjectHash: Hex;
  ruleHash: Hex;
  outcome: LeafOutcome;
  bodyHash: Hex;
};

/** The 147 bytes of a leaf. @throws InputError for a field out of range, or one its kind does not have. */
export function encodeLeaf(leaf: Leaf): Uint8Array {
  checkFields(leaf);
  const bytes = new Uint8Array(LEAF_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(OFFSET.version, VERSION);
  view.setUint8(OFFSET.kind, KINDS[leaf.kind]);
  view.setBigUint64(OFFSET.chainId, leaf.chainId);
  view.setBigUint64(OFFSET.blockNumber, leaf.blockNumber);
  bytes.set(hashBytes(leaf.blockHash), OFFSET.blockHash);
  bytes.set(hashBytes(leaf.subjectHash), OFFSET.subjectHash);
  bytes.set(hashBytes(leaf.ruleHash), OFFSET.ruleHash);
  view.setUint8(OFFSET.outcome, OUTCOMES[leaf.outcome]);
  bytes.set(hashBytes(leaf.bodyHash), OFFSET.bodyHash);
  return bytes;
}

/** Reads a leaf. `encodeLeaf` gives the same bytes again. @throws InputError for any other bytes. */
export function parseLeaf(bytes: Uint8Array): Leaf {
  if (bytes.length !== LEAF_BYTES) throw new InputError(`A leaf has ${LEAF_BYTES} bytes, not ${bytes.length}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(OFFSET.version);
  if (version !== VERSION) throw new InputError(`A leaf of version ${version} is not known; expected ${VERSION}.`);
  const hashAt = (offset: number): Hex => toHex(bytes.subarray(offset, offset + HASH_BYTES));
  const leaf: Leaf = {
    kind: nameOf(KINDS, view.getUint8(OFFSET.kind), "kind of leaf"),
    chainId: view.getBigUint64(OFFSET.chainId),
    blockNumber: view.getBigUint64(OFFSET.blockNumber),
    blockHash: hashAt(OFFSET.blockHash),
    subjectHash: hashAt(OFFSET.subjectHash),
    ruleHash: hashAt(OFFSET.ruleHash),
    outcome: nameOf(OUTCOMES, view.getUint8(OFFSET.outcome), "outcome of a leaf"),
    bodyHash: hashAt(OFFSET.bodyHash),
  };
  checkFields(leaf);
  return leaf;
}

/** Hash by which a leaf names a subject or a rule: SHA-256 of the id's UTF-8 form. */
export function nameHash(id: string): Hex {
  return `0x${sha256Hex(id)}`;
}

/** SHA-256 of a body's RFC 8785 form. @throws InputError when it has none. */
export function bodyHash(body: Json): Hex {
  return toHex(sha256(canonicalBytes(body)));
}

/**
 * Leaf of what belongs to no chain: a rulebook or deployment, or a blinded fact.
 * @param hash `bodyHash` of the body, and of a rulebook the hash that assessments name it by, `rulebookHash`.
 */
export function globalLeaf(kind: "rulebook" | "deployment" | "fact", hash: Hex): Leaf {
  return {
    kind,
    chainId: 0n,
    blockNumber: 0n,
    blockHash: ZERO_HASH,
    subjectHash: ZERO_HASH,
    ruleHash: ZERO_HASH,
    outcome: "none",
    bodyHash: hash,
  };
}

/**
 * Leaf of an assessment: its body is the assessment itself, its outcome the condition.
 * @param hash its `bodyHash`, where that is known already.
 */
export function assessmentLeaf(assessment: Assessment, hash = bodyHash(assessment)): Leaf {
  const outcome: Condition = assessment.condition;
  return {
    kind: "assessment",
    ...placeOf(assessment),
    ...aboutOf(assessment),
    outcome,
    bodyHash: hash,
  };
}

/** Leaf of an epoch: its body is the epoch itself. */
export function epochLeaf(epoch: Epoch): Leaf {
  const place = placeOf({ chain: epoch.chain, blockNumber: epoch.toBlock, blockHash: epoch.blockHash });
  return {
    kind: "epoch",
    ...place,
    subjectHash: ZERO_HASH,
    ruleHash: ZERO_HASH,
    outcome: "none",
    bodyHash: bodyHash(epoch),
  };
}

/**
 * What a verdict's leaf commits to in the open: on which assessment it is, and a commitment to the rest, 64 hex digits.
 * There is one for every assessment whose rule needs facts, whatever the outcome, so that its presence tells nothing.
 * `id` is `verdictId(assessmentId)`.
 */
export type VerdictBody = {
  id: string;
  assessmentId: string;
  chain: string;
  protocol: string;
  subject: string;
  ruleId: string;
  rulebookHash: Hex;
  blockNumber: string;
  blockHash: Hex;
  commitment: string;
};

/** The open body of the verdict on an assessment. */
export function verdictBody(
  assessment: Assessment,
  { id, commitment }: { id: string; commitment: string },
): VerdictBody {
  const { chain, protocol, subject, ruleId, rulebookHash, blockNumber, blockHash } = assessment;
  const about = { chain, protocol, subject, ruleId, rulebookHash, blockNumber, blockHash };
  return { id, assessmentId: assessment.id, ...about, commitment };
}

/** Leaf of a verdict: blinded, so without an outcome. `hash` as of `assessmentLeaf`. */
export function verdictLeaf(body: VerdictBody, hash = bodyHash(body)): Leaf {
  return { kind: "verdict", ...placeOf(body), ...aboutOf(body), outcome: "none", bodyHash: hash };
}

/** Leaf of a correction: `body` names both the sealed leaf and what contradicts it. */
export function correctionLeaf(
  about: { chain: string; blockNumber: string; blockHash: Hex; subject: string | null; ruleId: string | null },
  body: Json,
): Leaf {
  return {
    kind: "correction",
    ...placeOf(about),
    subjectHash: about.subject === null ? ZERO_HASH : nameHash(about.subject),
    ruleHash: about.ruleId === null ? ZERO_HASH : nameHash(about.ruleId),
    outcome: "none",
    bodyHash: bodyHash(body),
  };
}

function placeOf(of: { chain: string; blockNumber: string; blockHash: Hex }) {
  return { chainId: BigInt(chainIdOf(of.chain)), blockNumber: BigInt(of.blockNumber), blockHash: of.blockHash };
}

function aboutOf(of: { subject: string; ruleId: string }) {
  return { subjectHash: nameHash(of.subject), ruleHash: nameHash(of.ruleId) };
}

/** A field that its kind does not have must be zero: nothing may hide in it, and one thing has one leaf. */
function checkFields(leaf: Leaf): void {
  for (const field of ["chainId", "blockNumber"] as const) {
    const value = leaf[field];
    if (value < 0n || value > MAX_UINT64) throw new InputError(`${field} ${value} of a leaf is not a uint64.`);
  }
  const isGlobal = leaf.kind === "rulebook" || leaf.kind === "deployment" || leaf.kind === "fact";
  const isAbout = leaf.kind === "assessment" || leaf.kind === "verdict";
  const isZero = (hash: Hex): boolean => hash === ZERO_HASH;
  const placed = isGlobal
    ? leaf.chainId === 0n && leaf.blockNumber === 0n && isZero(leaf.blockHash)
    : leaf.chainId > 0n;
  if (!placed) throw new InputError(`A ${leaf.kind} leaf ${isGlobal ? "belongs to no block" : "needs a chain"}.`);
  const isUnnamed = isZero(leaf.subjectHash) && isZero(leaf.ruleHash);
  if ((isGlobal || leaf.kind === "epoch") && !isUnnamed) {
    throw new InputError(`A ${leaf.kind} leaf has neither subject nor rule.`);
  }
  if (isAbout && (isZero(leaf.subjectHash) || isZero(leaf.ruleHash))) {
    throw new InputError(`A leaf of kind ${leaf.kind} needs a subject and a rule.`);
  }
  if ((leaf.outcome !== "none") !== (leaf.kind === "assessment")) {
    throw new InputError(`A leaf of kind ${leaf.kind} cannot have the outcome ${leaf.outcome}.`);
  }
}

function hashBytes(hash: Hex): Uint8Array {
  const bytes = fromHex(hash);
  if (bytes.length !== HASH_BYTES) throw new InputError(`${hash} is not a hash of ${HASH_BYTES} bytes.`);
  return bytes;
}

function nameOf<T extends string>(codes: Readonly<Record<T, number>>, code: number, what: string): T {
  for (const name in codes) if (codes[name] === code) return name;
  throw new InputError(`${code} is not a ${what}.`);
}
