/**
 * An epoch proof: everything that a log committed to about one subject at the end of an epoch, in one file. It is the
 * RFC 8785 form of an `EpochFile`, and shows what is there, that what is not shown is not there, and that what is summed
 * up counts the subject in.
 */
import * as z from "zod";
import type { Epoch, EpochTree } from "../assessment.ts";
import { InputError } from "../errors.ts";
import type { Hex } from "../ids.ts";
import { headNote, readHeadNote } from "../log/head-note.ts";
import type { StateJson } from "../margin-model.ts";
import { toHex } from "./bytes.ts";
import { canonicalBytes, type Json, parseCanonical } from "./canonical.ts";
import { type Absence, type Presence, proveAssessments, proveKey, type SubjectProof } from "./epoch-proof.ts";
import { type Scope, scopesOf } from "./epoch-scopes.ts";
import { collateralStateOf, type EpochTrees } from "./epoch-trees.ts";
import * as shapes from "./shapes.ts";
import { type HoldingProof, proveHolding, sumShape } from "./sum-proof.ts";

const EPOCH_PROOF_VERSION = "plumbline-epoch-proof/1";

/**
 * What is said of one asset: its totals over all accounts of the protocol, or that there are none. `holding` is what an
 * account adds to them, null where there are none, or the subject is no account.
 */
export type AssetProof = { totals: Presence | Absence; holding: HoldingProof | null };

/** What is said of the subject in one protocol, or of the chain; the parts are those that `scopesOf` asks for, in order. */
export type ScopeProof = {
  protocol: string;
  state: Presence | Absence | null;
  assessments: SubjectProof | Absence;
  collateral: readonly AssetProof[];
};

/** The file. `deployment` is the whole object whose hash the epoch names: it says which protocols there are. */
export type EpochFile = {
  version: typeof EPOCH_PROOF_VERSION;
  subject: string;
  /** The signed note with all its cosignatures, as `headNote` gives it. */
  checkpoint: string;
  epoch: { body: Epoch; index: string; proof: readonly Hex[] };
  deployment: Json;
  scopes: readonly ScopeProof[];
};

const name = z.string().min(1).max(400);
const index = z.string().regex(/^(0|[1-9]\d{0,15})$/, "expected a number of leaves");
const hashes = z.array(shapes.hash).max(64);
const keyed = z.strictObject({ key: name, state: z.json(), index, proof: hashes });
const holding = z.strictObject({
  key: name,
  state: z.strictObject({ held: sumShape, required: sumShape.nullable() }),
  index,
  path: z.array(z.strictObject({ hash: shapes.hash, held: sumShape, required: sumShape, unknown: sumShape })).max(64),
});
const presence = z.strictObject({ size: index, leaf: keyed });
const absence = z.strictObject({ size: index, key: name, before: keyed.nullable(), after: keyed.nullable() });
const all = z.strictObject({
  size: index,
  subject: name,
  assessments: z.array(z.strictObject({ key: name, state: z.json() })),
  index,
  proof: hashes,
});
const held = z.strictObject({ size: index, leaf: holding });
const unheld = z.strictObject({ size: index, key: name, before: holding.nullable(), after: holding.nullable() });

const epoch: z.ZodType<Epoch> = z.strictObject({
  chain: shapes.chain,
  number: shapes.natural,
  fromBlock: shapes.natural,
  toBlock: shapes.natural,
  blockHash: shapes.hash,
  stateRoot: shapes.hash,
  stateCount: shapes.natural,
  assessmentRoot: shapes.hash,
  assessmentCount: shapes.natural,
  collateralRoot: shapes.hash,
  collateralCount: shapes.natural,
  rulebookHash: shapes.hash,
  deploymentHash: shapes.hash,
  kernel: name,
});

/** The form of an epoch proof; what it shows is checked by `verifyEpochFile`. */
export const epochFileShape = z.strictObject({
  version: z.literal(EPOCH_PROOF_VERSION),
  subject: name,
  checkpoint: z.string(),
  epoch: z.strictObject({ body: epoch, index, proof: hashes }),
  deployment: shapes.object,
  scopes: z.array(
    z.strictObject({
      protocol: name,
      state: z.union([presence, absence]).nullable(),
      assessments: z.union([all, absence]),
      collateral: z.array(
        z.strictObject({ totals: z.union([presence, absence]), holding: z.union([held, unheld]).nullable() }),
      ),
    }),
  ),
});

/** What a proof is made of: the epoch in the log, the deployment it names, and its trees with what their leaves say. */
export type EpochFileParts = Omit<EpochFile, "version" | "scopes" | "epoch"> & {
  epoch: { body: Epoch; index: number; proof: readonly Uint8Array[] };
  trees: EpochTrees;
  /** What a leaf says. @throws InvariantError when there is no such leaf. */
  stateOf(tree: EpochTree, key: string): StateJson;
};

/**
 * The bytes of an epoch proof.
 * @throws InputError for a subject that has none, or a part that is malformed.
 */
export function makeEpochFile(parts: EpochFileParts): Uint8Array {
  const { subject, deployment, epoch } = parts;
  const scopes = scopesOf(subject, { chain: epoch.body.chain, deployment });
  const bytes = canonicalBytes({
    version: EPOCH_PROOF_VERSION,
    subject,
    checkpoint: headNote(parts.checkpoint),
    epoch: { body: epoch.body, index: epoch.index.toString(), proof: epoch.proof.map(toHex) },
    deployment,
    scopes: scopes.map((scope) => proveScope(scope, parts)),
  });
  parseEpochFile(bytes);
  return bytes;
}

/** Reads an epoch proof and checks its form, nothing else. @throws InputError naming what is malformed. */
export function parseEpochFile(bytes: Uint8Array): EpochFile {
  return readEpochFile(parseCanonical(bytes));
}

/** Reads an epoch proof's JSON, which is known to be in canonical form. @throws InputError as `parseEpochFile`. */
function readEpochFile(json: Json): EpochFile {
  const file = shapes.readShape(epochFileShape, json, "Epoch proof") as EpochFile;
  readHeadNote(file.checkpoint);
  return file;
}

/** Whether bytes say of themselves that they are an epoch proof, of any version. */
export function isEpochFile(bytes: Uint8Array): boolean {
  try {
    const { version } = parseCanonical(bytes) as { version?: Json };
    return typeof version === "string" && version.startsWith("plumbline-epoch-proof/");
  } catch (error) {
    if (error instanceof InputError || error instanceof TypeError) return false;
    throw error;
  }
}

/** The block whose hash an epoch proof names, by its own word; none for other bytes. */
export function lastBlockIn(bytes: Uint8Array): readonly { chain: string; number: string }[] {
  try {
    const { chain, toBlock } = parseEpochFile(bytes).epoch.body;
    return [{ chain, number: toBlock }];
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
}

function proveScope({ protocol, stateKey, holderKey, assets }: Scope, parts: EpochFileParts): ScopeProof {
  const { trees, stateOf } = parts;
  return {
    protocol,
    state: stateKey === null ? null : proveKey(trees.state, { key: stateKey, stateOf: (key) => stateOf("state", key) }),
    assessments: proveAssessments(trees.assessments.tree, {
      subject: holderKey,
      assessmentsOf: (holder) =>
        (trees.assessments.group(holder)?.keys() ?? []).map((key) => ({ key, state: stateOf("assessment", key) })),
    }),
    collateral: assets.map(({ key, accountKey }): AssetProof => {
      const totals = proveKey(trees.collateral.tree, {
        key,
        stateOf: (asset) => trees.collateral.group(asset)?.summary() ?? null,
      });
      const sums = trees.collateral.group(key);
      if (sums === undefined || accountKey === null) return { totals, holding: null };
      const holdingOf = (of: string) => collateralStateOf(stateOf("collateral", of));
      return { totals, holding: proveHolding(sums, { key: accountKey, stateOf: holdingOf }) };
    }),
  };
}
