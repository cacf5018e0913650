import type { Logger } from "pino";
import type { Registry } from "prom-client";
import type { Assessment } from "../../src/core/assessment.ts";
import { deploymentJson } from "../../src/core/deployment.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { disclose } from "../../src/core/rules/disclosure.ts";
import { rulebookWith, type Schedule } from "../../src/core/rules/schedule.ts";
import type { Failpoint, Ledger } from "../ledger/ledger.ts";
import type { ServerOptions } from "../options.ts";
import type { Store } from "../store/database.ts";
import { type Pace, startCaptureLoop } from "./capture-loop.ts";
import { type CaptureWorker, createCaptureWorker } from "./capture-worker.ts";
import { type Coverage, createCoverage } from "./coverage.ts";
import type { WorkerGround } from "./job.ts";
import { createProver, type Prover } from "./prover.ts";
import { createCaptureStats } from "./stats.ts";

/** What a test may put in place of the server's own: the threads, and how soon a failed capture is tried again. */
export type CaptureHooks = { createWorker?(ground: WorkerGround): CaptureWorker; pace?: Pace };

/** What captures work with. */
export type CapturesParts = CaptureHooks & {
  store: Store;
  ledger: Ledger;
  registry: Registry;
  log: Logger;
  failpoint?: Failpoint;
};

/** Evidence being captured on every chain, figures proven on request, and how far that has come. */
export type Captures = { coverage(): Coverage; prover: Prover; stop(): Promise<void> };

/** What a bundle has beside evidence, deployment, rulebook and assessment: checkpoint, proofs of inclusion, a verdict. */
const FRAME_BYTES = 12_000;

/** Starts capturing: one thread for what is wanted of all chains, if it is to be had at all, and one for what is asked for. */
export function startCaptures(options: ServerOptions, parts: CapturesParts): Captures {
  const { store, ledger, log, failpoint, pace, createWorker = createCaptureWorker } = parts;
  const { deployment, schedule } = options;
  const ground: WorkerGround = { deployment, chains: options.chains };
  const [wanted, asked] = [createWorker(ground), createWorker(ground)];
  const stats = createCaptureStats(parts.registry);
  const sizeOfRest = restOf(schedule, canonicalBytes(deploymentJson(deployment)).length + FRAME_BYTES);
  const loops = (options.evidence ? options.chains : []).map(({ chain }) =>
    startCaptureLoop({
      ...{ chain, store, worker: wanted, schedule, sizeOfRest, stats },
      ...(failpoint === undefined ? {} : { failpoint }),
      ...(pace === undefined ? {} : { pace }),
      onError: (error) => log.warn({ chain, error: messageOf(error) }, "evidence could not be captured; trying again"),
    }),
  );
  return {
    coverage: createCoverage(store, () => ledger.head()?.size ?? 0),
    prover: createProver({ db: store.db, worker: asked, deployment, schedule }),
    async stop() {
      // The threads first: a loop ends with its turn, and its turn with what is under way there.
      await Promise.all([wanted.stop(), asked.stop()]);
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}

/** Bytes of an assessment's bundle that are not its evidence. What shows a rule is worked out once. */
function restOf(schedule: Schedule, always: number): (assessment: Assessment) => number {
  const rulebooks = new Map<string, number>();
  return (assessment) => {
    const key = `${assessment.rulebookHash} ${assessment.ruleId}`;
    const known = rulebooks.get(key);
    const source = rulebookWith(schedule, assessment.rulebookHash)?.source;
    const shown = known ?? (source === undefined ? 0 : canonicalBytes(disclose(source, assessment)).length);
    rulebooks.set(key, shown);
    return always + shown + canonicalBytes(assessment).length;
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
