import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexToBytes } from "@noble/hashes/utils.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runWitness, type WitnessFlags } from "../../bin/commands/witness.ts";
import { ensureSigningSeed } from "../../server/auth/keys.ts";
import { readCosigners } from "../../server/cosigners/settings.ts";
import type { RunningServer } from "../../server/server.ts";
import { checkQuorum, quorumOf } from "../../src/core/log/cosignature.ts";
import { parseNote, parseVerifierKey, signerOf } from "../../src/core/proof/note.ts";
import { takePort } from "../support/ports.ts";
import { keepPrinted, type Printed } from "../support/printed.ts";
import { createWorld, OPEN_RULE, PROFESSIONAL, RETAIL, until, type World } from "./support/world.ts";

/** Two operators, each with a database, an indexer and nodes of its own. */
let worlds: [World, World];
let servers: [RunningServer, RunningServer];
let folder: string;
let printed: Printed;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-two-"));
  vi.stubEnv("PLUMBLINE_DATA", folder);
  worlds = [await createWorld(), await createWorld()];
  printed = keepPrinted();
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  for (const world of worlds) await world.end();
  rmSync(folder, { recursive: true });
});

/** Blocks that each end an epoch; in the tenth of the first chain something is measured. */
function tell({ chains }: World, { upTo, measured }: { upTo: number; measured: string }): void {
  for (const [which, chain] of chains.entries()) {
    while (chain.head < upTo) {
      const ruleId = OPEN_RULE;
      const both = [RETAIL, PROFESSIONAL].map((account) => account.replace("eip155:901", chain.chain));
      const assessments = both.map((subject) => ({ ruleId, subject, condition: "met" as const }));
      const tenth = { ruleId, subject: RETAIL, condition: "not_met" as const, measured };
      chain.add({ assessments: which === 0 && chain.head === 9 ? [tenth] : assessments, epoch: true });
    }
  }
}

async function startBoth(): Promise<void> {
  // Its port must still be there when it is started again.
  servers = [await worlds[0].start({ port: await takePort() }), await worlds[1].start()];
}

async function seal(which: 0 | 1, upTo: number): Promise<void> {
  for (const chain of worlds[which].chains) chain.finalized = upTo;
  const sealed = async () => {
    const health = (await (await fetch(`${servers[which].url}/v1/health`)).json()) as {
      chains: { sealed: string | null }[];
    };
    return health.chains.every((chain) => Number(chain.sealed) === upTo);
  };
  await until(sealed, `${upTo} sealed blocks of server ${which}`);
}

const keyOf = (which: 0 | 1) =>
  signerOf(worlds[which].options.origin, hexToBytes(ensureSigningSeed(worlds[which].dataDir))).verifierKey;

/** Runs a witness beside the one server at the other. */
function run(own: 0 | 1, changes: Partial<WitnessFlags>, signal = new AbortController().signal): Promise<number> {
  const other = own === 0 ? 1 : 0;
  vi.stubEnv("PLUMBLINE_DATA", join(folder, String(own)));
  const flags: WitnessFlags = {
    ...{ follow: `${servers[other].url}/log`, own: servers[own].url, logKey: [keyOf(other)] },
    ...{ name: "witness.test/w", port: "0", every: "1" },
    ...changes,
  };
  return runWitness(flags, signal);
}

const look = (own: 0 | 1) => run(own, { once: true });

describe("two servers", () => {
  test("of the same chains agree on every epoch, also while one is behind", async () => {
    for (const world of worlds) tell(world, { upTo: 64, measured: "5" });
    await startBoth();
    await seal(0, 40);
    await seal(1, 24);
    expect(await look(0)).toBe(0);
    expect(await look(1)).toBe(2);
    expect(printed.out).toContain("is not sealed by the own server yet");
    await seal(1, 64);
    await seal(0, 64);
    printed.out = "";
    expect([await look(0), await look(1)]).toEqual([0, 0]);
    expect(printed.out).toMatch(/[1-9]\d* epochs agree/);
  });

  test("of which one measured an account otherwise differ in that account, in both directions", async () => {
    tell(worlds[0], { upTo: 16, measured: "5" });
    tell(worlds[1], { upTo: 16, measured: "6" });
    await startBoth();
    await seal(0, 16);
    await seal(1, 16);
    expect(await look(0)).toBe(1);
    expect(printed.out).toContain("differs in assessmentRoot");
    expect(printed.out).toContain(`${RETAIL}|${OPEN_RULE}, in it measured: theirs 6, own 5.`);
    printed.out = "";
    expect(await look(1)).toBe(1);
    expect(printed.out).toContain(`${RETAIL}|${OPEN_RULE}, in it measured: theirs 5, own 6.`);
  });
});

test("a server gathers the cosignature of a witness beside the other, for heads whose epochs that has too", async () => {
  for (const world of worlds) tell(world, { upTo: 24, measured: "5" });
  await startBoth();
  const { url, port } = servers[0];
  const stop = new AbortController();
  const running = run(1, { follow: `${url}/log` }, stop.signal);
  try {
    await until(() => printed.out.includes("/add-checkpoint"), "the address of the witness");
    const [, key = "", at = ""] = /witness (\S+) of .* requests to (\S+)\/add-checkpoint/.exec(printed.out) ?? [];
    const cosigners = readCosigners({ PLUMBLINE_WITNESSES: `${key} ${at}` }, worlds[0].options.origin);
    await servers[0].stop();
    servers[0] = await worlds[0].start({ port, cosigners });
    await seal(0, 16);
    await seal(1, 8);
    const sizeOf = async (path: string) => Number((await (await fetch(`${url}/log/${path}`)).text()).split("\n")[1]);
    const refusal = async () => JSON.stringify(await (await fetch(`${url}/v1/health`)).json());
    await until(async () => (await refusal()).includes("not sealed by the own server yet"), "the witness to wait");
    await seal(1, 24);
    await until(async () => (await sizeOf("cosigned")) === (await sizeOf("checkpoint")), "a cosigned head");
    const note = parseNote(await (await fetch(`${url}/log/cosigned`)).text());
    expect(checkQuorum(note, { quorum: quorumOf([key], 1), logKeys: [parseVerifierKey(keyOf(0))] }).met).toBe(true);
  } finally {
    stop.abort();
    await running;
  }
});

test("bodies of rulebook, deployment and epochs are served by their hash, and of nothing else", async () => {
  tell(worlds[0], { upTo: 16, measured: "5" });
  await startBoth();
  await seal(0, 16);
  const { url } = servers[0];
  const { epoch } = (await (await fetch(`${url}/v1/epochs?chain=eip155:901&limit=1`)).json()).epochs[0];
  const answer = await fetch(`${url}/v1/bodies/${epoch.rulebookHash}`);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(await answer.json()).toEqual(worlds[0].rulebook.source);
  for (const path of ["0x", epoch.blockHash, epoch.rulebookHash.slice(2), epoch.rulebookHash.toUpperCase()]) {
    expect((await fetch(`${url}/v1/bodies/${path}`)).status).toBe(404);
  }
});
