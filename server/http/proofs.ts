import { eq } from "drizzle-orm";
import type { Assessment } from "../../src/core/assessment.ts";
import { InvariantError } from "../../src/core/errors.ts";
import { makeBundle } from "../../src/core/proof/bundle.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { verdictId } from "../../src/core/proof/ids.ts";
import type { VerdictBody } from "../../src/core/proof/leaf.ts";
import { blindVerdict, type Opening } from "../../src/core/proof/verdict.ts";
import { maySee, type Role } from "../auth/roles.ts";
import type { LeafRow } from "../ledger/entry.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openVerdictOf } from "../ledger/sealer.ts";
import type { Store } from "../store/database.ts";
import { verdict } from "../store/schema.ts";
import { type App, sentence } from "./app.ts";

/** What proofs are made from. `secret` opens verdicts for those who may see them. */
export type ProofSources = { store: Store; ledger: Ledger; secret: Uint8Array };

/** Adds `/v1/proofs/:id`: the bundle of a sealed assessment, or of the verdict on it, as RFC 8785 bytes. */
export function addProofs(app: App, sources: ProofSources): void {
  app.get("/v1/proofs/:id", (context) => {
    const id = context.req.param("id");
    const bytes = /^[0-9a-f]{64}$/.test(id) ? bundleOf(sources, id, context.get("role")) : null;
    if (bytes === null) {
      return sentence(
        context,
        404,
        "No sealed assessment or verdict has this id; one that is not final yet has no proof.",
      );
    }
    // The opening depends on who asks, and the checkpoint on when.
    context.header("Cache-Control", "no-store");
    context.header("Content-Type", "application/json");
    return context.body(bytes.slice().buffer);
  });
}

/** The bytes of a bundle, or `null` when nothing sealed has this id. An opening is added only for a role in scope. */
export function bundleOf(sources: ProofSources, id: string, role: Role): Uint8Array | null {
  const { ledger } = sources;
  const found = ledger.find(id);
  if (found === null || !["assessment", "verdict"].includes(found.row.kind)) return null;
  const verdictRow = found.row.kind === "verdict" ? found.row : null;
  const body = verdictRow === null ? null : (JSON.parse(verdictRow.body) as VerdictBody);
  const assessed = body === null ? found : ledger.find(body.assessmentId);
  if (assessed === null) throw new InvariantError(`Verdict ${id} is in the log, but its assessment is not.`);
  const assessment = JSON.parse(assessed.row.body) as Assessment;
  const rulebook = ledger.find(assessment.rulebookHash.slice(2));
  if (rulebook === null) throw new InvariantError(`Rulebook ${assessment.rulebookHash} of ${id} is not in the log.`);
  return makeBundle({
    tree: ledger.tree,
    checkpoint: found.head.note,
    rulebook: JSON.parse(rulebook.row.body) as Json,
    assessment: { body: assessment, index: assessed.row.index },
    verdict:
      body === null || verdictRow === null
        ? null
        : { body, index: verdictRow.index, opening: openingFor(sources, { assessment, row: verdictRow, body, role }) },
  });
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
