import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEther } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../devnet/devnet.ts";
import type { Deployment } from "../../src/core/deployment.ts";
import { caip2 } from "../../src/core/ids.ts";
import { acceptCosignatures, encodeAddCheckpoint } from "../../src/core/log/add-checkpoint.ts";
import { checkQuorum, quorumOf } from "../../src/core/log/cosignature.ts";
import { parseKeyList } from "../../src/core/log/head.ts";
import { parseNote } from "../../src/core/proof/note.ts";
import { type AlteringNode, startAlteringNode } from "../support/altering-node.ts";
import { type Instance, type InstanceOptions, startInstance } from "../support/instance.ts";
import { epochsAnew } from "../support/leaves-anew.ts";
import { runPlumbline } from "../support/plumbline.ts";
import { takePort } from "../support/ports.ts";
import { findPostgres, type Postgres, startPostgres } from "../support/postgres.ts";
import { crash, reorg, sendCall } from "../support/reorgs.ts";
import { isAbsent } from "../support/require.ts";
import { differences, readPgliteTables, readTables } from "../support/tables.ts";
import { rpcUrlsOf, untilSameHeads } from "../support/world.ts";

const HISTORY = 64;
/** Blocks of an epoch: few, so that many epochs end, and a reorg takes whole ones back. */
const EPOCH = 4;
const EPOCHS_MIN = 20;
/** `finalized` is this far behind the head on a devnet. */
const FINAL_BEHIND = 32;
const SAID_WITHIN_MS = 180_000;
/** A rule of every account, on both chains, and its threshold; the other one is what somebody makes of percents. */
const RULE = "EU-CFD-CLOSEOUT-50";
const [THRESHOLD, OTHER_THRESHOLD] = ["0.50", "50.00"];
/** What is added to a deposit, in units of a token and with 18 decimals. */
const MORE = 1_000_000n;
const ABSENT = isAbsent("two operators", findPostgres() !== null, "there is no PostgreSQL; install postgresql");

type Answered = { status: number; body: string; printed: string; note: string; verifierKey: string };

describe.skipIf(ABSENT)("operators with the same chains, rulebook and code", () => {
  const folder = mkdtempSync(join(tmpdir(), "plumbline-operators-"));
  let postgres: Postgres;
  let devnet: Devnet;
  let deployment: Deployment;
  let onPglite: Instance;
  let onPostgres: Instance;

  beforeAll(async () => {
    [postgres, devnet] = await Promise.all([startPostgres(), startDevnet({ historyBlocks: HISTORY })]);
    const chains = devnet.deployment.chains.map((chain) => ({ ...chain, epochBlocks: EPOCH }));
    deployment = { ...devnet.deployment, chains };
    [onPglite, onPostgres] = await Promise.all([
      start({ name: "pglite" }),
      start({ name: "postgres", databaseUrl: postgres.url }),
    ]);
    await untilSealed(both());
  }, 1_200_000);

  afterAll(async () => {
    await Promise.all(both().map((instance) => instance?.stop()));
    await devnet?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const both = () => [onPglite, onPostgres];
  const start = (options: Omit<InstanceOptions, "folder" | "deployment">) =>
    startInstance(devnet, { folder, deployment, ...options });

  /** Lays `count` blocks on every chain, of which the first holds a crash and the last ends an epoch. */
  async function lay(count: number): Promise<void> {
    for (const chain of devnet.chains) {
      while ((Number(await chain.kit.blockNumber()) + count + 1) % EPOCH !== 0) await chain.step();
      await chain.kit.batch(() => sendCall(chain, crash(chain)));
      for (let i = 1; i < count; i++) await chain.step();
    }
  }

  async function untilAgreed(): Promise<void> {
    for (const { indexer } of both()) await untilSameHeads(devnet, indexer);
  }

  /** Waits until operators have sealed all that is final. */
  async function untilSealed(operators: readonly Instance[]): Promise<void> {
    const places = devnet.chains.map(async ({ chainId, kit }) => {
      const head = Number(await kit.blockNumber());
      return [caip2(chainId), { followed: head, sealed: head - FINAL_BEHIND }];
    });
    const blocks = Object.fromEntries(await Promise.all(places));
    await Promise.all(operators.map((instance) => instance.untilAt(blocks)));
  }

  /** State roots of the epochs an indexer has struck, sealed or not, by chain and number. */
  async function struck({ indexer }: Instance): Promise<Map<string, string>> {
    const body = JSON.stringify({ query: "{ epochRoots(limit: 1000) { items { chain number stateRoot } } }" });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${indexer.url}/graphql`, { method: "POST", headers, body });
    type Struck = { chain: string; number: string; stateRoot: string };
    const { items } = ((await response.json()) as { data: { epochRoots: { items: Struck[] } } }).data.epochRoots;
    return new Map(items.map(({ chain, number, stateRoot }) => [`${chain} ${number}`, stateRoot]));
  }

  /** The epochs of a chain before the first at whose end somebody is between the two thresholds, as a witness takes them. */
  async function beforeBetween(chain: string): Promise<string> {
    for (const { number } of onPostgres.epochs(chain)) {
      const page = await textAt(`${onPostgres.url}/v1/epochs/${chain}/${number}/leaves?tree=assessment`);
      type Leaf = { key: string; state: { measured: string | null } };
      const isBetween = ({ key, state: { measured } }: Leaf) =>
        key.endsWith(`|${RULE}`) &&
        measured !== null &&
        BigInt(measured) >= parseEther(THRESHOLD) &&
        BigInt(measured) < parseEther(OTHER_THRESHOLD);
      if ((JSON.parse(page) as { leaves: Leaf[] }).leaves.some(isBetween)) return `${chain}/0-${Number(number) - 1}`;
    }
    throw new Error(`At the end of no epoch of ${chain} is anybody between ${THRESHOLD} and ${OTHER_THRESHOLD}.`);
  }

  /** Has a witness beside `own` follow another's log, and asks it to cosign that log's head, until it says yes or no. */
  async function askWitness(
    own: Instance,
    { of, until, uncompared = [] }: { of: Instance; until: string; uncompared?: readonly string[] },
  ): Promise<Answered> {
    const [port, logKey] = [await takePort(), (await textAt(`${of.url}/log/key`)).trim()];
    const flags = ["--follow", `${of.url}/log`, "--log-key", logKey, "--own", own.url, "--every", "1"];
    const without = uncompared.flatMap((epochs) => ["--uncompared", epochs]);
    const name = `plumbline.test/witness-${port}`;
    const settings = { PLUMBLINE_DATA: join(folder, `witness-${port}`) };
    const command = runPlumbline(["witness", ...flags, ...without, "--name", name, "--port", String(port)], settings);
    try {
      await command.untilPrinted("/add-checkpoint", SAID_WITHIN_MS);
      const note = await textAt(`${of.url}/log/checkpoint`);
      const request = { method: "POST", body: encodeAddCheckpoint({ oldSize: 0, proof: [], note }) };
      const ask = () => fetch(`http://127.0.0.1:${port}/add-checkpoint`, request);
      let response = await ask();
      for (const end = performance.now() + SAID_WITHIN_MS; response.status === 503 && performance.now() < end; ) {
        await sleep(250);
        response = await ask();
      }
      await command.untilPrinted(until, SAID_WITHIN_MS);
      const printed = command.stdout();
      const verifierKey = /witness (\S+) of/.exec(printed)?.[1] ?? "";
      return { status: response.status, body: await response.text(), printed, note, verifierKey };
    } finally {
      command.child.kill("SIGTERM");
      await command.exited;
    }
  }

  test("seal the same epochs, on PGlite and on PostgreSQL, and after reorgs of 1, 5 and 20 blocks", async () => {
    for (const depth of [1, 5, 20]) {
      await lay(depth);
      await untilAgreed();
      const before = await struck(onPostgres);
      for (const chain of devnet.chains) await reorg(chain, depth);
      await untilAgreed();
      const after = await struck(onPostgres);
      const changed = [...before].filter(([epoch, root]) => after.get(epoch) !== root);
      expect(changed.length).toBeGreaterThanOrEqual(devnet.chains.length * Math.max(1, Math.floor(depth / EPOCH)));
      await devnet.step();
    }
    for (const { kit } of devnet.chains) for (let i = 0; i < FINAL_BEHIND; i++) await kit.mine();
    await untilSealed(both());

    for (const { chainId, deploymentBlocks } of devnet.chains) {
      const [ours, theirs] = both().map((instance) => instance.epochs(caip2(chainId)));
      const ofMarket = ours?.filter(({ toBlock }) => BigInt(toBlock) > deploymentBlocks) ?? [];
      expect(ofMarket.length).toBeGreaterThanOrEqual(EPOCHS_MIN);
      expect(new Set(ofMarket.map(({ stateRoot }) => stateRoot)).size).toBeGreaterThan(EPOCHS_MIN / 2);
      expect(ours).toEqual(theirs);
    }
  }, 1_200_000);

  test("cosign each other's logs", async () => {
    for (const [own, of] of [
      [onPglite, onPostgres],
      [onPostgres, onPglite],
    ] as const) {
      const { status, body, note, verifierKey } = await askWitness(own, { of, until: "add-checkpoint" });
      expect({ status, body }).toEqual({ status: 200, body: expect.stringMatching(/^— plumbline\.test\/witness-/) });
      const quorum = quorumOf([verifierKey], 1);
      const cosigned = acceptCosignatures(note, { body, cosigners: quorum.cosigners });
      const logKeys = parseKeyList(await textAt(`${of.url}/log/key`));
      expect(checkQuorum(parseNote(cosigned), { quorum, logKeys }).met).toBe(true);
    }
  }, 1_200_000);

  test("do not cosign another threshold, and name the rule, an account and its figure", async () => {
    const altered = join(folder, "rulebooks");
    cpSync("rulebooks", altered, { recursive: true });
    const file = join(altered, "eu.json");
    const eu = JSON.parse(readFileSync(file, "utf8")) as { rules: { id: string; threshold: unknown }[] };
    const rule = eu.rules.find(({ id }) => id === RULE);
    expect(rule?.threshold).toBe(THRESHOLD);
    Object.assign(rule as object, { threshold: OTHER_THRESHOLD });
    writeFileSync(file, JSON.stringify(eu));
    const third = await start({
      name: "threshold",
      rulebooks: altered,
      databaseUrl: await postgres.create("threshold"),
    });
    try {
      await untilSealed([third]);
      // Before, the rulebooks differ, and what they say of anybody does not.
      const uncompared = await Promise.all(devnet.chains.map(({ chainId }) => beforeBetween(caip2(chainId))));
      const until = "First different leaf";
      const { status, printed } = await askWitness(onPostgres, { of: third, until, uncompared });
      expect(status).toBe(403);
      expect(printed).toMatch(/not cosigned: Epoch \d+ of eip155:90[12] differs in rulebookHash/);
      expect(printed).toMatch(
        new RegExp(`In the rulebook \\S*${RULE}\\S* differs: .*${OTHER_THRESHOLD}.*${THRESHOLD}`),
      );
      expect(printed).toMatch(
        new RegExp(
          `leaf of the assessment tree: \\S*0x[0-9a-f]{40}\\|${RULE}, in it condition: theirs not_met, own met\\.`,
        ),
      );
    } finally {
      await third.stop();
    }
  }, 1_200_000);

  test("do not cosign another balance, and name the account and the balance", async () => {
    const urls = rpcUrlsOf(devnet);
    const node: AlteringNode = await startAlteringNode(urls[901] as string, { more: MORE });
    const databaseUrl = await postgres.create("balance");
    const fourth = await start({ name: "balance", databaseUrl, rpcUrls: { ...urls, 901: node.url } });
    try {
      await untilSealed([fourth]);
      const { status, printed } = await askWitness(onPostgres, { of: fourth, until: "First different leaf" });
      expect(status).toBe(403);
      expect(printed).toMatch(/not cosigned: Epoch \d+ of eip155:901 differs in stateRoot/);
      const [, at, theirs, ours] =
        /leaf of the state tree: (\S+), in it \S*: theirs "?(\d+)"?, own "?(\d+)"?\./.exec(printed) ?? [];
      expect(at).toBe(`eip155:901/perp-v2/account:${node.account}`);
      expect(BigInt(theirs ?? 0)).toBeGreaterThan(BigInt(ours ?? 0));
    } finally {
      await fourth.stop();
      await node.stop();
    }
  }, 1_200_000);

  test("give all leaves of an epoch, from which its roots can be made anew, on PGlite and on PostgreSQL", async () => {
    for (const { indexer } of both()) {
      for (const { chainId } of devnet.chains) {
        const epochs = await epochsAnew(indexer.url, { chain: caip2(chainId), count: 6 });
        expect(epochs).toHaveLength(6);
        for (const { struck: roots, anew } of epochs) expect(anew).toEqual(roots);
      }
    }
  });

  test("have the same rows in every table and view, on PGlite and on PostgreSQL", async () => {
    const [pglite, postgresql] = both() as [Instance, Instance];
    await untilAgreed();
    await Promise.all(both().map(({ indexer }) => indexer.stop()));
    const expected = await readTables(postgres.url, postgresql.schema);
    for (const name of ["position", "account", "market", "assessment", "exposure", "counterparty", "reading"]) {
      expect(expected[name]?.length).toBeGreaterThan(0);
    }
    expect(differences(await readPgliteTables(join(pglite.data, "pglite"), pglite.schema), expected)).toEqual([]);
  });
});

async function textAt(url: string): Promise<string> {
  return await (await fetch(url)).text();
}
