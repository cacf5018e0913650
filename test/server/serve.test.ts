import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import { InputError } from "../../src/core/errors.ts";
import { verify } from "../../verifier/index.ts";
import {
  ask,
  createWorld,
  FACT_RULE,
  OPEN_RULE,
  PROFESSIONAL,
  RETAIL,
  UNKNOWN,
  until,
  type World,
} from "./support/world.ts";

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.end());

const entries = (server: RunningServer) =>
  ask(
    server,
    "{ ledgerEntries(limit: 1000) { index leafHash kind refId chain blockNumber blockHash subject ruleId outcome assurance } }",
  );

function tellStory(): void {
  const [first, second] = world.chains;
  first.add();
  first.add({
    assessments: [
      { ruleId: FACT_RULE, subject: RETAIL, condition: "not_met" },
      { ruleId: FACT_RULE, subject: PROFESSIONAL, condition: "not_met" },
      { ruleId: FACT_RULE, subject: UNKNOWN, condition: "not_met" },
      { ruleId: OPEN_RULE, subject: RETAIL, condition: "not_met" },
    ],
  });
  first.add({ epoch: true });
  second.add({ assessments: [{ ruleId: OPEN_RULE, subject: `eip155:902:0x${"d".repeat(40)}`, condition: "met" }] });
}

describe("a server over two chains", () => {
  test("follows, judges, seals and serves what it has sealed", async () => {
    tellStory();
    const server = await world.start();
    const key = ensureDemoKey(world.dataDir);
    await until(
      async () => (await ask(server, "{ verdicts { id } }", { key })).data?.verdicts.length === 5,
      "five verdicts",
    );
    const before = (
      await ask(server, "{ verdicts { subject outcome lane assessment { id ruleId } proof { index } } }", { key })
    ).data.verdicts;
    const outcomes = before.map((v: { outcome: string }) => v.outcome);
    expect(outcomes.sort()).toEqual(["breach", "breach", "compliant", "indeterminate", "not_applicable"]);
    expect(before.every((v: { lane: string; proof: null }) => v.lane === "provisional" && v.proof === null)).toBe(true);
    expect(before.every((v: { assessment: { ruleId: string } }) => v.assessment.ruleId.length > 0)).toBe(true);

    world.chains[0].finalized = 3;
    world.chains[1].finalized = 1;
    const sealed = 1 + 1 + 4 + 5 + 3 + 1;
    await until(async () => (await entries(server)).data.ledgerEntries.length === sealed, "sealed leaves");
    const rows = (await entries(server)).data.ledgerEntries;
    const kindsOf = (chain: string | null) =>
      rows.filter((r: { chain: string | null }) => r.chain === chain).map((r: { kind: string }) => r.kind);
    expect(kindsOf(null)).toEqual(["rulebook", "deployment", "fact", "fact", "fact", "fact"]);
    expect(kindsOf("eip155:901")).toEqual([
      ...["assessment", "verdict", "assessment", "verdict", "assessment", "verdict", "assessment"],
      "epoch",
    ]);
    expect(kindsOf("eip155:902")).toEqual(["assessment"]);
    expect(rows.find((r: { kind: string }) => r.kind === "verdict").outcome).toBeNull();
    // Which chain is sealed first is nobody's promise.
    const isFirst = (r: { kind: string; chain: string }) => r.kind === "assessment" && r.chain === "eip155:901";
    expect(rows.find(isFirst)).toMatchObject({
      outcome: "not_met",
      assurance: "attested",
      blockNumber: "2",
    });
    const after = await ask(
      server,
      "{ verdicts { lane proof { index assurance } } epochs { number toBlock stateRoot } }",
      { key },
    );
    expect(after.data.verdicts.every((v: { lane: string; proof: object }) => v.lane === "sealed" && v.proof)).toBe(
      true,
    );
    expect(after.data.epochs).toHaveLength(1);
  });

  test("joins positions and accounts to their current figures, in one request to the indexer", async () => {
    const server = await world.start();
    await until(async () => !(await ask(server, "{ __typename }")).error, "a schema");
    world.indexer.requests.length = 0;
    const answer = await ask(
      server,
      '{ positions { items { current { equity marginRatio asOf } } } account(id: "eip155:901:0xa") { current { netEquity asOf } } }',
    );
    expect(answer.data.positions.items[1].current).toMatchObject({ equity: "p2-equity", asOf: { blockNumber: "9" } });
    expect(answer.data.account.current.netEquity).toBe("8");
    expect(world.indexer.requests.filter((path) => path === "/current").length).toBeLessThanOrEqual(2);
  });

  test("a bundle verifies with the log's key, and a verdict opens only for a supervisor", async () => {
    tellStory();
    world.chains[0].finalized = 3;
    const server = await world.start();
    const key = ensureDemoKey(world.dataDir);
    await until(async () => (await entries(server)).data?.ledgerEntries.length > 10, "sealed leaves");
    const rows = (await entries(server)).data.ledgerEntries as { kind: string; refId: string }[];
    const logKey = (await (await fetch(`${server.url}/log/key`)).text()).trim();
    for (const row of rows.filter((r) => r.kind === "assessment" || r.kind === "verdict")) {
      const open = await fetch(`${server.url}/v1/proofs/${row.refId}`);
      expect(open.headers.get("content-type")).toMatch(/^application\/json/);
      const bytes = new Uint8Array(await open.arrayBuffer());
      const links = (await verify(bytes, { logKeys: [logKey] })).links.filter(({ link }) =>
        ["shape", "signature", "inclusion", "leaf", "rulebook"].includes(link),
      );
      expect(links.length).toBeGreaterThanOrEqual(3);
      expect(links.every(({ ok }) => ok === true)).toBe(true);
      const bundle = JSON.parse(new TextDecoder().decode(bytes));
      if (row.kind === "assessment") expect(bundle.verdict).toBeNull();
      else {
        expect(bundle.verdict.opening).toBeNull();
        const closed = await fetch(`${server.url}/v1/proofs/${row.refId}`, {
          headers: { authorization: `Bearer ${key}` },
        });
        const opened = (await closed.json()) as { verdict: { opening: { outcome: string } } };
        expect(opened.verdict.opening.outcome).toMatch(/breach|not_applicable|indeterminate/);
      }
    }
    expect((await fetch(`${server.url}/v1/proofs/${"0".repeat(64)}`)).status).toBe(404);
  });

  test("a second server on the same data is refused, and the first goes on", async () => {
    const server = await world.start();
    await expect(world.start()).rejects.toBeInstanceOf(InputError);
    expect((await fetch(`${server.url}/v1/health`)).status).toBe(200);
  });

  test("secrets can be read by their owner only", async () => {
    await world.start();
    for (const name of ["signing.key", "operator.secret", "supervisor.key", "ledger.sqlite"]) {
      expect(statSync(join(world.dataDir, "server", name)).mode & 0o077).toBe(0);
    }
    const key = ensureDemoKey(world.dataDir);
    expect(readFileSync(join(world.dataDir, "server", "ledger.sqlite")).includes(key)).toBe(false);
  });
});
