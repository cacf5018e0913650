/**
 * Proves a figure on request. It runs in the thread that captures.
 */
import { KERNEL_VERSION } from "../../src/core/assessment.ts";
import { deploymentJson } from "../../src/core/deployment.ts";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { chainIdOf, type Hex, protocolId } from "../../src/core/ids.ts";
import type { Deployment, ProtocolDeployment } from "../../src/core/margin-model.ts";
import type { MetricId } from "../../src/core/metrics/catalogue.ts";
import { compute } from "../../src/core/metrics/compute.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { decodeHeader } from "../../src/core/proof/chain/header.ts";
import { derive } from "../../src/core/proof/derive.ts";
import { type Figure, makeFigureProof } from "../../src/core/proof/figure-proof.ts";
import { requirePinned } from "../../src/core/proof/verified-call.ts";
import { dayOf } from "../../src/core/rules/day.ts";
import { disclose, disclosedRulebook } from "../../src/core/rules/disclosure.ts";
import { type Rule, ruleAt } from "../../src/core/rules/rule.ts";
import { captureWitness } from "./capture.ts";
import { headerOf, type RpcBlock } from "./header.ts";
import type { FigureJob, FigureResult } from "./job.ts";
import { StatePruned, type WitnessNode } from "./node.ts";
import { type CaptureGround, viewsOf } from "./run-capture.ts";

type Block = { number: number; hash: Hex; timestamp: string };

/**
 * A proof of what a protocol's views make of a figure at the end of a block.
 * @throws InputError for what whoever asks can change: a metric no view states, a figure that is unknown, a block that is
 * not there, was replaced or is out of the node's reach, a call that fails, other code than is pinned; ProviderError when
 * the node does not answer, or not truly.
 */
export async function proveFigure(job: FigureJob, ground: CaptureGround): Promise<FigureResult> {
  const node = ground.nodeOf(job.chain);
  const block = await blockOf(node, job);
  const { chain, protocol, subject, account, metric } = job;
  const { rule, rulebook } = ruleOf(job, block);
  const about = {
    ...{ chain, protocol, subject, account, metric },
    ...{ testPoint: "end" as const, inputs: {}, blockTimestamp: block.timestamp },
  };
  const { ask, reason } = derive(about, { rule, deployment: ground.deployment, viewsOf });
  if (ask === null) throw new InputError(reason);
  const { witness, result, codeHashes } = await captureWitness(node, { block, ask }).catch((error: unknown) => {
    if (!(error instanceof StatePruned)) throw error;
    throw new InputError(`Block ${block.number} is out of reach: the node of ${chain} has forgotten its state.`);
  });
  const { codeHashes: pinned, settlement } = protocolIn(ground.deployment, job);
  requirePinned(codeHashes, pinned);
  if (result.inputs === null) {
    throw new InputError(
      `By the protocol's own views the figure is unknown (${result.reason}): nothing can be proven.`,
    );
  }
  const measured = compute(metric as MetricId, result.inputs, settlement.symbol);
  const figure: Figure = {
    ...{ chain, protocol, subject, account, metric, testPoint: "end" },
    ...{ ruleId: rule?.id ?? null, rulebookHash: job.rule?.hash ?? null },
    ...{ kernel: KERNEL_VERSION, deploymentHash: ground.deploymentHash },
    ...{ blockNumber: String(block.number), blockHash: block.hash, blockTimestamp: block.timestamp },
    inputs: Object.fromEntries(Object.entries(result.inputs).map(([name, value]) => [name, value.toString()])),
    ...{ measured: measured.value === null ? null : measured.value.toString(), reason: measured.reason },
    ...{ decimals: measured.decimals.toString(), unit: measured.unit },
  };
  return { bytes: makeFigureProof({ deployment: deploymentJson(ground.deployment), rulebook, figure, witness }) };
}

/** The rule that is named, as it was in force on the block's day, and the rulebook that shows it. */
function ruleOf(
  { rule: named, metric }: FigureJob,
  { timestamp }: Block,
): { rule: Rule | null; rulebook: Json | null } {
  if (named === null) return { rule: null, rulebook: null };
  const rulebook = disclose(named.source, { ruleId: named.id, blockTimestamp: timestamp });
  const rule = ruleAt(disclosedRulebook(rulebook), named.id, dayOf(BigInt(timestamp)));
  if (rule.metric !== metric) throw new InputError(`Rule ${rule.id} is about ${rule.metric}, not ${metric}.`);
  return { rule, rulebook };
}

/** The block that is asked for, as its own header has it. */
async function blockOf(node: WitnessNode, { chain, block, hash }: FigureJob): Promise<Block> {
  const said: RpcBlock | null = await node.block(block);
  if (said === null) throw new InputError(`${chain} has no block ${block} yet.`);
  if (hash !== null && said.hash !== hash) {
    throw new InputError(
      `Block ${block} of ${chain} has been replaced: it is ${said.hash} now, where ${hash} was read.`,
    );
  }
  const { number, timestamp } = decodeHeader(headerOf(said));
  if (number !== BigInt(block)) throw new InputError(`The node of ${chain} gives block ${number} for ${block}.`);
  return { number: block, hash: said.hash as Hex, timestamp: timestamp.toString() };
}

/** Where the figure's protocol is. Its money is in the settlement asset. */
function protocolIn({ chains }: Deployment, { chain, protocol }: FigureJob): ProtocolDeployment {
  const { chainId, protocols = [] } = chains.find((one) => one.chainId === chainIdOf(chain)) ?? {};
  const config = protocols.find((one) => protocolId(chainId as number, one.protocol) === protocol);
  if (config === undefined) throw new InvariantError(`The deployment has no protocol ${protocol}.`);
  return config;
}
