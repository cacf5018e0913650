/**
 * A proof bundle: everything a stranger needs to check one assessment, or the verdict on it, in one file. It is the
 * RFC 8785 form of a `Bundle`, without a part that is not known or not used.
 */
import * as z from "zod";
import type { Assessment } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { toHex } from "./bytes.ts";
import { canonicalBytes, type Json, parseCanonical } from "./canonical.ts";
import type { VerdictBody } from "./leaf.ts";
import { type LogEvidence, readLogEvidence } from "./log-evidence.ts";
import type { MerkleTree } from "./merkle.ts";
import { type Checkpoint, type Note, parseCheckpoint, parseNote } from "./note.ts";
import * as shapes from "./shapes.ts";
import type { Opening } from "./verdict.ts";
import { readWitness, type Witness } from "./witness.ts";

export const BUNDLE_VERSION = "plumbline-bundle/2";

/**
 * How far a bundle goes. `attested`: the log's signature vouches for the recorded inputs. `authentic`: the logs behind
 * the assessment are proven to be in its block. `proven`: the protocol's own views state the inputs over proven state.
 */
export const LEVELS = ["attested", "authentic", "proven"] as const;
export type Assurance = (typeof LEVELS)[number];

/** Something in the log: what its leaf commits to, the leaf's index, and the way up to the checkpoint's root. */
export type Sealed<Body> = { body: Body; index: string; proof: readonly Hex[] };

/** What proves an assessment's inputs: the block's state, for calls that the verifier derives, or logs of the block. */
export type Evidence = { kind: "calls"; witness: Witness } | LogEvidence;

/**
 * The bundle of an assessment (`verdict` null) or of the verdict on it. `opening` is there only for a reader who may
 * know the outcome. `rulebook` shows the one rule the assessment is by, as `disclose` gives it, and `deployment`, there
 * when there is evidence, is the whole object whose hash the assessment names. Nobody has audited the range, cosigned
 * or anchored it.
 */
export type Bundle = {
  version: typeof BUNDLE_VERSION;
  claims: { assurance: Assurance; complete: false; witnessed: "0"; anchored: null };
  /** The signed note, with the log's signature and no other. */
  checkpoint: string;
  rulebook: Json;
  deployment: Json | null;
  assessment: Sealed<Assessment>;
  verdict: (Sealed<VerdictBody> & { opening: Opening | null }) | null;
  evidence: Evidence | null;
};

/** A bundle whose form has been checked, with its checkpoint taken apart. */
export type ReadBundle = { bundle: Bundle; note: Note; checkpoint: Checkpoint };

const place = { index: shapes.natural, proof: z.array(shapes.hash).max(64) };

/** The form of a bundle; `parseBundle` checks more. */
export const bundleShape = z.strictObject({
  version: z.literal(BUNDLE_VERSION),
  claims: z.strictObject({
    assurance: z.enum(LEVELS),
    complete: z.literal(false),
    witnessed: z.literal("0"),
    anchored: z.null(),
  }),
  checkpoint: z.string(),
  rulebook: shapes.object,
  deployment: shapes.object.nullable(),
  assessment: z.strictObject({ body: shapes.assessment, ...place }),
  verdict: z.strictObject({ body: shapes.verdict, ...place, opening: shapes.opening.nullable() }).nullable(),
  evidence: shapes.evidence.nullable(),
});

/** What a bundle is made of: bodies and leaf indexes, and the log's tree and signed checkpoint to prove them by. */
export type BundleParts = {
  tree: MerkleTree;
  /** The signed note; its size says at which size of the tree the proofs are made. */
  checkpoint: string;
  /** As `disclose` gives it. */
  rulebook: Json;
  assessment: { body: Assessment; index: number };
  verdict: { body: VerdictBody; index: number; opening: Opening | null } | null;
  /** With it the bundle is `proven` or `authentic`, and has the deployment as `deploymentJson` gives it. */
  evidence: Evidence | null;
  deployment: Json | null;
};

/**
 * The bytes of a bundle.
 * @throws InputError when a part is malformed or lies beyond the checkpoint.
 */
export function makeBundle(parts: BundleParts): Uint8Array {
  const { tree, checkpoint, rulebook, deployment, assessment, verdict, evidence } = parts;
  const { size } = parseCheckpoint(parseNote(checkpoint).text);
  const seal = <Body>({ body, index }: { body: Body; index: number }): Sealed<Body> => {
    return { body, index: index.toString(), proof: tree.inclusionProof(index, size).map(toHex) };
  };
  const bytes = canonicalBytes({
    version: BUNDLE_VERSION,
    claims: { assurance: assuranceBy(evidence), complete: false, witnessed: "0", anchored: null },
    checkpoint,
    rulebook,
    deployment,
    assessment: seal(assessment),
    verdict: verdict === null ? null : { ...seal(verdict), opening: verdict.opening },
    evidence,
  });
  parseBundle(bytes);
  return bytes;
}

/**
 * Reads a bundle and checks its form, nothing else.
 * @throws InputError naming what is malformed.
 */
export function parseBundle(bytes: Uint8Array): ReadBundle {
  return readBundle(parseCanonical(bytes));
}

/** Reads a bundle's JSON, which is known to be in canonical form. @throws InputError as `parseBundle`. */
export function readBundle(json: Json): ReadBundle {
  const shaped = shapes.readShape(bundleShape, json, "Bundle");
  const bundle: Bundle = { ...shaped, evidence: readEvidence(shaped.evidence) };
  shapes.requireValueOrReason(bundle.assessment.body, "Bundle: assessment.body");
  const assurance = assuranceBy(bundle.evidence);
  if (bundle.claims.assurance !== assurance) {
    throw new InputError(`Bundle: claims.assurance: its evidence is that of ${assurance}.`);
  }
  if ((bundle.deployment === null) !== (bundle.evidence === null)) {
    throw new InputError("Bundle: deployment: expected it with evidence, and only then.");
  }
  const note = parseNote(bundle.checkpoint);
  const checkpoint = parseCheckpoint(note.text);
  if (note.signatures.length !== 1 || checkpoint.extensions.length > 0) {
    throw new InputError("Bundle: checkpoint: expected three lines and one signature, the log's own.");
  }
  return { bundle, note, checkpoint };
}

/** The level that evidence is for. */
export function assuranceBy(evidence: Evidence | null): Assurance {
  if (evidence === null) return "attested";
  return evidence.kind === "calls" ? "proven" : "authentic";
}

function readEvidence(evidence: z.infer<typeof shapes.evidence> | null): Evidence | null {
  if (evidence === null) return null;
  if (evidence.kind === "calls") return { kind: "calls", witness: readWitness(evidence.witness) };
  return readLogEvidence(evidence as unknown as Json);
}
