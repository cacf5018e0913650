import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEpochKeeper, type EpochKeeper, momentOf, OtherBase } from "../../../server/epochs/keeper.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import {
  type Condition,
  EPOCH_TREES,
  type Epoch,
  type EpochLeaf,
  type FeedBlock,
} from "../../../src/core/assessment.ts";
import { InvariantError } from "../../../src/core/errors.ts";
import { canonicalText } from "../../../src/core/proof/canonical.ts";
import { FakeChain } from "../../server/support/fake-chain.ts";

const account = (i: number) => `eip155:901:0x${i.toString(16).padStart(40, "0")}`;

let folder: string;
let store: Store;
let keeper: EpochKeeper;
let chain: FakeChain;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-epochs-"));
  store = openStore(folder);
  keeper = createEpochKeeper(store);
  chain = new FakeChain(901, `0x${"ab".repeat(32)}`);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true });
});

type Ending = { epoch: Epoch; leaves: readonly EpochLeaf[] };

/** Epochs in each of which some accounts are assessed anew, and some are no longer. */
function tell(epochs: number): Ending[] {
  const endings: Ending[] = [];
  for (let number = 1; number <= epochs; number++) {
    const subjects = [number, number + 1, 2 * number].map(account);
    const condition: Condition = number % 2 === 0 ? "met" : "not_met";
    const closed = number % 3 === 0 ? [{ protocol: chain.protocol, subject: account(number) }] : [];
    const assessments = subjects.map((subject) => ({ ruleId: "R", subject, condition }));
    chain.add({ assessments: number === 4 ? [] : assessments });
    endings.push(chain.add({ epoch: true, closed }) as FeedBlock & Ending);
  }
  return endings;
}

async function seal(ending: Ending, { whole = false, commit = true } = {}): Promise<void> {
  await keeper.prepare(momentOf(ending.epoch));
  try {
    store.transaction(() => {
      keeper.seal(ending.epoch, { leaves: ending.leaves, whole });
      insertEpoch(ending.epoch);
      if (!commit) throw new RangeError("not committed");
    });
  } catch (error) {
    keeper.forget(ending.epoch.chain);
    throw error;
  }
}

const assessmentOf = (subject: string) => ({ ruleId: "R", subject, condition: "met" as const });

function insertEpoch({ chain: of, number, toBlock }: Epoch): void {
  store.connection
    .prepare("INSERT INTO epoch VALUES (?, ?, 0, ?, '', '', 0, '', 0, '', '', '', 0, '', 0, 1)")
    .run(of, Number(number), Number(toBlock));
}

function kept(epoch: Epoch): string[] {
  return EPOCH_TREES.flatMap((tree) =>
    keeper.page(momentOf(epoch), { tree, after: "", limit: 1_000 }).map(({ key, state }) => `${tree} ${key} ${state}`),
  );
}

/** What the chain itself says all leaves of an epoch are. */
function expected({ number }: Epoch): string[] {
  const leaves = chain.epochLeaves(number) as EpochLeaf[];
  const lines = leaves.map(({ tree, key, state }) => ({ tree, line: `${tree} ${key} ${canonicalText(state)}` }));
  return EPOCH_TREES.flatMap((of) => lines.flatMap(({ tree, line }) => (tree === of ? [line] : [])).sort());
}

const rows = () => store.connection.prepare("SELECT count(*) FROM epoch_leaf").pluck().get() as number;

describe("the trees of sealed epochs", () => {
  test("are those of every epoch, of the last and of older ones, in memory and from disk", async () => {
    const endings = tell(12);
    for (const ending of endings) await seal(ending);
    for (let turn = 0; turn < 2; turn++) {
      for (const { epoch } of endings) {
        expect(kept(epoch)).toEqual(expected(epoch));
        const roots = await keeper.read(momentOf(epoch), ({ trees }) => trees.roots());
        expect(epoch).toMatchObject(roots as object);
      }
      store.close();
      store = openStore(folder);
      keeper = createEpochKeeper(store);
    }
  });

  test("are kept by what changed, and read page by page", async () => {
    const endings = tell(8);
    for (const ending of endings) await seal(ending);
    expect(rows()).toBe(endings.reduce((sum, { leaves }) => sum + leaves.length, 0));
    const { epoch } = endings[5] as Ending;
    const all = keeper.page(momentOf(epoch), { tree: "state", after: "", limit: 100 });
    const paged = [];
    for (let after = ""; ; after = paged.at(-1)?.key as string) {
      const page = keeper.page(momentOf(epoch), { tree: "state", after, limit: 2 });
      paged.push(...page);
      if (page.length < 2) break;
    }
    expect(paged).toEqual(all);
    expect(paged.length).toBeGreaterThan(4);
  });

  test("say what a leaf said then, and refuse one that is not there", async () => {
    const endings = tell(5);
    for (const ending of endings) await seal(ending);
    const { epoch } = endings[1] as Ending;
    const key = `${chain.protocol}/account:${account(2).slice(11)}`;
    expect(await keeper.read(momentOf(epoch), ({ stateOf }) => stateOf("state", key))).toEqual({ last: "3" });
    await expect(keeper.read(momentOf(epoch), ({ stateOf }) => stateOf("state", "no such key"))).rejects.toThrow(
      InvariantError,
    );
  });

  test("are asked for by many at once, and by too many", async () => {
    const endings = tell(14);
    for (const ending of endings) await seal(ending);
    const answers = await Promise.all(
      endings.map(({ epoch }) => keeper.read(momentOf(epoch), ({ trees }) => trees.roots().stateRoot)),
    );
    // The last one is in memory and eight may wait.
    expect(answers.filter((root) => root === null)).toHaveLength(5);
    answers.forEach((root, i) => {
      if (root !== null) expect(root).toBe(endings[i]?.epoch.stateRoot);
    });
    const { epoch } = endings[12] as Ending;
    expect(await keeper.read(momentOf(epoch), ({ trees }) => trees.roots().stateRoot)).toBe(epoch.stateRoot);
  });
});

test("the trees of an epoch that are being made are made once, for all who ask, and whatever else is asked for", async () => {
  const endings = tell(9);
  for (const ending of endings) await seal(ending);
  const older = endings.slice(0, 8);
  const asked = [...older, ...older].map(({ epoch }) => keeper.read(momentOf(epoch), ({ trees }) => trees));
  const trees = await Promise.all(asked);
  older.forEach(({ epoch }, i) => {
    expect(trees[i]?.roots().stateRoot).toBe(epoch.stateRoot);
    expect(trees[i + 8]).toBe(trees[i]);
  });
});

test.each([
  [undefined, true],
  [1, false],
])("older trees stay while they have no more leaves than %s", async (keptLeaves, stay) => {
  keeper = createEpochKeeper(store, keptLeaves);
  const endings = tell(3);
  for (const ending of endings) await seal(ending);
  const [first, second] = endings as [Ending, Ending];
  const treesOf = ({ epoch }: Ending) => keeper.read(momentOf(epoch), ({ trees }) => trees);
  const made = [await treesOf(first), await treesOf(second)];
  expect((await treesOf(second)) === made[1]).toBe(true);
  expect((await treesOf(first)) === made[0]).toBe(stay);
});

describe("an epoch is sealed only", () => {
  test.each<[string, (leaves: readonly EpochLeaf[]) => readonly EpochLeaf[]]>([
    ["a leaf missing", (leaves) => leaves.slice(1)],
    ["a leaf more", (leaves) => [...leaves, { tree: "state", key: "x", state: "y" }]],
    ["a leaf gone", (leaves) => leaves.map((leaf, i) => (i === 0 ? { ...leaf, state: null } : leaf))],
    ["another figure", (leaves) => leaves.map((leaf) => (leaf.tree === "state" ? { ...leaf, state: "z" } : leaf))],
    [
      "another holding",
      (leaves) =>
        leaves.map((leaf) => (leaf.tree === "collateral" ? { ...leaf, state: { held: "1", required: "1" } } : leaf)),
    ],
  ])("with its own leaves: %s", async (_, change) => {
    const [first, second] = tell(2) as [Ending, Ending];
    await seal(first);
    const before = kept(first.epoch);
    const wrong = { ...second, leaves: change(second.leaves) };
    await expect(seal(wrong)).rejects.toThrow(OtherBase);
    const whole = { ...wrong, leaves: change(chain.epochLeaves("4") as EpochLeaf[]) };
    await expect(seal(whole, { whole: true })).rejects.toThrow(InvariantError);
    expect(kept(first.epoch)).toEqual(before);
    await seal(second);
    expect(kept(second.epoch)).toEqual(expected(second.epoch));
  });

  test("once its transaction is committed: what was not is forgotten", async () => {
    const [first, second] = tell(2) as [Ending, Ending];
    await seal(first);
    const count = rows();
    await expect(seal(second, { commit: false })).rejects.toThrow(RangeError);
    expect(rows()).toBe(count);
    expect(await keeper.read(momentOf(first.epoch), ({ trees }) => trees.roots().stateRoot)).toBe(
      first.epoch.stateRoot,
    );
    await seal(second);
  });

  test("with all its leaves where what changed is counted from other trees, and then only differences are kept", async () => {
    const endings = tell(6);
    const [, , third, fourth, fifth, sixth] = endings as [Ending, Ending, Ending, Ending, Ending, Ending];
    await expect(seal(third)).rejects.toThrow(OtherBase);
    await seal({ ...third, leaves: chain.epochLeaves(third.epoch.number) as EpochLeaf[] }, { whole: true });
    expect(kept(third.epoch)).toEqual(expected(third.epoch));
    await seal(fourth);
    const count = rows();
    await expect(seal(sixth)).rejects.toThrow(OtherBase);
    await seal({ ...sixth, leaves: chain.epochLeaves(sixth.epoch.number) as EpochLeaf[] }, { whole: true });
    expect(kept(sixth.epoch)).toEqual(expected(sixth.epoch));
    expect(kept(fourth.epoch)).toEqual(expected(fourth.epoch));
    expect(rows() - count).toBeLessThanOrEqual(fifth.leaves.length + sixth.leaves.length);
  });

  test("on trees that have been made, in turns that leave others theirs, and never on half of them", async () => {
    chain.add({ assessments: Array.from({ length: 700 }, (_, i) => assessmentOf(account(i + 1))) });
    const first = chain.add({ epoch: true }) as FeedBlock & Ending;
    await seal(first);
    const [second] = tell(1) as [Ending];
    keeper = createEpochKeeper(store);
    let isDone = false;
    const prepared = keeper.prepare(momentOf(second.epoch)).then(() => {
      isDone = true;
    });
    let turns = 0;
    for (; !isDone; turns++) {
      expect(() => store.transaction(() => keeper.seal(second.epoch, { leaves: second.leaves, whole: false }))).toThrow(
        InvariantError,
      );
      await new Promise((resolve) => setImmediate(resolve));
    }
    await prepared;
    expect(turns).toBeGreaterThan(4);
    await seal(second);
    expect(kept(second.epoch)).toEqual(expected(second.epoch));
  });

  test("on its own chain", async () => {
    const [first] = tell(1) as [Ending];
    await seal(first);
    chain = new FakeChain(902, `0x${"ab".repeat(32)}`);
    const [other] = tell(1) as [Ending];
    await seal(other);
    expect(kept(other.epoch)).toEqual(expected(other.epoch));
    expect(kept(first.epoch).some((line) => line.includes("eip155:902"))).toBe(false);
  });
});
