/**
 * A proof bundle: everything a stranger needs to check one assessment, or the verdict on it, in one file. It is the
 * RFC 8785 form of a `Bundle`, without a part that is not known or not used.
 */
import * as z from "zod";
import type { Assessment } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { type HeadNote, headNote, readHeadNote } from "../log/head-note.ts";
import { toHex } from "./bytes.ts";
import { canonicalBytes, type Json, parseCanonical } from "./canonical.ts";
import type { VerdictBody } from "./leaf.ts";
import { type LogEvidence, logEvidenceShape, readLogEvidence } from "./log-evidence.ts";
import type { MerkleTree } from "./merkle.ts";
import * as shapes from "./shapes.ts";
import type { Opening } from "./verdict.ts";
import { readWitness, type Witness } from "./witness.ts";

const BUNDLE_VERSION = "plumbline-bundle/3";

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

/** The block in which a contract is said to have published a head of the log: CAIP-2 chain, and lower-case address. */
export type Anchored = { chain: string; contract: Hex; blockNumber: string; blockHash: Hex };

/** A head on a chain: where, and the receipt that shows it, alone. Its transaction is the one the receipt is of. */
export type Anchoring = { anchored: Anchored; evidence: LogEvidence };

/**
 * How far a bundle goes, by its own word. Nobody has audited the range. `witnessed` is how many lines below the checkpoint
 * say to be cosignatures, `anchored` where a chain is said to have it.
 */
export type Claims = { assurance: Assurance; complete: false; witnessed: string; anchored: Anchored | null };

/**
 * The bundle of an assessment (`verdict` null) or of the verdict on it. `opening` is there only for a reader who may
 * know the outcome. `rulebook` shows the one rule the assessment is by, as `disclose` gives it, and `deployment`, there
 * when there is evidence, is the whole object whose hash the assessment names.
 */
export type Bundle = {
  version: typeof BUNDLE_VERSION;
  claims: Claims;
  /** The signed note with all its cosignatures, as `headNote` gives it. */
  checkpoint: string;
  rulebook: Json;
  deployment: Json | null;
  assessment: Sealed<Assessment>;
  verdict: (Sealed<VerdictBody> & { opening: Opening | null }) | null;
  evidence: Evidence | null;
  /** What shows that the checkpoint is where `anchored` says. */
  anchor: LogEvidence | null;
};

/** A bundle whose form has been checked, with its checkpoint taken apart. */
export type ReadBundle = Pick<HeadNote, "note" | "checkpoint"> & { bundle: Bundle };

const place = { index: shapes.natural, proof: z.array(shapes.hash).max(64) };

/** The form of a bundle; `parseBundle` checks more. */
export const bundleShape = z.strictObject({
  version: z.literal(BUNDLE_VERSION),
  claims: z.strictObject({
    assurance: z.enum(LEVELS),
    complete: z.literal(false),
    witnessed: shapes.natural,
    anchored: z
      .strictObject({
        chain: shapes.chain,
        contract: shapes.address,
        blockNumber: shapes.natural,
        blockHash: shapes.hash,
      })
      .nullable(),
  }),
  checkpoint: z.string(),
  rulebook: shapes.object,
  deployment: shapes.object.nullable(),
  assessment: z.strictObject({ body: shapes.assessment, ...place }),
  verdict: z.strictObject({ body: shapes.verdict, ...place, opening: shapes.opening.nullable() }).nullable(),
  evidence: shapes.evidence.nullable(),
  anchor: logEvidenceShape.nullable(),
});

/** What a bundle is made of: bodies and leaf indexes, and the log's tree and signed checkpoint to prove them by. */
export type BundleParts = {
  tree: MerkleTree;
  /** The signed note, cosignatures in any order; its size says at which size of the tree the proofs are made. */
  checkpoint: string;
  /** Where the head of that checkpoint is on a chain; null where it is on none, or not for good yet. */
  anchor: Anchoring | null;
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
  const { tree, anchor, rulebook, deployment, assessment, verdict, evidence } = parts;
  const checkpoint = headNote(parts.checkpoint);
  const { cosigned, checkpoint: head } = readHeadNote(checkpoint);
  const seal = <Body>({ body, index }: { body: Body; index: number }): Sealed<Body> => {
    return { body, index: index.toString(), proof: tree.inclusionProof(index, head.size).map(toHex) };
  };
  const bytes = canonicalBytes({
    version: BUNDLE_VERSION,
    claims: {
      assurance: assuranceBy(evidence),
      complete: false,
      witnessed: cosigned.toString(),
      anchored: anchor?.anchored ?? null,
    },
    checkpoint,
    rulebook,
    deployment,
    assessment: seal(assessment),
    verdict: verdict === null ? null : { ...seal(verdict), opening: verdict.opening },
    evidence,
    anchor: anchor?.evidence ?? null,
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
  const { evidence, anchor } = shaped;
  const bundle: Bundle = {
    ...shaped,
    evidence: readEvidence(evidence),
    anchor: anchor === null ? null : readLogEvidence(anchor as unknown as Json),
  };
  shapes.requireValueOrReason(bundle.assessment.body, "Bundle: assessment.body");
  const assurance = assuranceBy(bundle.evidence);
  if (bundle.claims.assurance !== assurance) {
    throw new InputError(`Bundle: claims.assurance: its evidence is that of ${assurance}.`);
  }
  if ((bundle.deployment === null) !== (bundle.evidence === null)) {
    throw new InputError("Bundle: deployment: expected it with evidence, and only then.");
  }
  const { note, checkpoint, cosigned } = readHeadNote(bundle.checkpoint);
  if (bundle.claims.witnessed !== cosigned.toString()) {
    throw new InputError(`Bundle: claims.witnessed: ${cosigned} cosignatures are below its checkpoint.`);
  }
  if ((bundle.claims.anchored === null) !== (bundle.anchor === null)) {
    throw new InputError("Bundle: anchor: expected it with claims.anchored, and only then.");
  }
  if (bundle.anchor !== null && bundle.anchor.transactions.length !== 1) {
    throw new InputError("Bundle: anchor: expected the receipt of one transaction.");
  }
  return { bundle, note, checkpoint };
}

/** The level that evidence is for. */
function assuranceBy(evidence: Evidence | null): Assurance {
  if (evidence === null) return "attested";
  return evidence.kind === "calls" ? "proven" : "authentic";
}

function readEvidence(evidence: z.infer<typeof shapes.evidence> | null): Evidence | null {
  if (evidence === null) return null;
  if (evidence.kind === "calls") return { kind: "calls", witness: readWitness(evidence.witness) };
  return readLogEvidence(evidence as unknown as Json);
}
