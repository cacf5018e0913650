import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deployGate } from "../../devnet/anchor.ts";
import type { Contract } from "../../devnet/kit.ts";
import type { Epoch } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import type { Deployment } from "../../src/core/margin-model.ts";
import { holderKeyOf } from "../../src/core/proof/epoch-trees.ts";
import { gateProof } from "../../src/core/proof/gate.ts";
import { encodeLeaf, epochLeaf } from "../../src/core/proof/leaf.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { type AssessmentState, assessmentRoot, type States, subjectProof } from "../support/assessed-epoch.ts";
import { foldChain } from "../support/chain-fold.ts";
import { AnchoredLog, deployAnchor, refusalOf } from "./anchor-world.ts";
import { type PerpSession, startPerpSession } from "./perp-v2-session.ts";

const CHAIN = 901;
const PROTOCOL = `eip155:${CHAIN}/perp-v2`;
const STEPS = 10;

let session: PerpSession;
let epoch: Epoch;
let states: States;

/** Trading on the protocol's own bytecode, up to the end of an epoch, folded by the indexer's own book. */
beforeAll(async () => {
  session = await startPerpSession(3);
  const { kit, chain, anvil } = session;
  for (let i = 0; i < STEPS; i++) await session.step();
  while (((await kit.blockNumber()) + 1n) % BigInt(chain.epochBlocks) !== 0n) await kit.mine();
  const deployment: Deployment = { version: 1, name: "test", chains: [chain] };
  const epochs: Epoch[] = [];
  const book = await foldChain({
    ...{ url: anvil.url, deployment, chainId: CHAIN, rulebook: readRulebooks("rulebooks") },
    onBlock: (outcome) => epochs.push(...(outcome.epoch === null ? [] : [outcome.epoch])),
  });
  epoch = epochs.at(-1) as Epoch;
  states = new Map(
    [...book.conditions.keys()].map((key) => [key, book.conditions.stateOf(key) as unknown as AssessmentState]),
  );
});

afterAll(() => session?.anvil.stop());

const keyOf = (account: Hex, rule: string) => `${PROTOCOL}|eip155:${CHAIN}:${account.toLowerCase()}|${rule}`;

/** Deploys a gate for a rule, with the epoch in its log. */
async function openGate(ruleId: string): Promise<{ gate: Contract; log: AnchoredLog }> {
  const { kit } = session;
  const owner = kit.accounts[1] as Hex;
  const anchor = await deployAnchor(kit, owner);
  const { rulebookHash, deploymentHash, kernel } = epoch;
  const terms = { protocol: PROTOCOL, ruleId, rulebookHash, deploymentHash, kernel, maxAgeBlocks: 64n };
  const gate = await deployGate(kit, { anchor: anchor.address, terms });
  const log = new AnchoredLog();
  log.append(encodeLeaf(epochLeaf(epoch)));
  await kit.send(anchor, "publish", log.publishing(), { from: owner });
  return { gate, log };
}

describe("a gate before the epochs of a protocol's real chain", () => {
  it("is shown assessments that have the epoch's root", () => {
    expect(assessmentRoot(states)).toEqual({ root: epoch.assessmentRoot, count: Number(epoch.assessmentCount) });
    expect(states.size).toBeGreaterThan(100);
  });

  it.each([
    ["PERP-V2-MAINTENANCE", "met"],
    ["UK-CRYPTO-DERIV-BAN", "not_met"],
  ])("asking for %s answers each account by its condition", async (rule, most) => {
    const { gate, log } = await openGate(rule);
    const assessed = session.everyone.filter((account) => states.has(keyOf(account, rule)));
    expect(assessed.length).toBeGreaterThan(3);
    const conditions: string[] = [];
    for (const account of assessed) {
      const assessments = subjectProof(states, holderKeyOf(keyOf(account, rule)));
      const proof = gateProof({ epoch, inLog: log.path(0), assessments, ruleId: rule });
      const said = await refusalOf(session.kit, gate, { functionName: "act", args: [proof], from: account });
      const { condition } = states.get(keyOf(account, rule)) as AssessmentState;
      expect(said).toBe(condition === "met" ? null : "ConditionNotMet");
      conditions.push(condition);
    }
    expect(conditions).toContain(most);
  });
});
