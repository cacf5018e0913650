/**
 * A proof bundle: everything a stranger needs to check one assessment, or the verdict on it, in one file. It is the
 * RFC 8785 form of a `Bundle`, without a part that is not known or not used.
 */
import * as z from "zod";
import type { Assessment, TestPoint } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { REASONS } from "../result.ts";
import { toHex } from "./bytes.ts";
import { canonicalBytes, type Json, parseCanonical } from "./canonical.ts";
import type { VerdictBody } from "./leaf.ts";
import type { MerkleTree } from "./merkle.ts";
import { type Checkpoint, type Note, parseCheckpoint, parseNote } from "./note.ts";
import type { Opening } from "./verdict.ts";

export const BUNDLE_VERSION = "plumbline-bundle/1";

/** Something in the log: what its leaf commits to, the leaf's index, and the way up to the checkpoint's root. */
export type Sealed<Body> = { body: Body; index: string; proof: readonly Hex[] };

/**
 * The bundle of an assessment (`verdict` null) or of the verdict on it. `opening` is there only for a reader who may
 * know the outcome. `rulebook` is the whole object whose hash the assessment names. `claims` says how far the bundle
 * goes: the log's signature vouches for the recorded inputs, nobody has audited the range, cosigned or anchored it.
 */
export type Bundle = {
  version: typeof BUNDLE_VERSION;
  claims: { assurance: "attested"; complete: false; witnessed: "0"; anchored: null };
  /** The signed note, with the log's signature and no other. */
  checkpoint: string;
  rulebook: Json;
  assessment: Sealed<Assessment>;
  verdict: (Sealed<VerdictBody> & { opening: Opening | null }) | null;
};

/** A bundle whose form has been checked, with its checkpoint taken apart. */
export type ReadBundle = { bundle: Bundle; note: Note; checkpoint: Checkpoint };

const matching = <T extends string>(pattern: RegExp, expected: string) =>
  z.custom<T>((value) => typeof value === "string" && pattern.test(value), `expected ${expected}`);

const hash = matching<Hex>(/^0x[0-9a-f]{64}$/, "0x and 64 lower-case hex digits");
const digest = matching<string>(/^[0-9a-f]{64}$/, "64 lower-case hex digits");
const natural = matching<string>(/^(0|[1-9]\d{0,19})$/, "a decimal string");
const integer = matching<string>(/^(0|-?[1-9]\d*)$/, "an integer as a decimal string");
const chain = matching<string>(/^eip155:[1-9]\d{0,14}$/, "a CAIP-2 chain");
const name = z.string().min(1);
const testPoint = matching<TestPoint>(
  /^(end|day:\d{4}-\d\d-\d\d|(epoch|log):(0|[1-9]\d{0,8}))$/,
  "end, day:…, epoch:… or log:…",
);

const assessment = z.strictObject({
  id: digest,
  chain,
  protocol: name,
  subject: name,
  account: name.nullable(),
  ruleId: name,
  rulebookHash: hash,
  deploymentHash: hash,
  kernel: name,
  testPoint,
  condition: z.enum(["met", "not_met", "unknown"]),
  metric: name,
  inputs: z.record(name, integer),
  measured: integer.nullable(),
  decimals: natural,
  unit: name,
  reason: z.enum(REASONS).nullable(),
  operator: name,
  threshold: name,
  blockNumber: natural,
  blockHash: hash,
  blockTimestamp: natural,
});

const verdict = z.strictObject({
  id: digest,
  assessmentId: digest,
  chain,
  protocol: name,
  subject: name,
  ruleId: name,
  rulebookHash: hash,
  blockNumber: natural,
  blockHash: hash,
  commitment: digest,
});

const opening = z.strictObject({
  salt: digest,
  outcome: z.enum(["compliant", "breach", "not_applicable", "indeterminate"]),
  profile: name,
  missing: z.array(name),
});

const place = { index: natural, proof: z.array(hash).max(64) };

const shape: z.ZodType<Bundle> = z.strictObject({
  version: z.literal(BUNDLE_VERSION),
  claims: z.strictObject({
    assurance: z.literal("attested"),
    complete: z.literal(false),
    witnessed: z.literal("0"),
    anchored: z.null(),
  }),
  checkpoint: z.string(),
  rulebook: z.custom<Json>((value) => typeof value === "object" && value !== null, "expected an object"),
  assessment: z.strictObject({ body: assessment, ...place }),
  verdict: z.strictObject({ body: verdict, ...place, opening: opening.nullable() }).nullable(),
});

/** What a bundle is made of: bodies and leaf indexes, and the log's tree and signed checkpoint to prove them by. */
export type BundleParts = {
  tree: MerkleTree;
  /** The signed note; its size says at which size of the tree the proofs are made. */
  checkpoint: string;
  rulebook: Json;
  assessment: { body: Assessment; index: number };
  verdict: { body: VerdictBody; index: number; opening: Opening | null } | null;
};

/**
 * The bytes of a bundle.
 * @throws InputError when a part is malformed or lies beyond the checkpoint.
 */
export function makeBundle({ tree, checkpoint, rulebook, assessment, verdict }: BundleParts): Uint8Array {
  const { size } = parseCheckpoint(parseNote(checkpoint).text);
  const seal = <Body>({ body, index }: { body: Body; index: number }): Sealed<Body> => {
    return { body, index: index.toString(), proof: tree.inclusionProof(index, size).map(toHex) };
  };
  const bytes = canonicalBytes({
    version: BUNDLE_VERSION,
    claims: { assurance: "attested", complete: false, witnessed: "0", anchored: null },
    checkpoint,
    rulebook,
    assessment: seal(assessment),
    verdict: verdict === null ? null : { ...seal(verdict), opening: verdict.opening },
  });
  parseBundle(bytes);
  return bytes;
}

/**
 * Reads a bundle and checks its form, nothing else.
 * @throws InputError naming what is malformed.
 */
export function parseBundle(bytes: Uint8Array): ReadBundle {
  const parsed = shape.safeParse(parseCanonical(bytes));
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputError(`Bundle: ${issue?.path.join(".") || "top level"}: ${issue?.message ?? "malformed"}.`);
  }
  const bundle = parsed.data;
  const { measured, reason } = bundle.assessment.body;
  if ((measured === null) === (reason === null)) {
    throw new InputError("Bundle: assessment.body: expected a measured value or a reason, and not both.");
  }
  const note = parseNote(bundle.checkpoint);
  const checkpoint = parseCheckpoint(note.text);
  if (note.signatures.length !== 1 || checkpoint.extensions.length > 0) {
    throw new InputError("Bundle: checkpoint: expected three lines and one signature, the log's own.");
  }
  return { bundle, note, checkpoint };
}
