import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { FailStep } from "../../server/ledger/ledger.ts";
import { takePort } from "../support/ports.ts";
import { type CheckedLog, checkLog, sequences } from "./support/check-log.ts";
import { createWorld, DEPLOYMENT, tellLongStory, testFactsFile, until, type World } from "./support/world.ts";

const LENGTH = 100;
const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.end();
});

async function newWorld(): Promise<World> {
  const world = await createWorld();
  worlds.push(world);
  tellLongStory(world, LENGTH);
  return world;
}

function finishUpTo(world: World, number: number): void {
  for (const chain of world.chains) chain.finalized = number;
}

async function sealedUpTo(url: string, number: number): Promise<boolean> {
  const health = await fetch(`${url}/v1/health`).then(
    (response) => response.json() as Promise<{ chains: { sealed: string | null }[] }>,
    () => null,
  );
  return health?.chains.every(({ sealed }) => Number(sealed) === number) ?? false;
}

async function undisturbed(): Promise<Record<string, string[]>> {
  const world = await newWorld();
  finishUpTo(world, LENGTH);
  const server = await world.start();
  await until(() => sealedUpTo(server.url, LENGTH), "an undisturbed run");
  return sequences(await checkLog(server.url));
}

let expected: Record<string, string[]>;
beforeAll(async () => {
  expected = await undisturbed();
});

const STEPS: FailStep[] = [
  "append: before commit",
  "append: after commit",
  "checkpoint: before commit",
  "checkpoint: after commit",
];

describe("a log whose writing fails", () => {
  test.each(STEPS)("at %s, on every second try, goes on and has the leaves of an undisturbed run", async (step) => {
    const world = await newWorld();
    let tries = 0;
    let failures = 0;
    const failpoint = (at: FailStep) => {
      if (at !== step || ++tries % 2 === 1) return;
      failures++;
      throw new Error(`The disk failed (${step}).`);
    };
    finishUpTo(world, LENGTH / 2);
    const server = await world.start({}, { failpoint });
    await until(() => sealedUpTo(server.url, LENGTH / 2), "the first half");
    const half = await checkLog(server.url);
    finishUpTo(world, LENGTH);
    await until(() => sealedUpTo(server.url, LENGTH), "the second half");
    const log = await until(
      async () => (await checkLog(server.url, half)).size === totalOf(expected),
      "all leaves",
    ).then(() => checkLog(server.url, half));
    expect(failures).toBeGreaterThan(0);
    expect(sequences(log)).toEqual(expected);
  });

  test("a start that fails at the first checkpoint leaves a log the next start finishes", async () => {
    const world = await newWorld();
    finishUpTo(world, LENGTH);
    const fail = (step: FailStep) => (at: FailStep) => {
      if (at === step) throw new Error("The disk failed.");
    };
    await expect(world.start({}, { failpoint: fail("checkpoint: before commit") })).rejects.toThrow("disk");
    await expect(world.start({}, { failpoint: fail("checkpoint: after commit") })).rejects.toThrow("disk");
    const server = await world.start();
    await until(() => sealedUpTo(server.url, LENGTH), "the whole story");
    expect(sequences(await checkLog(server.url))).toEqual(expected);
  });
});

function totalOf(byChain: Record<string, string[]>): number {
  return Object.values(byChain).flat().length;
}

describe("the server's process", () => {
  test("killed again and again while it follows and seals, has the leaves of an undisturbed run, each once", async () => {
    const world = await newWorld();
    const files = { deployment: join(world.dataDir, "deployment.json"), facts: join(world.dataDir, "facts.json") };
    writeFileSync(files.deployment, JSON.stringify(DEPLOYMENT));
    writeFileSync(files.facts, testFactsFile().text);
    const port = await takePort();
    const url = `http://127.0.0.1:${port}`;
    const [first, second] = world.options.chains;
    const start = (): ChildProcess =>
      spawn(
        process.execPath,
        [
          ...["bin/run.mjs", "server/main.ts", "--deployment", files.deployment],
          ...["--facts", files.facts, "--facts-key", testFactsFile().key],
        ],
        {
          env: {
            ...process.env,
            ...{ PORT: String(port), PLUMBLINE_DATA: world.dataDir, PLUMBLINE_INDEXER_URL: world.options.indexerUrl },
            ...{ PONDER_RPC_URL_901: first?.rpcUrl, PONDER_RPC_URL_902: second?.rpcUrl },
            PLUMBLINE_ORIGIN: world.options.origin,
          },
          stdio: "ignore",
        },
      );
    let older: CheckedLog | null = null;
    for (let kill = 1; kill <= 4; kill++) {
      finishUpTo(world, kill * 22);
      const server = start();
      try {
        await until(
          async () =>
            await fetch(`${url}/log/key`).then(
              (r) => r.ok,
              () => false,
            ),
          "a server",
        );
        older = await checkLog(url, older);
        // Somewhere between the first leaves of this round and its end.
        await new Promise((resolve) => setTimeout(resolve, kill * 37));
      } finally {
        server.kill("SIGKILL");
        await once(server, "exit");
      }
    }
    finishUpTo(world, LENGTH);
    const server = start();
    try {
      await until(() => sealedUpTo(url, LENGTH), "the whole story");
      expect(sequences(await checkLog(url, older))).toEqual(expected);
    } finally {
      server.kill("SIGTERM");
      await once(server, "exit");
    }
  });
});
