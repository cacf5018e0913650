import { checkpointAnchorAbi } from "../abis/checkpoint-anchor.ts";
import { complianceGateAbi } from "../abis/compliance-gate.ts";
import { creationCode } from "../contracts/compile.ts";
import type { Hex } from "../src/core/ids.ts";
import { originHash } from "../src/core/proof/anchor.ts";
import type { GateTerms } from "../src/core/proof/gate.ts";
import type { Contract, Kit } from "./kit.ts";

/** A gate also reverts with its anchor's errors. */
const GATE_ABI = [...complianceGateAbi, ...checkpointAnchorAbi.filter(({ type }) => type === "error")];

/** Deploys an anchor for a log, whose heads `owner` publishes. */
export function deployAnchor(kit: Kit, { owner, origin }: { owner: Hex; origin: string }): Promise<Contract> {
  const name = "CheckpointAnchor";
  const artifact = { contractName: name, abi: checkpointAnchorAbi, bytecode: creationCode(name) };
  return kit.deploy(artifact, [owner, originHash(origin)]);
}

/** Deploys a gate that follows an anchor. */
export async function deployGate(kit: Kit, { anchor, terms }: { anchor: Hex; terms: GateTerms }): Promise<Contract> {
  const name = "ComplianceGate";
  const artifact = { contractName: name, abi: complianceGateAbi, bytecode: creationCode(name) };
  return { ...(await kit.deploy(artifact, [{ anchor, ...terms }])), abi: GATE_ABI };
}
