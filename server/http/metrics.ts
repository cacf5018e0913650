import { Gauge, Histogram, Registry } from "prom-client";
import type { Role } from "../auth/roles.ts";
import type { App } from "./app.ts";
import { type HealthSources, healthOf } from "./health.ts";

/**
 * Adds `/v1/metrics` in Prometheus form. What rests on facts is counted only for a supervisor of every jurisdiction.
 * @param registry holds what others count; what is public is added to it.
 */
export function addMetrics(app: App, sources: HealthSources, registry: Registry): void {
  const open = createGauges(registry);
  const confidential = createConfidentialRegistry();
  app.get("/v1/metrics", async (context) => {
    const role = context.get("role");
    const health = healthOf(sources, role);
    open.indexer.set(health.indexer === "reachable" ? 1 : 0);
    open.ledgerSize.set(health.ledger.size);
    open.ledgerStopped.set(health.ledger.stopped === null ? 0 : 1);
    open.clockBehind.set(health.ledger.clockBehindSeconds);
    for (const chain of health.chains) {
      const labels = { chain: chain.chain };
      setKnown(open.headBlock, labels, chain.indexerHead);
      setKnown(open.followedBlock, labels, chain.followed);
      setKnown(open.sealedBlock, labels, chain.sealed);
      setKnown(open.unsealedFinal, labels, chain.unsealedFinal);
      open.mergeWaiting.set(labels, chain.mergeDelay.waitingSeconds ?? 0);
    }
    for (const { witness, cosigned, behind } of health.witnesses) {
      setKnown(open.cosignedSize, { witness }, cosigned);
      setKnown(open.witnessBehind, { witness }, behind);
    }
    for (const { anchor, anchored } of health.anchors) setKnown(open.anchoredSize, { anchor }, anchored);
    const { waiting, kept, failed } = health.assurance.capture;
    for (const [state, count] of Object.entries({ waiting, kept, failed })) open.evidence.set({ state }, count);
    let text = await registry.metrics();
    if (seesEverything(role)) {
      for (const [status, count] of Object.entries(health.breaches)) confidential.breaches.set({ status }, count);
      const { pending, oldestSeconds } = outboxOf(sources);
      confidential.outboxPending.set(pending);
      confidential.outboxOldest.set(oldestSeconds);
      text += await confidential.registry.metrics();
    }
    return context.text(text, 200, { "Content-Type": registry.contentType, "Cache-Control": "no-store" });
  });
}

function createGauges(registry: Registry) {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `supervision_${name}`, help, labelNames, registers: [registry] });
  return {
    indexer: gauge("indexer_reachable", "Whether the indexer answers (1) or not (0)"),
    ledgerSize: gauge("ledger_size", "Leaves in the signed log"),
    ledgerStopped: gauge("ledger_stopped", "Whether the log signs nothing (1) because a later head of it is known"),
    clockBehind: gauge("clock_behind_seconds", "How far the clock lies behind the time of the last checkpoint"),
    mergeWaiting: gauge("merge_waiting_seconds", "How long the oldest final block has waited for its head", ["chain"]),
    headBlock: gauge("indexer_head_block", "Last block the indexer has", ["chain"]),
    followedBlock: gauge("followed_block", "Last block the server has taken from the feed", ["chain"]),
    sealedBlock: gauge("sealed_block", "Last sealed block", ["chain"]),
    unsealedFinal: gauge("unsealed_final_blocks", "Final blocks that are not sealed yet", ["chain"]),
    cosignedSize: gauge("cosigned_size", "Leaves in the largest head that a witness has cosigned", ["witness"]),
    witnessBehind: gauge("witness_behind_leaves", "Leaves in the last head that a witness has not cosigned", [
      "witness",
    ]),
    anchoredSize: gauge("anchored_size", "Leaves of the largest head that a chain has for good", ["anchor"]),
    evidence: gauge("evidence", "Assessments for which evidence is waiting, kept or failed", ["state"]),
  };
}

/** Counts merge delays by chain: seconds from learning that a block is final to the signed head with its leaves. */
export function createMergeHistogram(registry: Registry): Histogram<"chain"> {
  return new Histogram({
    name: "supervision_merge_delay_seconds",
    help: "From learning that a block is final to the signed head with its leaves",
    labelNames: ["chain"],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    registers: [registry],
  });
}

function createConfidentialRegistry() {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `supervision_${name}`, help, labelNames, registers: [registry] });
  return {
    registry,
    breaches: gauge("breaches", "Breaches by status", ["status"]),
    outboxPending: gauge("outbox_pending", "Notices not delivered yet"),
    outboxOldest: gauge("outbox_oldest_seconds", "How long the oldest due notice has been due"),
  };
}

function seesEverything(role: Role): boolean {
  return role.name === "supervisor" && role.scope === "*";
}

function setKnown(gauge: Gauge, labels: Record<string, string>, value: string | null): void {
  if (value !== null) gauge.set(labels, Number(value));
}

function outboxOf({ store }: HealthSources): { pending: number; oldestSeconds: number } {
  const row = store.read
    .prepare("SELECT count(*) AS pending, min(next_attempt_ms) AS due FROM outbox WHERE state = 'pending'")
    .get() as { pending: number; due: number | null };
  const oldestSeconds = row.due === null || row.due === 0 ? 0 : Math.max(0, (Date.now() - row.due) / 1000);
  return { pending: row.pending, oldestSeconds };
}
