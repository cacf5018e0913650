import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import type { Assessment } from "../../src/core/assessment.ts";
import type { Bundle } from "../../src/core/proof/bundle.ts";
import { verdictId } from "../../src/core/proof/ids.ts";
import { type Verification, verify } from "../../verifier/index.ts";
import {
  createDevnetWorld,
  type DevnetWorld,
  healthOf,
  lastOf,
  type ProvenChain,
  partsIn,
  say,
  untilCaptured,
  untilSealed,
} from "./support/devnet-world.ts";
import { ask, FACT_RULE } from "./support/world.ts";

const MOST_BYTES = 400_000;

let world: DevnetWorld;
let server: RunningServer;
let perp: ProvenChain;
let synthetix: ProvenChain;
/** What is recorded in these tests, by a name. */
let chosen: Record<string, Assessment>;

beforeAll(async () => {
  world = await createDevnetWorld({ historyBlocks: 48, chains: [901, 902] });
  [perp, synthetix] = world.chains as [ProvenChain, ProvenChain];
  const broken = (metric: string) => (item: Assessment) => item.metric === metric && item.condition === "not_met";
  const closeOut = lastOf(perp, (item) => item.ruleId === FACT_RULE && item.condition === "not_met");
  const beside = (ruleId: string) => (item: Assessment) =>
    item.ruleId === ruleId && item.subject === closeOut.subject && item.blockHash === closeOut.blockHash;
  const isLog = (item: Assessment) => item.testPoint.startsWith("log:");
  chosen = {
    maintenance: lastOf(perp, broken("ACC.MARGIN_RATIO")),
    closeOut,
    auCloseOut: lastOf(perp, beside("AU-CFD-CLOSEOUT-50")),
    custody: lastOf(perp, ({ metric }) => metric === "AST.CUSTODY_COVERAGE"),
    opening: lastOf(perp, (item) => isLog(item) && item.condition === "not_met" && item.metric.startsWith("POS.")),
    kept: lastOf(perp, (item) => item.testPoint === "end" && item.condition === "met"),
    liquidation: lastOf(synthetix, broken("POS.MARGIN_RATIO")),
    synthetixCustody: lastOf(synthetix, ({ metric }) => metric === "AST.CUSTODY_COVERAGE"),
    synthetixOpening: lastOf(synthetix, (item) => isLog(item) && item.metric === "POS.LEVERAGE_OPEN"),
    transfer: lastOf(synthetix, (item) => isLog(item) && item.metric.startsWith("AML.")),
  };
  for (const chain of world.chains) say(chain, Object.values(chosen));
  server = await world.start();
  await untilCaptured(server, { waiting: 0 });
  for (const { story, node } of world.chains) node.finalized = Number(story.at(-1)?.number);
  await untilSealed(server, world.chains);
});
afterAll(async () => {
  await world?.end();
});

async function bundleOf(id: string, { level, key }: { level?: string; key?: string } = {}) {
  const response = await fetch(`${server.url}/v1/proofs/${id}${level === undefined ? "" : `?level=${level}`}`, {
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return {
    status: response.status,
    bytes,
    json: JSON.parse(new TextDecoder().decode(bytes)) as Bundle & { error: string },
  };
}

function checked(bytes: Uint8Array, about: Assessment, logKeys: readonly string[] = []): Promise<Verification> {
  const block = { chain: about.chain, number: about.blockNumber, hash: about.blockHash };
  return verify(bytes, { blocks: [block], logKeys });
}

const logKey = async () => (await (await fetch(`${server.url}/log/key`)).text()).trim();

describe("from the feed to a bundle", () => {
  test.each(["maintenance", "closeOut", "auCloseOut", "custody", "liquidation", "synthetixCustody"])(
    "that is proven with the block's hash alone: %s",
    async (name) => {
      const about = chosen[name] as Assessment;
      const { status, bytes, json } = await bundleOf(about.id);
      expect({ status, error: json.error }).toEqual({ status: 200, error: undefined });
      expect(json.claims.assurance).toBe("proven");
      expect(bytes.length).toBeLessThan(MOST_BYTES);
      const before = performance.now();
      const verification = await checked(bytes, about);
      process.stdout.write(
        `${name}: ${bytes.length} bytes, verified in ${(performance.now() - before).toFixed(0)} ms\n`,
      );
      expect(verification.links.filter(({ ok }) => ok === false)).toEqual([]);
      expect(verification).toMatchObject({ status: "verified", assurance: "proven" });
      expect([...verification.inputs.proven].sort()).toEqual(Object.keys(about.inputs).sort());
    },
  );

  test.each(["opening", "synthetixOpening", "transfer"])("that is authentic, with the log's key: %s", async (name) => {
    const about = chosen[name] as Assessment;
    const { bytes, json } = await bundleOf(about.id);
    expect(json.claims.assurance).toBe("authentic");
    const verification = await checked(bytes, about, [await logKey()]);
    expect(verification.links.filter(({ ok }) => ok === false)).toEqual([]);
    expect(verification).toMatchObject({ status: "verified", assurance: "authentic" });
    expect((await checked(bytes, about)).status).toBe("unchecked");
  });

  test("that is attested where nothing more was wanted", async () => {
    const about = chosen.kept as Assessment;
    const { bytes, json } = await bundleOf(about.id);
    expect(json.claims.assurance).toBe("attested");
    expect(json.evidence).toBeNull();
    expect(json.deployment).toBeNull();
    expect(await checked(bytes, about, [await logKey()])).toMatchObject({ status: "verified", assurance: "attested" });
  });

  test("of a verdict, which a supervisor can open, has the same evidence", async () => {
    const about = chosen.closeOut as Assessment;
    const id = verdictId(about.id);
    const blind = await bundleOf(id);
    const opened = await bundleOf(id, { key: ensureDemoKey(world.dataDir) });
    for (const [{ json, bytes }, opening] of [
      [blind, null],
      [opened, expect.objectContaining({ profile: "EU_RETAIL" })],
    ] as const) {
      expect(json.verdict?.opening).toEqual(opening);
      expect(json.evidence).toEqual((await bundleOf(about.id)).json.evidence);
      expect(await checked(bytes, about)).toMatchObject({ status: "verified", assurance: "proven" });
    }
  });
});

describe("?level=", () => {
  test("asks for less, and gets a bundle that says so", async () => {
    const about = chosen.maintenance as Assessment;
    const { json, bytes } = await bundleOf(about.id, { level: "attested" });
    expect(json.claims.assurance).toBe("attested");
    expect(json.evidence).toBeNull();
    expect((await checked(bytes, about)).status).toBe("unchecked");
    expect((await bundleOf(about.id, { level: "proven" })).json.claims.assurance).toBe("proven");
  });

  test("for more than there is gets a sentence with the reason", async () => {
    const answers = await Promise.all([
      bundleOf(chosen.opening?.id as string, { level: "proven" }),
      bundleOf(chosen.kept?.id as string, { level: "proven" }),
      bundleOf(chosen.maintenance?.id as string, { level: "authentic" }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    const [opening, kept, maintenance] = answers.map(({ json }) => json.error);
    expect(opening).toMatch(/proven; the highest level is authentic\. State within a block is in no header/);
    expect(kept).toMatch(/proven; the highest level is attested\. Evidence is captured where a rule is not kept/);
    expect(maintenance).toMatch(/by view calls and not by logs/);
  });

  test("that is none is refused", async () => {
    const { status, json } = await bundleOf(chosen.kept?.id as string, { level: "certain" });
    expect(status).toBe(400);
    expect(json.error).toMatch(/one of attested, authentic, proven/);
  });
});

describe("coverage", () => {
  test("says in health, GraphQL and metrics how much stands at which level", async () => {
    const { assurance } = await healthOf(server);
    const { size } = (await healthOf(server)).ledger;
    // Each assessment is a leaf, and the verdict of the one rule among them that needs facts another, twice.
    const facts = Object.values(chosen).filter(({ ruleId }) => /CLOSEOUT/.test(ruleId)).length;
    expect(assurance.capture).toMatchObject({ waiting: 0, kept: 9, failed: 0, reasons: [] });
    expect(assurance.sealed.proven.count).toBe(6 + facts);
    expect(assurance.sealed.authentic.count).toBeGreaterThanOrEqual(3);
    expect(assurance.sealed.attested.count).toBe(
      size - assurance.sealed.proven.count - assurance.sealed.authentic.count,
    );
    expect(assurance.figures).toMatchObject({ proven: { count: 6 }, attested: { count: 1, share: "0.1000" } });
    const question = `{ assurance {
      figures { attested { count share } authentic { count share } proven { count share } }
      sealed { attested { count share } authentic { count share } proven { count share } }
      capture { waiting kept failed reasons { fault count latest } } } }`;
    expect((await ask(server, question)).data.assurance).toEqual(assurance);
    const metrics = await (await fetch(`${server.url}/v1/metrics`)).text();
    expect(metrics).toContain('supervision_captures_total{chain="eip155:901",level="proven"} 4');
    expect(metrics).toContain('supervision_evidence{state="kept"} 9');
  });

  test("is the assurance of every entry that has evidence, and of nothing else", async () => {
    const { data } = await ask(server, "{ ledgerEntries(limit: 1000) { refId kind assurance } }");
    const byId = new Map(data.ledgerEntries.map((row: { refId: string }) => [row.refId, row]));
    for (const [name, level] of [
      ["custody", "proven"],
      ["opening", "authentic"],
      ["kept", "attested"],
    ] as const) {
      expect(byId.get(chosen[name]?.id as string), name).toMatchObject({ assurance: level });
    }
    expect(byId.get(verdictId(chosen.closeOut?.id as string))).toMatchObject({ kind: "verdict", assurance: "proven" });
    const others = data.ledgerEntries.filter(({ kind }: { kind: string }) => !["assessment", "verdict"].includes(kind));
    expect(new Set(others.map(({ assurance }: { assurance: string }) => assurance))).toEqual(new Set(["attested"]));
  });

  test("says of an assessment what became of its evidence", async () => {
    const { data } = await ask(server, "{ assessments { items { id evidence { level state fault reason } } } }");
    const byId = new Map(
      data.assessments.items.map(({ id, evidence }: { id: string; evidence: unknown }) => [id, evidence]),
    );
    const kept = { state: "kept", fault: null, reason: null };
    expect(byId.get(chosen.custody?.id as string)).toEqual({ level: "proven", ...kept });
    expect(byId.get(chosen.opening?.id as string)).toEqual({ level: "authentic", ...kept });
    expect(byId.get(chosen.kept?.id as string)).toBeNull();
  });

  test("two rules that ask the same of one account share what was captured", async () => {
    const [eu, au] = await Promise.all(
      [chosen.closeOut, chosen.auCloseOut].map((about) => bundleOf(about?.id as string)),
    );
    expect(eu?.json.evidence).toEqual(au?.json.evidence);
    expect(partsIn(world).rests).toBe(5 + 3);
  });

  test("code is stored once, whatever else it is in", () => {
    const { codes, uses } = partsIn(world);
    expect(uses).toBeGreaterThan(2 * codes);
  });
});
