import { and, eq, lte } from "drizzle-orm";
import type { Assessment, Epoch, EpochLeaf } from "../../src/core/assessment.ts";
import { blindVerdict, type OpenVerdict } from "../../src/core/proof/verdict.ts";
import { type EpochKeeper, momentOf, OtherBase } from "../epochs/keeper.ts";
import { allLeaves } from "../epochs/whole.ts";
import { assessmentsOf, dropUpTo, sealedMark, type UnsealedBlock, unsealedUpTo } from "../feed/blocks.ts";
import type { IndexerClient } from "../feed/client.ts";
import type { ChainNode } from "../feed/node.ts";
import type { Store } from "../store/database.ts";
import { chain as chainTable, epoch as epochTable, leaf, verdict } from "../store/schema.ts";
import { sealBreaches } from "../verdicts/breaches.ts";
import { sealEvidence } from "../witnesses/keeper.ts";
import { assessmentEntry, type Entry, epochEntry, verdictEntry } from "./entry.ts";
import type { Failpoint, Ledger } from "./ledger.ts";

/** What one step of sealing a chain did. */
export type SealResult =
  | { type: "sealed"; upTo: number; more: boolean; finalized: number }
  | { type: "nothing"; finalized: number | null }
  | { type: "disagrees"; number: number; ours: string; node: string | null; finalized: number };

/** What sealing a chain needs. `secret` salts the blinded verdicts. */
export type SealContext = {
  chain: string;
  store: Store;
  ledger: Ledger;
  epochs: EpochKeeper;
  indexer: Pick<IndexerClient, "epochLeaves">;
  node: ChainNode;
  secret: Uint8Array;
  failpoint?: Failpoint;
};

/** Blocks sealed in one transaction, so that a long history neither blocks the server nor grows one huge transaction. */
const BATCH = 64;

/**
 * Seals a chain's next blocks: those its node calls final, and whose hashes the node confirms. Each block's leaves are
 * its changed assessments in feed order, each followed by its blinded verdict where the rule needs facts, then the
 * epoch that ends there. Leaves, the new sealed block and the lanes change in one transaction, so that after a crash
 * either all of a block is sealed or none of it, and the order is that of an undisturbed run.
 * @throws ProviderError when the node does not answer, or the indexer where it is needed.
 * @throws InvariantError when an epoch's leaves do not make its roots; nothing is sealed then.
 */
export async function sealStep(context: SealContext): Promise<SealResult> {
  // What an earlier step appended and could not sign is signed first.
  context.ledger.publish();
  const finalized = await context.node.finalized();
  if (finalized === null) return { type: "nothing", finalized: null };
  const { store, chain, ledger } = context;
  const blocks = unsealedUpTo(store.db, chain, { number: finalized.number, limit: BATCH });
  const last = blocks.at(-1);
  if (last === undefined) return { type: "nothing", finalized: finalized.number };
  const wrong = await firstUnconfirmed(context, blocks);
  if (wrong !== null) return { type: "disagrees", ...wrong, finalized: finalized.number };
  await sealBlocks(context, blocks);
  context.failpoint?.("append: after commit");
  ledger.publish();
  return { type: "sealed", upTo: last.number, more: blocks.length === BATCH, finalized: finalized.number };
}

/**
 * Seals the blocks in one transaction. Where what changed with an epoch does not lead to its roots, because it is counted
 * from other trees than are kept here (the first epoch of a log that had none, or one after the indexer's code or
 * deployment has changed), all leaves of that epoch are asked for, and the transaction is tried again.
 */
async function sealBlocks(context: SealContext, blocks: readonly UnsealedBlock[]): Promise<void> {
  const wholes = new Map<string, readonly EpochLeaf[]>();
  const first = blocks.find(({ epoch, leaves }) => epoch !== null && leaves !== null)?.epoch;
  for (;;) {
    // The trees of those behind the first are made of its own.
    if (first) await context.epochs.prepare(momentOf(first));
    try {
      context.store.transaction(() => {
        for (const block of blocks) sealBlock(context, { block, wholes });
        sealLanes(context, blocks.at(-1) as UnsealedBlock);
        context.failpoint?.("append: before commit");
      });
      return;
    } catch (error) {
      context.epochs.forget(context.chain);
      if (!(error instanceof OtherBase)) throw error;
      wholes.set(error.epoch.number, await allLeaves(context.indexer, error.epoch));
    }
  }
}

/**
 * Asks the node for the hash of each block, from the top, except where a block is the confirmed next one's parent. The
 * first block must also follow the sealed one where they are neighbours.
 */
async function firstUnconfirmed(
  { chain, node, store }: SealContext,
  blocks: readonly UnsealedBlock[],
): Promise<{ number: number; ours: string; node: string | null } | null> {
  let next: UnsealedBlock | null = null;
  for (const block of [...blocks].reverse()) {
    const isParent: boolean = next !== null && next.number === block.number + 1 && next.parentHash === block.hash;
    if (!isParent) {
      const hash = await node.hashAt(block.number);
      if (hash !== block.hash) return { number: block.number, ours: block.hash, node: hash };
    }
    next = block;
  }
  const sealed = sealedMark(store.db, chain);
  if (sealed !== null && next !== null && next.number === sealed.number + 1 && next.parentHash !== sealed.hash) {
    return { number: sealed.number, ours: sealed.hash, node: next.parentHash };
  }
  return null;
}

function sealBlock(
  context: SealContext,
  { block, wholes }: { block: UnsealedBlock; wholes: ReadonlyMap<string, readonly EpochLeaf[]> },
): void {
  const entries: Entry[] = [];
  const verdicts = factVerdictsOf(context, block.number);
  for (const assessment of assessmentsOf(context.store.db, context.chain, block.number)) {
    entries.push(assessmentEntry(assessment));
    const row = verdicts.get(assessment.id);
    if (row !== undefined) entries.push(blindedVerdict(assessment, { row, secret: context.secret }));
  }
  context.ledger.append(entries);
  if (block.epoch === null) return;
  const whole = wholes.get(block.epoch.number);
  const leaves = whole ?? block.leaves;
  if (leaves !== null) context.epochs.seal(block.epoch, { leaves, whole: whole !== undefined });
  sealEpoch(context, { epoch: block.epoch, hasLeaves: leaves !== null });
}

type VerdictRow = typeof verdict.$inferSelect;

/** A block's verdicts on rules that need facts, by the assessment they are on. One question a block: most assessments have none. */
function factVerdictsOf({ store, chain }: SealContext, number: number): ReadonlyMap<string, VerdictRow> {
  const ofBlock = and(eq(verdict.chain, chain), eq(verdict.recordedBlock, number), eq(verdict.needsFacts, 1));
  const rows = store.db.select().from(verdict).where(ofBlock).all();
  return new Map(rows.map((row) => [row.assessmentId, row]));
}

/** The leaf of the verdict on an assessment whose rule needs facts, whatever its outcome. */
function blindedVerdict(assessment: Assessment, { row, secret }: { row: VerdictRow; secret: Uint8Array }): Entry {
  return verdictEntry(blindVerdict(assessment, { verdict: openVerdictOf(row), secret }).body);
}

/** What a stored verdict says once it is opened. */
export function openVerdictOf(row: Pick<typeof verdict.$inferSelect, "outcome" | "profile" | "missing">): OpenVerdict {
  return {
    outcome: row.outcome as OpenVerdict["outcome"],
    profile: row.profile,
    missing: JSON.parse(row.missing) as string[],
  };
}

function sealEpoch({ store, ledger }: SealContext, { epoch, hasLeaves }: { epoch: Epoch; hasLeaves: boolean }): void {
  const entry = epochEntry(epoch);
  ledger.append([entry]);
  const at = store.db.select({ index: leaf.index }).from(leaf).where(eq(leaf.refId, entry.refId)).get();
  store.db
    .insert(epochTable)
    .values({
      chain: epoch.chain,
      number: Number(epoch.number),
      fromBlock: Number(epoch.fromBlock),
      toBlock: Number(epoch.toBlock),
      blockHash: epoch.blockHash,
      stateRoot: epoch.stateRoot,
      stateCount: Number(epoch.stateCount),
      assessmentRoot: epoch.assessmentRoot,
      assessmentCount: Number(epoch.assessmentCount),
      // A former kernel's epoch, sealed after an upgrade, has none.
      collateralRoot: epoch.collateralRoot ?? null,
      collateralCount: epoch.collateralCount === undefined ? null : Number(epoch.collateralCount),
      rulebookHash: epoch.rulebookHash,
      deploymentHash: epoch.deploymentHash,
      kernel: epoch.kernel,
      leafIndex: at?.index as number,
      hasLeaves: hasLeaves ? 1 : 0,
    })
    .onConflictDoNothing()
    .run();
}

function sealLanes({ store, chain }: SealContext, last: UnsealedBlock): void {
  const { db } = store;
  const sealed = { sealedNumber: last.number, sealedHash: last.hash, sealedTimestamp: last.timestamp };
  db.insert(chainTable)
    .values({ chain, ...sealed, comparableFrom: 0 })
    .onConflictDoUpdate({ target: chainTable.chain, set: sealed })
    .run();
  db.update(verdict)
    .set({ lane: "sealed" })
    .where(and(eq(verdict.chain, chain), eq(verdict.lane, "provisional"), lte(verdict.recordedBlock, last.number)))
    .run();
  sealBreaches(db, chain, last.number);
  sealEvidence(db, chain, last.number);
  dropUpTo(db, chain, last.number);
}
