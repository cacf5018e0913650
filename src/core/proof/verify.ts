/**
 * Checks a proof bundle, offline and in any JavaScript runtime.
 */
import { type Assessment, type Condition, KERNEL_VERSION } from "../assessment.ts";
import type { Hex } from "../ids.ts";
import type { Reason } from "../result.ts";
import { type Bundle, parseBundle, type ReadBundle, type Sealed } from "./bundle.ts";
import { fromHex } from "./bytes.ts";
import type { Json } from "./canonical.ts";
import { assessmentId, verdictId } from "./ids.ts";
import { assessmentLeaf, bodyHash, encodeLeaf, type Leaf, verdictBody, verdictLeaf } from "./leaf.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import { isSignedBy, parseVerifierKey, type Verifier } from "./note.ts";
import { commitmentTo } from "./verdict.ts";

/** What a rule says when it is applied again to an assessment's recorded inputs. */
export type Reassessment = {
  metric: string;
  measured: string | null;
  reason: Reason | null;
  decimals: string;
  unit: string;
  condition: Condition;
  operator: string;
  threshold: string;
};

/** A block hash the verifier believes. */
export type TrustedBlock = { chain: string; number: string; hash: Hex };

/** What the verifier brings along: nothing a bundle says can take the place of these. */
export type Trust = {
  /** Verifier keys of logs, `name+hash+base64`. Without one nothing can be verified. */
  logKeys: readonly string[];
  /** Applies a rule of the rulebook (JSON as the bundle carries it) again. May throw: then the bundle is refuted. */
  reassess: (rulebook: Json, assessment: Assessment) => Reassessment;
  /** Believed block hashes, one of which must then settle the assessment's block. Left out: the block is not checked. */
  blocks?: readonly TrustedBlock[];
};

/** The links of the chain from bytes to claim, cheapest first. */
export type LinkName =
  | "shape"
  | "leaf"
  | "inclusion"
  | "rulebook"
  | "block"
  | "signature"
  | "metric"
  | "rule"
  | "blinding";

/** One link: whether it holds, `null` when that could not be told, and a sentence for a person. */
export type Link = { link: LinkName; ok: boolean | null; sentence: string };

/** `verified`: every link holds. `refuted`: one does not. `unchecked`: the means to check one were not there. */
export type Verification = { status: "verified" | "refuted" | "unchecked"; links: readonly Link[] };

type Finding = Omit<Link, "link">;
type Context = ReadBundle & { verifiers: readonly Verifier[]; trust: Trust; again: () => Reassessment };

const CHECKS: readonly (readonly [LinkName, (context: Context) => Finding])[] = [
  ["leaf", checkLeaf],
  ["inclusion", checkInclusion],
  ["rulebook", checkRulebook],
  ["block", checkBlock],
  ["signature", checkSignature],
  ["metric", checkMetric],
  ["rule", checkRule],
  ["blinding", checkBlinding],
];

/**
 * Checks a bundle and says of every link whether it holds.
 * @throws InputError for a malformed log key, which is the caller's; never for any bytes.
 */
export function verifyBundle(bytes: Uint8Array, trust: Trust): Verification {
  const verifiers = trust.logKeys.map(parseVerifierKey);
  let read: ReadBundle;
  try {
    read = parseBundle(bytes);
  } catch (error) {
    const links: Link[] = [{ link: "shape", ok: false, sentence: sentenceOf(error) }];
    for (const [link] of CHECKS) links.push({ link, ok: null, sentence: "Not looked at: this is no bundle." });
    return { status: "refuted", links };
  }
  const { rulebook, assessment } = read.bundle;
  let result: Reassessment | undefined;
  const again = (): Reassessment => {
    result ??= trust.reassess(rulebook, assessment.body);
    return result;
  };
  const context: Context = { ...read, verifiers, trust, again };
  const links: Link[] = [{ link: "shape", ok: true, sentence: "The file is a bundle in canonical form." }];
  for (const [link, check] of CHECKS) links.push({ link, ...guarded(check, context) });
  return { status: statusOf(links, trust), links };
}

/** A check that fails in any way has not been passed. */
function guarded(check: (context: Context) => Finding, context: Context): Finding {
  try {
    return check(context);
  } catch (error) {
    return refuted(sentenceOf(error));
  }
}

/** The block hash is no part of what `attested` claims, so it must hold only for a verifier who asks for it. */
function statusOf(links: readonly Link[], { blocks }: Trust): Verification["status"] {
  if (links.some((link) => link.ok === false)) return "refuted";
  const required = links.filter((link) => link.link !== "block" || blocks !== undefined);
  return required.some((link) => link.ok === null) ? "unchecked" : "verified";
}

function checkLeaf({ bundle }: Context): Finding {
  const { assessment, verdict } = bundle;
  const id = assessmentId(assessment.body);
  if (id !== assessment.body.id) return refuted(`The assessment calls itself ${assessment.body.id}, but is ${id}.`);
  for (const leaf of leavesOf(bundle)) encodeLeaf(leaf.leaf);
  if (verdict !== null) {
    const expected = verdictBody(assessment.body, { id: verdictId(id), commitment: verdict.body.commitment });
    if (bodyHash(expected) !== bodyHash(verdict.body)) return refuted("The verdict is not on this assessment.");
  }
  return holds("The ids are the hashes of what they stand for.");
}

function checkInclusion({ bundle, checkpoint }: Context): Finding {
  const { size, root, origin } = checkpoint;
  for (const { leaf, sealed, what } of leavesOf(bundle)) {
    const claim = { index: Number(sealed.index), size, root, proof: sealed.proof.map(fromHex) };
    if (!verifyInclusion({ ...claim, leafHash: leafHash(encodeLeaf(leaf)) })) {
      return refuted(
        `The ${what} is not leaf ${sealed.index} of the tree of ${size} leaves that the checkpoint names.`,
      );
    }
  }
  return holds(`Leaf ${bundle.assessment.index} is in the log ${origin} of ${size} leaves.`);
}

function checkRulebook({ bundle }: Context): Finding {
  const hash = bodyHash(bundle.rulebook);
  const { rulebookHash } = bundle.assessment.body;
  if (hash !== rulebookHash) return refuted(`The rulebook hashes to ${hash}; the assessment names ${rulebookHash}.`);
  return holds(`The rulebook is the one the assessment names, ${hash}.`);
}

function checkBlock({ bundle, trust }: Context): Finding {
  const { chain, blockNumber, blockHash } = bundle.assessment.body;
  const { blocks } = trust;
  if (blocks === undefined) return unsettled("Block hash not checked: the assessment is attested only.");
  const same = blocks.filter((block) => block.chain === chain && block.number === blockNumber);
  if (same.length === 0) return unsettled(`No trusted hash is known of block ${blockNumber} of ${chain}.`);
  const other = same.find((block) => block.hash !== blockHash);
  if (other !== undefined) {
    return refuted(`Block ${blockNumber} of ${chain} has the hash ${other.hash}; the assessment is of ${blockHash}.`);
  }
  return holds(`Block ${blockNumber} of ${chain} has the trusted hash ${blockHash}.`);
}

function checkSignature({ note, checkpoint, verifiers }: Context): Finding {
  if (verifiers.length === 0) return unsettled("Signature not checked: no log key was given.");
  const signer = verifiers.find((verifier) => isSignedBy(note, verifier));
  if (signer === undefined) return refuted("The checkpoint is not signed by a log key that was given.");
  if (signer.name !== checkpoint.origin) {
    return refuted(`The checkpoint of ${checkpoint.origin} is signed by the key of another log, ${signer.name}.`);
  }
  return holds(`The checkpoint is signed by ${signer.name}.`);
}

function checkMetric({ bundle, ...context }: Context): Finding {
  const { body } = bundle.assessment;
  if (body.kernel !== KERNEL_VERSION) {
    return unsettled(`The figure was made by ${body.kernel}; this verifier can only apply ${KERNEL_VERSION} again.`);
  }
  const again = context.again();
  const wrong = (["metric", "measured", "reason", "decimals", "unit"] as const).find((k) => again[k] !== body[k]);
  if (wrong !== undefined) {
    return refuted(`From the recorded inputs ${wrong} is ${again[wrong]}, where the assessment says ${body[wrong]}.`);
  }
  const value = body.measured === null ? `unknown (${body.reason})` : body.measured;
  return holds(`${body.metric} computed again from the recorded inputs is ${value}, as the assessment says.`);
}

function checkRule({ bundle, ...context }: Context): Finding {
  const { body } = bundle.assessment;
  if (body.kernel !== KERNEL_VERSION) return unsettled(`The rule was applied by ${body.kernel}.`);
  const again = context.again();
  const wrong = (["operator", "threshold", "condition"] as const).find((k) => again[k] !== body[k]);
  if (wrong !== undefined) {
    return refuted(`By rule ${body.ruleId} ${wrong} is ${again[wrong]}, where the assessment says ${body[wrong]}.`);
  }
  return holds(`Rule ${body.ruleId} (${body.operator} ${body.threshold}) applied again gives ${body.condition}.`);
}

function checkBlinding({ bundle }: Context): Finding {
  const { verdict, assessment } = bundle;
  if (verdict === null) return holds("Nothing is blinded: an assessment is public.");
  const { opening } = verdict;
  if (opening === null)
    return holds("The verdict stays blinded; the bundle proves that it was made, not what it says.");
  if (commitmentTo(opening) !== verdict.body.commitment) {
    return refuted("The opened verdict is not the one that was committed to.");
  }
  const { condition } = assessment.body;
  const needed = opening.outcome === "compliant" ? "met" : opening.outcome === "breach" ? "not_met" : condition;
  if (condition !== needed)
    return refuted(`The verdict ${opening.outcome} cannot follow from the condition ${condition}.`);
  return holds(`The verdict that was committed to is ${opening.outcome}, in profile ${opening.profile}.`);
}

function leavesOf({ assessment, verdict }: Bundle): { what: string; sealed: Sealed<unknown>; leaf: Leaf }[] {
  const leaves: ReturnType<typeof leavesOf> = [
    { what: "assessment", sealed: assessment, leaf: assessmentLeaf(assessment.body) },
  ];
  if (verdict !== null) leaves.push({ what: "verdict", sealed: verdict, leaf: verdictLeaf(verdict.body) });
  return leaves;
}

function holds(sentence: string): Finding {
  return { ok: true, sentence };
}

function refuted(sentence: string): Finding {
  return { ok: false, sentence };
}

function unsettled(sentence: string): Finding {
  return { ok: null, sentence };
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : "A check failed without saying why.";
}
