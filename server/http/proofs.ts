import { eq } from "drizzle-orm";
import type { Assessment } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { type Assurance, type BundleParts, type Evidence, LEVELS, makeBundle } from "../../src/core/proof/bundle.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { verdictId } from "../../src/core/proof/ids.ts";
import type { VerdictBody } from "../../src/core/proof/leaf.ts";
import { blindVerdict, type Opening } from "../../src/core/proof/verdict.ts";
import { disclose } from "../../src/core/rules/disclosure.ts";
import { maySee, type Role } from "../auth/roles.ts";
import { type AnchoredHeads, bundleHead } from "../cosigners/bundle-head.ts";
import type { Cosignatures } from "../cosigners/cosignatures.ts";
import type { LeafRow } from "../ledger/entry.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openVerdictOf } from "../ledger/sealer.ts";
import type { Store } from "../store/database.ts";
import { verdict } from "../store/schema.ts";
import { type EvidenceRow, evidenceOf, readEvidence } from "../witnesses/keeper.ts";
import { type App, sentence } from "./app.ts";

/** What proofs are made from. `secret` opens verdicts for those who may see them. */
export type ProofSources = {
  store: Store;
  ledger: Ledger;
  secret: Uint8Array;
  cosignatures: Cosignatures;
  anchoredHeads: AnchoredHeads;
};

/** Who asks for which bundle, and at which level: the highest there is where `level` is absent. */
export type ProofQuestion = { id: string; role: Role; level?: Assurance };

const NOTHING = "No sealed assessment or verdict has this id; one that is not final yet has no proof.";

/** Adds `/v1/proofs/:id`: the bundle of a sealed assessment, or of the verdict on it, as RFC 8785 bytes. */
export function addProofs(app: App, sources: ProofSources): void {
  app.get("/v1/proofs/:id", (context) => {
    const id = context.req.param("id");
    const level = context.req.query("level");
    if (level !== undefined && !isLevel(level)) {
      return sentence(context, 400, `The level is one of ${LEVELS.join(", ")}.`);
    }
    const asked = { id, role: context.get("role"), ...(level === undefined ? {} : { level }) };
    const answer = /^[0-9a-f]{64}$/.test(id) ? bundleOf(sources, asked) : NOTHING;
    // The opening depends on who asks, the checkpoint on when, and evidence may still come.
    context.header("Cache-Control", "no-store");
    if (typeof answer === "string") return sentence(context, 404, answer);
    context.header("Content-Type", "application/json");
    return context.body(answer.slice().buffer);
  });
}

/**
 * The bytes of a bundle, or a sentence when nothing sealed has this id or there is no such bundle of it. An opening is
 * added only for a role in scope.
 */
export function bundleOf(sources: ProofSources, { id, role, level }: ProofQuestion): Uint8Array | string {
  const { ledger, store } = sources;
  const found = ledger.find(id);
  if (found === null || !["assessment", "verdict"].includes(found.row.kind)) return NOTHING;
  const verdictRow = found.row.kind === "verdict" ? found.row : null;
  const body = verdictRow === null ? null : (JSON.parse(verdictRow.body) as VerdictBody);
  const assessed = body === null ? found : ledger.find(body.assessmentId);
  if (assessed === null) throw new InvariantError(`Verdict ${id} is in the log, but its assessment is not.`);
  const assessment = JSON.parse(assessed.row.body) as Assessment;
  if (!("deploymentHash" in assessment)) return formerKernel(assessment);
  const evidence = evidenceAt(store, { assessment, level });
  if (typeof evidence === "string") return evidence;
  const from = Math.max(found.row.index, assessed.row.index) + 1;
  const { note, anchor } = bundleHead(from, { ...sources, last: found.head });
  return madeOfOurs(id, {
    ...{ tree: ledger.tree, checkpoint: note, anchor },
    rulebook: disclose(bodyIn(ledger, assessment.rulebookHash), assessment),
    assessment: { body: assessment, index: assessed.row.index },
    verdict:
      body === null || verdictRow === null
        ? null
        : { body, index: verdictRow.index, opening: openingFor(sources, { assessment, row: verdictRow, body, role }) },
    evidence,
    deployment: evidence === null ? null : bodyIn(ledger, assessment.deploymentHash),
  });
}

/** An earlier kernel's assessments name no deployment, which bundles of today's form need. */
function formerKernel({ kernel }: { kernel: string }): string {
  return `This was sealed under ${kernel}, before bundles had today's form; its leaf is in the log, but there is no bundle of it.`;
}

/** A bundle of what is stored here. Whatever is wrong with that is nothing that whoever asks could change. */
function madeOfOurs(id: string, parts: BundleParts): Uint8Array {
  try {
    return makeBundle(parts);
  } catch (error) {
    throw new InvariantError(`No bundle can be made of what is stored of ${id}.`, { cause: error });
  }
}

/** Evidence of the level that is asked for, `null` where none is needed; a sentence where there is none of that level. */
function evidenceAt(
  store: Store,
  { assessment, level }: { assessment: Assessment; level: Assurance | undefined },
): Evidence | null | string {
  const row = evidenceOf(store.db, assessment.id);
  const highest = row?.state === "kept" ? row.level : "attested";
  const wanted = level ?? highest;
  if (wanted === "attested") return null;
  if (wanted !== highest) return refusal(wanted, { row, highest });
  if (typeof row?.manifest !== "string")
    throw new InvariantError(`Evidence of ${assessment.id} is kept without parts.`);
  return readEvidence(store, { manifest: row.manifest }) as unknown as Evidence;
}

function refusal(wanted: Assurance, { row, highest }: { row: EvidenceRow | undefined; highest: Assurance }): string {
  if (highest === "proven") return "This is proven by view calls and not by logs; ask for proven or attested.";
  return `There is no bundle of this that is ${wanted}; the highest level is ${highest}. ${whyNot(row)}`;
}

/** Why nothing more is to be had of an assessment. */
function whyNot(row: EvidenceRow | undefined): string {
  if (row === undefined)
    return "Evidence is captured where a rule is not kept and the protocol's views state its metric.";
  if (row.state === "failed") return `Evidence could not be had: ${row.reason}`;
  if (row.state === "kept") return "State within a block is in no header, so its logs are all that can be proven.";
  return `Its evidence has not been captured yet.${row.reason === null ? "" : ` ${row.reason}`}`;
}

/** The JSON whose hash names it, out of the log. */
function bodyIn(ledger: Ledger, hash: string): Json {
  const found = ledger.find(hash.slice(2));
  if (found === null) throw new InvariantError(`What has the hash ${hash} is not in the log.`);
  return JSON.parse(found.row.body) as Json;
}

function isLevel(text: string): text is Assurance {
  return (LEVELS as readonly string[]).includes(text);
}

function openingFor(
  { store, secret }: ProofSources,
  about: { assessment: Assessment; row: LeafRow; body: VerdictBody; role: Role },
): Opening | null {
  const stored = store.db
    .select()
    .from(verdict)
    .where(eq(verdict.id, verdictId(about.assessment.id)))
    .get();
  if (stored === undefined) return null;
  if (!maySee(about.role, { needsFacts: true, jurisdiction: stored.jurisdiction })) return null;
  const { body, opening } = blindVerdict(about.assessment, { verdict: openVerdictOf(stored), secret });
  if (body.commitment !== about.body.commitment) {
    throw new InvariantError(`The stored verdict ${stored.id} does not open leaf ${about.row.index}.`);
  }
  return opening;
}
