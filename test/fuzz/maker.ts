/**
 * Makes honest bundles of what a chain's nodes say of a block.
 */
import type { Kit } from "../../devnet/kit.ts";
import { captureWitness } from "../../server/witnesses/capture.ts";
import { captureBlockLogs } from "../../server/witnesses/logs.ts";
import { createWitnessNode } from "../../server/witnesses/node.ts";
import { adapterOf } from "../../src/adapters/catalogue.ts";
import { type Assessment, KERNEL_VERSION } from "../../src/core/assessment.ts";
import { deploymentHash, deploymentJson } from "../../src/core/deployment.ts";
import { InputError, InvariantError } from "../../src/core/errors.ts";
import { caip2, type Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment } from "../../src/core/margin-model.ts";
import type { MetricId } from "../../src/core/metrics/catalogue.ts";
import { compute } from "../../src/core/metrics/compute.ts";
import type { Evidence } from "../../src/core/proof/bundle.ts";
import { checkLogs } from "../../src/core/proof/check-logs.ts";
import { derive, type Provable } from "../../src/core/proof/derive.ts";
import { makeFigureProof } from "../../src/core/proof/figure-proof.ts";
import { provenLogs } from "../../src/core/proof/log-evidence.ts";
import type { OpenVerdict } from "../../src/core/proof/verdict.ts";
import type { TrustedBlock } from "../../src/core/proof/verify.ts";
import type { Witness } from "../../src/core/proof/witness.ts";
import { dayOf } from "../../src/core/rules/day.ts";
import { disclose } from "../../src/core/rules/disclosure.ts";
import { type Rule, ruleAt } from "../../src/core/rules/rule.ts";
import { anchoringOf, blockOf } from "../unit/proof/anchor-sample.ts";
import { RULEBOOK, sampleBundle, WITNESSES } from "../unit/proof/sample.ts";
import { concluded } from "./conclude.ts";

/** An honest bundle or figure proof, and its name. */
export type Specimen = { name: string; bytes: Uint8Array };

/** A chain that runs. */
export type At = { kit: Kit; url: string; chain: ChainDeployment };

export type Block = { number: number; hash: Hex; timestamp: string };

/** What is measured, of whom. */
export type About = Pick<Assessment, "protocol" | "subject" | "account" | "metric">;

type Scene = { at: At; block: Block; about: About };
type Ruled = Pick<Assessment, "ruleId" | "testPoint">;
type Inputs = Assessment["inputs"];

/** Where specimens are made and kept, with the hashes of their blocks. */
export type Workshop = { deployment: Deployment; specimens: Specimen[]; blocks: Map<string, TrustedBlock> };

/** The block at a height. */
export async function blockAt({ kit }: At, blockNumber: bigint): Promise<Block> {
  const { hash, timestamp } = await kit.client.getBlock({ blockNumber });
  return { number: Number(blockNumber), hash, timestamp: timestamp.toString() };
}

/** Adds the bundle of what the protocol's views state. `creditors`: who may be owed something. */
export async function addProven(
  to: Workshop,
  given: Scene & { name: string; by: Ruled; creditors?: readonly Hex[]; verdict?: OpenVerdict },
): Promise<void> {
  const { block, by, creditors = [], verdict } = given;
  const rule = ruleAt(RULEBOOK, by.ruleId, dayOf(BigInt(block.timestamp)));
  const asked = Object.fromEntries(creditors.map((who) => [`owed.${who}`, "1"]));
  const all = await capture(to, { ...given, rule, inputs: asked });
  // Only who is owed something is recorded, and asked about.
  const { witness, inputs } = creditors.length === 0 ? all : await capture(to, { ...given, rule, inputs: all.inputs });
  addBundle(to, { ...given, inputs, evidence: { kind: "calls", witness }, ...(verdict ? { verdict } : {}) });
}

/** Adds the bundle of an assessment at a log: the last of the block that can be what it is about. */
export async function addAuthentic(
  to: Workshop,
  given: Scene & { name: string; ruleId: string; inputs: Inputs },
): Promise<void> {
  const { at, block, about, ruleId, inputs } = given;
  const { chainId } = at.chain;
  const logs = await captureBlockLogs(createWitnessNode(chainId, at.url), block);
  const protocol = at.chain.protocols.find((one) => about.protocol.endsWith(`/${one.protocol}`));
  if (protocol === undefined) throw new InvariantError(`The chain has ${about.protocol}.`);
  const ground = { chain: at.chain, protocol, adapter: adapterOf(protocol.protocol) };
  for (let logIndex = 0; ; logIndex++) {
    const testPoint = `log:${logIndex}` as const;
    const evidence = logs.evidenceOf(logIndex);
    try {
      const proven = provenLogs(evidence, { chainId, blockHash: block.hash });
      checkLogs({ chain: caip2(chainId), ...about, testPoint, inputs }, { proven, ground });
    } catch (error) {
      if (error instanceof InputError) continue;
      throw error;
    }
    return addBundle(to, { ...given, by: { ruleId, testPoint }, evidence });
  }
}

/** Who cosigns the log's heads. */
export const COSIGNERS = WITNESSES.slice(0, 2);

/** Anchors are in made-up blocks of their own, one a bundle, above all that the chains get to. */
const FIRST_ANCHOR_BLOCK = 1_000_000;

/** Adds the bundle of an assessment that only the log vouches for, cosigned and anchored as all are. */
export function addBundle(
  to: Workshop,
  given: Scene & { name: string; by: Ruled; inputs: Inputs; evidence: Evidence | null; verdict?: OpenVerdict },
): void {
  const { name, at, block, about, by, inputs, evidence, verdict } = given;
  const rulebook = disclose(RULEBOOK.source, { ruleId: by.ruleId, blockTimestamp: block.timestamp });
  const assessment = concluded(
    {
      ...{ id: "", chain: caip2(at.chain.chainId), ...about, ...by, inputs, ...placeOf(to, block) },
      ...{ rulebookHash: RULEBOOK.hash, measured: null, reason: null, decimals: "18", unit: settlementOf(at, about) },
      ...{ condition: "unknown", operator: "", threshold: "" },
    },
    rulebook,
  );
  const deployment = evidence === null ? null : deploymentJson(to.deployment);
  const number = FIRST_ANCHOR_BLOCK + to.specimens.length;
  const bytes = sampleBundle({
    ...{ assessment, rulebook, evidence, deployment, ...(verdict ? { verdict } : {}), cosigners: COSIGNERS },
    anchor: (head) => {
      const anchoring = anchoringOf(head, { number });
      to.blocks.set(`anchor ${number}`, blockOf(anchoring.anchored));
      return anchoring;
    },
  });
  add(to, { at, block, specimen: { name, bytes } });
}

/** Adds the proof of a figure that no rule has asked for. */
export async function addFigure(to: Workshop, given: Scene & { name: string }): Promise<void> {
  const { name, at, block, about } = given;
  const { witness, inputs } = await capture(to, { ...given, rule: null, inputs: {} });
  const said = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, BigInt(value)]));
  const { value, reason, decimals, unit } = compute(about.metric as MetricId, said, settlementOf(at, about));
  const bytes = makeFigureProof({
    ...{ deployment: deploymentJson(to.deployment), rulebook: null, witness },
    figure: {
      ...{ chain: caip2(at.chain.chainId), ...about, testPoint: "end", inputs, ...placeOf(to, block) },
      ...{ ruleId: null, rulebookHash: null, reason, decimals: decimals.toString(), unit },
      measured: value === null ? null : value.toString(),
    },
  });
  add(to, { at, block, specimen: { name, bytes } });
}

async function capture(
  { deployment }: Workshop,
  { at, block, about, rule, inputs }: Scene & { rule: Rule | null; inputs: Inputs },
): Promise<{ witness: Witness; inputs: Inputs }> {
  const claim: Provable = {
    ...{ chain: caip2(at.chain.chainId), ...about, testPoint: "end", inputs },
    blockTimestamp: block.timestamp,
  };
  const { ask, reason } = derive(claim, { rule, deployment, viewsOf: (protocol) => adapterOf(protocol).views });
  if (ask === null) throw new InvariantError(reason);
  const { witness, result } = await captureWitness(createWitnessNode(at.chain.chainId, at.url), { block, ask });
  if (result.inputs === null) throw new InvariantError(`${about.subject} has no ${about.metric}: ${result.reason}.`);
  const named = Object.entries(result.inputs).map(([name, value]) => [name, value.toString()]);
  return { witness, inputs: Object.fromEntries(named) };
}

function placeOf({ deployment }: Workshop, { number, hash, timestamp }: Block) {
  return {
    ...{ kernel: KERNEL_VERSION, deploymentHash: deploymentHash(deployment) },
    ...{ blockNumber: String(number), blockHash: hash, blockTimestamp: timestamp },
  };
}

function settlementOf({ chain }: At, { protocol }: About): string {
  const config = chain.protocols.find((one) => protocol.endsWith(`/${one.protocol}`));
  return config?.settlement.symbol ?? "";
}

function add(
  { specimens, blocks }: Workshop,
  { at, block, specimen }: { at: At; block: Block; specimen: Specimen },
): void {
  const chain = caip2(at.chain.chainId);
  specimens.push(specimen);
  blocks.set(`${chain}:${block.number}`, { chain, number: String(block.number), hash: block.hash });
}
