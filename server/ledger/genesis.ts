import { eq } from "drizzle-orm";
import { KERNEL_VERSION } from "../../src/core/assessment.ts";
import { deploymentJson } from "../../src/core/deployment.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import { canonicalText } from "../../src/core/proof/canonical.ts";
import { blind, saltOf } from "../../src/core/proof/ids.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import type { Facts } from "../../src/core/rules/facts.ts";
import type { Rulebook } from "../../src/core/rules/rule.ts";
import { tipOf } from "../feed/blocks.ts";
import type { Store } from "../store/database.ts";
import { chain, meta } from "../store/schema.ts";
import { deploymentEntry, type Entry, factEntry, rulebookEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";

/** What the server judges under, recorded before anything that rests on it. */
export type Ground = { rulebook: Rulebook; deployment: Deployment; facts: Facts | null; secret: Uint8Array };

/**
 * Records rulebook, deployment and commitments to the facts, where they are not in the log yet. Commitments are in the
 * order of their own bytes, so that their order tells nothing of the file's.
 */
export function recordGround(store: Store, ledger: Ledger, ground: Ground): void {
  const entries: Entry[] = [
    rulebookEntry(ground.rulebook.source),
    deploymentEntry(deploymentJson(ground.deployment)),
    ...factCommitments(ground).map(factEntry),
  ];
  store.transaction(() => {
    ledger.append(entries);
    markGround(store, ground);
  });
  ledger.publish();
}

/** Under another rulebook or kernel a re-index says other things, rightly: only what comes from now on is comparable. */
function markGround({ db }: Store, { rulebook }: Ground): void {
  const value = `${rulebook.hash} ${KERNEL_VERSION}`;
  const known = db.select().from(meta).where(eq(meta.key, "ground")).get();
  if (known?.value === value) return;
  db.insert(meta).values({ key: "ground", value }).onConflictDoUpdate({ target: meta.key, set: { value } }).run();
  for (const row of db.select().from(chain).all()) {
    const comparableFrom = (tipOf(db, row.chain)?.number ?? -1) + 1;
    db.update(chain).set({ comparableFrom }).where(eq(chain.chain, row.chain)).run();
  }
}

function factCommitments({ facts, secret }: Ground): string[] {
  const commitments = (facts?.facts ?? []).map((fact) => {
    const body = Object.fromEntries(Object.entries(fact).filter(([, value]) => value !== undefined)) as Record<
      string,
      string | null
    >;
    const id = sha256Hex(`plumbline-fact/1:${canonicalText({ issuer: facts?.issuer ?? "", ...body })}`);
    return blind(saltOf(secret, id), body);
  });
  return [...new Set(commitments)].sort();
}
