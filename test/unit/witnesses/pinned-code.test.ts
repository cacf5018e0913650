import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FigureJob } from "../../../server/witnesses/job.ts";
import type { WitnessNode } from "../../../server/witnesses/node.ts";
import { type CaptureGround, runCapture } from "../../../server/witnesses/run-capture.ts";
import { proveFigure } from "../../../server/witnesses/run-figure.ts";
import { deploymentHash, parseDeployment } from "../../../src/core/deployment.ts";
import { InputError } from "../../../src/core/errors.ts";
import { assetId, type Hex } from "../../../src/core/ids.ts";
import type { ProtocolDeployment } from "../../../src/core/margin-model.ts";
import { fromBase64, fromHex, toHex } from "../../../src/core/proof/bytes.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { NodeSet } from "../../../src/core/proof/chain/node-set.ts";
import { readTrie } from "../../../src/core/proof/chain/trie.ts";
import { unpackCodes } from "../../../src/core/proof/codes.ts";
import { dayOf } from "../../../src/core/rules/day.ts";
import { ruleAt } from "../../../src/core/rules/rule.ts";
import { WITNESS } from "../proof/proven-sample.ts";
import { RULEBOOK, sampleAssessment } from "../proof/sample.ts";
import recorded from "../proof/witness.fixture.json" with { type: "json" };
import { rpcBlock } from "./rpc.ts";

const CHAIN = "eip155:901";
const HASH = recorded.trust.blockHash as Hex;
const HEADER = fromHex(WITNESS.header);
const BLOCK = { number: Number(recorded.block.number), hash: HASH };
const FILE = readFileSync(new URL("../../../deployments/devnet.json", import.meta.url), "utf8");
const RULE = ruleAt(RULEBOOK, "COLLATERAL-CUSTODY", dayOf(BigInt(recorded.block.timestamp)));

/** The raw nodes on the way to a key. */
function proofIn(root: Hex, key: Hex): Hex[] {
  const { read } = new NodeSet(WITNESS.nodes.map(fromBase64));
  const way: Hex[] = [];
  const nodeOf = (hash: Uint8Array) => {
    const raw = read(hash);
    way.push(toHex(raw));
    return raw;
  };
  readTrie({ root: fromHex(root), key: keccak256(fromHex(key)), nodeOf });
  return way;
}

const accountAt = (address: Hex) => WITNESS.accounts.find((account) => account.address === address);

/** A node of the recorded block, which tells the truth about what is in the recorded witness. */
const NODE: WitnessNode = {
  chainId: 901,
  block: async () => rpcBlock(HEADER),
  accessList: async () => null,
  proof: async (address, { slots }) => ({
    accountProof: proofIn(rpcBlock(HEADER).stateRoot as Hex, address),
    slots: slots.map((key) => ({ key, proof: proofIn(accountAt(address)?.storageHash ?? "0x", key) })),
  }),
  code: async (address) =>
    toHex(unpackCodes(WITNESS.codes).get(accountAt(address)?.codeHash as Hex) ?? new Uint8Array()),
  call: async ({ data }) => recorded.returned[recorded.calls.findIndex((call) => call.data === data)] as Hex,
};

/** The devnet's deployment, with the code of its settlement token pinned, or not. */
function groundWith(pinned: Hex | null): { ground: CaptureGround; token: Hex } {
  const deployment = parseDeployment(FILE, "devnet");
  const protocol = deployment.chains[0]?.protocols[0] as ProtocolDeployment & { codeHashes: Record<Hex, Hex> };
  const token = protocol.settlement.address;
  if (pinned === null) delete protocol.codeHashes[token];
  else protocol.codeHashes[token] = pinned;
  const nodeOf: CaptureGround["nodeOf"] = () => NODE as ReturnType<CaptureGround["nodeOf"]>;
  return { ground: { deployment, deploymentHash: deploymentHash(deployment), nodeOf }, token };
}

const TOKEN_CODE = accountAt(groundWith(null).token)?.codeHash as Hex;
const OTHER_CODE: Hex = `0x${"c0".repeat(32)}`;

async function outcomeWith(pinned: Hex | null) {
  const { ground, token } = groundWith(pinned);
  const assessment = sampleAssessment({
    ...{ subject: assetId(901, token), account: null, ruleId: RULE.id, testPoint: "epoch:0" },
    ...{ metric: RULE.metric, deploymentHash: ground.deploymentHash, blockTimestamp: recorded.block.timestamp },
    inputs: { held: (BigInt(recorded.returned[0] as string) * 10n ** 12n).toString() },
  });
  const items = [{ assessment, rule: RULE }];
  const job = { kind: "capture", chain: CHAIN, level: "proven", block: BLOCK, items } as const;
  const { outcomes, captures } = await runCapture(job, ground);
  return { outcome: outcomes[0], captures: captures.length };
}

describe("code that a deployment pins", () => {
  it("is what ran, or is not pinned, where evidence is captured", async () => {
    for (const pinned of [TOKEN_CODE, null]) {
      expect(await outcomeWith(pinned)).toMatchObject({ outcome: { capture: 0, fault: null }, captures: 1 });
    }
  });

  it("is no other: whoever verified the evidence would refuse it, so there is none, and it is said why", async () => {
    const reason = expect.stringMatching(new RegExp(`is ${TOKEN_CODE}; the deployment pins ${OTHER_CODE}`));
    expect(await outcomeWith(OTHER_CODE)).toMatchObject({
      outcome: { capture: null, fault: "fails", reason },
      captures: 0,
    });
  });

  it("is no other where a figure is proven on request", async () => {
    const { ground, token } = groundWith(OTHER_CODE);
    const job: FigureJob = {
      kind: "figure",
      ...{ chain: CHAIN, protocol: `${CHAIN}/perp-v2`, subject: assetId(901, token) },
      ...{ account: CHAIN, metric: RULE.metric, rule: null, block: BLOCK.number, hash: HASH },
    };
    const proven = proveFigure(job, ground);
    await expect(proven).rejects.toThrow(InputError);
    await expect(proven).rejects.toThrow(/the deployment pins/);
  });
});
