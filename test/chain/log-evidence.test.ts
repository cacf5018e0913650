import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import { type BlockLogs, captureBlockLogs } from "../../server/witnesses/logs.ts";
import { createWitnessNode } from "../../server/witnesses/node.ts";
import { adapterOf } from "../../src/adapters/catalogue.ts";
import type { Assessment } from "../../src/core/assessment.ts";
import { InputError } from "../../src/core/errors.ts";
import { chainIdOf, type Hex } from "../../src/core/ids.ts";
import type { ChainDeployment, Deployment, ProtocolDeployment } from "../../src/core/margin-model.ts";
import { canonicalBytes, type Json } from "../../src/core/proof/canonical.ts";
import { checkLogs, type LogFinding, type LogGround } from "../../src/core/proof/check-logs.ts";
import { type LogEvidence, provenLogs } from "../../src/core/proof/log-evidence.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { foldChain } from "../support/chain-fold.ts";
import { type Session, startSession } from "./synthetix-session.ts";

const HISTORY = 48;
const STEPS = 40;
const OPENING = "POS.LEVERAGE_OPEN";
const TRANSFER = "AML.SELF_HOSTED_TRANSFER";

/** A chain with what its indexer assesses at logs, and the receipts of all blocks concerned. */
type World = { ground: LogGround; all: Assessment[]; blocks: Map<string, BlockLogs> };

let devnet: Devnet;
let session: Session;
let perp: World;
let synthetix: World;
/** With delayed orders, liquidations and changes of parameters. */
let restless: World;

beforeAll(async () => {
  [devnet, session] = await Promise.all([startDevnet({ historyBlocks: HISTORY }), startSession(4)]);
  for (let i = 0; i < STEPS; i++) await session.step(async () => {});
  const [first, second] = devnet.chains.map(({ url }) => url) as [string, string];
  perp = await worldOf(first, { deployment: devnet.deployment, chainId: 901 });
  synthetix = await worldOf(second, { deployment: devnet.deployment, chainId: 902 });
  const deployment = { version: 1, name: "test", chains: [session.chain] } as const;
  restless = await worldOf(session.anvil.url, { deployment, chainId: 902 });
});

afterAll(async () => {
  await devnet?.stop();
  await session?.anvil.stop();
});

async function worldOf(url: string, of: { deployment: Deployment; chainId: number }): Promise<World> {
  const all: Assessment[] = [];
  await foldChain({
    ...{ ...of, url, rulebook: readRulebooks("rulebooks") },
    onBlock: ({ assessments }) => all.push(...assessments.filter(({ testPoint }) => testPoint.startsWith("log:"))),
  });
  const node = createWitnessNode(of.chainId, url);
  const blocks = new Map<string, BlockLogs>();
  for (const { blockNumber, blockHash } of all) {
    if (blocks.has(blockHash)) continue;
    blocks.set(blockHash, await captureBlockLogs(node, { number: Number(blockNumber), hash: blockHash }));
  }
  const chain = of.deployment.chains.find(({ chainId }) => chainId === of.chainId) as ChainDeployment;
  const protocol = chain.protocols[0] as ProtocolDeployment;
  return { ground: { chain, protocol, adapter: adapterOf(protocol.protocol) }, all, blocks };
}

const indexOf = ({ testPoint }: Assessment) => Number(testPoint.slice("log:".length));

function evidenceOf(assessment: Assessment, { blocks }: World): LogEvidence {
  return (blocks.get(assessment.blockHash) as BlockLogs).evidenceOf(indexOf(assessment));
}

/** What the evidence, its own unless another is given, shows of an assessment. */
function check(assessment: Assessment, world: World, evidence = evidenceOf(assessment, world)): LogFinding {
  const trust = { chainId: chainIdOf(assessment.chain), blockHash: assessment.blockHash };
  return checkLogs(assessment, { proven: provenLogs(evidence, trust), ground: world.ground });
}

/** How often what is proven of a metric, over all its assessments. */
function counted(metric: string, world: World): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const assessment of world.all.filter((a) => a.metric === metric)) {
    const { proven } = check(assessment, world);
    const key = proven.join(" ");
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

describe("every opening and transfer that the indexer assesses is shown by its log", () => {
  it("on Perp v2: the trade, and of a transfer the units, and the price of what everything settles in", () => {
    const openings = counted(OPENING, perp);
    expect(Object.keys(openings)).toEqual([""]);
    expect(openings[""]).toBeGreaterThan(10);
    const transfers = counted(TRANSFER, perp);
    expect(Object.keys(transfers).sort()).toEqual(["units", "units price"]);
  });

  it("on Synthetix v2: the trade with the margin it leaves, and of a transfer units and price", () => {
    for (const world of [synthetix, restless]) {
      const openings = counted(OPENING, world);
      expect(Object.keys(openings)).toEqual(["collateral"]);
      expect(openings.collateral).toBeGreaterThan(10);
      expect(Object.keys(counted("POS.MARGIN_RATE", world))).toEqual(["collateral"]);
    }
    const transfers = counted(TRANSFER, synthetix);
    expect(Object.keys(transfers)).toEqual(["units price"]);
    expect(transfers["units price"]).toBeGreaterThan(10);
  });

  it("in evidence of a few kilobytes", () => {
    for (const world of [perp, synthetix]) {
      const sizes = world.all.map((a) => canonicalBytes(evidenceOf(a, world) as unknown as Json).length);
      process.stdout.write(`log evidence: ${Math.min(...sizes)} to ${Math.max(...sizes)} bytes\n`);
      expect(Math.max(...sizes)).toBeLessThan(60_000);
    }
  });
});

describe("a real node", () => {
  it("without a method for all receipts of a block gives the same evidence", async () => {
    const { url } = devnet.chains[0] as { url: string };
    const one = perp.all.find((a) => a.metric === OPENING) as Assessment;
    const without = { ...createWitnessNode(901, url), blockReceipts: async () => null };
    const block = { number: Number(one.blockNumber), hash: one.blockHash };
    expect((await captureBlockLogs(without, block)).evidenceOf(indexOf(one))).toEqual(evidenceOf(one, perp));
  });

  it("that refuses the method is asked for each receipt", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        const { method } = JSON.parse(body) as { method: string };
        asked.push(method);
        const answer =
          method === "eth_getBlockReceipts" ? { error: { message: "the method does not exist" } } : { result: null };
        response
          .setHeader("content-type", "application/json")
          .end(JSON.stringify({ jsonrpc: "2.0", id: 1, ...answer }));
      });
    }).listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const node = createWitnessNode(901, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
      expect(await node.blockReceipts(7)).toBeNull();
      expect(await node.transactionReceipt(`0x${"00".repeat(32)}`)).toBeNull();
      expect(asked).toEqual(["eth_getBlockReceipts", "eth_getTransactionReceipt"]);
    } finally {
      server.close();
    }
  });
});

describe.each([
  ["Perp v2", () => perp],
  ["Synthetix v2", () => synthetix],
])("an opening on %s is not shown", (_, worldOf) => {
  /** The opening of an account that has another one, in another market if it is to be so. */
  const opening = (world: World, is: (assessment: Assessment) => boolean = () => true) =>
    world.all.find((a) => a.metric === OPENING && is(a)) as Assessment;
  const refusal = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
    throw new Error("Nothing was refused.");
  };
  const holderOf = ({ subject }: Assessment) => subject.split("/")[3] as Hex;
  const marketOf = ({ subject }: Assessment) => subject.split("/")[2] as Hex;

  it("by another account's trade", () => {
    const world = worldOf();
    const one = opening(world);
    const other = opening(world, (a) => holderOf(a) !== holderOf(one));
    const changed = {
      ...one,
      account: other.account,
      subject: one.subject.replace(holderOf(one), holderOf(other)),
    };
    expect(refusal(() => check(changed, world, evidenceOf(one, world)))).toContain("no trade of");
    const mixed = { ...one, account: other.account };
    expect(refusal(() => check(mixed, world, evidenceOf(one, world)))).toContain("is not one of");
  });

  it("by a trade in another market", () => {
    const world = worldOf();
    const one = opening(world);
    const other = opening(world, (a) => marketOf(a) !== marketOf(one));
    const changed = { ...one, subject: one.subject.replace(marketOf(one), marketOf(other)) };
    expect(refusal(() => check(changed, world, evidenceOf(one, world)))).toContain("no trade of");
  });

  it("by the logs of another block", () => {
    const world = worldOf();
    const one = opening(world);
    const other = opening(world, (a) => a.blockHash !== one.blockHash);
    expect(refusal(() => check(one, world, evidenceOf(other, world)))).toContain("not of the trusted block");
  });

  it("by another log of the block, or at another index", () => {
    const world = worldOf();
    const one = opening(world);
    for (const index of [indexOf(one) - 1, indexOf(one) + 1]) {
      const moved: Assessment = { ...one, testPoint: `log:${index}` };
      expect(refusal(() => check(moved, world, evidenceOf(one, world)))).toContain(`cannot be log ${index}`);
    }
    const first = (world.blocks.get(one.blockHash) as BlockLogs).evidenceOf(0);
    if (first.transactions.length < evidenceOf(one, world).transactions.length) {
      expect(refusal(() => check(one, world, first))).toContain("no trade of");
    }
  });

  it("by contracts that the deployment does not name", () => {
    const world = worldOf();
    const one = opening(world);
    const elsewhere = (address: Hex): Hex => `0x${(BigInt(address) ^ 1n).toString(16).padStart(40, "0")}`;
    const { protocol, chain } = world.ground;
    const contracts = Object.fromEntries(Object.entries(protocol.contracts).map(([k, a]) => [k, elsewhere(a)]));
    const moved = { ...protocol, contracts };
    const ground = { ...world.ground, protocol: moved, chain: { ...chain, protocols: [moved] } };
    const changed = { ...one, subject: one.subject.replace(marketOf(one), elsewhere(marketOf(one))) };
    expect(refusal(() => check(changed, { ...world, ground }, evidenceOf(one, world)))).toContain("no trade of");
  });

  it("on another chain, by no account, or when it was tested at no log", () => {
    const world = worldOf();
    const one = opening(world);
    const proven = provenLogs(evidenceOf(one, world), {
      chainId: chainIdOf(one.chain),
      blockHash: one.blockHash,
    });
    const of = (changes: Partial<Assessment>) => () =>
      checkLogs({ ...one, ...changes }, { proven, ground: world.ground });
    expect(refusal(of({ chain: "eip155:1" }))).toContain("eip155:1");
    expect(refusal(of({ account: null }))).toContain("no account");
    expect(refusal(of({ testPoint: "end" }))).toContain("tested at end");
    expect(refusal(of({ subject: `${one.protocol}/0x12` }))).toContain("no position");
    expect(refusal(of({ subject: one.subject.replace("eip155", "eip156") }))).toContain("no position");
  });
});

describe("an input that a log states otherwise", () => {
  it("is named: the margin of an opening, the units and the price of a transfer", () => {
    const opening = synthetix.all.find((a) => a.metric === OPENING) as Assessment;
    const more = { ...opening.inputs, collateral: String(BigInt(opening.inputs.collateral as string) + 1n) };
    expect(() => check({ ...opening, inputs: more }, synthetix)).toThrow("for collateral");
    for (const world of [perp, synthetix]) {
      const transfer = world.all.find((a) => a.metric === TRANSFER && a.inputs.price === "1".padEnd(19, "0"));
      for (const name of ["units", "price"]) {
        const inputs = { ...transfer?.inputs, [name]: "7" };
        expect(() => check({ ...(transfer as Assessment), inputs }, world)).toThrow(`for ${name}`);
      }
    }
  });
});
