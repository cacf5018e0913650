import { hexToBytes } from "@noble/hashes/utils.js";
import { eq } from "drizzle-orm";
import { pino } from "pino";
import { Registry } from "prom-client";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { InputError, type InvariantError } from "../src/core/errors.ts";
import { newest } from "../src/core/rules/schedule.ts";
import { createOutbox } from "./alerts/outbox.ts";
import { startSender } from "./alerts/sender.ts";
import { startAnchors } from "./anchors/anchors.ts";
import { ensureDemoKey, ensureOperatorSecret } from "./auth/keys.ts";
import { ensureLogKeys } from "./auth/log-keys.ts";
import { admitKey, type Role, roleOf } from "./auth/roles.ts";
import { type ChainLoop, startChainLoop } from "./chain-loop.ts";
import { startGathering } from "./cosigners/gathering.ts";
import { createEpochKeeper } from "./epochs/keeper.ts";
import { createIndexerClient } from "./feed/client.ts";
import { createChainNode } from "./feed/node.ts";
import { type Loop, runLoop } from "./feed/run.ts";
import { createGateway, type Gateway } from "./graphql/gateway.ts";
import { createLocalSchema } from "./graphql/local.ts";
import { createApp } from "./http/app.ts";
import { addBodies } from "./http/bodies.ts";
import { addEpochs } from "./http/epochs.ts";
import { addExplain } from "./http/explain.ts";
import { addGate } from "./http/gate.ts";
import { addGraphql } from "./http/graphql.ts";
import { addHeads } from "./http/heads.ts";
import { addHealth, breachCounts, type HealthSources } from "./http/health.ts";
import { addHistory } from "./http/history.ts";
import { addLog } from "./http/log.ts";
import { addMetrics, createMergeHistogram } from "./http/metrics.ts";
import { addPages } from "./http/pages.ts";
import { addProofs } from "./http/proofs.ts";
import { addSchemas } from "./http/schemas.ts";
import { serve } from "./http/serve.ts";
import { addStream } from "./http/stream.ts";
import { watchClock } from "./ledger/clock-watch.ts";
import { recordGround } from "./ledger/genesis.ts";
import { type Failpoint, openLedger } from "./ledger/ledger.ts";
import type { ServerOptions } from "./options.ts";
import { openStore, type Store } from "./store/database.ts";
import { meta } from "./store/schema.ts";
import { createRecorder } from "./verdicts/recorder.ts";
import { createJudge } from "./verdicts/verdicts.ts";
import { type CaptureHooks, startCaptures } from "./witnesses/captures.ts";
import { evidenceOf } from "./witnesses/keeper.ts";

/** A running server. `stop` leaves everything as a crash at a good moment would: the next start resumes. */
export type RunningServer = { url: string; port: number; stop(): Promise<void> };

/**
 * What a caller may put in place of the process's own: where logs go, what a fatal fault does, faults of tests, and how
 * evidence is captured.
 */
export type ServerHooks = {
  log?: pino.Logger;
  onFatal?(error: InvariantError): void;
  failpoint?: Failpoint;
  captures?: CaptureHooks;
};

/** Requests a client may send a second on average, over a window of ten. */
const REQUESTS = { points: 2_000, duration: 10 };
const WRONG_KEYS = { points: 20, duration: 60 };

/**
 * Starts the server: opens the store, records what it judges under, follows and seals every chain, and serves.
 * @throws InputError when it cannot run like this; nothing is left running then.
 */
export async function startServer(options: ServerOptions, hooks: ServerHooks = {}): Promise<RunningServer> {
  const log = hooks.log ?? pino({ level: "info" });
  const store = openStore(options.dataDir);
  const stops: (() => Promise<void> | void)[] = [() => store.close()];
  const stop = async () => {
    for (const each of stops.reverse()) await each();
    stops.length = 0;
  };
  try {
    const parts = openParts(options, { store, hooks, log, stops });
    const app = buildApp(parts);
    const listening = await serve(app, options);
    stops.push(listening.stop);
    log.info({ url: listening.url, keys: parts.ledger.verifierKeys }, "server listens");
    return { url: listening.url, port: listening.port, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Frame = { store: Store; hooks: ServerHooks; log: pino.Logger; stops: (() => Promise<void> | void)[] };

function openParts(options: ServerOptions, { store, hooks, log, stops }: Frame) {
  const secret = hexToBytes(ensureOperatorSecret(options.dataDir));
  const keys = ensureLogKeys(options.dataDir, options.origin);
  admitKey(store.db, ensureDemoKey(options.dataDir), { label: "first supervisor", scope: "*" });
  keepOrigin(store, options.origin);
  const failpoint = hooks.failpoint === undefined ? {} : { failpoint: hooks.failpoint };
  const ledger = openLedger(store, { ...keys, ...failpoint });
  const warnOfClock = (behindMs: number) =>
    log.warn({ seconds: behindMs / 1_000 }, "the clock lies behind the time of the last checkpoint");
  stops.push(watchClock(ledger, warnOfClock));
  recordGround(store, ledger, { ...options, secret });

  const urls = options.receivers.map(({ url }) => url);
  const outbox = createOutbox(store.db, urls, { publicUrl: options.publicUrl, now: Date.now });
  const policy = { loopback: options.allowLoopback };
  const clock = { now: Date.now, random: Math.random };
  const sender = startSender(store.db, options.receivers, { outbox, policy, clock });
  stops.push(sender.stop);

  const indexer = createIndexerClient(options.indexerUrl);
  const epochs = createEpochKeeper(store);
  const recorder = createRecorder(store, {
    judge: createJudge(options.schedule, options.facts),
    schedule: options.schedule,
    outbox,
  });
  const onFatal = hooks.onFatal ?? ((error: InvariantError) => log.fatal({ error: error.message }, "fatal"));
  const registry = new Registry();
  const merges = createMergeHistogram(registry);
  const chains = options.chains.map(({ chain, rpcUrl }) =>
    startChainLoop({
      ...{ chain, store, ledger, epochs, recorder, indexer, secret, onFatal, ...failpoint },
      node: createChainNode(chain, rpcUrl),
      onMerged: (seconds) => merges.observe({ chain }, seconds),
      onError: (error) => log.warn({ chain, error: messageOf(error) }, "chain loop failed; trying again"),
    }),
  );
  for (const loop of chains) stops.push(loop.stop);
  const captures = startCaptures(options, { ...{ store, ledger, registry, log }, ...failpoint, ...hooks.captures });
  stops.push(captures.stop);
  const gathering = startGathering(options.cosigners, { store, ledger, log });
  stops.push(gathering.stop);
  const anchors = startAnchors(options, { store, ledger, indexer, log, ...gathering.preferred });
  stops.push(anchors.stop);

  let views = 0;
  const gateway = createGateway({
    indexer,
    local: (role: Role) => createLocalSchema(store.read, role, `v${++views}`),
    rulebook: newest(options.schedule),
    today: () => new Date().toISOString().slice(0, 10),
    assurance: { ...captures, evidenceOf: (id) => evidenceOf(store.db, id) },
  });
  const connecting = keepConnected(gateway, { store, chains, log });
  stops.push(connecting.stop);
  const loops = { captures, gathering, anchors };
  return { options, store, ledger, epochs, secret, indexer, gateway, chains, log, registry, ...loops };
}

function buildApp(parts: ReturnType<typeof openParts>) {
  const { store, ledger, epochs, secret, indexer, gateway, chains, log, registry, captures, gathering, anchors } =
    parts;
  const onError = (error: unknown, path: string) => log.error({ path, error: messageOf(error) }, "request failed");
  const app = createApp({
    roleOf: (header) => roleOf(store.db, header),
    limiters: { requests: new RateLimiterMemory(REQUESTS), wrongKeys: new RateLimiterMemory(WRONG_KEYS) },
    onError,
  });
  const sources: HealthSources = {
    ...{ store, ledger },
    chains: () => chains.map((loop) => loop.health()),
    indexerReachable: () => chains.every((loop) => loop.indexerReachable()),
    breachCounts: (role) => breachCounts(store, role),
    coverage: captures.coverage,
    witnesses: gathering.health,
    anchors: anchors.health,
  };
  addPages(app);
  addGraphql(app, gateway, onError);
  const { cosignatures } = gathering;
  addProofs(app, { store, ledger, secret, cosignatures, anchoredHeads: anchors.heads });
  const epochSources = { store, ledger, epochs, cosignatures };
  addEpochs(app, epochSources);
  addGate(app, { ...epochSources, ...sources });
  addSchemas(app);
  addLog(app, ledger, cosignatures);
  addHeads(app, cosignatures);
  addBodies(app, ledger);
  addStream(app, { ledger, store });
  addHealth(app, sources);
  addMetrics(app, sources, registry);
  addExplain(app, indexer);
  const { deployment, schedule } = parts.options;
  addHistory(app, { indexer, deployment, rulebook: newest(schedule) });
  return app;
}

/** Fetches the indexer's schema, again whenever the indexer has been away: it may have come back with another. */
function keepConnected(
  gateway: Gateway,
  { store, chains, log }: { store: Store; chains: readonly ChainLoop[]; log: pino.Logger },
): Loop {
  const known = store.db.select().from(meta).where(eq(meta.key, "indexer schema")).get();
  if (known !== undefined) gateway.restore(known.value);
  let connected = false;
  return runLoop(
    async () => {
      if (!chains.every((loop) => loop.indexerReachable())) connected = false;
      else if (!connected) {
        const value = await gateway.connect();
        store.db
          .insert(meta)
          .values({ key: "indexer schema", value })
          .onConflictDoUpdate({ target: meta.key, set: { value } })
          .run();
        connected = true;
        log.info("GraphQL is stitched");
      }
      return { more: false };
    },
    { pauseMs: 100, maxBackoffMs: 5_000, onError: (error) => log.warn({ error: messageOf(error) }, "no GraphQL yet") },
  );
}

/** A log has one name for ever: it is on every checkpoint that anyone may have kept. */
function keepOrigin(store: Store, origin: string): void {
  const known = store.db.select().from(meta).where(eq(meta.key, "origin")).get();
  if (known === undefined) store.db.insert(meta).values({ key: "origin", value: origin }).run();
  else if (known.value !== origin) {
    throw new InputError(
      `The log in this data directory is named ${known.value}, not ${origin}; set PLUMBLINE_ORIGIN to that.`,
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
