import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import { InputError } from "../../src/core/errors.ts";
import { ask, createWorld, tellLongStory, until, type World } from "./support/world.ts";

let world: World;
let server: RunningServer;
beforeEach(async () => {
  world = await createWorld();
  tellLongStory(world, 12);
  for (const chain of world.chains) chain.finalized = 6;
  server = await world.start();
  await until(async () => (await ask(server, "{ __typename }")).data !== undefined, "a schema");
});
afterEach(() => world.end());

const post = (body: string, type = "application/json") =>
  fetch(`${server.url}/graphql`, { method: "POST", headers: { "content-type": type }, body });

describe("questions to /graphql", () => {
  test("are taken as JSON only, and within limits", async () => {
    const query = JSON.stringify({ query: "{ __typename }" });
    expect((await post(query, "text/plain")).status).toBe(415);
    expect((await post("query=%7B__typename%7D", "application/x-www-form-urlencoded")).status).toBe(415);
    expect((await post("x".repeat(70_000))).status).toBe(413);
    const bomb = { query: "query($w: assessmentFilter) { assessments(where: $w) { totalCount } }" };
    const ids = Array.from({ length: 20_000 }, () => "");
    expect((await post(JSON.stringify({ ...bomb, variables: { w: { id_in: ids.slice(0, 10_000) } } }))).status).toBe(
      400,
    );
    expect((await post("{ not json")).status).toBe(400);
    expect((await post(`[${query},${query}]`)).status).toBe(400);
    const deep = `{ assessments { items { ${"verdicts { assessment { ".repeat(6)} id ${"} }".repeat(6)} } } }`;
    expect((await ask(server, deep)).errors[0].message).toMatch(/depth/);
  });

  test("get no more than the limit of a list, and no words of the database", async () => {
    const wrong = [
      "{ ledgerEntries(limit: 100000) { index } }",
      "{ ledgerEntries(limit: -1) { index } }",
      "{ ledgerEntries(offset: -5) { index } }",
      '{ ledgerEntries(where: { OR: [{ kind: { eq: "x" } }], kind: { eq: "y" } }) { index } }',
    ];
    for (const question of wrong) {
      const text = JSON.stringify((await ask(server, question)).errors ?? null);
      expect(text).not.toMatch(/SQL|sqlite|select |node_modules|Drizzle/i);
      expect(text).not.toBe("null");
    }
    for (const chain of world.chains) chain.finalized = 12;
    await until(async () => (await health()).ledger.size > 60, "more leaves than the limit");
    expect((await ask(server, "{ ledgerEntries { index } }")).data.ledgerEntries).toHaveLength(50);
  });

  test("about the server's own lists are answered while the indexer is away; faults tell nothing of the inside", async () => {
    await world.indexer.stop();
    const answer = await ask(server, "{ positions { items { id } } ledgerEntries(limit: 1) { index } }");
    expect(JSON.stringify(answer)).not.toMatch(/127\.0\.0\.1|localhost|ECONN|fetch failed|node_modules/);
    expect(answer.errors).toHaveLength(1);
    expect((await ask(server, "{ ledgerEntries(limit: 1) { index } }")).data.ledgerEntries).toEqual([{ index: 0 }]);
    await until(async () => (await health()).indexer === "unreachable", "health to see it");
    const again = await fetch(`${server.url}/v1/explain?subject=x&metric=POS.EQUITY`);
    expect(again.status).toBe(502);
    expect(await again.text()).not.toMatch(/127\.0\.0\.1|ECONN/);
  });

  test("are answered from the schema of an earlier start while the indexer is away", async () => {
    await server.stop();
    await world.indexer.stop();
    server = await world.start();
    const answer = await ask(server, "{ ledgerEntries(limit: 1) { kind } }");
    expect(answer.data.ledgerEntries).toEqual([{ kind: "rulebook" }]);
  });
});

describe("the stream", () => {
  test("resumes exactly after the leaf a reader names", async () => {
    await until(async () => (await health()).chains.every(({ sealed }) => sealed === "6"), "sealing");
    const size = (await health()).ledger.size;
    const first = await read("-1", 10);
    expect(first.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
    const rest = await read("9", size - 10);
    expect(rest.map(({ id }) => id)).toEqual(Array.from({ length: size - 10 }, (_, i) => String(i + 10)));
    const next = read(String(size - 1), 2);
    for (const chain of world.chains) chain.finalized = 12;
    expect((await next).map(({ id }) => id)).toEqual([String(size), String(size + 1)]);
    expect(first.every(({ data }) => !("body" in data) && !("data" in data))).toBe(true);
    expect((await fetch(`${server.url}/v1/stream`, { headers: { "last-event-id": "x" } })).status).toBe(400);
  });
});

describe("routes", () => {
  test("unknown ones get one sentence, and every answer the security headers", async () => {
    const answer = await fetch(`${server.url}/v1/nothing`);
    expect(answer.status).toBe(404);
    expect(Object.keys((await answer.json()) as object)).toEqual(["error"]);
    expect(answer.headers.get("content-security-policy")).toMatch(/default-src 'self'/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    for (const path of ["/log/tile/0/000", "/log/tile/entries/001", "/log/tile/../x", "/v1/proofs/zz"]) {
      expect((await fetch(`${server.url}${path}`)).status).toBe(404);
    }
  });

  test("pages load nothing from elsewhere", async () => {
    for (const path of ["/", "/graphql", "/assets/index.js", "/assets/graphql.js", "/assets/style.css"]) {
      const answer = await fetch(`${server.url}${path}`);
      expect(answer.status).toBe(200);
      expect(await answer.text()).not.toMatch(/https?:\/\//);
    }
  });

  test("metrics count what rests on facts for a supervisor of everything only", async () => {
    const open = await (await fetch(`${server.url}/v1/metrics`)).text();
    expect(open).toMatch(/supervision_ledger_size \d+/);
    expect(open).not.toMatch(/supervision_breaches|outbox/);
    const authorization = `Bearer ${ensureDemoKey(world.dataDir)}`;
    const all = await (await fetch(`${server.url}/v1/metrics`, { headers: { authorization } })).text();
    expect(all).toMatch(/supervision_breaches\{status="open"\} \d+/);
  });

  test("a port in use is one sentence", async () => {
    const other = await createWorld();
    await expect(other.start({ port: server.port })).rejects.toBeInstanceOf(InputError);
    await other.end();
  });
});

type Health = { indexer: string; ledger: { size: number }; chains: { sealed: string | null }[] };

async function health(): Promise<Health> {
  return (await (await fetch(`${server.url}/v1/health`)).json()) as Health;
}

/** Reads `count` events after a leaf. */
async function read(after: string, count: number): Promise<{ id: string; data: Record<string, unknown> }[]> {
  const abort = new AbortController();
  const answer = await fetch(`${server.url}/v1/stream`, { headers: { "last-event-id": after }, signal: abort.signal });
  const events: { id: string; data: Record<string, unknown> }[] = [];
  let text = "";
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += new TextDecoder().decode(chunk);
    const whole = text.split("\n\n");
    text = whole.pop() ?? "";
    for (const event of whole) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(event)?.[1] ?? "";
      events.push({ id: field("id"), data: JSON.parse(field("data")) as Record<string, unknown> });
    }
    if (events.length >= count) break;
  }
  abort.abort();
  return events.slice(0, count);
}
