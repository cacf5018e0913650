import { eq } from "drizzle-orm";
import { KERNEL_VERSION } from "../../src/core/assessment.ts";
import { deploymentHash, deploymentJson } from "../../src/core/deployment.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import { canonicalText } from "../../src/core/proof/canonical.ts";
import { blind, saltOf } from "../../src/core/proof/ids.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import type { Facts } from "../../src/core/rules/facts.ts";
import type { Schedule } from "../../src/core/rules/schedule.ts";
import { tipOf } from "../feed/blocks.ts";
import type { Store } from "../store/database.ts";
import { chain, meta } from "../store/schema.ts";
import { deploymentEntry, type Entry, factEntry, rulebookEntry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";

/** What the server judges under, recorded before anything that rests on it. */
export type Ground = { schedule: Schedule; deployment: Deployment; facts: Facts | null; secret: Uint8Array };

/**
 * Records every version of the rulebook, the deployment and commitments to the facts, where they are not in the log yet.
 * Commitments are in the order of their own bytes, so that their order tells nothing of the file's.
 */
export function recordGround(store: Store, ledger: Ledger, ground: Ground): void {
  const entries: Entry[] = [
    ...ground.schedule.versions.map(({ rulebook }) => rulebookEntry(rulebook.source)),
    deploymentEntry(deploymentJson(ground.deployment)),
    ...factCommitments(ground).map(factEntry),
  ];
  store.transaction(() => {
    ledger.append(entries);
    markGround(store, ground);
  });
  ledger.publish();
}

/**
 * Under another rulebook, deployment or kernel a re-index says other things, rightly: only what comes from now on is
 * comparable. A version whose blocks lie ahead says nothing else of what has been followed.
 */
function markGround({ db }: Store, ground: Ground): void {
  const value = canonicalText(formOf(ground));
  const known = db.select().from(meta).where(eq(meta.key, "ground")).get();
  if (known?.value === value) return;
  db.insert(meta).values({ key: "ground", value }).onConflictDoUpdate({ target: meta.key, set: { value } }).run();
  for (const row of db.select().from(chain).all()) {
    const tip = tipOf(db, row.chain)?.number ?? -1;
    if (known !== undefined && isSame(known.value, value, { chainId: row.chain, tip })) continue;
    db.update(chain)
      .set({ comparableFrom: tip + 1 })
      .where(eq(chain.chain, row.chain))
      .run();
  }
}

/**
 * What is kept of the ground: which rulebook each chain was assessed under from which block, in which deployment, and by
 * which kernel. An earlier release kept no deployment.
 */
type GroundForm = {
  kernel: string;
  deployment?: string;
  versions: { from: Record<string, string>; rulebook: string }[];
};

function formOf({ schedule, deployment }: Ground): GroundForm {
  return {
    kernel: KERNEL_VERSION,
    deployment: deploymentHash(deployment),
    versions: schedule.versions.map(({ rulebook, from }) => ({
      from: Object.fromEntries(Object.entries(from).map(([chainId, block]) => [chainId, block.toString()])),
      rulebook: rulebook.hash,
    })),
  };
}

function isSame(before: string, now: string, { chainId, tip }: { chainId: string; tip: number }): boolean {
  // An earlier release kept a hash and a kernel here and not JSON.
  if (!before.startsWith("{")) return false;
  const upTo = (text: string) => {
    const { kernel, deployment, versions } = JSON.parse(text) as GroundForm;
    const begun = versions.map(({ from, rulebook }) => [Number(from[chainId] ?? "0"), rulebook] as const);
    return JSON.stringify([kernel, deployment, begun.filter(([from]) => from <= tip)]);
  };
  return upTo(before) === upTo(now);
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
