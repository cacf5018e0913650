/**
 * Checks a tlog-proof that carries its leaf, link by link, offline and in any JavaScript runtime.
 */
import { InputError } from "../errors.ts";
import { type Leaf, parseLeaf } from "../proof/leaf.ts";
import { judgeQuorum, judgeSignature } from "../proof/links/head.ts";
import { leafHash } from "../proof/merkle.ts";
import { parseNote, parseVerifierKey } from "../proof/note.ts";
import type { Verifier } from "../proof/note-key.ts";
import {
  type Finding,
  guarded,
  holds,
  refuted,
  sentenceOf,
  shown,
  type Trust,
  unsettled,
} from "../proof/verification.ts";
import { type Quorum, quorumOf } from "./cosignature.ts";
import { parseTlogProof, requireIncluded, type TlogProof } from "./tlog-proof.ts";

/** What a verifier brings along for a tlog-proof. */
export type TlogTrust = Pick<Trust, "logKeys" | "witnesses">;

/** The links from bytes to a leaf under a head that others have seen. */
export const TLOG_LINKS = ["shape", "leaf", "inclusion", "signature", "witnesses"] as const;
export type TlogLinkName = (typeof TLOG_LINKS)[number];

/** One link, and a sentence for a person; `ok` as in the links of a bundle. */
export type TlogLink = { link: TlogLinkName } & Finding;

/**
 * `verified`: every link that is needed holds. `refuted`: one does not. `unchecked`: the means to check one were not there.
 * `leaf` is what the file carries, null where that is nothing, or no leaf.
 */
export type TlogVerification = {
  status: "verified" | "refuted" | "unchecked";
  leaf: Leaf | null;
  links: readonly TlogLink[];
};

type Means = { keys: readonly Verifier[]; quorum: Quorum | null };
type Check = (file: TlogProof, means: Means) => Finding;

const CHECKS: Readonly<Record<Exclude<TlogLinkName, "shape">, Check>> = {
  leaf: ({ extra }) => (extra === null ? NO_LEAF : holds(`The leaf is ${inWords(parseLeaf(extra))}`)),
  inclusion: checkInclusion,
  signature: ({ note }, { keys }) => judgeSignature(note, keys),
  witnesses: ({ note }, { keys, quorum }) =>
    quorum === null
      ? unsettled("Not needed: no witness was named.")
      : judgeQuorum(parseNote(note), { quorum, verifiers: keys }),
};

const NO_LEAF = unsettled("The file has no extra line, which is where the leaf would stand.");
const FIRST_WORDS = "c2sp.org/tlog-proof@";
/** A leaf of 147 bytes, 63 hashes and a note of 64 KiB in UTF-8 stay below this. */
const MAX_BYTES = 262_144;

/** Whether bytes say of themselves that they are a tlog-proof, of any version. */
export function isTlogFile(bytes: Uint8Array): boolean {
  return new TextDecoder().decode(bytes.subarray(0, FIRST_WORDS.length)) === FIRST_WORDS;
}

/**
 * Checks a tlog-proof, whose `extra` is the leaf, and says of every link whether it holds.
 * @throws InputError for a malformed key or a quorum that can never be met, which are the caller's; never for any bytes.
 */
export function verifyTlogFile(bytes: Uint8Array, { logKeys, witnesses }: TlogTrust): TlogVerification {
  const quorum = witnesses === undefined ? null : quorumOf(witnesses.keys, witnesses.threshold);
  const means = { keys: logKeys.map(parseVerifierKey), quorum };
  let file: TlogProof;
  try {
    file = parseTlogProof(textOf(bytes));
  } catch (error) {
    const links = TLOG_LINKS.map((link): TlogLink => {
      if (link === "shape") return { link, ...refuted(shown(sentenceOf(error))) };
      return { link, ...unsettled("Not looked at: this is no tlog-proof.") };
    });
    return { status: "refuted", leaf: null, links };
  }
  const links = TLOG_LINKS.map((link): TlogLink => {
    if (link === "shape") return { link, ...holds("The file is a tlog-proof.") };
    const { ok, sentence } = guarded(() => CHECKS[link](file, means));
    return { link, ok, sentence: shown(sentence) };
  });
  const leaf = links.find(({ link }) => link === "leaf")?.ok ? parseLeaf(file.extra as Uint8Array) : null;
  return { status: conclude(links, quorum !== null), leaf, links };
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > MAX_BYTES) throw new InputError(`A tlog-proof of a leaf has at most ${MAX_BYTES} bytes.`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError("A tlog-proof is UTF-8 text; these bytes are not.");
  }
}

function conclude(links: readonly TlogLink[], areWitnessesNeeded: boolean): TlogVerification["status"] {
  if (links.some(({ ok }) => ok === false)) return "refuted";
  const needed = links.filter(({ link }) => link !== "witnesses" || areWitnessesNeeded);
  return needed.every(({ ok }) => ok === true) ? "verified" : "unchecked";
}

function checkInclusion(file: TlogProof): Finding {
  if (file.extra === null) return unsettled("Not looked at: there is no leaf to begin with.");
  const { size } = requireIncluded(file, leafHash(file.extra));
  return holds(`It is leaf ${file.index} of the tree of ${size} leaves that the checkpoint names.`);
}

function inWords({ kind, chainId, blockNumber, outcome, bodyHash }: Leaf): string {
  const where = chainId === 0n ? "" : ` at block ${blockNumber} of eip155:${chainId}`;
  const condition = outcome === "none" ? "" : `, its condition ${outcome.replace("_", " ")}`;
  return `of kind ${kind}${where}${condition}; its body has the hash ${bodyHash}.`;
}
