import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { issueKey, withdrawKey } from "../../server/auth/issue.ts";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { Health } from "../../server/http/health.ts";
import type { RunningServer } from "../../server/server.ts";
import { parseFacts } from "../../src/core/rules/facts.ts";
import {
  ask,
  createWorld,
  FACT_RULE,
  OPEN_RULE,
  RETAIL,
  tellLongStory,
  testFactsFile,
  until,
  type World,
} from "./support/world.ts";

const LENGTH = 24;

let worlds: World[];
beforeEach(() => {
  worlds = [];
});
afterEach(async () => {
  for (const world of worlds) await world.end();
});

/** A server that has sealed the long story, with the client classes given as facts. */
async function sealedServer(classes: [string, string] | null): Promise<{ world: World; server: RunningServer }> {
  const world = await createWorld();
  worlds.push(world);
  tellLongStory(world, LENGTH);
  // One chain only is sealed: chains interleave freely, and indexes are to be compared.
  world.chains[0].finalized = LENGTH - 4;
  const file = classes === null ? null : testFactsFile(classes);
  const facts = file === null ? null : parseFacts(file.text, file.key);
  const server = await world.start({ facts });
  const health = async () => (await (await fetch(`${server.url}/v1/health`)).json()) as Health;
  await until(async () => (await health()).chains[0]?.sealed === String(LENGTH - 4), "sealing");
  const key = ensureDemoKey(world.dataDir);
  const all = world.chains.flatMap((chain) => chain.blocks.flatMap(({ assessments }) => assessments));
  const count = async () => (await ask(server, "{ verdicts(limit: 1000) { id } }", { key })).data?.verdicts.length;
  await until(async () => (await count()) === all.length, "all verdicts");
  // Coverage is not counted anew for each who asks.
  const figures = new Set(all.map(({ protocol, subject, ruleId }) => [protocol, subject, ruleId].join())).size;
  await until(async () => {
    const { assurance, ledger } = await health();
    return assurance.figures.attested.count === figures && assurance.sealed.attested.count === ledger.size;
  }, "coverage of all of it");
  return { world, server };
}

const QUESTIONS = [
  "{ verdicts(limit: 1000) { id assessmentId subject ruleId profile outcome missing lane jurisdiction blockNumber } }",
  "{ breaches(limit: 1000) { id subject ruleId openedAtBlock curedAtBlock status lane } }",
  "{ verdictsSingle { id } breachesSingle { id } }",
  `{ verdicts(where: { subject: { eq: "${RETAIL}" } }) { id } }`,
  `{ verdicts(where: { OR: [{ outcome: { eq: "breach" } }, { profile: { eq: "EU_RETAIL" } }] }) { id } }`,
  '{ breaches(where: { ruleId: { like: "EU%" } }, offset: 0) { id } }',
  "{ verdicts(orderBy: { outcome: { direction: asc, priority: 1 } }, limit: 3) { id } }",
  "{ assessments { items { id condition verdicts { outcome } } } }",
  "{ assessments { items { id proof { index assurance } } } }",
  "{ ledgerEntries(limit: 1000) { index kind refId chain blockNumber blockHash subject ruleId outcome assurance } }",
  "{ epochs { number toBlock stateRoot collateralRoot collateralCount leafIndex } }",
  "{ verdicts(limit: 5000) { id } }",
  "{ verdicts { nothing } }",
];

/** Everything the public can get, except what is a hash over blinded commitments (equal in form, not in value). */
async function publicView(server: RunningServer): Promise<unknown[]> {
  const view: unknown[] = [];
  for (const question of QUESTIONS) view.push(await ask(server, question));
  const { data } = await ask(server, "{ ledgerEntries(limit: 1000) { refId kind } }");
  for (const { refId } of data.ledgerEntries as { refId: string }[]) {
    const answer = await fetch(`${server.url}/v1/proofs/${refId}`);
    view.push(answer.status, withoutCommitments(await answer.text()));
  }
  for (const path of ["/v1/health", "/v1/metrics", "/", "/v1/nothing"]) {
    const answer = await fetch(`${server.url}${path}`);
    view.push(path, answer.status, await answer.text());
  }
  return view;
}

/** Cuts from a bundle what depends on the blinded leaves: commitment, proofs and checkpoint. */
function withoutCommitments(text: string): unknown {
  const bundle = JSON.parse(text);
  if (bundle.assessment === undefined) return bundle;
  delete bundle.checkpoint;
  expect(bundle.assessment.proof.length).toBeGreaterThan(0);
  delete bundle.assessment.proof;
  if (bundle.verdict !== null) {
    expect(bundle.verdict.body.commitment).toMatch(/^[0-9a-f]{64}$/);
    delete bundle.verdict.body.commitment;
    delete bundle.verdict.proof;
  }
  return bundle;
}

/** References of fact leaves are commitments too. */
function withoutFacts(view: unknown[]): string {
  return JSON.stringify(view).replaceAll(/"kind":"fact","refId":"[0-9a-f]{64}"/g, '"kind":"fact"');
}

describe("the public", () => {
  test("gets the same of every answer whatever the traders' classes are", async () => {
    const one = await sealedServer(["retail", "professional"]);
    const other = await sealedServer(["professional", "retail"]);
    const [first, second] = [await publicView(one.server), await publicView(other.server)];
    expect(withoutFacts(first)).toEqual(withoutFacts(second));
    // The comparison can fail: a supervisor sees the difference, and the public does see what needs no facts.
    const question = "{ verdicts(limit: 1000) { subject ruleId outcome } }";
    const seen = await Promise.all(
      [one, other].map(({ server, world }) => ask(server, question, { key: ensureDemoKey(world.dataDir) })),
    );
    expect(seen[0].data.verdicts).not.toEqual(seen[1].data.verdicts);
    const rules = (await ask(one.server, "{ verdicts(limit: 1000) { ruleId } breaches { ruleId } }")).data;
    expect(new Set(rules.verdicts.map((v: { ruleId: string }) => v.ruleId))).toEqual(new Set([OPEN_RULE]));
    expect(new Set(rules.breaches.map((v: { ruleId: string }) => v.ruleId))).toEqual(new Set([OPEN_RULE]));
  });

  test("gets every verdict leaf right after its assessment, also where no facts are known", async () => {
    const { server } = await sealedServer(null);
    const { data } = await ask(server, "{ ledgerEntries(limit: 1000) { kind ruleId outcome } }");
    const rows = data.ledgerEntries as { kind: string; ruleId: string; outcome: string | null }[];
    rows.forEach((row, i) => {
      if (row.kind === "assessment" && row.ruleId === FACT_RULE) expect(rows[i + 1]?.kind).toBe("verdict");
      if (row.kind === "verdict") expect(rows[i - 1]).toMatchObject({ kind: "assessment", ruleId: FACT_RULE });
      if (row.kind === "verdict") expect(row.outcome).toBeNull();
    });
    expect(rows.some(({ kind }) => kind === "verdict")).toBe(true);
  });
});

describe("a supervisor", () => {
  test("sees what rests on facts within the key's jurisdictions only, until the key is withdrawn", async () => {
    const { world, server } = await sealedServer(["retail", "professional"]);
    const rulesSeenBy = async (key: string) => {
      const answer = await ask(server, "{ verdicts(limit: 1000) { ruleId } }", { key });
      return [...new Set<string>((answer.data?.verdicts ?? []).map((v: { ruleId: string }) => v.ruleId))].sort();
    };
    const europe = issueKey(world.dataDir, { label: "EU", scope: ["EU"] });
    const japan = issueKey(world.dataDir, { label: "JP", scope: ["JP"] });
    expect(await rulesSeenBy(europe)).toEqual([FACT_RULE, OPEN_RULE]);
    expect(await rulesSeenBy(japan)).toEqual([OPEN_RULE]);
    const { data } = await ask(server, '{ ledgerEntries(where: { kind: { eq: "verdict" } }) { refId } }');
    const openingFor = async (key: string) => {
      const answer = await fetch(`${server.url}/v1/proofs/${data.ledgerEntries[0].refId}`, {
        headers: { authorization: `Bearer ${key}` },
      });
      return ((await answer.json()) as { verdict: { opening: unknown } }).verdict.opening;
    };
    expect(await openingFor(europe)).not.toBeNull();
    expect(await openingFor(japan)).toBeNull();
    withdrawKey(world.dataDir, europe);
    expect((await ask(server, "{ __typename }", { key: europe })).error).toMatch(/not valid/);
  });

  test("is refused in the same words whatever is wrong with the key", async () => {
    const { server } = await sealedServer(null);
    const wrong = [
      "Bearer plk_wrong",
      `Bearer plk_${"A".repeat(43)}`,
      "Basic dXNlcjpwYXNz",
      "Bearer ",
      "x",
      "Bearer a b",
    ];
    const answers = await Promise.all(
      wrong.flatMap((authorization) =>
        ["/v1/health", "/v1/metrics", `/v1/proofs/${"0".repeat(64)}`].map(async (path) => {
          const answer = await fetch(`${server.url}${path}`, { headers: { authorization } });
          return `${answer.status} ${await answer.text()}`;
        }),
      ),
    );
    expect(new Set(answers)).toEqual(new Set(['401 {"error":"The supervisor key is not valid."}']));
  });
});
