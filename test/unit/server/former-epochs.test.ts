import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEpochKeeper, momentOf } from "../../../server/epochs/keeper.ts";
import type { IndexerClient } from "../../../server/feed/client.ts";
import { fsck } from "../../../server/ledger/fsck.ts";
import { openLedger } from "../../../server/ledger/ledger.ts";
import { sealStep } from "../../../server/ledger/sealer.ts";
import { openStore } from "../../../server/store/database.ts";
import { MIGRATIONS } from "../../../server/store/migrations.ts";
import type { Epoch, FeedBlock } from "../../../src/core/assessment.ts";
import { parseVerifierKey } from "../../../src/core/proof/note.ts";
import { FakeChain } from "../../server/support/fake-chain.ts";
import { SIGNER } from "../proof/sample.ts";

/** The store of a release that had no leaves of epochs: `MIGRATIONS` up to and with evidence. */
const FORMER = 2;
const subject = `eip155:901:0x${"a".repeat(40)}`;
const assessments = [{ ruleId: "R", subject, condition: "met" as const }];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-former-"));
  mkdirSync(join(folder, "server"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An epoch as the kernel before struck it: without a root over collateral. */
function formerEpoch({ epoch }: FeedBlock): Omit<Epoch, "collateralRoot" | "collateralCount"> {
  const { collateralRoot, collateralCount, ...members } = epoch as Epoch;
  return { ...members, kernel: "plumbline-kernel/3" };
}

test("what a former release followed and did not seal is sealed as it is, and what comes then with all its leaves", async () => {
  const chain = new FakeChain(901, `0x${"ab".repeat(32)}`);
  const path = join(folder, "server", "ledger.sqlite");
  const raw = new Database(path);
  for (const migration of MIGRATIONS.slice(0, FORMER)) raw.exec(migration);
  raw.pragma(`user_version = ${FORMER}`);
  const insert = raw.prepare("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?)");
  for (const block of [chain.add({ assessments }), chain.add({ epoch: true })]) {
    const epoch = block.epoch === null ? null : JSON.stringify(formerEpoch(block));
    insert.run(block.chain, Number(block.number), block.hash, block.parentHash, block.timestamp, epoch);
  }
  raw.close();

  const store = openStore(folder);
  const [ledger, epochs] = [openLedger(store, { signer: SIGNER }), createEpochKeeper(store)];
  const indexer: Pick<IndexerClient, "epochLeaves"> = {
    async epochLeaves(_, { number, tree }) {
      const leaves = chain.epochLeaves(number)?.filter((leaf) => leaf.tree === tree) ?? [];
      return { leaves: leaves.map(({ key, state }) => ({ key, state })), next: null };
    },
  };
  const node = {
    finalized: async () => ({ number: chain.head, hash: chain.blocks.at(-1)?.hash as `0x${string}` }),
    hashAt: async (number: number) => chain.blocks[number - 1]?.hash ?? null,
  };
  const seal = () => sealStep({ chain: chain.chain, store, ledger, epochs, indexer, node, secret: new Uint8Array(32) });
  expect(await seal()).toMatchObject({ type: "sealed", upTo: 2 });

  const next = chain.add({ epoch: true });
  store.connection
    .prepare("INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?)")
    .run(
      ...[next.chain, Number(next.number), next.hash, next.parentHash, next.timestamp],
      ...[JSON.stringify(next.epoch), JSON.stringify(next.leaves)],
    );
  expect(await seal()).toMatchObject({ type: "sealed", upTo: 3 });

  const sealed = store.read
    .prepare("SELECT number, kernel, collateral_root AS collateral, has_leaves AS leaves FROM epoch ORDER BY number")
    .all();
  const { collateralRoot, kernel } = next.epoch as Epoch;
  expect(sealed).toEqual([
    { number: 2, kernel: "plumbline-kernel/3", collateral: null, leaves: 0 },
    { number: 3, kernel, collateral: collateralRoot, leaves: 1 },
  ]);
  const roots = await epochs.read(momentOf(next.epoch as Epoch), ({ trees }) => trees.roots());
  expect(next.epoch).toMatchObject(roots as object);
  store.close();
  expect(fsck(path, { keys: [parseVerifierKey(SIGNER.verifierKey)] }).problems).toEqual([]);
});
