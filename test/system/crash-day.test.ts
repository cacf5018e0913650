import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, type DevnetChain, startDevnet } from "../../devnet/devnet.ts";
import { everyoneOn, type TRADERS } from "../../devnet/market/cast.ts";
import { crashBlocks, DEFAULT_SCENARIO } from "../../devnet/market/scenario.ts";
import type { Bundle } from "../../src/core/proof/bundle.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { verify } from "../../verifier/index.ts";
import type { Indexer } from "../support/indexer.ts";
import { runPlumbline } from "../support/plumbline.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { publicView, readStream } from "../support/public-view.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import { isAbsent } from "../support/require.ts";
import { type ServerProcess, startServerProcess } from "../support/server.ts";
import { indexAll, rpcUrlsOf, until } from "../support/world.ts";

type Verdict = {
  id: string;
  assessmentId: string;
  chain: string;
  subject: string;
  ruleId: string;
  outcome: string;
  blockNumber: string;
  missing: string;
};
type Breach = {
  id: string;
  chain: string;
  subject: string;
  ruleId: string;
  openedAtBlock: string;
  curedAtBlock: string | null;
  status: string;
};
type Assessed = { id: string; chain: string; subject: string; ruleId: string; condition: string; testPoint: string };

const FINAL_BEHIND = 32;
const PAGE = 1_000;
const FACTS_KEY = readFileSync("devnet/facts.pub", "utf8").trim();
const ABSENT = isAbsent("the devnet's crash", findPostgres() !== null, "there is no PostgreSQL; install postgresql");

/** Rules the crash breaks, and where they apply. */
const CLOSE_OUT = { EU: "EU-CFD-CLOSEOUT-50", AU: "AU-CFD-CLOSEOUT-50" } as const;
const DAILY = ["JP-CRYPTO-LEV-IND", "JP-CRYPTO-IM-IND"];
const ASKS_FOR_CLASS = new Set(
  readRulebooks("rulebooks").rules.flatMap(({ id, requiresFacts }) =>
    requiresFacts.includes("clientClass") ? id : [],
  ),
);
const MAINTENANCE: Readonly<Record<string, string>> = {
  "eip155:901": "PERP-V2-MAINTENANCE",
  "eip155:902": "SYNTHETIX-PERPS-V2-MAINTENANCE",
};

describe.skipIf(ABSENT)("the day of the crash", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-crash-day-"));
  let postgres: Postgres;
  let devnet: Devnet;
  let indexer: Indexer;
  let receiver: Receiver;
  let server: ServerProcess;
  let verdicts: Verdict[];
  let breaches: Breach[];

  beforeAll(async () => {
    [postgres, devnet, receiver] = await Promise.all([startPostgres(), startDevnet(), startReceiver()]);
    const databaseUrl = postgres.url;
    indexer = await indexAll(devnet, { schema: "crash_day", data: join(folder, "indexer"), databaseUrl });
    server = await startServer("facts", { facts: { file: "devnet/facts.json", key: FACTS_KEY }, webhook: receiver });
    verdicts = await paged(server, "verdicts", "id assessmentId chain subject ruleId outcome blockNumber missing");
    breaches = await paged(server, "breaches", "id chain subject ruleId openedAtBlock curedAtBlock status");
  }, 900_000);

  afterAll(async () => {
    await server?.stop();
    await indexer?.stop();
    await receiver?.stop();
    await devnet?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a server and waits until it has followed and sealed all there is. */
  async function startServer(
    name: string,
    options: Pick<Parameters<typeof startServerProcess>[0], "facts" | "webhook">,
  ): Promise<ServerProcess> {
    const { deploymentFile, url: indexerUrl } = indexer;
    const paths = { data: join(folder, name), deploymentFile, indexerUrl, rpcUrls: rpcUrlsOf(devnet) };
    const started = await startServerProcess({ ...paths, ...options });
    const places = devnet.chains.map((chain) => {
      const { height } = chain.state();
      return [`eip155:${chain.chainId}`, { followed: height, sealed: height - FINAL_BEHIND }];
    });
    await started.untilAt(Object.fromEntries(places));
    return started;
  }

  async function paged<T>(from: ServerProcess, list: string, fields: string): Promise<T[]> {
    const all: T[] = [];
    for (let offset = 0; ; offset += PAGE) {
      const query = `{ ${list}(limit: ${PAGE}, offset: ${offset}) { ${fields} } }`;
      const { data } = await from.ask(query, { key: from.key });
      all.push(...data[list]);
      if (data[list].length < PAGE) return all;
    }
  }

  /** Assessments of a rule, straight from the indexer through the public GraphQL. */
  async function assessed(ruleId: string, chain: string): Promise<(Assessed & { blockNumber: string })[]> {
    const query = `{ assessments(where: { ruleId: "${ruleId}", chain: "${chain}" }, limit: 1000) { items
      { id chain subject ruleId condition testPoint blockNumber } } }`;
    return (await server.ask(query)).data.assessments.items;
  }

  const addressOf = (chain: DevnetChain, index: number) => (chain.kit.accounts[index] as string).toLowerCase();

  /** Addresses on a chain by what the facts say of them. */
  function addresses(chain: DevnetChain, where: (trader: (typeof TRADERS)[number]) => boolean): Set<string> {
    return new Set(
      everyoneOn(chain.chainId)
        .filter(where)
        .map(({ index }) => addressOf(chain, index)),
    );
  }

  const crashOn = (chain: DevnetChain) => {
    const { from, to } = crashBlocks(DEFAULT_SCENARIO);
    return { from: Number(chain.deploymentBlocks) + from, to: Number(chain.deploymentBlocks) + to + 8 };
  };

  test("before it, traders within limits have no breach", () => {
    for (const chain of devnet.chains) {
      const caip = `eip155:${chain.chainId}`;
      // The United Kingdom bans such products for retail clients, so nobody there is within limits.
      const within = addresses(
        chain,
        ({ style, facts }) => style === "careful" && facts !== null && facts.jurisdiction !== "UK",
      );
      const before = crashOn(chain).from;
      const judged = verdicts.filter(
        (v) => v.chain === caip && within.has(traderIn(v.subject)) && Number(v.blockNumber) < before,
      );
      expect(new Set(judged.map((v) => traderIn(v.subject)))).toEqual(within);
      expect(judged.filter(({ outcome }) => outcome === "compliant").length).toBeGreaterThan(0);
      expect(judged.filter(({ outcome }) => outcome === "breach")).toEqual([]);
      const own = breaches.filter((b) => b.chain === caip && within.has(traderIn(b.subject)));
      expect(own.filter((b) => Number(b.openedAtBlock) < before)).toEqual([]);
    }
  });

  test("makes conditions fail under close-out, daily and maintenance rules on both chains", async () => {
    for (const chain of devnet.chains) {
      const caip = `eip155:${chain.chainId}`;
      const { from, to } = crashOn(chain);
      for (const ruleId of [...Object.values(CLOSE_OUT), MAINTENANCE[caip] as string]) {
        const failed = (await assessed(ruleId, caip)).filter((a) => a.condition === "not_met" && a.testPoint === "end");
        const inCrash = failed.filter(({ blockNumber }) => Number(blockNumber) >= from && Number(blockNumber) <= to);
        expect({ ruleId, subjects: new Set(inCrash.map(({ subject }) => subject)).size >= 2 }).toEqual({
          ruleId,
          subjects: true,
        });
      }
      for (const ruleId of DAILY) {
        const days = (await assessed(ruleId, caip)).filter(({ testPoint }) => testPoint.startsWith("day:"));
        expect(new Set(days.map(({ testPoint }) => testPoint))).toEqual(new Set(["day:2026-04-02"]));
        expect(days.filter(({ condition }) => condition === "not_met").length).toBeGreaterThan(1);
      }
    }
  });

  test("gives traders of known class breaches, and everybody else an indeterminate verdict", () => {
    for (const chain of devnet.chains) {
      const caip = `eip155:${chain.chainId}`;
      const { from, to } = crashOn(chain);
      const own = verdicts.filter((v) => v.chain === caip);
      for (const [place, ruleId] of Object.entries(CLOSE_OUT)) {
        const retail = addresses(chain, ({ facts }) => facts?.jurisdiction === place && facts.clientClass === "retail");
        const broken = own.filter((v) => v.ruleId === ruleId && v.outcome === "breach");
        expect(broken.every((v) => retail.has(traderIn(v.subject)))).toBe(true);
        const during = breaches.filter((b) => b.chain === caip && b.ruleId === ruleId && lastsInto(b, { from, to }));
        expect({ ruleId, caip, breaches: during.length > 0 }).toEqual({ ruleId, caip, breaches: true });
      }
      const individuals = addresses(chain, ({ facts }) => facts?.jurisdiction === "JP");
      const inJapan = own.filter((v) => DAILY.includes(v.ruleId) && v.outcome === "breach");
      expect(inJapan.length).toBeGreaterThan(0);
      expect(inJapan.every((v) => individuals.has(traderIn(v.subject)))).toBe(true);
      expect(breaches.some((b) => b.chain === caip && b.ruleId === MAINTENANCE[caip])).toBe(true);

      const known = addresses(chain, ({ facts }) => facts !== null);
      const strangers = own.filter((v) => !known.has(traderIn(v.subject)) && ASKS_FOR_CLASS.has(v.ruleId));
      expect(strangers.length).toBeGreaterThan(100);
      expect(new Set(strangers.map(({ outcome }) => outcome))).toEqual(new Set(["indeterminate"]));
      expect(strangers.every(({ missing }) => missing.includes("registry.clientClass"))).toBe(true);
    }
  });

  test("tells the receiver of each breach once that it opened and once that it was cured, signed", async () => {
    const cured = breaches.filter(({ status }) => status === "cured");
    expect(cured.length).toBeGreaterThan(20);
    await until(() => receiver.notices.length >= breaches.length + cured.length, "all notices");
    expect(receiver.refused()).toBe(0);
    expect(new Set(receiver.notices.map(({ id }) => id)).size).toBe(receiver.notices.length);
    const told = new Map<string, string[]>();
    for (const { type, data } of receiver.notices) told.set(data.breachId, [...(told.get(data.breachId) ?? []), type]);
    expect(told.size).toBe(breaches.length);
    for (const { id, status } of breaches) {
      const expected = status === "cured" ? ["breach.opened", "breach.cured"] : ["breach.opened"];
      expect({ id, told: told.get(id) }).toEqual({ id, told: expected });
    }
  }, 900_000);

  test("tells the public nothing that rests on a trader's class", async () => {
    const ignorant = await startServer("no-facts", {});
    try {
      const [ours, theirs] = [await publicView(server), await publicView(ignorant)];
      expect(Object.keys(ours).length).toBeGreaterThan(20);
      for (const [what, answer] of Object.entries(ours))
        expect({ what, answer }).toEqual({ what, answer: theirs[what] });
      const [streamed, other] = [await readStream(server), await readStream(ignorant)];
      expect(streamed.length).toBeGreaterThan(1_000);
      expect(streamed).toEqual(other);
      // The comparison can fail: those who hold the key do see a difference.
      const query = '{ verdicts(limit: 1000, where: { outcome: { eq: "breach" } }) { id ruleId } }';
      const [seen, unseen] = [await server.ask(query, server), await ignorant.ask(query, ignorant)];
      expect(seen.data.verdicts.length).toBeGreaterThan(unseen.data.verdicts.length);
    } finally {
      await ignorant.stop();
    }
  }, 900_000);

  test("leaves bundles that `plumbline verify` checks: 0, 1 with a byte changed, 2 without a log key", async () => {
    const logKey = (await (await fetch(`${server.url}/log/key`)).text()).trim();
    const where = (kind: string) => `{ kind: { eq: "${kind}" }, ruleId: { eq: "${CLOSE_OUT.EU}" } }`;
    const query = `{ assessment: ledgerEntries(limit: 1, where: ${where("assessment")}) { refId }
      verdict: ledgerEntries(limit: 1, where: ${where("verdict")}) { refId } }`;
    const { data } = await server.ask(query);
    const url = `${server.url}/v1/proofs/${data.assessment[0].refId}?level=attested`;
    expect(await exitOf(["verify", url, "--log-key", logKey])).toBe(0);
    expect(await exitOf(["verify", url])).toBe(2);

    // With the key the bundle of a verdict also holds its opening.
    const headers = { authorization: `Bearer ${server.key}` };
    const response = await fetch(`${server.url}/v1/proofs/${data.verdict[0].refId}?level=attested`, { headers });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { assessment, verdict } = JSON.parse(new TextDecoder().decode(bytes)) as Bundle;
    expect(verdict?.opening?.profile).toBe("EU_RETAIL");
    const file = join(folder, "verdict.json");
    writeFileSync(file, bytes);
    expect(await exitOf(["verify", file, "--log-key", logKey])).toBe(0);
    writeFileSync(file, withDigitChanged(bytes, assessment.body.measured ?? assessment.body.threshold));
    expect(await exitOf(["verify", file, "--log-key", logKey])).toBe(1);
  }, 900_000);

  test("leaves bundles of which no byte of a value can be changed unnoticed", async () => {
    const logKeys = [(await (await fetch(`${server.url}/log/key`)).text()).trim()];
    const { data } = await server.ask(
      '{ ledgerEntries(limit: 1, offset: 40, where: { kind: { eq: "verdict" } }) { refId } }',
    );
    const url = `${server.url}/v1/proofs/${data.ledgerEntries[0].refId}?level=attested`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${server.key}` } });
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect((await verify(bytes, { logKeys })).status).toBe("verified");
    const digits = [...bytes.keys()].filter((i) => /[0-9a-f]/.test(String.fromCharCode(bytes[i] as number)));
    const step = Math.ceil(digits.length / 150);
    for (const at of digits.filter((_, i) => i % step === 0)) {
      const changed = bytes.slice();
      changed[at] = (bytes[at] as number) === 0x31 ? 0x32 : 0x31;
      const { status } = await verify(changed, { logKeys });
      expect({ at, status }).toEqual({ at, status: "refuted" });
    }
  });
});

/** Whether a breach was open at some block of a range. */
function lastsInto({ openedAtBlock, curedAtBlock }: Breach, { from, to }: { from: number; to: number }): boolean {
  return Number(openedAtBlock) <= to && (curedAtBlock === null || Number(curedAtBlock) >= from);
}

/** The trader a subject is about: the account, or the owner of the position. */
function traderIn(subject: string): string {
  return /0x[0-9a-f]{40}(?=$|\/\d+$)/.exec(subject)?.[0] ?? "";
}

async function exitOf(args: readonly string[]): Promise<number | null> {
  return await runPlumbline(args, {}).exited;
}

/** The bytes with the last digit of a value replaced, wherever the value stands first. */
function withDigitChanged(bytes: Uint8Array, value: string): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const at = text.indexOf(`"${value}"`) + value.length;
  const digit = text[at] === "1" ? "2" : "1";
  return new TextEncoder().encode(`${text.slice(0, at)}${digit}${text.slice(at + 1)}`);
}
