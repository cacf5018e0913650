import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createSchema, createYoga } from "graphql-yoga";
import type { FakeChain } from "./fake-chain.ts";

/** A part of the world that listens on a port of its own. */
export type Listening = { url: string; stop(): Promise<void> };

const SDL = `
  scalar JSON
  scalar BigInt
  type assessment { id: String! chain: String! subject: String! ruleId: String! condition: String! blockNumber: BigInt! }
  type assessmentPage { items: [assessment!]! totalCount: Int! }
  input assessmentFilter { id: String id_in: [String] subject: String }
  type position { id: String! equity: BigInt }
  type positionPage { items: [position!]! totalCount: Int! }
  type account { id: String! netEquity: BigInt }
  type Query {
    assessment(id: String!): assessment
    assessments(where: assessmentFilter, limit: Int): assessmentPage!
    positions(limit: Int): positionPage!
    account(id: String!): account
  }`;

/** Answers a test gives in the indexer's place, by path. */
export type GivenAnswers = Map<string, (query: URLSearchParams) => { status: number; body: unknown }>;

/** What plays the indexer: the paths it was asked for, and answers a test puts there. */
export type FakeIndexer = Listening & { requests: string[]; answers: GivenAnswers };

/** Plays the indexer's loopback API over hand-written chains. */
export async function startFakeIndexer(chains: readonly FakeChain[]): Promise<FakeIndexer> {
  const requests: string[] = [];
  const answers: GivenAnswers = new Map();
  const chainOf = (id: string | null) => chains.find((chain) => chain.chain === id);
  const all = () => chains.flatMap((chain) => chain.indexedBlocks().flatMap((block) => block.assessments));
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: SDL,
      resolvers: {
        Query: {
          assessment: (_: unknown, { id }: { id: string }) => all().find((item) => item.id === id),
          assessments(_: unknown, { where }: { where?: { id_in?: string[]; subject?: string } }) {
            const items = all().filter((item) => where?.id_in?.includes(item.id) ?? true);
            return { items, totalCount: items.length };
          },
          positions: () => ({
            items: [
              { id: "p1", equity: "1" },
              { id: "p2", equity: "2" },
            ],
            totalCount: 2,
          }),
          account: (_: unknown, { id }: { id: string }) => ({ id, netEquity: "7" }),
        },
      },
    }),
  });

  const listening = await listen(async (request, body) => {
    const url = new URL(request.url ?? "/", "http://indexer");
    requests.push(url.pathname);
    const given = answers.get(url.pathname)?.(url.searchParams);
    if (given !== undefined) return json(given.body, given.status);
    const chain = chainOf(url.searchParams.get("chain"));
    if (url.pathname === "/feed" && chain) return json(feed(chain, url.searchParams));
    if (url.pathname === "/feed/block" && chain) {
      const number = url.searchParams.get("number");
      const found = chain.indexedBlocks().find((block) => block.number === number);
      return found ? json({ hash: found.hash }) : json({ error: "not indexed" }, 404);
    }
    if (url.pathname === "/epoch/leaves" && chain) {
      const leaves = chain.epochLeaves(url.searchParams.get("number") ?? "");
      if (leaves === undefined) return json({ error: "not indexed" }, 404);
      const page = leaves.filter(({ tree }) => tree === url.searchParams.get("tree"));
      return json({ leaves: page.map(({ key, state }) => ({ key, state })), next: null });
    }
    if (url.pathname === "/current") return json(current(body));
    if (url.pathname === "/explain") return json({ metric: url.searchParams.get("metric") });
    if (url.pathname === "/graphql") {
      const answer = await yoga.fetch(`http://indexer/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      return { status: answer.status, text: await answer.text() };
    }
    return json({ error: "unknown" }, 404);
  });
  return { ...listening, requests, answers };
}

function feed(chain: FakeChain, query: URLSearchParams): unknown {
  const blocks = chain.indexedBlocks();
  const head = blocks.at(-1);
  const after = Number(query.get("after") ?? -1);
  const limit = Number(query.get("limit") ?? 200);
  return {
    chain: chain.chain,
    head: head ? { number: head.number, hash: head.hash } : null,
    blocks: blocks.filter((block) => Number(block.number) > after).slice(0, limit),
  };
}

function current(body: string): unknown {
  const { positions, accounts } = JSON.parse(body) as { positions: string[]; accounts: string[] };
  const asOf = { chain: "eip155:901", blockNumber: "9", blockHash: "0x00", timestamp: "1775088018" };
  const figures = (id: string) => [id, { equity: `${id}-equity`, netEquity: "8", marginRatio: "3", asOf }];
  return { positions: Object.fromEntries(positions.map(figures)), accounts: Object.fromEntries(accounts.map(figures)) };
}

/** Plays a chain's node: `eth_getBlockByNumber` only. */
export function startFakeNode(chain: FakeChain): Promise<Listening> {
  return listen(async (_request, body) => {
    const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: [string] };
    if (method !== "eth_getBlockByNumber") {
      return json({ jsonrpc: "2.0", id, error: { code: -32601, message: `This node has no ${method}.` } });
    }
    const number = params[0] === "finalized" ? chain.finalized : Number(BigInt(params[0]));
    const block = chain.blocks[number - 1];
    const result = block ? { number: `0x${number.toString(16)}`, hash: block.hash } : null;
    return json({ jsonrpc: "2.0", id: 1, result });
  });
}

type Answer = { status: number; text: string };

function json(value: unknown, status = 200): Answer {
  return { status, text: JSON.stringify(value) };
}

/** A local HTTP server that answers with what `handle` returns. */
export async function listen(handle: (request: IncomingMessage, body: string) => Promise<Answer>): Promise<Listening> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { status, text } = await handle(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { "content-type": "application/json" }).end(text);
  });
  // As the server itself: a busy machine must not close a connection in the moment in which it is used again.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
