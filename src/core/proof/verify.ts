/**
 * Checks a proof bundle or a figure proof, offline and in any JavaScript runtime.
 */

import { InputError } from "../errors.ts";
import { quorumOf } from "../log/cosignature.ts";
import { type Assurance, type Bundle, readBundle } from "./bundle.ts";
import { type Json, parseCanonical } from "./canonical.ts";
import { FIGURE_VERSION, readFigureProof } from "./figure-proof.ts";
import { type Claim, type Context, contextOf } from "./links/context.ts";
import { checkCall, checkHeader, checkReceipts, checkState } from "./links/evidence.ts";
import { checkBlock, checkDeployment, checkRulebook } from "./links/ground.ts";
import { checkAnchor, checkSignature, checkWitnesses, cosignaturesOf } from "./links/head.ts";
import { checkMetric, checkRule } from "./links/measure.ts";
import { checkBlinding, checkInclusion, checkLeaf } from "./links/record.ts";
import { parseVerifierKey } from "./note.ts";
import {
  type Finding,
  holds,
  LINKS,
  type Link,
  type LinkName,
  refuted,
  sentenceOf,
  shown,
  type Trust,
  type TrustedBlock,
  type Verification,
} from "./verification.ts";

export type { Claim } from "./links/context.ts";
export type {
  Link,
  LinkName,
  Reassessment,
  Trust,
  TrustedBlock,
  TrustedWitnesses,
  Verification,
} from "./verification.ts";

type Check = (context: Context) => Finding | Promise<Finding>;

/** `shape` is checked by reading. The order is that of `LINKS`. */
const CHECKS: Readonly<Record<Exclude<LinkName, "shape">, Check>> = {
  leaf: checkLeaf,
  inclusion: checkInclusion,
  rulebook: checkRulebook,
  deployment: checkDeployment,
  signature: checkSignature,
  witnesses: checkWitnesses,
  anchor: checkAnchor,
  block: checkBlock,
  header: checkHeader,
  receipts: checkReceipts,
  state: checkState,
  call: checkCall,
  metric: checkMetric,
  rule: checkRule,
  blinding: checkBlinding,
};

/** What each level rests on. A proof needs no signature: it would hold for a record that nobody signed. */
const RECORD = ["shape", "leaf", "inclusion", "rulebook", "metric", "rule", "blinding"] as const;
const NEEDS: Readonly<Record<Assurance, readonly LinkName[]>> = {
  attested: [...RECORD, "signature"],
  authentic: [...RECORD, "signature", "deployment", "block", "header", "receipts"],
  proven: [...RECORD, "deployment", "block", "header", "state", "call"],
};
const FIGURE_NEEDS: readonly LinkName[] = ["shape", "deployment", "block", "header", "state", "call", "metric"];

/**
 * Checks a bundle or a figure proof and says of every link whether it holds.
 * @throws InputError for a malformed key, anchor or hash, or a quorum that can never be met, which are the caller's; never
 * for any bytes.
 */
export async function verifyBundle(bytes: Uint8Array, trust: Trust): Promise<Verification> {
  const verifiers = trust.logKeys.map(parseVerifierKey);
  const { witnesses } = trust;
  const quorum = witnesses === undefined ? null : quorumOf(witnesses.keys, witnesses.threshold);
  trust.anchors?.forEach(requireAnchor);
  const hashes = [...(trust.blocks ?? []).map(({ hash }) => hash), ...(trust.rulebooks ?? [])];
  for (const hash of [...hashes, ...(trust.deployments ?? [])]) requireHash(hash);
  let context: Context;
  try {
    context = contextOf(parseCanonical(bytes), { trust, verifiers, quorum });
  } catch (error) {
    const links = LINKS.map((link): Link => {
      if (link === "shape") return { link, ...refuted(shown(sentenceOf(error))) };
      return { link, ok: null, sentence: "Not looked at: this is no bundle." };
    });
    return {
      status: "refuted",
      assurance: null,
      inputs: { proven: [], taken: [] },
      witnesses: [],
      anchored: false,
      links,
    };
  }
  const what = context.sealed === null ? "figure proof" : "bundle";
  const links: Link[] = [];
  const add = (name: LinkName, { ok, sentence }: Finding): void => {
    const link: Link = { link: name, ok, sentence: shown(sentence) };
    links.push(link);
    trust.onLink?.(link);
  };
  add("shape", holds(`The file is a ${what} in canonical form.`));
  for (const link of LINKS) if (link !== "shape") add(link, await guarded(CHECKS[link], context));
  return { ...conclude(links, context), links };
}

/** What a bundle or a figure proof says, none of it checked; null for bytes that are neither. */
export function readClaim(bytes: Uint8Array): Claim | null {
  try {
    const json = parseCanonical(bytes) as { version?: Json };
    return json.version === FIGURE_VERSION ? readFigureProof(json).figure : readBundle(json).bundle.assessment.body;
  } catch {
    return null;
  }
}

/** A block by its place. */
export type BlockName = Pick<TrustedBlock, "chain" | "number">;

/** The blocks whose hashes a file rests on, by its own word: that of the claim, and that of an anchor. None for other bytes. */
export function blocksIn(bytes: Uint8Array): readonly BlockName[] {
  const claim = readClaim(bytes);
  if (claim === null) return [];
  const own = { chain: claim.chain, number: claim.blockNumber };
  const json = parseCanonical(bytes) as { claims?: Bundle["claims"] };
  const anchored = json.claims?.anchored ?? null;
  return anchored === null ? [own] : [own, { chain: anchored.chain, number: anchored.blockNumber }];
}

/** A check that fails in any way has not been passed. */
async function guarded(check: Check, context: Context): Promise<Finding> {
  try {
    return await check(context);
  } catch (error) {
    return refuted(sentenceOf(error));
  }
}

/**
 * What the links come to. The block's hash is no part of `attested`, and witnesses and anchor of no level, but each must
 * hold for a verifier who asks for it.
 */
function conclude(links: readonly Link[], context: Context): Omit<Verification, "links"> {
  const { sealed, claim, trust, logs, quorum } = context;
  const found = new Map(links.map(({ link, ok }) => [link, ok]));
  const isReached = (level: Assurance) => {
    const needs = sealed === null ? FIGURE_NEEDS : NEEDS[level];
    return needs.every((link) => found.get(link) === true);
  };
  const levels: readonly Assurance[] = sealed === null ? ["proven"] : ["proven", "authentic", "attested"];
  const isRefuted = links.some(({ ok }) => ok === false);
  const assurance = isRefuted ? null : (levels.find(isReached) ?? null);
  const asked = { block: trust.blocks, witnesses: quorum ?? undefined, anchor: trust.anchors };
  const isSettled = Object.entries(asked).every(
    ([link, means]) => means === undefined || found.get(link as LinkName) === true,
  );
  const isWhole = assurance === (sealed === null ? "proven" : sealed.bundle.claims.assurance) && isSettled;
  const names = Object.keys(claim.inputs);
  const proven = assurance === "proven" ? names : assurance === "authentic" ? logs().proven : [];
  return {
    status: isRefuted ? "refuted" : isWhole ? "verified" : "unchecked",
    assurance,
    inputs: { proven, taken: names.filter((name) => !proven.includes(name)) },
    witnesses: isRefuted ? [] : cosignaturesOf(context).map(({ name }) => name),
    anchored: !isRefuted && found.get("anchor") === true,
  };
}

/** In capitals it would be no hash there is, and refute what is right. */
function requireHash(text: string): void {
  if (/^0x[0-9a-f]{64}$/.test(text)) return;
  throw new InputError(`"${text}" is not a hash of 0x and 64 lower-case hex digits.`);
}

function requireAnchor(text: string): void {
  if (/^eip155:[1-9]\d{0,14}:0x[0-9a-f]{40}$/.test(text)) return;
  throw new InputError(`"${text}" is not the account of an anchor like eip155:901:0x… with 40 lower-case hex digits.`);
}
