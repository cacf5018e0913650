import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureDemoKey } from "../../server/auth/keys.ts";
import type { RunningServer } from "../../server/server.ts";
import { followedBlocks } from "../../server/store/followed.ts";
import type { Json } from "../../src/core/proof/canonical.ts";
import { type Rulebook, rulebookFrom } from "../../src/core/rules/rule.ts";
import { scheduleOf, withVersion } from "../../src/core/rules/schedule.ts";
import { ask, createWorld, FACT_RULE, OPEN_RULE, RETAIL, until, type World } from "./support/world.ts";

const CHAIN = "eip155:901";
/** The first block of the second version. */
const CHANGE = 6;

let world: World;
let second: Rulebook;
beforeEach(async () => {
  world = await createWorld();
  second = withoutOpenRule(world.rulebook);
});
afterEach(() => world.end());

function withoutOpenRule(rulebook: Rulebook): Rulebook {
  const source = structuredClone(rulebook.source) as { files: Record<string, Json> };
  const file = source.files.protocols as { profiles: Record<string, string[]>; rules: { id: string }[] };
  file.rules = file.rules.filter(({ id }) => id !== OPEN_RULE);
  for (const [name, ids] of Object.entries(file.profiles)) file.profiles[name] = ids.filter((id) => id !== OPEN_RULE);
  return rulebookFrom(source);
}

const schedules = (from: number) => {
  const first = scheduleOf(world.rulebook);
  return { first, both: withVersion(first, { rulebook: second, from: { [CHAIN]: BigInt(from), "eip155:902": 0n } }) };
};

type Breach = { ruleId: string; status: string; openedAtBlock: string; curedAtBlock: string | null };

async function breaches(server: RunningServer): Promise<Breach[]> {
  const key = ensureDemoKey(world.dataDir);
  const { data } = await ask(server, "{ breaches { ruleId status openedAtBlock curedAtBlock } }", { key });
  return (data?.breaches ?? []).sort((a: Breach, b: Breach) => (a.ruleId < b.ruleId ? -1 : 1));
}

async function rulebookLeaves(server: RunningServer): Promise<string[]> {
  const { data } = await ask(server, '{ ledgerEntries(where: { kind: { eq: "rulebook" } }) { refId } }');
  return data.ledgerEntries.map(({ refId }: { refId: string }) => `0x${refId}`);
}

/** From which block on sealed blocks are compared with a re-index. */
function comparableFrom(): number {
  const store = new Database(join(world.dataDir, "server/ledger.sqlite"), { readonly: true });
  try {
    return store.prepare("SELECT comparable_from FROM chain WHERE chain = ?").pluck().get(CHAIN) as number;
  } finally {
    store.close();
  }
}

const broken = (ruleId: string) => ({ ruleId, subject: RETAIL, condition: "not_met" as const });

/** Three blocks with a breach of each rule, sealed, under the first version. */
async function firstLife(): Promise<void> {
  const [chain] = world.chains;
  chain.add({ assessments: [broken(OPEN_RULE), broken(FACT_RULE)] });
  chain.add();
  chain.add();
  chain.finalized = 2;
  const server = await world.start();
  await until(async () => (await breaches(server)).length === 2, "two breaches");
  await until(async () => followedBlocks(world.dataDir).get(CHAIN) === 3n && comparableFrom() === 0, "a sealed block");
  await server.stop();
}

describe("a server under two versions of the rulebook", () => {
  test("seals a leaf for each and judges each assessment by its own", async () => {
    await firstLife();
    const [chain] = world.chains;
    const server = await world.start({ schedule: schedules(CHANGE).both });
    expect(await rulebookLeaves(server)).toEqual([world.rulebook.hash, second.hash]);
    chain.add();
    chain.add({ assessments: [{ ...broken(FACT_RULE), condition: "met" }] });
    await until(async () => followedBlocks(world.dataDir).get(CHAIN) === 5n, "the first version's last block");
    expect(await breaches(server)).toMatchObject([
      { ruleId: FACT_RULE, status: "cured", curedAtBlock: "5" },
      { ruleId: OPEN_RULE, status: "open", curedAtBlock: null },
    ]);
    chain.rulebookHash = second.hash;
    chain.add({ assessments: [broken(FACT_RULE)] });
    await until(async () => (await breaches(server)).length === 3, "a breach under the second version");
    expect(await breaches(server)).toMatchObject([
      { ruleId: FACT_RULE, status: "cured" },
      { ruleId: FACT_RULE, status: "open", openedAtBlock: "6" },
      { ruleId: OPEN_RULE, status: "cured", curedAtBlock: "6" },
    ]);
  });

  test("takes the end of a rule's breaches back with its block", async () => {
    await firstLife();
    const [chain] = world.chains;
    const server = await world.start({ schedule: schedules(4).both });
    chain.rulebookHash = second.hash;
    chain.add();
    await until(async () => (await breaches(server))[1]?.status === "cured", "the rule's end");
    chain.drop(2);
    chain.rulebookHash = world.rulebook.hash;
    chain.add({}, "other");
    await until(async () => (await breaches(server))[1]?.status === "open", "the breach to be open again");
  });

  test("ends the breaches of a rule with its last day, once more where that is taken back", async () => {
    const [chain] = world.chains;
    const source = structuredClone(world.rulebook.source) as { files: Record<string, Json> };
    const file = source.files.protocols as { rules: { id: string; effectiveTo: string | null }[] };
    for (const rule of file.rules) if (rule.id === OPEN_RULE) rule.effectiveTo = "2026-04-02";
    const ending = rulebookFrom(source);
    chain.rulebookHash = ending.hash;
    chain.add({ assessments: [broken(OPEN_RULE), broken(FACT_RULE)] });
    chain.add();
    const server = await world.start({ schedule: scheduleOf(ending) });
    await until(async () => followedBlocks(world.dataDir).get(CHAIN) === 2n, "the rule's last day");
    await until(async () => (await breaches(server)).length === 2, "two breaches");
    expect(await breaches(server)).toMatchObject([{ status: "open" }, { status: "open" }]);
    const isOver = [
      { ruleId: FACT_RULE, status: "open" },
      { ruleId: OPEN_RULE, status: "cured", curedAtBlock: "3" },
    ];
    chain.add({ daysLater: 1 });
    await until(async () => followedBlocks(world.dataDir).get(CHAIN) === 3n, "the day after");
    expect(await breaches(server)).toMatchObject(isOver);
    chain.drop(1);
    chain.add({ daysLater: 1 }, "other");
    chain.add({ daysLater: 1 }, "other");
    await until(async () => followedBlocks(world.dataDir).get(CHAIN) === 4n, "the day after in the other branch");
    expect(await breaches(server)).toMatchObject(isOver);
  });

  test("keeps what it has sealed comparable, unless other rules are said to have been in force there", async () => {
    await firstLife();
    await (await world.start({ schedule: schedules(CHANGE).both })).stop();
    expect(comparableFrom()).toBe(0);
    await (await world.start({ schedule: schedules(2).both })).stop();
    expect(comparableFrom()).toBe(4);
  });

  test("follows nothing that was assessed under a rulebook it does not have", async () => {
    await firstLife();
    const [chain] = world.chains;
    const server = await world.start();
    chain.rulebookHash = second.hash;
    chain.add({ assessments: [broken(FACT_RULE)] });
    await until(() => world.indexer.requests.length > 20, "some tries");
    expect(followedBlocks(world.dataDir).get(CHAIN)).toBe(3n);
    expect((await breaches(server)).length).toBe(2);
  });
});
