import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anchoredHeads, createFollower, lastAnchored } from "../../../server/anchors/anchored.ts";
import { factEntry } from "../../../server/ledger/entry.ts";
import { fsck } from "../../../server/ledger/fsck.ts";
import { type Ledger, openLedger } from "../../../server/ledger/ledger.ts";
import { openStore, type Store } from "../../../server/store/database.ts";
import { anchor, chain as chainTable } from "../../../server/store/schema.ts";
import { InputError, ProviderError } from "../../../src/core/errors.ts";
import { type Hex, logId } from "../../../src/core/ids.ts";
import type { LogHead } from "../../../src/core/proof/anchor.ts";
import { toHex } from "../../../src/core/proof/bytes.ts";
import { keccak256 } from "../../../src/core/proof/chain/keccak.ts";
import { encodeInteger } from "../../../src/core/proof/chain/rlp.ts";
import { provenLogs } from "../../../src/core/proof/log-evidence.ts";
import { leafHash } from "../../../src/core/proof/merkle.ts";
import { parseVerifierKey, signerOf } from "../../../src/core/proof/note.ts";
import type { PublishedHead } from "../../../src/core/published-head.ts";
import { CONTRACT, publishedLog } from "../proof/anchor-sample.ts";
import { headerWith, logWith, receiptWith } from "../proof/block.ts";
import { nodeOf, rpcReceipts } from "../witnesses/rpc.ts";

const CHAIN_ID = 901;
const CHAIN = `eip155:${CHAIN_ID}`;
const NUMBER_FIELD = 8;
const signer = signerOf("plumbline.test/log", new Uint8Array(32).fill(5));

let folder: string;
let store: Store;
let ledger: Ledger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "plumbline-anchored-"));
  store = openStore(folder);
  ledger = openLedger(store, { signer });
  sign(5);
  sign(4);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function sign(leaves: number): void {
  const from = ledger.head()?.size ?? 0;
  const entries = Array.from({ length: leaves }, (_, i) => factEntry((from + i).toString(16).padStart(64, "0")));
  store.transaction(() => ledger.append(entries));
  ledger.publish();
}

function seal(number: number): void {
  const row = { chain: CHAIN, sealedNumber: number, sealedHash: "0x", sealedTimestamp: "0", comparableFrom: 0 };
  store.db.insert(chainTable).values(row).onConflictDoUpdate({ target: chainTable.chain, set: row }).run();
}

const headOf = (size: number): LogHead => ({ size, root: ledger.tree.root(size) });

/** A block that publishes a head after another log, its node, and what the indexer has of it. */
function published(head: LogHead, { number = 40, contract = CONTRACT, shown = head } = {}) {
  const receipts = [receiptWith([logWith(1)], 0), receiptWith([logWith(2), publishedLog(shown, contract)], 1)];
  const header = headerWith(receipts, { [NUMBER_FIELD]: encodeInteger(number) });
  const hash = toHex(keccak256(header));
  const said: PublishedHead = {
    ...{ id: logId(CHAIN_ID, BigInt(number), 2), contract, size: String(head.size), root: toHex(head.root) },
    ...{ blockNumber: String(number), blockHash: hash, txHash: `0x${"77".repeat(32)}`, logIndex: 2 },
  };
  return { said, node: nodeOf(header, rpcReceipts(receipts, hash)) };
}

/** Follows an anchor whose events an indexer has; each call is one turn. Notes what was asked for. */
function follower(events: readonly PublishedHead[], node: ReturnType<typeof nodeOf>) {
  const asked: { after: string; to: number }[] = [];
  const indexer = {
    heads: async (_chain: string, range: { after: string; to: number }) => {
      asked.push(range);
      return events.filter(({ id, blockNumber }) => id > range.after && Number(blockNumber) <= range.to);
    },
  };
  const { tree } = ledger;
  const parts = { chainId: CHAIN_ID, contract: CONTRACT, store, indexer, node, tree, head: () => ledger.head() };
  return { turn: createFollower(parts), asked, again: () => createFollower(parts) };
}

const kept = () => anchoredHeads(store.db, { from: 1, limit: 10 });
const problems = () =>
  fsck(join(folder, "server", "ledger.sqlite"), { keys: [parseVerifierKey(signer.verifierKey)] }).problems;

describe("following an anchor back", () => {
  it("keeps a head of the log once its block is sealed, with the receipt alone that shows it", async () => {
    const { said, node } = published(headOf(5));
    const { turn, asked } = follower([said], node);
    expect(await turn()).toBe(false);
    seal(39);
    expect(await turn()).toBe(false);
    expect(kept()).toEqual([]);
    seal(40);
    expect(await turn()).toBe(true);
    expect(await turn()).toBe(false);
    const [head, ...others] = kept();
    expect(others).toEqual([]);
    const { blockNumber, blockHash, txHash } = said;
    expect(head).toMatchObject({
      ...{ size: 5, root: toHex(ledger.tree.root(5)), txHash },
      anchored: { chain: CHAIN, contract: CONTRACT, blockNumber, blockHash },
      evidence: { transactions: ["1"] },
    });
    expect(provenLogs((head as (typeof others)[0]).evidence, { chainId: CHAIN_ID, blockHash }).logs).toHaveLength(2);
    expect(lastAnchored(store.db, { chain: CHAIN, contract: CONTRACT })).toBe("5");
    expect(asked.map(({ to }) => to)).toEqual([39, 40, 40]);
    expect(await turn()).toBe(false);
    expect(asked).toHaveLength(3);
  });

  it("goes on after the last head kept when it is started again", async () => {
    seal(60);
    const [first, second] = [published(headOf(5)), published(headOf(9), { number: 50 })];
    await follower([first.said], first.node).turn();
    const { turn, asked } = follower([first.said, second.said], second.node);
    await turn();
    expect(asked).toEqual([{ after: first.said.id, to: 60 }]);
    expect(kept().map(({ size }) => size)).toEqual([9, 5]);
    expect(anchoredHeads(store.db, { from: 6, limit: 10 }).map(({ size }) => size)).toEqual([9]);
    expect(anchoredHeads(store.db, { from: 1, limit: 1 }).map(({ size }) => size)).toEqual([9]);
  });

  it("keeps nothing of a head that is not the log's, and does not go beyond it", async () => {
    seal(60);
    const another = published({ size: 5, root: leafHash(Uint8Array.of(1)) });
    const larger = published({ size: 10, root: leafHash(Uint8Array.of(1)) });
    const next = published(headOf(9), { number: 50 });
    for (const { said, node } of [another, larger]) {
      const { turn } = follower([said, next.said], node);
      await expect(turn()).rejects.toThrow(InputError);
      await expect(turn()).rejects.toThrow(InputError);
    }
    expect(kept()).toEqual([]);
  });

  it("keeps nothing whose receipt does not publish what the indexer says, and tries again", async () => {
    seal(60);
    const lie = published(headOf(5), { shown: headOf(4) });
    await expect(follower([lie.said], lie.node).turn()).rejects.toThrow(ProviderError);
    const elsewhere = published(headOf(5));
    const moved = { ...elsewhere.said, blockHash: `0x${"12".repeat(32)}` as Hex };
    await expect(follower([moved], elsewhere.node).turn()).rejects.toThrow(InputError);
    expect(kept()).toEqual([]);
    await follower([elsewhere.said], elsewhere.node).turn();
    expect(kept()).toHaveLength(1);
  });

  it("passes over what another contract says", async () => {
    seal(60);
    const { said, node } = published(headOf(5), { contract: `0x${"bb".repeat(20)}` });
    const { turn } = follower([said], node);
    await turn();
    expect(await turn()).toBe(false);
    expect(kept()).toEqual([]);
  });
});

describe("fsck of anchored heads", () => {
  beforeEach(async () => {
    seal(60);
    const { said, node } = published(headOf(5));
    await follower([said], node).turn();
  });

  it("finds nothing in one that is right", () => {
    expect(problems()).toEqual([]);
  });

  it.each([
    ["another root", { root: `0x${"00".repeat(32)}` }],
    ["another size", { size: 9 }],
    ["another contract", { contract: `0x${"bb".repeat(20)}` }],
    ["another block", { blockHash: `0x${"bb".repeat(32)}` }],
    ["no receipt", { evidence: Buffer.from("none") }],
  ])("names one with %s", (_name, change) => {
    store.db.update(anchor).set(change).run();
    expect(problems()).not.toEqual([]);
    for (const problem of problems()) expect(problem).toMatch(/^The anchored head of \d leaves on eip155:901 /);
  });
});
