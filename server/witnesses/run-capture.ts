/**
 * Captures evidence: from assessments to what proves their inputs. It runs in a thread of its own.
 */
import { adapterOf } from "../../src/adapters/catalogue.ts";
import type { Assessment } from "../../src/core/assessment.ts";
import { deploymentHash } from "../../src/core/deployment.ts";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { caip2, chainIdOf, type Hex, protocolId } from "../../src/core/ids.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import type { InputsOf } from "../../src/core/metrics/inputs.ts";
import type { Ask, Request } from "../../src/core/proof/ask.ts";
import { canonicalBytes, type Json } from "../../src/core/proof/canonical.ts";
import { checkLogs, type LogGround } from "../../src/core/proof/check-logs.ts";
import { derive } from "../../src/core/proof/derive.ts";
import { type LogEvidence, type ProvenLogs, provenLogs } from "../../src/core/proof/log-evidence.ts";
import { requirePinned } from "../../src/core/proof/verified-call.ts";
import { captureWitness } from "./capture.ts";
import { type Failure, failureOf } from "./faults.ts";
import type { CaptureJob, CaptureResult, WorkerGround } from "./job.ts";
import type { Captured } from "./keeper.ts";
import { type BlockLogs, captureBlockLogs } from "./logs.ts";
import { createWitnessNode, type ReceiptNode, type WitnessNode } from "./node.ts";
import { splitEvidence } from "./parts.ts";

type Node = WitnessNode & ReceiptNode;

/** What captures rest on: the deployment, its hash, and a node of each chain. */
export type CaptureGround = {
  deployment: Deployment;
  deploymentHash: Hex;
  nodeOf(chain: string): Node;
};

/** What all captures of a thread have in common, with a node for each chain. */
export function groundOf({ deployment, chains }: WorkerGround): CaptureGround {
  const nodes = new Map(chains.map(({ chain, rpcUrl }) => [chain, createWitnessNode(chainIdOf(chain), rpcUrl)]));
  return {
    deployment,
    deploymentHash: deploymentHash(deployment),
    nodeOf(chain) {
      const node = nodes.get(chain);
      if (node === undefined) throw new InvariantError(`No node of ${chain} was given to the thread that captures.`);
      return node;
    },
  };
}

export const viewsOf = (protocol: string) => adapterOf(protocol).views;

type Item = CaptureJob["items"][number];
type Rounds = readonly { requests: readonly Request[]; answers: readonly Hex[] }[];

/** A job under way. */
type Bench = { job: CaptureJob; ground: CaptureGround; node: Node; captures: Captured[] };
type Outcome = { capture: number } | Failure;

/** Captures for all items of a job. Never throws for what goes wrong with one: that is its outcome. */
export async function runCapture(job: CaptureJob, ground: CaptureGround): Promise<CaptureResult> {
  const node = ground.nodeOf(job.chain);
  const bench: Bench = { job, ground, node, captures: [] };
  const capture = job.level === "authentic" ? logCapture(bench) : callCapture(bench);
  const outcomes: CaptureResult["outcomes"][number][] = [];
  for (const item of job.items) {
    const { id } = item.assessment;
    const found = await capture(item).catch((error: unknown) => failureOf(error, { node, block: job.block }));
    outcomes.push("fault" in found ? { id, capture: null, ...found } : { id, capture: found.capture, fault: null });
  }
  return { captures: bench.captures, outcomes };
}

/** Captures what proves items by view calls; one that asks just what an earlier one did shares its capture. */
function callCapture({ job, ground, node, captures }: Bench): (item: Item) => Promise<Outcome> {
  const asked: { rounds: Rounds; capture: number }[] = [];
  return async ({ assessment, rule }) => {
    if (assessment.deploymentHash !== ground.deploymentHash) {
      return failed("unprovable", `The assessment names deployment ${assessment.deploymentHash}, which is not in use.`);
    }
    const { ask, reason } = derive(assessment, { rule, deployment: ground.deployment, viewsOf });
    if (ask === null) return failed("unprovable", reason);
    for (const { rounds, capture } of asked) {
      const again = replay(ask, rounds);
      if (again !== null) return differenceFrom(assessment, again.result) ?? { capture };
    }
    const began = performance.now();
    let rounds: Rounds = [];
    const noting = () =>
      recorded(ask(), (all) => {
        rounds = all;
      });
    const { witness, result, codeHashes } = await captureWitness(node, { block: job.block, ask: noting });
    requirePinned(codeHashes, placeIn(ground.deployment, assessment).protocol.codeHashes);
    const difference = differenceFrom(assessment, result);
    if (difference !== null) return difference;
    const capture = captures.push(capturedOf({ kind: "calls", witness }, began)) - 1;
    asked.push({ rounds, capture });
    return { capture };
  };
}

/** A log's evidence, what it proves, and its place among the captures once an assessment is found to be about it. */
type ProvenLog = { evidence: LogEvidence; proven: ProvenLogs; capture: number | null };

/**
 * Captures what proves the logs of a block. Its receipts are read once, and a log is proven once; that it is the log an
 * assessment is about is seen here as the verifier will see it.
 */
function logCapture({ job, ground, node, captures }: Bench): (item: Item) => Promise<Outcome> {
  const byLog = new Map<number, ProvenLog>();
  const trust = { chainId: node.chainId, blockHash: job.block.hash };
  const proved = (evidence: LogEvidence): ProvenLog => ({
    evidence,
    proven: provenLogs(evidence, trust),
    capture: null,
  });
  let block: Promise<BlockLogs> | null = null;
  return async ({ assessment }) => {
    const began = performance.now();
    const logIndex = Number(assessment.testPoint.slice("log:".length));
    block ??= captureBlockLogs(node, job.block);
    const { evidenceOf } = await block;
    const found = byLog.get(logIndex) ?? proved(evidenceOf(logIndex));
    byLog.set(logIndex, found);
    checkLogs(assessment, { proven: found.proven, ground: placeIn(ground.deployment, assessment) });
    found.capture ??= captures.push(capturedOf(found.evidence, began)) - 1;
    return { capture: found.capture };
  };
}

/** Where an assessment's protocol is. @throws InputError when the deployment does not have it. */
function placeIn({ chains }: Deployment, { chain: id, protocol: name }: Assessment): LogGround {
  const chain = chains.find(({ chainId }) => caip2(chainId) === id);
  const protocol = chain?.protocols.find((config) => protocolId(chain.chainId, config.protocol) === name);
  if (chain === undefined || protocol === undefined) throw new InputError(`The deployment has no protocol ${name}.`);
  return { chain, protocol, adapter: adapterOf(protocol.protocol) };
}

function capturedOf(evidence: Json, began: number): Captured {
  const bytes = canonicalBytes(evidence).length;
  return { ...splitEvidence(evidence), bytes, tookMs: Math.round(performance.now() - began) };
}

/** Notes an ask's rounds as it runs, and hands them over at its end. */
function* recorded<T>(ask: Ask<T>, done: (rounds: Rounds) => void): Ask<T> {
  const rounds: Rounds[number][] = [];
  let step = ask.next();
  while (!step.done) {
    const answers = yield step.value;
    rounds.push({ requests: step.value, answers });
    step = ask.next(answers);
  }
  done(rounds);
  return step.value;
}

/** The result of an ask over another's answers; `null` unless it asks just the same. No EVM is needed for that. */
function replay<T>(ask: () => Ask<T>, rounds: Rounds): { result: T } | null {
  const run = ask();
  let step = run.next();
  for (const { requests, answers } of rounds) {
    if (step.done || JSON.stringify(step.value) !== JSON.stringify(requests)) return null;
    step = run.next(answers);
  }
  return step.done ? { result: step.value } : null;
}

/** What the views say must be what was recorded, name by name. What is unknown has no inputs that could be proven. */
function differenceFrom({ inputs: recorded, reason }: Assessment, said: InputsOf): Failure | null {
  if (said.inputs === null) {
    const fault = reason === said.reason ? "unprovable" : "differs";
    return failed(fault, `By the protocol's own views the figure is unknown (${said.reason}).`);
  }
  for (const name of [...new Set([...Object.keys(said.inputs), ...Object.keys(recorded)])].sort()) {
    const [is, was] = [said.inputs[name]?.toString(), recorded[name]];
    if (is === was) continue;
    return failed(
      "differs",
      `By the protocol's own views ${name} is ${is ?? "not there"}, where ${was ?? "nothing"} was recorded.`,
    );
  }
  return null;
}

function failed(fault: Failure["fault"], reason: string): Failure {
  return { fault, reason };
}
