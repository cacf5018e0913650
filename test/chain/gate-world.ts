/** A gate, the log behind its anchor, and accounts that it lets through or not. */

import { expect } from "vitest";
import { deployGate } from "../../devnet/anchor.ts";
import type { Contract } from "../../devnet/kit.ts";
import { type Condition, type Epoch, KERNEL_VERSION } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import { toHex } from "../../src/core/proof/bytes.ts";
import { holderKeyOf } from "../../src/core/proof/epoch-trees.ts";
import { type GateProof, type GateTerms, gateProof, gateRefusal } from "../../src/core/proof/gate.ts";
import { encodeLeaf, epochLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import { sha256Hex } from "../../src/core/proof/sha256.ts";
import { type AssessmentState, epochOf, type States, subjectProof } from "../support/assessed-epoch.ts";
import { AnchoredLog, type AnchorWorld, deployAnchor, refusalOf } from "./anchor-world.ts";
import { sampleOf } from "./leaf-samples.ts";

const PROTOCOL = "eip155:901/perp-v2";
const RULE = "PERP-V2-MAINTENANCE";
export const OTHER_PROTOCOL = "eip155:901/other";
export const OTHER_RULE = "EU-CFD-CLOSE-OUT";

export const TERMS: GateTerms = {
  protocol: PROTOCOL,
  ruleId: RULE,
  rulebookHash: toHex(leafHash(Uint8Array.of(1))),
  deploymentHash: toHex(leafHash(Uint8Array.of(2))),
  kernel: KERNEL_VERSION,
  maxAgeBlocks: 64n,
};

/** Whom the gate knows: the first accounts of the chain, in this order. */
export const ACCOUNTS = ["compliant", "another", "breaching", "unknown"] as const;
export type AccountName = (typeof ACCOUNTS)[number];
const CONDITIONS: Readonly<Record<AccountName, Condition>> = {
  compliant: "met",
  another: "met",
  breaching: "not_met",
  unknown: "unknown",
};

/** An epoch, the index of its leaf in the log, and what was assessed in it. */
export type Sealed = { epoch: Epoch; index: number; states: States };

type About = { protocol?: string; rule?: string };

export class GateWorld {
  readonly log = new AnchoredLog();
  readonly #world: AnchorWorld;
  readonly anchor: Contract;
  readonly gate: Contract;
  /** The accounts among others, in two protocols, each under several rules. */
  readonly states: States;

  /** A new gate with an anchor and a log of its own, in which something else is sealed already. */
  static async on(world: AnchorWorld): Promise<GateWorld> {
    const anchor = await deployAnchor(world.kit, world.owner);
    return new GateWorld(world, {
      anchor,
      gate: await deployGate(world.kit, { anchor: anchor.address, terms: TERMS }),
    });
  }

  private constructor(world: AnchorWorld, { anchor, gate }: { anchor: Contract; gate: Contract }) {
    this.#world = world;
    this.anchor = anchor;
    this.gate = gate;
    this.states = this.#statesOfAll();
    for (let i = 0; i < 5; i++) this.log.append(encodeLeaf(sampleOf("verdict")));
  }

  address(name: AccountName): Hex {
    return this.#world.kit.accounts[ACCOUNTS.indexOf(name)] as Hex;
  }

  keyOf(account: Hex, { protocol = PROTOCOL, rule = RULE }: About = {}): string {
    return `${protocol}|eip155:901:${account.toLowerCase()}|${rule}`;
  }

  /** Seals an epoch that ends in the last block, and anchors the log unless told not to. */
  async seal(
    given: Partial<Epoch> = {},
    { states = this.states, anchored = true }: { states?: States; anchored?: boolean } = {},
  ): Promise<Sealed> {
    const block = await this.#world.kit.client.getBlock();
    const epoch = epochOf(states, { toBlock: block.number.toString(), blockHash: block.hash, ...given });
    const index = this.log.append(encodeLeaf(epochLeaf(epoch)));
    this.log.append(encodeLeaf(sampleOf("verdict")));
    if (anchored) await this.publish();
    return { epoch, index, states };
  }

  publish(): Promise<void> {
    return this.#world.kit.send(this.anchor, "publish", this.log.publishing(), { from: this.#world.owner });
  }

  /** The proof of what was assessed of an account, in the log as it is now. */
  proofFor(name: AccountName, sealed: Sealed, { protocol = PROTOCOL, rule = RULE }: About = {}): GateProof {
    const { epoch, index, states } = sealed;
    const assessments = subjectProof(states, holderKeyOf(this.keyOf(this.address(name), { protocol, rule })));
    return gateProof({ epoch, inLog: this.log.path(index), assessments, ruleId: rule });
  }

  /** What the contract says to an account with this proof, which TypeScript must say as well; null when it may act. */
  async answer(name: AccountName, proof: GateProof): Promise<string | null> {
    const { kit } = this.#world;
    const account = this.address(name);
    const said = await refusalOf(kit, this.gate, { functionName: "act", args: [proof], from: account });
    const anchored = (await kit.read(this.anchor, "rootAt", [proof.inLog.size])) as Hex;
    const rootAt = () => (BigInt(anchored) === 0n ? null : anchored);
    const call = { terms: TERMS, chainId: 901n, blockNumber: await kit.blockNumber(), account, rootAt };
    expect(gateRefusal(proof, call)).toBe(said);
    return said;
  }

  #statesOfAll(): States {
    const states = new Map<string, AssessmentState>();
    const assess = (account: Hex, about: About & { condition: Condition }): void => {
      const key = this.keyOf(account, about);
      const { condition } = about;
      const figure =
        condition === "unknown"
          ? { measured: null, reason: "NO_PRICE" as const }
          : { measured: "-250000", reason: null };
      states.set(key, { condition, id: sha256Hex(key), ...figure });
    };
    const others = Array.from({ length: 9 }, (_, i) => toHex(leafHash(Uint8Array.of(i))).slice(0, 42) as Hex);
    for (const [i, account] of [...ACCOUNTS.map((name) => this.address(name)), ...others].entries()) {
      assess(account, { condition: CONDITIONS[ACCOUNTS[i % ACCOUNTS.length] as AccountName] });
      assess(account, { rule: OTHER_RULE, condition: "met" });
      assess(account, { protocol: OTHER_PROTOCOL, condition: "met" });
      if (i % 2 === 0) assess(account, { rule: "AU-CFD-CLOSE-OUT", condition: "not_met" });
    }
    return states;
  }
}
