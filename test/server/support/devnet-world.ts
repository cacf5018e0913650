import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import { type Devnet, type DevnetChain, startDevnet } from "../../../devnet/devnet.ts";
import { createRpc, type Rpc } from "../../../devnet/rpc.ts";
import type { Health } from "../../../server/http/health.ts";
import type { ServerOptions } from "../../../server/options.ts";
import { type RunningServer, type ServerHooks, startServer } from "../../../server/server.ts";
import type { Assessment, FeedBlock } from "../../../src/core/assessment.ts";
import type { BlockOutcome } from "../../../src/core/book/pending.ts";
import { InvariantError } from "../../../src/core/errors.ts";
import { caip2 } from "../../../src/core/ids.ts";
import { parseFacts } from "../../../src/core/rules/facts.ts";
import { scheduleOf } from "../../../src/core/rules/schedule.ts";
import { foldChain } from "../../support/chain-fold.ts";
import { FakeChain } from "./fake-chain.ts";
import { listen, startFakeIndexer } from "./fake-world.ts";
import { realRulebook, testFactsFile, until } from "./world.ts";

/**
 * What a node answers in a test's place: a result, or `undefined` to ask the real one.
 * @throws an error whose message the node then refuses with.
 */
export type Answering = (method: string, params: readonly unknown[]) => unknown;

/** A chain of the devnet, what an indexer says of it, and a node before its own. */
export type ProvenChain = {
  chain: string;
  devnet: DevnetChain;
  feed: FakeChain;
  /** Everything there is to be said of the chain; `feed.blocks` is what has been said so far. */
  story: readonly FeedBlock[];
  /** Asks the real node. */
  rpc: Rpc;
  node: { url: string; finalized: number; answering: Answering; stop(): Promise<void> };
};

/** Real contracts with a history on them, folded as the indexer folds it, and servers over that. */
export type DevnetWorld = {
  devnet: Devnet;
  chains: readonly ProvenChain[];
  dataDir: string;
  options: ServerOptions;
  start(changes?: Partial<ServerOptions>, hooks?: ServerHooks): Promise<RunningServer>;
  /** Ends what runs; a new data directory is as if no server had ever run. */
  reset(): Promise<void>;
  end(): Promise<void>;
};

/** Starts the devnet, folds its chains, and stands by for servers. Nothing has been said of the chains yet. */
export async function createDevnetWorld(options: { historyBlocks: number; chains: number[] }): Promise<DevnetWorld> {
  const rulebook = realRulebook();
  const devnet = await startDevnet(options);
  const chains = await Promise.all(devnet.chains.map((chain) => provenChain(devnet, chain)));
  const indexer = await startFakeIndexer(chains.map(({ feed }) => feed));
  const facts = testFactsFile();
  const running: RunningServer[] = [];
  const newFolder = () => mkdtempSync(join(tmpdir(), "plumbline-proven-"));
  const stop = async () => {
    for (const server of running.splice(0)) await server.stop();
    rmSync(world.dataDir, { recursive: true, force: true });
  };
  const world: DevnetWorld = {
    ...{ devnet, chains, dataDir: newFolder() },
    options: {
      ...{ dataDir: "", host: "127.0.0.1", port: 0, indexerUrl: indexer.url, deployment: devnet.deployment },
      chains: chains.map(({ chain, node }) => ({ chain, rpcUrl: node.url })),
      ...{ schedule: scheduleOf(rulebook), facts: parseFacts(facts.text, facts.key), receivers: [] },
      ...{ allowLoopback: true, origin: "plumbline.test/log", publicUrl: "http://plumbline.test" },
      evidence: true,
      cosigners: { witnesses: [], quorum: 0 },
      anchor: null,
    },
    async start(changes = {}, hooks = {}) {
      const log = pino({ level: process.env.TEST_LOG ?? "silent" });
      const server = await startServer({ ...world.options, dataDir: world.dataDir, ...changes }, { log, ...hooks });
      running.push(server);
      return server;
    },
    async reset() {
      await stop();
      for (const { feed, node } of chains) {
        feed.blocks = [];
        Object.assign(node, { finalized: 0, answering: () => undefined });
      }
      world.dataDir = newFolder();
    },
    async end() {
      await stop();
      await indexer.stop();
      await Promise.all(chains.map(({ node }) => node.stop()));
      await devnet.stop();
    },
  };
  return world;
}

async function provenChain(devnet: Devnet, chain: DevnetChain): Promise<ProvenChain> {
  const rulebook = realRulebook();
  const { chainId, url } = chain;
  const story: FeedBlock[] = [];
  const onBlock = (outcome: BlockOutcome) => story.push(feedBlockOf(caip2(chainId), outcome));
  await foldChain({ url, deployment: devnet.deployment, chainId, rulebook, onBlock });
  const feed = new FakeChain(chainId, rulebook.hash);
  const node = { finalized: 0, answering: (() => undefined) as Answering };
  const rpc = createRpc(url);
  const listening = await listen(async (_request, body) => {
    const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] };
    const asked = params[0] === "finalized" ? [`0x${node.finalized.toString(16)}`, ...params.slice(1)] : params;
    const answer = await (async () => {
      return { result: (await node.answering(method, asked)) ?? (await rpc(method, asked)) };
    })().catch((error: Error) => ({ error: { code: -32_000, message: error.message } }));
    return { status: 200, text: JSON.stringify({ jsonrpc: "2.0", id, ...answer }) };
  });
  return { chain: caip2(chainId), devnet: chain, feed, story, rpc, node: Object.assign(node, listening) };
}

function feedBlockOf(chain: string, { block, assessments, closed, epoch, leaves }: BlockOutcome): FeedBlock {
  const { number, hash, parentHash, timestamp } = block;
  const said = { chain, hash, parentHash, number: number.toString(), timestamp: timestamp.toString() };
  return { ...said, assessments, closed, epoch, leaves };
}

/** All that is assessed on a chain, in its order. */
export function assessmentsOf({ story }: ProvenChain): Assessment[] {
  return story.flatMap(({ assessments }) => assessments);
}

/** The last assessment of a chain that a test is looking for. */
export function lastOf(chain: ProvenChain, isWanted: (item: Assessment) => boolean): Assessment {
  const found = assessmentsOf(chain).findLast(isWanted);
  if (found === undefined) throw new InvariantError(`The history of ${chain.chain} has no such assessment.`);
  return found;
}

/** Has the indexer tell the whole story of a chain, but of its assessments only those chosen. */
export function say({ feed, story }: ProvenChain, chosen: readonly Assessment[]): void {
  const ids = new Set(chosen.map(({ id }) => id));
  feed.blocks = story.map((block) => ({ ...block, assessments: block.assessments.filter(({ id }) => ids.has(id)) }));
}

export async function healthOf({ url }: { url: string }): Promise<Health> {
  return (await fetch(`${url}/v1/health`)).json() as Promise<Health>;
}

/** Captures give way to everything else a machine does. */
const CAPTURED_WITHIN_MS = 300_000;

/** Waits until everything that was said has been followed and so much of its evidence is still waiting. */
export async function untilCaptured(server: { url: string }, { waiting }: { waiting: number }): Promise<void> {
  await until(
    async () => {
      const { chains, assurance } = await healthOf(server);
      const isFollowed = chains.every(({ followed, indexerHead }) => followed !== null && followed === indexerHead);
      return (
        isFollowed && assurance.capture.waiting === waiting && assurance.capture.kept + assurance.capture.failed > 0
      );
    },
    `${waiting} captures to be left`,
    CAPTURED_WITHIN_MS,
  );
}

/** Waits until everything that was said is sealed. */
export async function untilSealed(server: { url: string }, all: readonly ProvenChain[]): Promise<void> {
  await until(async () => {
    const { chains } = await healthOf(server);
    return all.every(({ chain, story }) => {
      return chains.find((one) => one.chain === chain)?.sealed === story.at(-1)?.number;
    });
  }, "all blocks to be sealed");
}

/** How many parts of evidence a server has stored: what is not code, codes, and how often codes are used. */
export function partsIn({ dataDir }: { dataDir: string }): { rests: number; codes: number; uses: number } {
  const store = new Database(join(dataDir, "server", "ledger.sqlite"), { readonly: true });
  try {
    const rests = "SELECT DISTINCT json_extract(manifest, '$.rest') FROM evidence WHERE manifest IS NOT NULL";
    const count = (sql: string) => store.prepare(sql).pluck().get() as number;
    return {
      rests: count(`SELECT count(*) FROM part WHERE hash IN (${rests})`),
      codes: count(`SELECT count(*) FROM part WHERE hash NOT IN (${rests})`),
      uses: count(`SELECT count(*) FROM part_use WHERE hash NOT IN (${rests})`),
    };
  } finally {
    store.close();
  }
}
