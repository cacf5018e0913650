import { Hono } from "hono";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { IndexerClient } from "../../server/feed/client.ts";
import type { AppEnv } from "../../server/http/app.ts";
import { addHistory } from "../../server/http/history.ts";
import type { RunningServer } from "../../server/server.ts";
import { parseDeployment } from "../../src/core/deployment.ts";
import { rulebookFrom } from "../../src/core/rules/rule.ts";
import { createWorld, until, type World } from "./support/world.ts";

const CHAIN = "eip155:901";
const LENGTH = 450;

let world: World;
let server: RunningServer;
/** Hash of a block as the indexer gives it. */
let hashOf: (number: number) => string;
let pages: number;

beforeEach(async () => {
  world = await createWorld();
  hashOf = (number) => `0x${number.toString(16).padStart(64, "0")}`;
  pages = 0;
  world.indexer.answers.set("/history", (query) => {
    pages++;
    const [after, limit] = [Number(query.get("after")), Number(query.get("limit"))];
    const numbers = Array.from({ length: LENGTH }, (_, i) => i + 1)
      .filter((n) => n > after)
      .slice(0, limit);
    const blocks = numbers.map((number) => ({
      number: String(number),
      hash: hashOf(number),
      parentHash: hashOf(number - 1),
      line: JSON.stringify({ block: number }),
    }));
    return { status: 200, body: { chain: query.get("chain"), head: String(LENGTH), blocks } };
  });
  server = await world.start();
});
afterEach(() => world.end());

const get = (query = "") => fetch(`${server.url}/v1/history${query}`);
const linesOf = async (query: string) => (await (await get(query)).text()).trimEnd().split("\n");
const numbersOf = (lines: string[]) => lines.map((line) => (JSON.parse(line) as { block: number }).block);

describe("/v1/history", () => {
  test("says which chains there are, under which deployment and rulebook", async () => {
    const body = (await (await get()).json()) as { chains: string[]; deployment: object; rulebook: unknown };
    expect(body.chains).toEqual([CHAIN, "eip155:902"]);
    expect(parseDeployment(JSON.stringify(body.deployment), "history")).toEqual(world.options.deployment);
    expect(rulebookFrom(body.rulebook).hash).toBe(world.rulebook.hash);
  });

  test("gives every block once, in order, and says that it is whole", async () => {
    const lines = await linesOf(`?chain=${CHAIN}`);
    expect(lines.pop()).toBe(`{"end":"${LENGTH}"}`);
    expect(numbersOf(lines)).toEqual(Array.from({ length: LENGTH }, (_, i) => i + 1));
    expect(pages).toBeGreaterThan(2);
  });

  test("gives the blocks asked for", async () => {
    const lines = await linesOf(`?chain=${CHAIN}&from=195&to=205`);
    expect(lines.pop()).toBe('{"end":"205"}');
    expect(numbersOf(lines)).toEqual([195, 196, 197, 198, 199, 200, 201, 202, 203, 204, 205]);
    expect(await linesOf(`?chain=${CHAIN}&from=9000`)).toEqual(['{"end":null}']);
  });

  test("ends with an error where the chain was replaced while it was read", async () => {
    const before = hashOf;
    hashOf = (number) => (pages > 1 ? `0x${"f".repeat(64)}` : before(number));
    const last = (await linesOf(`?chain=${CHAIN}`)).at(-1) ?? "";
    expect(JSON.parse(last)).toEqual({ error: expect.stringContaining("reorganised") });
  });

  test.each([
    ["another chain", "?chain=eip155:1", 404],
    ["no block number", `?chain=${CHAIN}&from=-1`, 400],
    ["no block number", `?chain=${CHAIN}&to=now`, 400],
  ])("%s is one sentence", async (_, query, status) => {
    const response = await get(query);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(/^Expected .*\.$/);
  });

  test("without an indexer is a plain error, and not the end of later answers", async () => {
    const working = world.indexer.answers.get("/history");
    world.indexer.answers.set("/history", () => ({ status: 500, body: {} }));
    for (let i = 0; i < 6; i++) expect((await get(`?chain=${CHAIN}`)).status).toBe(502);
    world.indexer.answers.set("/history", working as NonNullable<typeof working>);
    expect((await get(`?chain=${CHAIN}&to=1`)).status).toBe(200);
  });

  test("readers that leave make room for others", async () => {
    for (let i = 0; i < 6; i++) {
      // It may take the server a moment to see that one has left.
      await until(async () => {
        const response = await get(`?chain=${CHAIN}`);
        await response.body?.cancel();
        return response.status === 200;
      }, "a free place");
    }
  });

  test("readers that take nothing make room for others after a while", async () => {
    const app = new Hono<AppEnv>();
    const line = "x".repeat(1_000_000);
    const history = async (chain: string, { after }: { after: number }) => {
      const block = { number: String(after + 1), hash: hashOf(after + 1), parentHash: hashOf(after), line };
      return { chain, head: String(LENGTH), blocks: after < LENGTH ? [block] : [] };
    };
    const indexer = { history } as unknown as IndexerClient;
    const { deployment } = world.options;
    addHistory(app, { indexer, deployment, rulebook: world.rulebook, pageWithinMs: 2_000 });
    const stalled = await Promise.all([1, 2, 3, 4].map(() => app.request(`/v1/history?chain=${CHAIN}`)));
    expect(stalled.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await app.request(`/v1/history?chain=${CHAIN}`)).status).toBe(503);
    await until(async () => (await app.request(`/v1/history?chain=${CHAIN}`)).status === 200, "a free place");
  });
});
