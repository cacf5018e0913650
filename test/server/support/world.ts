import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { ServerOptions } from "../../../server/options.ts";
import { type RunningServer, type ServerHooks, startServer } from "../../../server/server.ts";
import { type CaptureWorker, WorkerStopped } from "../../../server/witnesses/capture-worker.ts";
import { deploymentHash, parseDeployment } from "../../../src/core/deployment.ts";
import { factsKeyOf, parseFacts, signFacts } from "../../../src/core/rules/facts.ts";
import { parseRulebooks, type Rulebook } from "../../../src/core/rules/rule.ts";
import { scheduleOf } from "../../../src/core/rules/schedule.ts";
import { FakeChain } from "./fake-chain.ts";
import { type FakeIndexer, type Listening, startFakeIndexer, startFakeNode } from "./fake-world.ts";

/** The project's own rulebook. */
export function realRulebook(): Rulebook {
  const names = readdirSync("rulebooks").filter((name) => name.endsWith(".json") && !name.endsWith(".schema.json"));
  return parseRulebooks(
    names.map((name) => ({
      name: name.replace(/\.json$/, ""),
      json: JSON.parse(readFileSync(join("rulebooks", name), "utf8")) as unknown,
    })),
  );
}

const ADDRESS = (digit: string) => `0x${digit.repeat(40)}`;

/** Accounts of the tests: a retail client in the EU, a professional one, one nobody knows. */
export const RETAIL = `eip155:901:${ADDRESS("a")}`;
export const PROFESSIONAL = `eip155:901:${ADDRESS("b")}`;
export const UNKNOWN = `eip155:901:${ADDRESS("c")}`;

/** A close-out rule that needs facts, and one that does not. */
export const FACT_RULE = "EU-CFD-CLOSEOUT-50";
export const OPEN_RULE = "PERP-V2-MAINTENANCE";

/** A deployment of two chains. */
export const DEPLOYMENT = {
  version: 1,
  name: "test",
  chains: [901, 902].map((chainId) => ({
    chainId,
    name: `test-${chainId}`,
    startBlock: 0,
    tickBlocks: 10,
    epochBlocks: 32,
    gridSeconds: 60,
    feeds: [{ pair: "USDC/USD", aggregator: ADDRESS("1"), decimals: 8, heartbeatSeconds: 3600 }],
    protocols: [
      {
        protocol: "perp-v2",
        startBlock: 0,
        contracts: {},
        settlement: { symbol: "USDC", address: ADDRESS("2"), decimals: 6, feed: "USDC/USD" },
      },
    ],
  })),
};

/** Signed facts about the retail and the professional account, on both chains, and the key that checks them. */
export function testFactsFile(classes: [string, string] = ["retail", "professional"]): { text: string; key: string } {
  const secret = "11".repeat(32);
  const fact = (account: string, predicate: string, object: string) => ({
    ...{ subject: account.slice(account.lastIndexOf(":") + 1), predicate, object },
    validFrom: "2026-01-01",
    validTo: null,
  });
  const facts = [
    fact(RETAIL, "clientClass", classes[0]),
    fact(RETAIL, "jurisdiction", "DE"),
    fact(PROFESSIONAL, "clientClass", classes[1]),
    fact(PROFESSIONAL, "jurisdiction", "DE"),
  ];
  const file = {
    version: "plumbline-facts/1" as const,
    issuer: "Test registry",
    issuedAt: "2026-04-01T00:00:00Z",
    facts,
  };
  return { text: signFacts(file, secret), key: factsKeyOf(secret) };
}

/** Two hand-written chains, their nodes, their indexer, and a data directory for the server. */
export type World = {
  chains: [FakeChain, FakeChain];
  rulebook: Rulebook;
  dataDir: string;
  options: ServerOptions;
  indexer: FakeIndexer;
  start(changes?: Partial<ServerOptions>, hooks?: ServerHooks): Promise<RunningServer>;
  /** Ends everything and removes the data directory. */
  end(): Promise<void>;
};

export async function createWorld(): Promise<World> {
  const rulebook = realRulebook();
  const facts = testFactsFile();
  const chains: [FakeChain, FakeChain] = [new FakeChain(901, rulebook.hash), new FakeChain(902, rulebook.hash)];
  const deployment = parseDeployment(JSON.stringify(DEPLOYMENT), "test");
  for (const chain of chains) chain.deploymentHash = deploymentHash(deployment);
  const indexer = await startFakeIndexer(chains);
  const nodes = await Promise.all(chains.map(startFakeNode));
  const dataDir = mkdtempSync(join(tmpdir(), "plumbline-server-"));
  // One secret for all worlds, so that their blinded leaves can be compared.
  mkdirSync(join(dataDir, "server"), { mode: 0o700 });
  writeFileSync(join(dataDir, "server", "operator.secret"), "22".repeat(32), { mode: 0o600 });
  const running: RunningServer[] = [];
  const options: ServerOptions = {
    dataDir,
    host: "127.0.0.1",
    port: 0,
    indexerUrl: indexer.url,
    chains: chains.map(({ chain }, i) => ({ chain, rpcUrl: (nodes[i] as Listening).url })),
    deployment,
    schedule: scheduleOf(rulebook),
    facts: parseFacts(facts.text, facts.key),
    receivers: [],
    allowLoopback: true,
    origin: "plumbline.test/log",
    publicUrl: "http://plumbline.test",
    evidence: true,
    cosigners: { witnesses: [], quorum: 0 },
    anchor: null,
  };
  return {
    ...{ chains, rulebook, dataDir, options, indexer },
    async start(changes = {}, hooks = {}) {
      const server = await startServer(
        { ...options, ...changes },
        {
          log: pino({ level: process.env.TEST_LOG ?? "silent" }),
          captures: { createWorker: unansweringWorker },
          ...hooks,
        },
      );
      running.push(server);
      return server;
    },
    async end() {
      for (const server of running) await server.stop();
      await Promise.all([indexer.stop(), ...nodes.map((node) => node.stop())]);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A hand-written chain has no state to prove: what is wanted of it stays wanted. */
function unansweringWorker(): CaptureWorker {
  let end: (error: Error) => void = () => {};
  const stopped = new Promise<never>((_, reject) => {
    end = reject;
  });
  stopped.catch(() => {});
  return { run: () => stopped, stop: async () => end(new WorkerStopped("The server is stopping.")) };
}

/** A story of `length` blocks on both chains: accounts break rules and are cured, epochs end. A function of its length. */
export function tellLongStory(world: World, length: number): void {
  for (const [which, chain] of world.chains.entries()) tellStory(chain, { which, length });
}

/** The story of one chain; `which` tells chains apart. */
export function tellStory(chain: FakeChain, { which, length }: { which: number; length: number }): void {
  const accounts = [RETAIL, PROFESSIONAL, UNKNOWN];
  for (let number = 1; number <= length; number++) {
    const assessments = accounts
      .filter((_, i) => (number + i + which) % 3 === 0)
      .flatMap((account, i) => {
        const subject = account.replace("901", chain.chain.slice("eip155:".length));
        const condition = (number + i) % 4 < 2 ? ("not_met" as const) : ("met" as const);
        return [FACT_RULE, OPEN_RULE].map((ruleId) => ({ ruleId, subject, condition }));
      });
    chain.add({ assessments, epoch: number % 8 === 0 });
  }
}

/** Waits until `check` is true. @throws when it is not in time, two minutes on a busy machine unless told otherwise. */
export async function until(check: () => Promise<boolean> | boolean, what: string, withinMs = 120_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asks a GraphQL question and gives the answer's JSON. */
export async function ask(
  server: RunningServer,
  query: string,
  { key, variables }: { key?: string; variables?: unknown } = {},
  // biome-ignore lint/suspicious/noExplicitAny: answers have as many shapes as there are questions
): Promise<any> {
  const response = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key ? { authorization: `Bearer ${key}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  return await response.json();
}
