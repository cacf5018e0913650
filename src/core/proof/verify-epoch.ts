/**
 * Checks an epoch proof, offline and in any JavaScript runtime.
 */
import type { Epoch } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { type Quorum, quorumOf } from "../log/cosignature.ts";
import { fromHex } from "./bytes.ts";
import { type AssetProof, type EpochFile, parseEpochFile, type ScopeProof } from "./epoch-file.ts";
import { verifyAssessments, verifyNoAssessments, verifyNoState, verifyState } from "./epoch-proof.ts";
import { type AssetScope, type Scope, scopesOf } from "./epoch-scopes.ts";
import { bodyHash, encodeLeaf, epochLeaf } from "./leaf.ts";
import { checkLinks, type FileKind, type NamedFinding, statusOf } from "./link-checks.ts";
import { believedHash } from "./links/ground.ts";
import { judgeQuorum, judgeSignature } from "./links/head.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import { parseCheckpoint, parseNote, parseVerifierKey } from "./note.ts";
import type { Verifier } from "./note-key.ts";
import { verifyHolding, verifyNoTotals, verifyTotals } from "./sum-proof.ts";
import { type Finding, holds, refuted, type Trust, unsettled } from "./verification.ts";

/** What a verifier brings along for an epoch proof. */
export type EpochTrust = Pick<Trust, "logKeys" | "blocks" | "rulebooks" | "deployments" | "witnesses">;

/** The links from bytes to what is shown of the subject. */
export const EPOCH_LINKS = [
  "shape",
  "inclusion",
  "deployment",
  "rulebook",
  "signature",
  "witnesses",
  "block",
  "state",
  "assessments",
  "collateral",
] as const;
export type EpochLinkName = (typeof EPOCH_LINKS)[number];

/** A link of an epoch proof, and what was found of it. */
export type EpochLink = NamedFinding<EpochLinkName>;

/**
 * `verified`: every link that is needed holds. `refuted`: one does not. `unchecked`: the means to check one were not there.
 * `file` is null for bytes that are no epoch proof.
 */
export type EpochVerification = {
  status: "verified" | "refuted" | "unchecked";
  file: EpochFile | null;
  links: readonly EpochLink[];
};

type Means = { trust: EpochTrust; keys: readonly Verifier[]; quorum: Quorum | null };

const KIND: FileKind<EpochFile> = {
  name: "epoch proof",
  whole: "The file is an epoch proof in canonical form.",
  parse: parseEpochFile,
};

function checksBy(means: Means) {
  return {
    inclusion: checkInclusion,
    deployment: (file: EpochFile) => checkDeployment(file, means),
    rulebook: (file: EpochFile) => checkRulebook(file, means),
    signature: ({ checkpoint }: EpochFile) => judgeSignature(checkpoint, means.keys),
    witnesses: (file: EpochFile) => checkWitnesses(file, means),
    block: (file: EpochFile) => checkBlock(file, means),
    state: (file: EpochFile) => checkScopes(file, checkState),
    assessments: (file: EpochFile) => checkScopes(file, checkAssessments),
    collateral: (file: EpochFile) => checkScopes(file, checkCollateral),
  };
}

/**
 * Checks an epoch proof and says of every link whether it holds.
 * @throws InputError for a malformed key or a quorum that can never be met, which are the caller's; never for any bytes.
 */
export function verifyEpochFile(bytes: Uint8Array, trust: EpochTrust): EpochVerification {
  const { witnesses } = trust;
  const quorum = witnesses === undefined ? null : quorumOf(witnesses.keys, witnesses.threshold);
  const means = { trust, keys: trust.logKeys.map(parseVerifierKey), quorum };
  const { file, links } = checkLinks(bytes, { kind: KIND, names: EPOCH_LINKS, checks: checksBy(means) });
  return { status: statusOf(links, neededBy(trust)), file, links };
}

/** What nobody can do without, and what this verifier has brought the means for. */
function neededBy(trust: EpochTrust): readonly EpochLinkName[] {
  const asked: readonly EpochLinkName[] = [
    ...(trust.blocks === undefined ? [] : (["block"] as const)),
    ...(trust.witnesses === undefined ? [] : (["witnesses"] as const)),
  ];
  return ["shape", "inclusion", "deployment", "signature", "state", "assessments", "collateral", ...asked];
}

function checkInclusion({ epoch, checkpoint }: EpochFile): Finding {
  const { size, root } = parseCheckpoint(parseNote(checkpoint).text);
  const hash = leafHash(encodeLeaf(epochLeaf(epoch.body)));
  const claim = { index: Number(epoch.index), size, root, leafHash: hash, proof: epoch.proof.map(fromHex) };
  if (!verifyInclusion(claim)) {
    return refuted(`The epoch is not leaf ${epoch.index} of the tree of ${size} leaves that the checkpoint names.`);
  }
  return holds(`Leaf ${epoch.index} of the tree of ${size} leaves that the checkpoint names is the epoch.`);
}

/** The deployment says which protocols there are: without it a file could pass over one of them. */
function checkDeployment({ deployment, epoch, subject, scopes }: EpochFile, { trust }: Means): Finding {
  const { chain, deploymentHash } = epoch.body;
  if (trust.deployments?.includes(deploymentHash) === false) {
    return refuted(`The deployment ${deploymentHash} is none of those you named.`);
  }
  const hash = bodyHash(deployment);
  if (hash !== deploymentHash) return refuted(`The deployment hashes to ${hash}; the epoch is of ${deploymentHash}.`);
  const expected = scopesOf(subject, { chain, deployment }).map(({ protocol }) => protocol);
  const given = scopes.map(({ protocol }) => protocol);
  if (expected.join(" ") !== given.join(" ")) {
    return refuted(`The file is about ${given.join(", ") || "nothing"}; the deployment has ${expected.join(", ")}.`);
  }
  return holds(
    `The deployment is the one that is named, ${hash}; the file is about every protocol it has on ${chain}.`,
  );
}

function checkRulebook({ epoch }: EpochFile, { trust }: Means): Finding {
  const { rulebookHash } = epoch.body;
  if (trust.rulebooks === undefined)
    return unsettled(`Not needed: no rulebook was named; the epoch's is ${rulebookHash}.`);
  return trust.rulebooks.includes(rulebookHash)
    ? holds(`The rulebook ${rulebookHash} is one of those you named.`)
    : refuted(`The rulebook ${rulebookHash} is none of those you named.`);
}

function checkWitnesses({ checkpoint }: EpochFile, { quorum, keys }: Means): Finding {
  if (quorum === null) return unsettled("Not needed: no witness was named.");
  return judgeQuorum(parseNote(checkpoint), { quorum, verifiers: keys });
}

function checkBlock({ epoch }: EpochFile, { trust }: Means): Finding {
  const { chain, toBlock, blockHash } = epoch.body;
  if (trust.blocks === undefined) return unsettled("Block hash not checked: none that you trust was given.");
  const believed = believedHash(trust.blocks, { chain, number: toBlock });
  if (believed.hash === null) return unsettled(believed.sentence);
  return believed.hash === blockHash
    ? holds(`Block ${toBlock} of ${chain}, the epoch's last, has the trusted hash ${blockHash}.`)
    : refuted(`Block ${toBlock} of ${chain} has the hash ${believed.hash}; the epoch's is ${blockHash}.`);
}

/** Checks every scope against what is to be shown there. */
function checkScopes(
  { epoch, subject, deployment, scopes }: EpochFile,
  check: (proof: ScopeProof, about: { epoch: Epoch; scope: Scope }) => string | null,
): Finding {
  const expected = scopesOf(subject, { chain: epoch.body.chain, deployment });
  if (expected.length !== scopes.length) throw new InputError("The file is not about the protocols of the deployment.");
  const said = expected.flatMap((scope, i) => check(scopes[i] as ScopeProof, { epoch: epoch.body, scope }) ?? []);
  return said.length === 0 ? holds("Nothing is to be shown here of such a subject.") : holds(said.join(" "));
}

function checkState({ state }: ScopeProof, { epoch, scope }: { epoch: Epoch; scope: Scope }): string | null {
  const { stateKey, protocol } = scope;
  if (stateKey === null) {
    if (state !== null) throw new InputError(`The subject has no state in ${protocol}, but the file gives one.`);
    return null;
  }
  if (state === null) throw new InputError(`The file does not say what the epoch has under ${stateKey}.`);
  requireKey(stateKey, state);
  if (!("leaf" in state)) {
    verifyNoState(epoch, state);
    return `${protocol} has no state of it.`;
  }
  verifyState(epoch, state);
  return `${protocol} has a state of it.`;
}

function checkAssessments({ assessments }: ScopeProof, { epoch, scope }: { epoch: Epoch; scope: Scope }): string {
  const { holderKey, protocol } = scope;
  if (!("assessments" in assessments)) {
    requireKey(holderKey, assessments);
    verifyNoAssessments(epoch, assessments);
    return `${protocol} has no assessment of it.`;
  }
  if (assessments.subject !== holderKey) {
    throw new InputError(`The file gives the assessments of ${assessments.subject}, not of ${holderKey}.`);
  }
  verifyAssessments(epoch, assessments);
  const { length } = assessments.assessments;
  return length === 1
    ? `1 assessment is all that ${protocol} has of it.`
    : `${length} assessments are all that ${protocol} has of it.`;
}

function checkCollateral({ collateral }: ScopeProof, { epoch, scope }: { epoch: Epoch; scope: Scope }): string | null {
  const { assets, protocol } = scope;
  if (assets.length !== collateral.length) {
    throw new InputError(
      `${protocol} has ${assets.length} assets to be shown here; the file gives ${collateral.length}.`,
    );
  }
  if (assets.length === 0) return null;
  const said = assets.map((asset, i) => checkAsset(collateral[i] as AssetProof, { asset, epoch }));
  return said.join(" ");
}

function checkAsset({ totals, holding }: AssetProof, { asset, epoch }: { asset: AssetScope; epoch: Epoch }): string {
  const { key, accountKey } = asset;
  requireKey(key, totals);
  if (!("leaf" in totals)) {
    verifyNoTotals(epoch, totals);
    if (holding !== null)
      throw new InputError(`The file gives a leaf of the sums of ${key}, which the epoch does not have.`);
    return `Nobody has or needs anything of ${key}.`;
  }
  const sums = verifyTotals(epoch, totals);
  const over = `The sums of ${key} are over ${sums.accounts} accounts`;
  if (accountKey === null) {
    if (holding !== null) throw new InputError(`The subject is no account, but the file gives its leaf in ${key}.`);
    return `${over}.`;
  }
  if (holding === null) throw new InputError(`The file does not say what the sums of ${key} have under ${accountKey}.`);
  requireKey(accountKey, holding);
  verifyHolding(sums, holding);
  return `${over} and ${"leaf" in holding ? "count it in" : "have nothing of it"}.`;
}

function requireKey(expected: string, found: { leaf: { key: string } } | { key: string }): void {
  const key = "leaf" in found ? found.leaf.key : found.key;
  if (key !== expected) throw new InputError(`The file shows ${key} where ${expected} is to be shown.`);
}
