import { Webhook } from "standardwebhooks";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import { type CheckedLog, checkLog } from "./support/check-log.ts";
import { listen } from "./support/fake-world.ts";
import { ask, createWorld, FACT_RULE, OPEN_RULE, RETAIL, until, type World } from "./support/world.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

type Notice = { id: string; type: string; breachId: string; status: string };

let world: World;
let notices: Notice[];
let receiver: { url: string; stop(): Promise<void> };
/** Status codes the receiver gives before it begins to accept. */
let refusals: number[];
let attempts: { id: string; timestamp: string }[];

beforeEach(async () => {
  world = await createWorld();
  notices = [];
  refusals = [];
  attempts = [];
  receiver = await listen(async (request, body) => {
    const headers = request.headers as Record<string, string>;
    const id = headers["webhook-id"] as string;
    attempts.push({ id, timestamp: headers["webhook-timestamp"] as string });
    const message = new Webhook(SECRET).verify(body, headers) as {
      type: string;
      data: { breachId: string; status: string };
    };
    const refusal = refusals.shift();
    if (refusal !== undefined) return { status: refusal, text: "" };
    notices.push({ id, type: message.type, breachId: message.data.breachId, status: message.data.status });
    return { status: 204, text: "" };
  });
});
afterEach(async () => {
  await world.end();
  await receiver.stop();
});

const start = () => world.start({ receivers: [{ url: `${receiver.url}/hook`, secret: SECRET }] });

async function breaches(
  server: RunningServer,
): Promise<{ ruleId: string; status: string; curedAtBlock: string | null }[]> {
  const key = ensureDemoKey(world.dataDir);
  const answer = await ask(server, "{ breaches { id subject ruleId openedAtBlock curedAtBlock status lane } }", {
    key,
  });
  return answer.data?.breaches ?? [];
}

const broken = { ruleId: FACT_RULE, subject: RETAIL, condition: "not_met" as const };
const mended = { ruleId: FACT_RULE, subject: RETAIL, condition: "met" as const };

async function statusIs(server: RunningServer, statuses: string[]): Promise<void> {
  await until(async () => {
    const found = (await breaches(server)).map(({ status }) => status).sort();
    return JSON.stringify(found) === JSON.stringify([...statuses].sort());
  }, `breaches ${statuses}`);
}

describe("notices", () => {
  test("a breach is told once when it opens and once when it is cured, and the standard library accepts both", async () => {
    const [chain] = world.chains;
    chain.add({ assessments: [broken] });
    const server = await start();
    await until(() => notices.length === 1, "the opening");
    chain.add({ assessments: [broken] });
    chain.add({ assessments: [mended] });
    await until(() => notices.length === 2, "the cure");
    chain.finalized = 3;
    await until(
      async () => (await breaches(server)).every((b) => (b as { lane?: string }).lane === "sealed"),
      "sealing",
    );
    expect(notices.map(({ type }) => type)).toEqual(["breach.opened", "breach.cured"]);
    expect(new Set(notices.map(({ breachId }) => breachId)).size).toBe(1);
    expect(new Set(notices.map(({ id }) => id)).size).toBe(2);
  });

  test("one that is refused, be it by a redirect, is sent again under the same id with a fresh timestamp", async () => {
    refusals = [307];
    const [chain] = world.chains;
    chain.add({ assessments: [broken] });
    await start();
    await until(() => notices.length === 1, "the second attempt");
    expect(attempts).toHaveLength(2);
    expect(attempts[0]?.id).toBe(attempts[1]?.id);
    expect(Number(attempts[1]?.timestamp)).toBeGreaterThanOrEqual(Number(attempts[0]?.timestamp) + 4);
  });

  test("HTTP 410 ends all notices to that receiver", async () => {
    refusals = [410];
    const [chain] = world.chains;
    chain.add({ assessments: [broken] });
    await start();
    await until(() => attempts.length === 1, "the attempt");
    chain.add({ assessments: [mended] });
    chain.add({ assessments: [broken] });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(attempts).toHaveLength(1);
    expect(notices).toHaveLength(0);
  });

  test("none is lost or doubled when the server stops before it could send", async () => {
    refusals = [503];
    const [chain] = world.chains;
    chain.add({ assessments: [broken] });
    const first = await start();
    await until(() => attempts.length === 1, "the first attempt");
    await first.stop();
    await start();
    await until(() => notices.length === 1, "the notice");
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(1);
  });
});

describe("a reorg", () => {
  test("retracts breaches whose opening vanished and re-opens those whose cure vanished", async () => {
    const [chain] = world.chains;
    chain.add({ assessments: [broken] });
    chain.add({ assessments: [mended, { ruleId: OPEN_RULE, subject: RETAIL, condition: "not_met" }] });
    const server = await start();
    await statusIs(server, ["cured", "open"]);
    chain.drop(1);
    chain.add({}, "fork");
    chain.add({}, "fork");
    await statusIs(server, ["open", "retracted"]);
    const found = await breaches(server);
    expect(found.find(({ ruleId }) => ruleId === FACT_RULE)).toMatchObject({ status: "open", curedAtBlock: null });
    await until(() => notices.length === 5, "all notices");
    expect(notices.map(({ type }) => type).sort()).toEqual([
      ...["breach.cured", "breach.opened", "breach.opened", "breach.opened", "breach.retracted"],
    ]);
  });

  test.each([1, 5, 20])(
    "of depth %i changes nothing sealed, and leaves the verdicts of the new chain",
    async (depth) => {
      const [chain] = world.chains;
      for (let i = 0; i < 30; i++) chain.add({ assessments: [i % 2 ? mended : broken] });
      chain.finalized = 8;
      const server = await start();
      const key = ensureDemoKey(world.dataDir);
      await until(
        async () =>
          (await fetch(`${server.url}/log/checkpoint`).then((r) => r.text())).includes("plumbline") &&
          (await sealed(server)) === "8",
        "sealing",
      );
      const before: CheckedLog = await checkLog(server.url);
      chain.drop(depth);
      for (let i = 0; i < depth + 1; i++) chain.add({ assessments: [i % 3 ? mended : broken] }, "fork");
      const expected = chain.blocks.flatMap((block) => block.assessments.map(({ id }) => id)).sort();
      await until(async () => {
        const answer = await ask(server, "{ verdicts(limit: 1000) { assessmentId } }", { key });
        const ids = (answer.data?.verdicts ?? []).map((v: { assessmentId: string }) => v.assessmentId).sort();
        return JSON.stringify(ids) === JSON.stringify(expected);
      }, "the new chain's verdicts");
      const after = await checkLog(server.url, before);
      expect(after.leaves.slice(0, before.size)).toEqual(before.leaves);
    },
  );

  test("missing rows mean nothing: the indexer may be away or replay", async () => {
    const [chain] = world.chains;
    chain.add({ assessments: [broken] });
    chain.add();
    const server = await start();
    await statusIs(server, ["open"]);
    for (const indexed of [0, 1]) {
      chain.indexed = indexed;
      await new Promise((resolve) => setTimeout(resolve, 700));
      await statusIs(server, ["open"]);
    }
    chain.indexed = Number.POSITIVE_INFINITY;
    chain.add({ assessments: [mended] });
    await statusIs(server, ["cured"]);
    await until(() => notices.length === 2, "notices");
    expect(notices.map(({ type }) => type)).toEqual(["breach.opened", "breach.cured"]);
  });

  test("of sealed blocks is never followed: sealing stops and health says so", async () => {
    const [chain] = world.chains;
    for (let i = 0; i < 5; i++) chain.add({ assessments: [broken] });
    chain.finalized = 5;
    const server = await start();
    await until(async () => (await sealed(server)) === "5", "sealing");
    const before = await checkLog(server.url);
    chain.drop(3);
    for (let i = 0; i < 6; i++) chain.add({ assessments: [mended] }, "fork");
    chain.finalized = 8;
    await until(async () => (await health(server)).status === "degraded", "a red health");
    expect((await health(server)).chains[0]?.state).toBe("contradicted");
    expect((await checkLog(server.url, before)).leaves.slice(0, before.size)).toEqual(before.leaves);
    expect(await sealed(server)).toBe("5");
  });
});

describe("a re-index", () => {
  test("that says otherwise of a sealed block is recorded as one correction, and nothing is rewritten", async () => {
    const [chain] = world.chains;
    for (let i = 0; i < 5; i++) chain.add({ assessments: [broken] });
    chain.finalized = 4;
    const first = await start();
    await until(async () => (await sealed(first)) === "4", "sealing");
    const before = await checkLog(first.url);
    await first.stop();
    const changed = chain.blocks[1];
    if (changed) chain.blocks[1] = { ...changed, assessments: [] };
    const corrections = async (server: RunningServer) =>
      (await ask(server, '{ ledgerEntries(where: { kind: { eq: "correction" } }) { blockNumber } }')).data
        ?.ledgerEntries ?? [];
    const second = await start();
    await until(async () => (await corrections(second)).length === 1, "the correction");
    await second.stop();
    const third = await start();
    await until(async () => (await health(third)).status === "ok", "health");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await corrections(third)).toEqual([{ blockNumber: "2" }]);
    expect((await checkLog(third.url, before)).size).toBe(before.size + 1);
  });
});

type HealthAnswer = { status: string; chains: { state: string; sealed: string | null }[] };

async function health(server: RunningServer): Promise<HealthAnswer> {
  return (await (await fetch(`${server.url}/v1/health`)).json()) as HealthAnswer;
}

async function sealed(server: RunningServer): Promise<string | null> {
  return (await health(server)).chains[0]?.sealed ?? null;
}
