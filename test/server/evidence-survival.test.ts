import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Assessment, FeedBlock } from "../../src/core/assessment.ts";
import type { Hex } from "../../src/core/ids.ts";
import { verify } from "../../verifier/index.ts";
import { startServerProcess } from "../support/server.ts";
import {
  assessmentsOf,
  createDevnetWorld,
  type DevnetWorld,
  healthOf,
  type ProvenChain,
  partsIn,
  say,
  untilCaptured,
  untilSealed,
} from "./support/devnet-world.ts";
import { until } from "./support/world.ts";

const RULE = "SYNTHETIX-PERPS-V2-MAINTENANCE";
/** Captures give way to everything else a machine does. */
const PATIENCE_MS = 300_000;
const NOTHING = { rests: 0, codes: 0, uses: 0 };

let world: DevnetWorld;
let chain: ProvenChain;
/** Conditions not met, each in a block of its own, oldest first. */
let broken: Assessment[];

beforeAll(async () => {
  world = await createDevnetWorld({ historyBlocks: 48, chains: [902] });
  [chain] = world.chains as [ProvenChain];
  const all = assessmentsOf(chain).filter((item) => item.ruleId === RULE && item.condition === "not_met");
  broken = [...new Map(all.map((item) => [item.blockNumber, item])).values()].slice(-2);
  expect(broken).toHaveLength(2);
});
afterEach(async () => {
  await world.reset();
});
afterAll(async () => {
  await world?.end();
});

/** Holds the proofs of a block back until `release`. `asked` tells of which blocks proofs were asked for. */
function holdBack(number: string): { asked: Map<string, number>; release(): void } {
  const asked = new Map<string, number>();
  let release = () => {};
  const gate = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  chain.node.answering = (method, params) => {
    if (method !== "eth_getProof") return undefined;
    const of = String(Number(params.at(-1)));
    asked.set(of, (asked.get(of) ?? 0) + 1);
    return of === number ? gate : undefined;
  };
  return { asked, release };
}

/** The chain has another block at the height of one that was told of, with nothing in it, and none above. */
function replaceBlock(number: string): FeedBlock {
  const at = chain.feed.blocks.findIndex((block) => block.number === number);
  const old = chain.feed.blocks[at] as FeedBlock;
  const other: FeedBlock = { ...old, hash: `0x${"ee".repeat(32)}`, assessments: [], closed: [], epoch: null };
  chain.feed.blocks = [...chain.feed.blocks.slice(0, at), other];
  return other;
}

/** The node has the replaced block too, and calls it final. */
function finish({ number, hash }: { number: string; hash: Hex }): void {
  const before = chain.node.answering;
  const tag = `0x${Number(number).toString(16)}`;
  chain.node.answering = (method, params) => {
    if (method === "eth_getBlockByNumber" && params[0] === tag) return { number: tag, hash };
    return before(method, params);
  };
  chain.node.finalized = Number(number);
}

function tellUpTo(last: Assessment, chosen: readonly Assessment[]): void {
  say(chain, chosen);
  chain.feed.blocks = chain.feed.blocks.filter(({ number }) => Number(number) <= Number(last.blockNumber));
}

async function expectProven(url: string, about: Assessment): Promise<void> {
  const bytes = new Uint8Array(await (await fetch(`${url}/v1/proofs/${about.id}`)).arrayBuffer());
  const blocks = [{ chain: about.chain, number: about.blockNumber, hash: about.blockHash }];
  expect(await verify(bytes, { blocks })).toMatchObject({ status: "verified", assurance: "proven" });
}

describe("a reorg", () => {
  test("while a witness is captured leaves nothing of it, and nothing of it is sealed", async () => {
    const last = broken[1] as Assessment;
    tellUpTo(last, [last]);
    const { asked, release } = holdBack(last.blockNumber);
    const server = await world.start();
    await until(() => asked.has(last.blockNumber), "the capture", PATIENCE_MS);
    finish(replaceBlock(last.blockNumber));
    await until(async () => (await healthOf(server)).assurance.capture.waiting === 0, "the reorg", PATIENCE_MS);
    // The witness is the true one of a block that was; only now that block is no longer wanted.
    const before = asked.get(last.blockNumber);
    release();
    await until(async () => (await healthOf(server)).chains[0]?.sealed === last.blockNumber, "sealing");
    await until(() => asked.get(last.blockNumber) !== before, "the rest of the capture", PATIENCE_MS);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(partsIn(world)).toEqual(NOTHING);
    const metrics = await (await fetch(`${server.url}/v1/metrics`)).text();
    expect(metrics).not.toMatch(/supervision_captures_total\{/);
    expect((await fetch(`${server.url}/v1/proofs/${last.id}`)).status).toBe(404);
  });

  test("takes what was kept with it, and what it has brought back is captured again", async () => {
    const [first, last] = broken as [Assessment, Assessment];
    tellUpTo(last, [first, last]);
    const told = chain.feed.blocks;
    const server = await world.start();
    await untilCaptured(server, { waiting: 0 });
    expect(partsIn(world).rests).toBe(2);
    replaceBlock(last.blockNumber);
    await until(() => partsIn(world).rests === 1, "the parts to go", PATIENCE_MS);
    const left = partsIn(world);
    // What the other evidence uses is still there, and nothing else.
    expect(left.uses).toBe(left.codes);
    chain.feed.blocks = told;
    await until(() => partsIn(world).rests === 2, "the capture to come back", PATIENCE_MS);
    chain.node.finalized = Number(last.blockNumber);
    await until(async () => (await healthOf(server)).chains[0]?.sealed === last.blockNumber, "sealing");
    await expectProven(server.url, first);
    await expectProven(server.url, last);
  });
});

describe("the server's process", () => {
  test("killed between capture and seal, has what was kept and captures what was not", async () => {
    const [first, last] = broken as [Assessment, Assessment];
    say(chain, [first, last]);
    const { asked, release } = holdBack(first.blockNumber);
    const deploymentFile = join(world.dataDir, "deployment.json");
    writeFileSync(deploymentFile, JSON.stringify(world.devnet.deployment));
    const { indexerUrl } = world.options;
    const rpcUrls = { 902: chain.node.url };
    const options = { data: world.dataDir, deploymentFile, rpcUrls, indexerUrl, evidence: true };
    const killed = await startServerProcess(options);
    try {
      await until(
        async () => {
          const { kept, waiting } = (await healthOf(killed)).assurance.capture;
          return kept === 1 && waiting === 1 && asked.has(first.blockNumber);
        },
        "one capture",
        PATIENCE_MS,
      );
    } finally {
      await killed.kill();
    }
    expect(partsIn(world).rests).toBe(1);
    asked.clear();
    release();
    chain.node.finalized = Number(chain.story.at(-1)?.number);
    const server = await startServerProcess(options);
    try {
      await untilCaptured(server, { waiting: 0 });
      await untilSealed(server, [chain]);
      await expectProven(server.url, first);
      await expectProven(server.url, last);
      expect(asked.has(last.blockNumber)).toBe(false);
      expect((await healthOf(server)).assurance.capture).toMatchObject({ kept: 2, failed: 0 });
    } finally {
      await server.stop();
    }
  });
});
