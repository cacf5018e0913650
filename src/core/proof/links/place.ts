/**
 * Where a claim's protocol is, by the deployment that comes with it.
 */
import { deploymentJson, parseDeployment } from "../../deployment.ts";
import { InputError } from "../../errors.ts";
import { caip2, protocolId } from "../../ids.ts";
import type { Deployment } from "../../margin-model.ts";
import type { Json } from "../canonical.ts";
import { bodyHash } from "../leaf.ts";
import type { Claim, Place } from "./context.ts";

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

/**
 * The place of a claim.
 * @throws InputError when that is no deployment in the form that is hashed, or does not have the chain or the protocol.
 */
export function placeIn(json: Json, claim: Pick<Claim, "chain" | "protocol">): Place {
  const deployment = deploymentFrom(json);
  const chain = deployment.chains.find(({ chainId }) => caip2(chainId) === claim.chain);
  if (chain === undefined) throw new InputError(`The deployment does not have the chain ${claim.chain}.`);
  if (claim.protocol === claim.chain) return { deployment, chain, protocol: null };
  const protocol = chain.protocols.find((entry) => protocolId(chain.chainId, entry.protocol) === claim.protocol);
  if (protocol === undefined) throw new InputError(`The deployment does not have the protocol ${claim.protocol}.`);
  return { deployment, chain, protocol };
}

/** The deployment whose `deploymentJson` this is. @throws InputError when it is that of none. */
export function deploymentFrom(json: Json): Deployment {
  const text = JSON.stringify(json, (key, value: unknown) => {
    return NUMBERS.has(key) && typeof value === "string" && /^(0|[1-9]\d{0,15})$/.test(value) ? Number(value) : value;
  });
  const deployment = parseDeployment(text, "in the bundle");
  if (bodyHash(deploymentJson(deployment)) !== bodyHash(json)) {
    throw new InputError("The deployment is not in the form that is hashed.");
  }
  return deployment;
}
