/**
 * Links of what a claim rests on: the rulebook, the deployment, and the hash of the block.
 */
import type { Hex } from "../../ids.ts";
import type { ChainDeployment } from "../../margin-model.ts";
import { rulebookHash } from "../../rules/digest.ts";
import { bodyHash } from "../leaf.ts";
import { type Finding, holds, refuted, type TrustedBlock, unsettled } from "../verification.ts";
import type { Claim, Context } from "./context.ts";

/** Whether the rulebook is the one that is named and believed in, and shows the rule. */
export function checkRulebook({ rulebook, claim, rule, trust, sealed }: Context): Finding {
  if (rulebook === null) return unsettled("Not needed: the figure is measured by no rule.");
  const hash = rulebookHash(rulebook);
  if (hash !== claim.rulebookHash) {
    return refuted(`The rulebook hashes to ${hash}; what is claimed is under ${claim.rulebookHash}.`);
  }
  if (trust.rulebooks?.includes(hash) === false) return refuted(`The rulebook ${hash} is none of those you named.`);
  const shown = rule();
  if (shown?.id !== claim.ruleId) return refuted(`The rulebook shows rule ${shown?.id}, not ${claim.ruleId}.`);
  // Of an assessment the rule is applied again, by the metric it has at the test point.
  if (sealed === null && shown.metric !== claim.metric) {
    return refuted(`Rule ${shown.id} is about ${shown.metric}, not ${claim.metric}.`);
  }
  return holds(`The rulebook is the one that is named, ${hash}, and shows rule ${shown.id}.`);
}

/** Whether the deployment is the one that is named and believed in, and has what is measured. */
export function checkDeployment({ deployment, claim, place, trust }: Context): Finding {
  const { deploymentHash } = claim;
  if (trust.deployments?.includes(deploymentHash) === false) {
    return refuted(`The deployment ${deploymentHash} is none of those you named.`);
  }
  if (deployment === null) return unsettled("Not needed: nothing is read from the chain.");
  const hash = bodyHash(deployment);
  if (hash !== deploymentHash) {
    return refuted(`The deployment hashes to ${hash}; what is claimed was read by ${deploymentHash}.`);
  }
  const { chain, protocol } = place();
  const wrong = epochFault(chain, claim);
  if (wrong !== null) return refuted(wrong);
  const pinned = Object.keys(protocol?.codeHashes ?? {}).length;
  const code = `It pins the code of ${pinned === 0 ? "no contract" : pinned === 1 ? "1 contract" : `${pinned} contracts`}.`;
  return holds(`The deployment is the one that is named, ${hash}, and has ${claim.protocol}. ${code}`);
}

/** Whether the block is one whose hash is believed. */
export function checkBlock({ claim, evidence, trust }: Context): Finding {
  const { chain, blockNumber, blockHash } = claim;
  const { blocks } = trust;
  if (blocks === undefined) {
    return unsettled(
      evidence === null
        ? "Block hash not checked: the assessment is attested only."
        : "Block hash not checked: none that you trust was given, and this proof rests on one.",
    );
  }
  const believed = believedHash(blocks, { chain, number: blockNumber });
  if (believed.hash === null) return unsettled(believed.sentence);
  if (believed.hash !== blockHash) {
    return refuted(
      `Block ${blockNumber} of ${chain} has the hash ${believed.hash}; what is claimed is of ${blockHash}.`,
    );
  }
  return holds(`Block ${blockNumber} of ${chain} has the trusted hash ${blockHash}.`);
}

/** The hash of a block that all who are believed agree on; `null` when there is none, and why. */
export function believedHash(
  blocks: readonly TrustedBlock[] | undefined,
  { chain, number }: Pick<TrustedBlock, "chain" | "number">,
): { hash: Hex } | { hash: null; sentence: string } {
  const same = (blocks ?? []).filter((block) => block.chain === chain && block.number === number);
  const [first] = same;
  if (first === undefined) return { hash: null, sentence: `No trusted hash is known of block ${number} of ${chain}.` };
  const contrary = same.find(({ hash }) => hash !== first.hash);
  if (contrary === undefined) return { hash: first.hash };
  const says = ({ from, hash }: TrustedBlock) => `${from ?? "one"} says ${hash}`;
  const sentence = `No hash of block ${number} of ${chain} is agreed on: ${says(first)}, ${says(contrary)}.`;
  return { hash: null, sentence };
}

/** Why the block is not the last one of the epoch the claim is of; null when it is, or the claim is of none. */
function epochFault({ epochBlocks }: ChainDeployment, { testPoint, blockNumber }: Claim): string | null {
  if (!testPoint.startsWith("epoch:")) return null;
  const length = BigInt(epochBlocks);
  const last = (BigInt(testPoint.slice("epoch:".length)) + 1n) * length - 1n;
  return last === BigInt(blockNumber) ? null : `The last block of ${testPoint} is ${last}, not ${blockNumber}.`;
}
