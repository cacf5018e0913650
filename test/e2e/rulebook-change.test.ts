import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Health } from "../../server/http/health.ts";
import type { BacktestReport } from "../../src/core/backtest/report.ts";
import { scheduleJson } from "../../src/core/rules/schedule.ts";
import { readRulebooks } from "../../src/files/rulebooks.ts";
import { readScheduleFile } from "../../src/files/schedule.ts";
import { type Command, processesOn, runPlumbline } from "../support/plumbline.ts";
import { takePort } from "../support/ports.ts";

/** A busy machine takes long to start all of it; and blocks come at a pace, of which up to 96 are waited for. */
const UP_WITHIN_MS = 480_000;
const CHANGED_WITHIN_MS = 480_000;
const CHAINS = ["eip155:901", "eip155:902"];
const EPOCH = 32n;

type Rule = { id: string; threshold: unknown };
type Eu = { rules: Rule[] };

let folder: string;
let settings: Record<string, string>;
let running: Command | null = null;

const rulebooks = () => join(folder, "rulebooks");
const versions = () => join(folder, "data", "rulebooks.json");
const url = (path: string) => `http://127.0.0.1:${settings.PORT}${path}`;
const health = async (): Promise<Health> => (await fetch(url("/v1/health"))).json() as Promise<Health>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-rulebook-"));
  cpSync("rulebooks", rulebooks(), { recursive: true });
  const names = ["PORT", "PLUMBLINE_INDEXER_PORT", "PLUMBLINE_DEVNET_PORT_901", "PLUMBLINE_DEVNET_PORT_902"];
  const ports = await Promise.all(names.map(async (name) => [name, String(await takePort())]));
  settings = {
    // No evidence is asked for here, and capturing it takes what processor there is.
    ...{ PLUMBLINE_DATA: join(folder, "data"), PLUMBLINE_DEVNET_HISTORY: "128", PLUMBLINE_EVIDENCE: "off" },
    ...Object.fromEntries(ports),
  };
});

afterEach(async () => {
  running?.child.kill("SIGINT");
  await running?.exited;
  running = null;
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));

async function start(): Promise<Command> {
  running = runPlumbline(["start", "--rulebooks", rulebooks()], settings);
  await running.untilPrinted("Plumbline is up.", UP_WITHIN_MS);
  return running;
}

/** Changes the European cap on leverage for crypto in the folder. */
function setCap(threshold: unknown): void {
  const file = join(rulebooks(), "eu.json");
  const eu = JSON.parse(readFileSync(file, "utf8")) as Eu;
  for (const rule of eu.rules) if (rule.id === "EU-CFD-LEV-CRYPTO") rule.threshold = threshold;
  writeFileSync(file, JSON.stringify(eu));
}

// biome-ignore lint/suspicious/noExplicitAny: answers have as many shapes as there are questions
async function ask(query: string): Promise<any> {
  const response = await fetch(url("/graphql"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query }),
  });
  return ((await response.json()) as { data: unknown }).data;
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + CHANGED_WITHIN_MS;
  while (!(await check().catch(() => false))) {
    if (performance.now() > end) throw new Error(`Waited in vain for ${what}:\n${running?.stdout()}`);
    await sleep(250);
  }
}

const headOf = ({ chains }: Health, chain: string) => BigInt(chains.find((c) => c.chain === chain)?.followed ?? -1);

/** Hashes of rulebooks in the log, oldest first. */
async function rulebookLeaves(): Promise<string[]> {
  const { ledgerEntries } = await ask(
    `{ ledgerEntries(where: { kind: { eq: "rulebook" } }, orderBy: { index: { direction: asc, priority: 1 } }) { refId } }`,
  );
  return ledgerEntries.map(({ refId }: { refId: string }) => `0x${refId}`);
}

describe("a change of the rulebook while Plumbline runs", () => {
  it("is refused when it cannot be used, else a version of its own from an epoch on", {
    timeout: 1_800_000,
  }, async () => {
    const first = readRulebooks(rulebooks());
    const plumbline = await start();
    const kept = readFileSync(versions(), "utf8");
    const indexers = () =>
      processesOn(settings.PLUMBLINE_DATA as string).filter(({ command }) => command.includes("ponder"));
    const before = indexers().map(({ pid }) => pid);

    setCap(1);
    plumbline.child.kill("SIGHUP");
    await plumbline.untilPrinted("the running version stays: ", CHANGED_WITHIN_MS);
    expect(plumbline.stdout()).toMatch(
      /refused.*stays: Rulebook eu: rule EU-CFD-LEV-CRYPTO: threshold.*expected string/,
    );
    expect(readFileSync(versions(), "utf8")).toBe(kept);
    expect(indexers().map(({ pid }) => pid)).toEqual(before);
    // On a busy machine the indexer may be silent for a moment.
    await until("all to be well", async () => (await health()).status === "ok");

    setCap("1");
    const second = readRulebooks(rulebooks());
    const heads = await health();
    const reload = runPlumbline(["rulebook", "reload"], settings);
    expect(await reload.exited).toBe(0);
    await plumbline.untilPrinted(`version 2, ${second.hash}`, CHANGED_WITHIN_MS);
    const schedule = readScheduleFile(versions());
    expect(schedule.versions.map(({ rulebook }) => rulebook.hash)).toEqual([first.hash, second.hash]);
    for (const chain of CHAINS) {
      const from = schedule.versions[1]?.from[chain] as bigint;
      expect(from % EPOCH).toBe(0n);
      expect(from > headOf(heads, chain)).toBe(true);
    }

    await until("blocks of the new version to be sealed", async () => {
      const { chains } = await health();
      return chains.every(
        ({ chain, sealed }) => BigInt(sealed ?? -1) >= (schedule.versions[1]?.from[chain] as bigint) + EPOCH,
      );
    });
    expect(await rulebookLeaves()).toEqual([first.hash, second.hash]);
    for (const chain of CHAINS) {
      const from = schedule.versions[1]?.from[chain] as bigint;
      const { epochs } = await ask(`{ epochs(where: { chain: { eq: "${chain}" } }) { fromBlock rulebookHash } }`);
      expect(epochs.length).toBeGreaterThan(1);
      for (const { fromBlock, rulebookHash } of epochs) {
        expect(rulebookHash).toBe(BigInt(fromBlock) >= from ? second.hash : first.hash);
      }
      const where = `where: { chain: "${chain}", ruleId: "EU-CFD-LEV-CRYPTO" }, orderBy: "blockNumber", orderDirection: "desc", limit: 200`;
      const { items } = (await ask(`{ assessments(${where}) { items { blockNumber rulebookHash threshold } } }`))
        .assessments;
      for (const { blockNumber, rulebookHash, threshold } of items) {
        const isNew = BigInt(blockNumber) >= from;
        expect({ rulebookHash, threshold }).toEqual({
          rulebookHash: isNew ? second.hash : first.hash,
          threshold: isNew ? "1" : "2",
        });
      }
    }
    // Nothing that was sealed has been contradicted by indexing again.
    expect((await ask(`{ ledgerEntries(where: { kind: { eq: "correction" } }) { refId } }`)).ledgerEntries).toEqual([]);

    const logKey = (await (await fetch(url("/log/key"))).text()).trim();
    for (const { hash, order } of [
      { hash: first.hash, order: "asc" },
      { hash: second.hash, order: "desc" },
    ]) {
      const { ledgerEntries } = await ask(
        `{ ledgerEntries(where: { kind: { eq: "assessment" } }, orderBy: { index: { direction: ${order}, priority: 1 } }, limit: 1) { refId } }`,
      );
      const proof = url(`/v1/proofs/${ledgerEntries[0].refId}?level=attested`);
      const bundle = (await (await fetch(proof)).json()) as { assessment: { body: { rulebookHash: string } } };
      expect(bundle.assessment.body.rulebookHash).toBe(hash);
      const verify = runPlumbline(["verify", proof, "--log-key", logKey], {});
      expect(await verify.exited, verify.stdout()).toBe(0);
    }

    // Back to the first rulebook: openings above the halved cap would fail no more.
    const flags = ["--rulebook", "rulebooks", "--chain", "eip155:901", "--to", "100", "--json", "--url", url("")];
    const backtest = runPlumbline(["backtest", ...flags], {});
    expect(await backtest.exited, backtest.stderr()).toBe(0);
    const report = JSON.parse(backtest.stdout()) as BacktestReport;
    expect(report).toMatchObject({ rulebook: { hash: first.hash }, against: { hash: second.hash }, gained: 0 });
    expect(report.lost).toBeGreaterThan(0);

    plumbline.child.kill("SIGINT");
    expect(await plumbline.exited).toBe(0);
    setCap("zwei");
    const bytes = readFileSync(versions(), "utf8");
    expect(JSON.parse(bytes)).toEqual(JSON.parse(JSON.stringify(scheduleJson(schedule))));
    const refused = runPlumbline(["start", "--rulebooks", rulebooks()], settings);
    expect(await refused.exited).toBe(2);
    expect(refused.stderr()).toMatch(/^Rulebook eu: rule EU-CFD-LEV-CRYPTO: .*\n$/);
    expect(readFileSync(versions(), "utf8")).toBe(bytes);
  });

  it("waits for the chains when it comes before them, and starts nothing twice", { timeout: 1_200_000 }, async () => {
    settings = { ...settings, PLUMBLINE_DATA: join(folder, "early"), PLUMBLINE_DEVNET_HISTORY: "64" };
    setCap("2");
    running = runPlumbline(["start", "--rulebooks", rulebooks()], settings);
    await running.untilPrinted("laying down", UP_WITHIN_MS);
    setCap("1");
    running.child.kill("SIGHUP");
    await running.untilPrinted("version 2, ", CHANGED_WITHIN_MS);
    expect(running.stdout()).not.toContain("indexer   schema");
    await running.untilPrinted("Plumbline is up.", UP_WITHIN_MS);
    const commands = processesOn(join(folder, "early")).map(({ command }) => command);
    for (const part of ["ponder.js", "server/main.ts"]) {
      expect(commands.filter((command) => command.includes(part)).length, part).toBe(1);
    }
    expect(running.stdout()).not.toMatch(/died/);
  });
});
