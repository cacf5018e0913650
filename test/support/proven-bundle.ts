/** Proven bundles made straight from a chain: what the server does, with the sample log and without indexing anything. */
import type { Kit } from "../../devnet/kit.ts";
import { captureWitness } from "../../server/witnesses/capture.ts";
import { createWitnessNode } from "../../server/witnesses/node.ts";
import { adapterOf } from "../../src/adapters/catalogue.ts";
import { type Assessment, KERNEL_VERSION } from "../../src/core/assessment.ts";
import { deploymentHash, deploymentJson } from "../../src/core/deployment.ts";
import { caip2, type Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment } from "../../src/core/margin-model.ts";
import { derive } from "../../src/core/proof/derive.ts";
import { dayOf } from "../../src/core/rules/day.ts";
import { disclose } from "../../src/core/rules/disclosure.ts";
import { reassess } from "../../src/core/rules/reassess.ts";
import { ruleAt } from "../../src/core/rules/rule.ts";
import { RULEBOOK, sampleAssessment, sampleBundle } from "../unit/proof/sample.ts";

/** What is assessed at the chain's head, by a rule of the sample rulebook. */
export type Assessed = Pick<Assessment, "protocol" | "subject" | "account" | "ruleId" | "testPoint">;

/** A bundle, the assessment in it, and the hash of its block to check it with. */
export type ProvenBundle = { bundle: Uint8Array; assessment: Assessment; blockHash: Hex };

/** Assesses a subject at the head of a chain, and makes the bundle that proves it. */
export async function proveAtHead(
  kit: Kit,
  { chain, assessed }: { chain: ChainDeployment; assessed: Assessed },
): Promise<ProvenBundle> {
  const deployment: Deployment = { version: 1, name: "test", chains: [chain] };
  const { number, hash, timestamp } = await kit.client.getBlock();
  const rule = ruleAt(RULEBOOK, assessed.ruleId, dayOf(timestamp));
  const about = {
    ...assessed,
    chain: caip2(chain.chainId),
    metric: rule.metric as string,
    inputs: {},
    blockTimestamp: timestamp.toString(),
  };
  const viewsOf = (protocol: string) => adapterOf(protocol).views;
  const { ask, reason } = derive(about, { rule, deployment, viewsOf });
  if (ask === null) throw new Error(reason);
  const node = createWitnessNode(chain.chainId, kit.url);
  const { witness, result } = await captureWitness(node, { block: { number: Number(number), hash }, ask });
  if (result.inputs === null) throw new Error(`${assessed.subject} has no figure: ${result.reason}.`);
  const inputs = Object.fromEntries(Object.entries(result.inputs).map(([name, value]) => [name, String(value)]));
  const place = { blockNumber: number.toString(), blockHash: hash, rulebookHash: RULEBOOK.hash };
  const draft = { ...about, ...place, inputs, deploymentHash: deploymentHash(deployment), kernel: KERNEL_VERSION };
  const measured = reassess(RULEBOOK, sampleAssessment({ ...draft, unit: "ratio", reason: null }));
  const assessment = sampleAssessment({ ...draft, ...measured });
  const bundle = sampleBundle({
    assessment,
    evidence: { kind: "calls", witness },
    deployment: deploymentJson(deployment),
    rulebook: disclose(RULEBOOK.source, assessment),
  });
  return { bundle, assessment, blockHash: hash };
}
