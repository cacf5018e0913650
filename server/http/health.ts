import { count } from "drizzle-orm";
import type { AnchorHealth } from "../anchors/anchors.ts";
import { maySee, type Role } from "../auth/roles.ts";
import type { WitnessHealth } from "../cosigners/gathering.ts";
import type { StepResult } from "../feed/follower.ts";
import { CLOCK_TOLERANCE_MS } from "../ledger/clock-watch.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { MERGE_GOAL_SECONDS, type MergeDelays } from "../ledger/merge-delay.ts";
import type { Store } from "../store/database.ts";
import { breach } from "../store/schema.ts";
import type { Coverage } from "../witnesses/coverage.ts";
import type { App } from "./app.ts";

/** A chain's place as health tells it; block numbers as decimal strings. */
export type ChainHealth = {
  chain: string;
  state: StepResult["type"] | "starting" | "disagrees";
  indexerHead: string | null;
  followed: string | null;
  sealed: string | null;
  finalized: string | null;
  /** Final blocks that are not sealed yet. */
  unsealedFinal: string | null;
  /** From learning that a block is final to the signed head with its leaves. */
  mergeDelay: MergeDelays;
};

export type Health = {
  status: "ok" | "degraded";
  indexer: "reachable" | "unreachable";
  chains: ChainHealth[];
  /** `stopped` is why nothing is signed, as a sentence; `clockBehindSeconds` how far the clock lies behind the last head's time. */
  ledger: { size: number; stopped: string | null; clockBehindSeconds: number; mergeGoalSeconds: number };
  /** Those asked for cosignatures; one that fails holds nothing up, and does not count for `status`. */
  witnesses: WitnessHealth[];
  /** The anchors of the deployment; an anchor that fails holds nothing up, and does not count for `status`. */
  anchors: AnchorHealth[];
  /** How far what is said here can be checked. */
  assurance: Coverage;
  /** Counts of what the role may see. */
  breaches: Record<string, number>;
  note: string;
};

/** Live state of the loops, as they report it. */
export type HealthSources = {
  store: Store;
  ledger: Ledger;
  chains(): ChainHealth[];
  indexerReachable(): boolean;
  breachCounts(role: Role): Record<string, number>;
  coverage(): Coverage;
  witnesses(): WitnessHealth[];
  anchors(): AnchorHealth[];
};

const NOTE =
  "What is attested rests on this operator's signature; authentic and proven bundles can be checked with a block's hash. Nobody has audited that no event is missing.";

/** What `/v1/health` answers. */
export function healthOf(sources: HealthSources, role: Role): Health {
  const chains = sources.chains();
  const ledger = ledgerOf(sources.ledger);
  const indexer = sources.indexerReachable() ? "reachable" : "unreachable";
  const well =
    chains.every(isWell) && ledger.stopped === null && ledger.clockBehindSeconds * 1_000 <= CLOCK_TOLERANCE_MS;
  return {
    status: well && indexer === "reachable" ? "ok" : "degraded",
    indexer,
    chains,
    ledger,
    witnesses: sources.witnesses(),
    anchors: sources.anchors(),
    assurance: sources.coverage(),
    breaches: sources.breachCounts(role),
    note: NOTE,
  };
}

/** A chain that is not contradicted, and of which nothing final waits longer than is promised. */
function isWell({ state, mergeDelay }: ChainHealth): boolean {
  const isContradicted = state === "contradicted" || state === "disagrees";
  return !isContradicted && (mergeDelay.waitingSeconds ?? 0) <= MERGE_GOAL_SECONDS;
}

function ledgerOf(ledger: Ledger): Health["ledger"] {
  return {
    size: ledger.head()?.size ?? 0,
    stopped: ledger.stopped(),
    clockBehindSeconds: ledger.clockBehindMs() / 1_000,
    mergeGoalSeconds: MERGE_GOAL_SECONDS,
  };
}

/** Adds `/v1/health`. It answers 200 while the server itself works; `status` says whether everything does. */
export function addHealth(app: App, sources: HealthSources): void {
  app.get("/v1/health", (context) => {
    context.header("Cache-Control", "no-store");
    return context.json(healthOf(sources, context.get("role")));
  });
}

/** How many breaches of each status a role may see. */
export function breachCounts(store: Store, role: Role): Record<string, number> {
  const counts: Record<string, number> = { open: 0, cured: 0, retracted: 0 };
  const rows = store.db
    .select({ status: breach.status, needsFacts: breach.needsFacts, jurisdiction: breach.jurisdiction, count: count() })
    .from(breach)
    .groupBy(breach.status, breach.needsFacts, breach.jurisdiction)
    .all();
  for (const row of rows) {
    if (!maySee(role, { needsFacts: row.needsFacts === 1, jurisdiction: row.jurisdiction })) continue;
    counts[row.status] = (counts[row.status] ?? 0) + row.count;
  }
  return counts;
}
