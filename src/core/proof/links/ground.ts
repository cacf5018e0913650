/**
 * Links of what a claim rests on: the rulebook, the deployment, and the hash of the block.
 */
import { deploymentJson, parseDeployment } from "../../deployment.ts";
import { InputError } from "../../errors.ts";
import { caip2, protocolId } from "../../ids.ts";
import type { ChainDeployment, Deployment } from "../../margin-model.ts";
import { rulebookHash } from "../../rules/digest.ts";
import type { Json } from "../canonical.ts";
import { bodyHash } from "../leaf.ts";
import { type Finding, holds, refuted, unsettled } from "../verification.ts";
import type { Claim, Context, Place } from "./context.ts";

export function checkRulebook({ rulebook, claim, rule }: Context): Finding {
  if (rulebook === null) return unsettled("Not needed: the figure is measured by no rule.");
  const hash = rulebookHash(rulebook);
  if (hash !== claim.rulebookHash) {
    return refuted(`The rulebook hashes to ${hash}; what is claimed is under ${claim.rulebookHash}.`);
  }
  const shown = rule();
  if (shown?.id !== claim.ruleId) return refuted(`The rulebook shows rule ${shown?.id}, not ${claim.ruleId}.`);
  return holds(`The rulebook is the one that is named, ${hash}, and shows rule ${shown.id}.`);
}

export function checkDeployment({ deployment, claim, place }: Context): Finding {
  if (deployment === null) return unsettled("Not needed: nothing is read from the chain.");
  const hash = bodyHash(deployment);
  if (hash !== claim.deploymentHash) {
    return refuted(`The deployment hashes to ${hash}; what is claimed was read by ${claim.deploymentHash}.`);
  }
  const { chain, protocol } = place();
  const wrong = epochFault(chain, claim);
  if (wrong !== null) return refuted(wrong);
  const pinned = Object.keys((protocol as { codeHashes?: object } | null)?.codeHashes ?? {}).length;
  const code = pinned === 0 ? "It pins no contract's code." : `It pins the code of ${pinned} contracts.`;
  return holds(`The deployment is the one that is named, ${hash}, and has ${claim.protocol}. ${code}`);
}

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
  const same = blocks.filter((block) => block.chain === chain && block.number === blockNumber);
  if (same.length === 0) return unsettled(`No trusted hash is known of block ${blockNumber} of ${chain}.`);
  const other = same.find((block) => block.hash !== blockHash);
  if (other !== undefined) {
    return refuted(`Block ${blockNumber} of ${chain} has the hash ${other.hash}; what is claimed is of ${blockHash}.`);
  }
  return holds(`Block ${blockNumber} of ${chain} has the trusted hash ${blockHash}.`);
}

/**
 * Where a claim's protocol is, in the deployment a bundle carries.
 * @throws InputError when that is no deployment in the form that is hashed, or does not have the chain or the protocol.
 */
export function placeIn(deployment: Json, claim: Claim): Place {
  const chain = deploymentFrom(deployment).chains.find(({ chainId }) => caip2(chainId) === claim.chain);
  if (chain === undefined) throw new InputError(`The deployment does not have the chain ${claim.chain}.`);
  if (claim.protocol === claim.chain) return { chain, protocol: null };
  const protocol = chain.protocols.find((p) => protocolId(chain.chainId, p.protocol) === claim.protocol);
  if (protocol === undefined) throw new InputError(`The deployment does not have the protocol ${claim.protocol}.`);
  return { chain, protocol };
}

/** What is a number in a deployment file and text in the form that is hashed. */
const NUMBERS: ReadonlySet<string> = new Set([
  "version",
  "chainId",
  "startBlock",
  "tickBlocks",
  "epochBlocks",
  "gridSeconds",
  "finalityBlocks",
  "decimals",
  "heartbeatSeconds",
]);

/** The deployment whose `deploymentJson` this is. @throws InputError when it is that of none. */
function deploymentFrom(json: Json): Deployment {
  const text = JSON.stringify(json, (key, value: unknown) => {
    return NUMBERS.has(key) && typeof value === "string" && /^(0|[1-9]\d{0,15})$/.test(value) ? Number(value) : value;
  });
  const deployment = parseDeployment(text, "in the bundle");
  if (bodyHash(deploymentJson(deployment)) !== bodyHash(json)) {
    throw new InputError("The deployment is not in the form that is hashed.");
  }
  return deployment;
}

/** Why the block is not the last one of the epoch the claim is of; null when it is, or the claim is of none. */
function epochFault({ epochBlocks }: ChainDeployment, { testPoint, blockNumber }: Claim): string | null {
  if (!testPoint.startsWith("epoch:")) return null;
  const length = BigInt(epochBlocks);
  const last = (BigInt(testPoint.slice("epoch:".length)) + 1n) * length - 1n;
  return last === BigInt(blockNumber) ? null : `The last block of ${testPoint} is ${last}, not ${blockNumber}.`;
}
