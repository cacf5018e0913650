/**
 * The proof that `contracts/ComplianceGate.sol` asks for, made from an epoch, and the gate's decision worked out again:
 * whoever sends a proof can learn before why it would be refused.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import type { Epoch } from "../assessment.ts";
import { InputError } from "../errors.ts";
import { caip10, type Hex } from "../ids.ts";
import { type PathArgument, pathArgument, type TreePath } from "./anchor.ts";
import { fromHex, toHex } from "./bytes.ts";
import { canonicalBytes, canonicalText, type Json, parseCanonical } from "./canonical.ts";
import { type SubjectProof, verifyAssessments } from "./epoch-proof.ts";
import { encodeLeaf, epochLeaf, type Leaf, parseLeaf } from "./leaf.ts";
import { leafHash, MerkleTree, rootOfInclusion, verifyInclusion } from "./merkle.ts";
import { sha256 } from "./sha256.ts";

/** Members of an epoch's body that the gate reads, in the order of its struct. */
const READ = ["assessmentRoot", "deploymentHash", "kernel", "rulebookHash"] as const;

/** Offsets in an epoch's body of the commas before the members that are read. */
export type Places = Readonly<Record<(typeof READ)[number], number>>;

/**
 * A rule's current assessment of an account, in a sealed epoch of a log: where the epoch's leaf is, and all that the epoch
 * says of the account in one protocol.
 */
export type AssessedInEpoch = { epoch: Epoch; inLog: TreePath; assessments: SubjectProof; ruleId: string };

/** The argument of `act`. */
export type GateProof = {
  epochLeaf: Hex;
  inLog: PathArgument;
  epochBody: Hex;
  places: Places;
  ruleLeaf: Hex;
  inAccount: PathArgument;
  inEpoch: PathArgument;
};

/** What a gate was made to ask for. */
export type GateTerms = {
  protocol: string;
  ruleId: string;
  rulebookHash: Hex;
  deploymentHash: Hex;
  kernel: string;
  maxAgeBlocks: bigint;
};

/** Where and for whom a gate is asked. `rootAt` gives the anchored root of a size, null where none is anchored. */
export type GateCall = {
  terms: GateTerms;
  chainId: bigint;
  blockNumber: bigint;
  account: Hex;
  rootAt: (size: bigint) => Hex | null;
};

/** Why a gate refuses, by the name of the contract's error; `MalformedLeaf` stands for the errors of `LogLeaf.sol`. */
export type GateRefusal =
  | "HeadNotAnchored"
  | "LeafNotIncluded"
  | "MalformedLeaf"
  | "NotAnEpoch"
  | "AnotherChain"
  | "EpochAhead"
  | "StaleEpoch"
  | "AnotherBody"
  | "AnotherDeployment"
  | "AnotherKernel"
  | "AnotherRulebook"
  | "AnotherAccount"
  | "AnotherRule"
  | "NotInEpoch"
  | "ConditionNotMet";

/**
 * The argument of `act`.
 * @throws InputError when the assessments are not those of the epoch, the rule is not among them, or the epoch's body lacks
 * what the gate reads.
 */
export function gateProof({ epoch, inLog, assessments: of, ruleId }: AssessedInEpoch): GateProof {
  verifyAssessments(epoch, of);
  const key = `${of.subject}|${ruleId}`;
  const index = of.assessments.findIndex((assessment) => assessment.key === key);
  if (index < 0) throw new InputError(`The epoch has no assessment of ${of.subject} under ${ruleId}.`);
  const leaves = of.assessments.map((assessment) => canonicalBytes([assessment.key, assessment.state]));
  const own = MerkleTree.from(leaves.map(leafHash));
  const body = canonicalBytes(epoch);
  return {
    epochLeaf: toHex(encodeLeaf(epochLeaf(epoch))),
    inLog: pathArgument(inLog),
    epochBody: toHex(body),
    places: placesIn(body),
    ruleLeaf: toHex(leaves[index] as Uint8Array),
    inAccount: pathArgument({ index, size: own.size, proof: own.inclusionProof(index) }),
    inEpoch: { index: BigInt(of.index), size: BigInt(of.size), proof: of.proof as readonly Hex[] },
  };
}

/** Where in the canonical body of an epoch the members stand that a gate reads. @throws InputError when one is missing. */
export function placesIn(body: Uint8Array): Places {
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const [name, value] of Object.entries(membersOf(body)).sort(([a], [b]) => (a < b ? -1 : 1))) {
    offsets.set(name, offset);
    offset += utf8ToBytes(`,${canonicalText(name)}:${canonicalText(value)}`).length;
  }
  const placeOf = (name: string): number => {
    const place = offsets.get(name);
    if (place === undefined) throw new InputError(`The body of the epoch has no ${name}.`);
    return place;
  };
  return {
    assessmentRoot: placeOf("assessmentRoot"),
    deploymentHash: placeOf("deploymentHash"),
    kernel: placeOf("kernel"),
    rulebookHash: placeOf("rulebookHash"),
  };
}

function membersOf(body: Uint8Array): { readonly [name: string]: Json } {
  const json = parseCanonical(body);
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as { [name: string]: Json };
  throw new InputError("The body of an epoch is a JSON object.");
}

/**
 * Why a gate would refuse, the first reason it meets; null when it would let the account act.
 * @throws InputError when what is sealed as an epoch's body is none.
 */
export function gateRefusal(proof: GateProof, call: GateCall): GateRefusal | null {
  const read = readEpochLeaf(proof, call);
  if (typeof read === "string") return read;
  return (
    epochRefusal(read, call) ??
    bodyRefusal(proof, { bodyHash: read.bodyHash, terms: call.terms }) ??
    assessmentRefusal(proof, call)
  );
}

function readEpochLeaf({ epochLeaf, inLog }: GateProof, { rootAt }: GateCall): Leaf | GateRefusal {
  const root = rootAt(inLog.size);
  if (root === null) return "HeadNotAnchored";
  const bytes = fromHex(epochLeaf);
  const claim = { ...pathOf(inLog), leafHash: leafHash(bytes), root: fromHex(root) };
  if (!verifyInclusion(claim)) return "LeafNotIncluded";
  try {
    return parseLeaf(bytes);
  } catch (error) {
    if (error instanceof InputError) return "MalformedLeaf";
    throw error;
  }
}

function epochRefusal(leaf: Leaf, { chainId, blockNumber, terms }: GateCall): GateRefusal | null {
  if (leaf.kind !== "epoch") return "NotAnEpoch";
  if (leaf.chainId !== chainId) return "AnotherChain";
  if (leaf.blockNumber > blockNumber) return "EpochAhead";
  return blockNumber - leaf.blockNumber > terms.maxAgeBlocks ? "StaleEpoch" : null;
}

function bodyRefusal(
  { epochBody, places }: GateProof,
  { bodyHash: expected, terms }: { bodyHash: Hex; terms: GateTerms },
): GateRefusal | null {
  const bytes = fromHex(epochBody);
  if (toHex(sha256(bytes)) !== expected) return "AnotherBody";
  const body = membersOf(bytes);
  const found = placesIn(bytes);
  const says = (name: "deploymentHash" | "kernel" | "rulebookHash"): boolean =>
    found[name] === places[name] && body[name] === terms[name];
  if (!says("deploymentHash")) return "AnotherDeployment";
  if (!says("kernel")) return "AnotherKernel";
  return says("rulebookHash") ? null : "AnotherRulebook";
}

function assessmentRefusal(proof: GateProof, { account, chainId, terms }: GateCall): GateRefusal | null {
  const leaf = new TextDecoder("utf-8", { ignoreBOM: true }).decode(fromHex(proof.ruleLeaf));
  const group = `${terms.protocol}|${caip10(Number(chainId), account)}`;
  if (!leaf.startsWith(`["${group}`)) return "AnotherAccount";
  const key = `["${group}|${terms.ruleId}",`;
  if (!leaf.startsWith(key)) return "AnotherRule";
  const accountRoot = rootOfInclusion({ ...pathOf(proof.inAccount), leafHash: leafHash(fromHex(proof.ruleLeaf)) });
  if (accountRoot === null) return "NotInEpoch";
  const summary = { count: proof.inAccount.size.toString(), root: toHex(accountRoot) };
  const root = rootOfInclusion({ ...pathOf(proof.inEpoch), leafHash: leafHash(canonicalBytes([group, summary])) });
  const body = fromHex(proof.epochBody);
  const isCommitted = root !== null && membersOf(body).assessmentRoot === toHex(root);
  if (!isCommitted || placesIn(body).assessmentRoot !== proof.places.assessmentRoot) return "NotInEpoch";
  return leaf.startsWith(`${key}{"condition":"met",`) ? null : "ConditionNotMet";
}

/** A size or index beyond safe integers becomes one that is none, which every check refuses. */
function pathOf({ index, size, proof }: PathArgument): TreePath {
  return { index: Number(index), size: Number(size), proof: proof.map(fromHex) };
}
