import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Health } from "../../server/http/health.ts";
import { type Command, processesOn, runPlumbline } from "../support/plumbline.ts";
import { takePort } from "../support/ports.ts";

/** The promise is 90 s on a machine of its own. This asks whether it comes up at all, on a machine that may be busy. */
const UP_WITHIN_MS = 480_000;

let dataDir: string;
let settings: Record<string, string>;
let running: Command | null = null;

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "plumbline-start-"));
  const names = ["PORT", "PLUMBLINE_INDEXER_PORT", "PLUMBLINE_DEVNET_PORT_901", "PLUMBLINE_DEVNET_PORT_902"];
  const ports = await Promise.all(names.map(async (name) => [name, String(await takePort())]));
  // Nothing asked here needs the whole history, which two starts would lay down and index.
  settings = { PLUMBLINE_DATA: dataDir, PLUMBLINE_DEVNET_HISTORY: "64", ...Object.fromEntries(ports) };
});

afterAll(async () => {
  running?.child.kill("SIGINT");
  await running?.exited;
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
});

async function start(): Promise<Command> {
  running = runPlumbline(["start"], settings);
  await running.untilPrinted("Plumbline is up.", UP_WITHIN_MS);
  return running;
}

const url = (path: string) => `http://127.0.0.1:${settings.PORT}${path}`;
const health = async (): Promise<Health> => (await fetch(url("/v1/health"))).json() as Promise<Health>;
const logKey = async () => (await fetch(url("/log/key"))).text();

/** Waits until every chain's head has passed the height it had in `before`, and returns the health then. */
async function untilMoved(before: Health): Promise<Health> {
  for (const until = performance.now() + UP_WITHIN_MS; performance.now() < until; ) {
    // A busy server may close a connection in the moment in which it is used again.
    const now = await health().catch(() => null);
    const passed = now?.chains.every(
      (chain, i) => BigInt(chain.indexerHead ?? -1) > BigInt(before.chains[i]?.indexerHead ?? -1),
    );
    if (now && passed && now.ledger.size > before.ledger.size) return now;
    await sleep(100);
  }
  throw new Error("The figures do not move.");
}

const MATRIX = `query($s: String!) {
  matrix(subject: $s, jurisdictions: ["EU", "UK", "JP", "AU", "SG", "HK", "AE-DU", "CH", "US"], clientClasses: ["retail"]) {
    rows { jurisdiction outcome allowedLeverage binding { ruleId unconfirmed citation { instrument } } cells { ruleId } }
  }
}`;

/** What one answer of the matrix may take. Others use the machine too, so it is asked for until one takes no longer. */
const ANSWERED_WITHIN_MS = 200;
const TRIES = 60;

/** The matrix of a trader of the live market over nine jurisdictions, in one question of less than 200 ms. */
async function expectMatrix(): Promise<void> {
  const ask = async (query: string, variables = {}) => {
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ query, variables });
    const answer = await (await fetch(url("/graphql"), { method: "POST", headers, body })).json();
    expect(answer.errors).toBeUndefined();
    return answer.data;
  };
  const held = '{ positions(limit: 1, where: { chain: "eip155:901", closedAtBlock: null }) { items { account } } }';
  const { account } = (await ask(held)).positions.items[0];
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && least >= ANSWERED_WITHIN_MS; tries++) {
    if (tries >= 20) await sleep(1_000);
    const started = performance.now();
    const { rows } = (await ask(MATRIX, { s: account })).matrix;
    least = Math.min(least, performance.now() - started);
    type Row = { jurisdiction: string; allowedLeverage: string | null; cells: object[] };
    expect(Object.fromEntries(rows.map((row: Row) => [row.jurisdiction, row.allowedLeverage]))).toEqual({
      ...{ EU: "2", JP: "2", AU: "2", "AE-DU": "5", SG: "1", UK: "0", HK: "0", US: "0", CH: null },
    });
    expect(rows.every((row: Row) => row.jurisdiction === "CH" || row.cells.length > 0)).toBe(true);
  }
  expect(least).toBeLessThan(ANSWERED_WITHIN_MS);
}

describe("plumbline start", () => {
  it("does the main job, admits no second start, stops clean and resumes", { timeout: 1_800_000 }, async () => {
    const first = await start();
    expect(first.stdout()).toContain(`console         ${url("/")}`);
    const key = /supervisor key {2}(\S+)/.exec(first.stdout())?.[1];
    const before = await untilMoved(await health());
    const [vkey, answer] = [
      await logKey(),
      await fetch(url("/graphql"), {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
        body: JSON.stringify({ query: "{ positions { totalCount } breaches(limit: 1) { status } }" }),
      }).then(
        (response) => response.json() as Promise<{ data: { positions: { totalCount: number }; breaches: object[] } }>,
      ),
    ];
    expect(answer.data.positions.totalCount).toBeGreaterThan(0);
    expect(answer.data.breaches).toHaveLength(1);

    await expectMatrix();

    const second = runPlumbline(["start"], settings);
    expect(await second.exited).toBe(2);
    expect(second.stderr()).toMatch(/already running on .* \(process \d+\); stop it first\.\n$/);

    first.child.kill("SIGINT");
    expect(await first.exited).toBe(0);
    // Only /proc shows what is still running.
    if (existsSync("/proc/self/environ")) expect(processesOn(dataDir)).toEqual([]);
    expect(existsSync(join(dataDir, "plumbline.lock"))).toBe(false);

    const again = await start();
    expect(again.stdout()).toContain(`schema ${/schema (\S+)/.exec(first.stdout())?.[1]} `);
    expect(await logKey()).toBe(vkey);
    const after = await untilMoved(await health());
    expect(after.ledger.size).toBeGreaterThan(before.ledger.size);
    const indexerLog = readFileSync(join(dataDir, "logs/indexer.log"), "utf8");
    expect(indexerLog).not.toMatch(/schema.*(locked|in use)/i);
    again.child.kill("SIGINT");
    expect(await again.exited).toBe(0);
    for (const { stdout } of [first, again]) expect(stdout()).not.toMatch(/died/);
    running = null;
  });
});
