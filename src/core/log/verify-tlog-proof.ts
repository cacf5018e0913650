/**
 * Checks a tlog-proof that carries its leaf, link by link, offline and in any JavaScript runtime.
 */
import { InputError } from "../errors.ts";
import { type Leaf, parseLeaf } from "../proof/leaf.ts";
import { checkLinks, type FileKind, type NamedFinding, statusOf } from "../proof/link-checks.ts";
import { judgeQuorum, judgeSignature } from "../proof/links/head.ts";
import { leafHash } from "../proof/merkle.ts";
import { parseNote, parseVerifierKey } from "../proof/note.ts";
import type { Verifier } from "../proof/note-key.ts";
import { type Finding, holds, type Trust, unsettled } from "../proof/verification.ts";
import { type Quorum, quorumOf } from "./cosignature.ts";
import { parseTlogProof, requireIncluded, type TlogProof } from "./tlog-proof.ts";

/** What a verifier brings along for a tlog-proof. */
export type TlogTrust = Pick<Trust, "logKeys" | "witnesses">;

/** The links from bytes to a leaf under a head that others have seen. */
export const TLOG_LINKS = ["shape", "leaf", "inclusion", "signature", "witnesses"] as const;
export type TlogLinkName = (typeof TLOG_LINKS)[number];

/** A link of a tlog-proof, and what was found of it. */
export type TlogLink = NamedFinding<TlogLinkName>;

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

const KIND: FileKind<TlogProof> = {
  name: "tlog-proof",
  whole: "The file is a tlog-proof.",
  parse: (bytes) => parseTlogProof(textOf(bytes)),
};

function checksBy({ keys, quorum }: Means) {
  return {
    leaf: ({ extra }: TlogProof) => (extra === null ? NO_LEAF : holds(`The leaf is ${inWords(parseLeaf(extra))}`)),
    inclusion: checkInclusion,
    signature: ({ note }: TlogProof) => judgeSignature(note, keys),
    witnesses: ({ note }: TlogProof) =>
      quorum === null
        ? unsettled("Not needed: no witness was named.")
        : judgeQuorum(parseNote(note), { quorum, verifiers: keys }),
  };
}

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
  const { file, links } = checkLinks(bytes, { kind: KIND, names: TLOG_LINKS, checks: checksBy(means) });
  const isLeaf = links.some(({ link, ok }) => link === "leaf" && ok === true);
  const leaf = isLeaf ? parseLeaf(file?.extra as Uint8Array) : null;
  const needed = TLOG_LINKS.filter((link) => link !== "witnesses" || quorum !== null);
  return { status: statusOf(links, needed), leaf, links };
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > MAX_BYTES) throw new InputError(`A tlog-proof of a leaf has at most ${MAX_BYTES} bytes.`);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError("A tlog-proof is UTF-8 text; these bytes are not.");
  }
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
