/** The anchor of the log and a gate that follows it, as the devnet has them: what is deployed last. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mnemonicToAccount } from "viem/accounts";
import { KERNEL_VERSION } from "../src/core/assessment.ts";
import { deploymentHash } from "../src/core/deployment.ts";
import { InvariantError } from "../src/core/errors.ts";
import { type Hex, protocolId } from "../src/core/ids.ts";
import type { AnchorDeployment, Deployment } from "../src/core/margin-model.ts";
import { toHex } from "../src/core/proof/bytes.ts";
import type { GateTerms } from "../src/core/proof/gate.ts";
import { readRulebooks } from "../src/files/rulebooks.ts";
import { deployAnchor, deployGate } from "./anchor.ts";
import { MNEMONIC } from "./anvil.ts";
import type { Contract, Kit } from "./kit.ts";
import { PERP_CHAIN, PUBLISHER } from "./market/cast.ts";
import type { GateGround } from "./state-file.ts";

/** Name of the log that the devnet's anchor belongs to: the server's own, unless it is given another. */
export const ORIGIN = "plumbline.local/devnet";

/** What the devnet's gate asks for. */
const GATE_RULE = "PERP-V2-MAINTENANCE";
const GATE_PROTOCOL = protocolId(PERP_CHAIN, "perp-v2");
/** An epoch's length, as much again until its end is final, and a minute each for its sealing and the next head. */
const GATE_MAX_AGE_BLOCKS = 144n;

const RULEBOOKS = fileURLToPath(new URL("../rulebooks", import.meta.url));

/** Both contracts, the anchor as a deployment lists it, and what the gate was made to ask for. */
export type Anchoring = {
  anchor: Contract;
  deployment: AnchorDeployment;
  gate: Contract;
  terms: GateTerms;
  ground: GateGround;
};

/** The private key of the anchor's owner. Everybody knows it: it protects nothing and is for the devnet only. */
export function publisherKey(): Hex {
  const { privateKey } = mnemonicToAccount(MNEMONIC, { addressIndex: PUBLISHER }).getHdKey();
  if (privateKey === null) throw new InvariantError("The devnet's mnemonic gives no private key.");
  return toHex(privateKey);
}

/** Writes the key where a server that runs on the same folder finds it, as a key has to be kept. */
export function writePublisherKey(data: string): void {
  const path = join(data, "devnet-anchor.key");
  mkdirSync(data, { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, `${publisherKey()}\n`, { mode: 0o600, flag: "wx" });
}

/**
 * Deploys anchor and gate in one block.
 * @param former what a gate of a former run was made to follow, so that its block comes out again.
 * @param withAnchor the deployment as it is with this anchor: the gate accepts epochs of it alone.
 */
export async function deployAnchoring(
  kit: Kit,
  { former, withAnchor }: { former: GateGround | null; withAnchor: (anchor: AnchorDeployment) => Deployment },
): Promise<Anchoring> {
  const startBlock = Number(await kit.blockNumber()) + 1;
  const made: Partial<Anchoring> = {};
  await kit.batch(async () => {
    const anchor = await deployAnchor(kit, { owner: kit.accounts[PUBLISHER] as Hex, origin: ORIGIN });
    const deployment = { address: anchor.address.toLowerCase() as Hex, startBlock };
    const ground = former ?? {
      rulebookHash: readRulebooks(RULEBOOKS).hash,
      deploymentHash: deploymentHash(withAnchor(deployment)),
      kernel: KERNEL_VERSION,
    };
    const terms = { ...ground, protocol: GATE_PROTOCOL, ruleId: GATE_RULE, maxAgeBlocks: GATE_MAX_AGE_BLOCKS };
    const gate = await deployGate(kit, { anchor: anchor.address, terms });
    Object.assign(made, { anchor, deployment, gate, terms, ground });
  });
  return made as Anchoring;
}
