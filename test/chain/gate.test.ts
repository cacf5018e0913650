import { parseEventLogs } from "viem";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { complianceGateAbi } from "../../abis/compliance-gate.ts";
import { type Epoch, KERNEL_VERSION } from "../../src/core/assessment.ts";
import { pathArgument } from "../../src/core/proof/anchor.ts";
import { fromHex, toHex } from "../../src/core/proof/bytes.ts";
import { canonicalBytes } from "../../src/core/proof/canonical.ts";
import { encodeLeaf, epochLeaf } from "../../src/core/proof/leaf.ts";
import { leafHash } from "../../src/core/proof/merkle.ts";
import type { AssessmentState } from "../support/assessed-epoch.ts";
import { type AnchorWorld, startAnchorWorld } from "./anchor-world.ts";
import { GateWorld, OTHER_PROTOCOL, OTHER_RULE, TERMS } from "./gate-world.ts";
import { sampleOf } from "./leaf-samples.ts";

let world: AnchorWorld;
let gates: GateWorld;

beforeAll(async () => {
  world = await startAnchorWorld();
});

beforeEach(async () => {
  gates = await GateWorld.on(world);
});

afterAll(() => world?.anvil.stop());

describe("the gate", () => {
  it("says what it asks for", async () => {
    for (const [name, value] of Object.entries(TERMS)) expect(await world.kit.read(gates.gate, name)).toBe(value);
    expect(await world.kit.read(gates.gate, "anchor")).toBe(gates.anchor.address);
  });

  it("lets compliant accounts act", async () => {
    const sealed = await gates.seal();
    for (const name of ["compliant", "another"] as const) {
      const proof = gates.proofFor(name, sealed);
      expect(await gates.answer(name, proof)).toBeNull();
      const account = gates.address(name);
      await world.kit.send(gates.gate, "act", [proof], { from: account });
      const logs = await world.kit.client.getLogs({ address: gates.gate.address, fromBlock: "latest" });
      const [event] = parseEventLogs({ abi: complianceGateAbi, eventName: "Acted", logs });
      expect(event?.args).toEqual({ account, epochBlock: BigInt(sealed.epoch.toBlock) });
    }
  });

  it("lets an account act under an older anchored head, and alone in its epoch", async () => {
    const own = gates.keyOf(gates.address("compliant"));
    const sealed = await gates.seal({}, { states: new Map([...gates.states].filter(([key]) => key === own)) });
    const proof = gates.proofFor("compliant", sealed);
    await gates.seal();
    expect(await gates.answer("compliant", proof)).toBeNull();
  });

  it("refuses an account whose condition is not met, or not known", async () => {
    const sealed = await gates.seal();
    expect(await gates.answer("breaching", gates.proofFor("breaching", sealed))).toBe("ConditionNotMet");
    expect(await gates.answer("unknown", gates.proofFor("unknown", sealed))).toBe("ConditionNotMet");
  });

  it("refuses a leaf that was made to say that the condition is met", async () => {
    const sealed = await gates.seal();
    const proof = gates.proofFor("breaching", sealed);
    const key = gates.keyOf(gates.address("breaching"));
    const state = { ...(gates.states.get(key) as AssessmentState), condition: "met" };
    const ruleLeaf = toHex(canonicalBytes([key, state]));
    expect(await gates.answer("breaching", { ...proof, ruleLeaf })).toBe("NotInEpoch");
  });

  it("refuses another account's proof", async () => {
    const sealed = await gates.seal();
    expect(await gates.answer("breaching", gates.proofFor("compliant", sealed))).toBe("AnotherAccount");
    expect(await gates.answer("compliant", gates.proofFor("another", sealed))).toBe("AnotherAccount");
    const elsewhere = gates.proofFor("compliant", sealed, { protocol: OTHER_PROTOCOL });
    expect(await gates.answer("compliant", elsewhere)).toBe("AnotherAccount");
  });

  it("refuses another rule", async () => {
    const sealed = await gates.seal();
    expect(await gates.answer("breaching", gates.proofFor("breaching", sealed, { rule: OTHER_RULE }))).toBe(
      "AnotherRule",
    );
  });

  it("refuses an unanchored head, and an epoch that is not under an anchored one", async () => {
    await gates.publish();
    const sealed = await gates.seal({}, { anchored: false });
    const proof = gates.proofFor("compliant", sealed);
    expect(await gates.answer("compliant", proof)).toBe("HeadNotAnchored");
    const inLog = { ...proof.inLog, size: 5n };
    expect(await gates.answer("compliant", { ...proof, inLog })).toBe("LeafNotIncluded");
    await gates.publish();
    expect(await gates.answer("compliant", proof)).toBeNull();
  });

  it("refuses a stale epoch: one block less is fresh", async () => {
    const sealed = await gates.seal();
    const proof = gates.proofFor("compliant", sealed);
    const last = BigInt(sealed.epoch.toBlock) + TERMS.maxAgeBlocks;
    while ((await world.kit.blockNumber()) < last) await world.kit.mine();
    expect(await gates.answer("compliant", proof)).toBeNull();
    await world.kit.mine();
    expect(await gates.answer("compliant", proof)).toBe("StaleEpoch");
  });

  it("refuses an epoch that has not ended yet", async () => {
    const ahead = (await world.kit.blockNumber()) + 100n;
    const sealed = await gates.seal({ toBlock: ahead.toString() });
    expect(await gates.answer("compliant", gates.proofFor("compliant", sealed))).toBe("EpochAhead");
  });

  it("refuses an epoch of another chain, rulebook, deployment or kernel", async () => {
    const other = toHex(leafHash(Uint8Array.of(3)));
    const cases: [expected: string, given: Partial<Epoch>][] = [
      ["AnotherChain", { chain: "eip155:902" }],
      ["AnotherRulebook", { rulebookHash: other }],
      ["AnotherDeployment", { deploymentHash: other }],
      ["AnotherKernel", { kernel: "plumbline-kernel/other" }],
      ["AnotherKernel", { kernel: `${KERNEL_VERSION}0` }],
    ];
    for (const [expected, given] of cases) {
      const sealed = await gates.seal(given);
      const proof = { ...gates.proofFor("compliant", { ...sealed, epoch: { ...sealed.epoch, chain: "eip155:901" } }) };
      proof.epochLeaf = toHex(encodeLeaf(epochLeaf(sealed.epoch)));
      proof.epochBody = toHex(canonicalBytes(sealed.epoch));
      expect(await gates.answer("compliant", proof), expected).toBe(expected);
    }
  });

  it("refuses a leaf that is no epoch's", async () => {
    const sealed = await gates.seal();
    const proof = gates.proofFor("compliant", sealed);
    const verdict = { epochLeaf: toHex(encodeLeaf(sampleOf("verdict"))), inLog: pathArgument(gates.log.path(0)) };
    expect(await gates.answer("compliant", { ...proof, ...verdict })).toBe("NotAnEpoch");
  });

  it("refuses a body, a count or a place that is not the epoch's own", async () => {
    const sealed = await gates.seal();
    const proof = gates.proofFor("compliant", sealed);
    const body = toHex(canonicalBytes({ ...sealed.epoch, stateCount: "13" }));
    expect(await gates.answer("compliant", { ...proof, epochBody: body })).toBe("AnotherBody");
    const inAccount = { ...proof.inAccount, size: proof.inAccount.size + 1n };
    expect(await gates.answer("compliant", { ...proof, inAccount })).toBe("NotInEpoch");
    const refusals = { assessmentRoot: "NotInEpoch", deploymentHash: "AnotherDeployment" } as const;
    const more = { kernel: "AnotherKernel", rulebookHash: "AnotherRulebook" } as const;
    for (const [name, expected] of Object.entries({ ...refusals, ...more })) {
      for (const place of [0, 65_535, proof.places[name as keyof typeof refusals] + 1]) {
        const places = { ...proof.places, [name]: place };
        expect(await gates.answer("compliant", { ...proof, places }), expected).toBe(expected);
      }
    }
  });

  it("refuses hashes that lead to the root from a place that they do not fit", async () => {
    const sealed = await gates.seal();
    const last = gates.proofFor("compliant", sealed);
    expect(last.inAccount).toMatchObject({ index: 2n, size: 3n });
    const inAccount = { ...last.inAccount, index: 1n };
    expect(await gates.answer("compliant", { ...last, inAccount })).toBe("NotInEpoch");
    const proof = gates.proofFor("another", sealed);
    const inEpoch = { ...proof.inEpoch, size: 1024n };
    expect(await gates.answer("another", { ...proof, inEpoch })).toBe("NotInEpoch");
  });

  it("does not take what a text in the body says for a member of it", async () => {
    const wanted = `,"rulebookHash":"${TERMS.rulebookHash}"`;
    const other = toHex(leafHash(Uint8Array.of(3)));
    const sealed = await gates.seal({ rulebookHash: other, number: `1${wanted}` });
    const proof = gates.proofFor("compliant", sealed);
    const text = new TextDecoder().decode(fromHex(proof.epochBody));
    for (const part of [`,\\"rulebookHash`, `\\"rulebookHash`, `"rulebookHash\\"`]) {
      const places = { ...proof.places, rulebookHash: text.indexOf(part) };
      expect(places.rulebookHash).toBeGreaterThan(0);
      expect(await gates.answer("compliant", { ...proof, places })).toBe("AnotherRulebook");
    }
  });

  it("takes a body that says more than it reads", async () => {
    const more = { collateral: { "eip155:901/erc20:0x00": { held: "5", required: "4" } }, zeal: "none" };
    const sealed = await gates.seal(more as Partial<Epoch>);
    expect(await gates.answer("compliant", gates.proofFor("compliant", sealed))).toBeNull();
  });
});
