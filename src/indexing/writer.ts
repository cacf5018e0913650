import * as schema from "../../ponder.schema.ts";
import { adapterOf } from "../adapters/catalogue.ts";
import { type Epoch, KERNEL_VERSION } from "../core/assessment.ts";
import type { Exposure, Strike } from "../core/book/exposures.ts";
import { Journal } from "../core/book/journal.ts";
import type { BlockOutcome } from "../core/book/pending.ts";
import { caip2, protocolId } from "../core/ids.ts";
import type { Context } from "./ponder.ts";
import { assessmentRow, epochCollateralRow, epochLeafRow, epochRow } from "./rows.ts";
import { chainOf, runtime } from "./runtime.ts";

/** Rows given to Ponder in one call, which copies all of them. */
const ROWS_AT_ONCE = 5_000;

type Row = Record<string, unknown> & { id: string };

/** Writes what a finished block leaves behind; the block's own row last, so that the feed sees it whole. */
export async function writeOutcome(outcome: BlockOutcome, { chain, db }: Context): Promise<void> {
  const { block } = outcome;
  const chainId = chain.id;
  for (const row of outcome.markets) await upsert(schema.market, row);
  for (const row of outcome.accounts) await upsert(schema.account, row);
  for (const row of outcome.positions) await upsert(schema.position, row);
  const assessments = outcome.assessments.map((a, ordinal) =>
    assessmentRow(a, { chainId, recordedBlock: block.number, ordinal }),
  );
  if (assessments.length > 0) await db.insert(schema.assessment).values(assessments);
  for (const strike of outcome.strikes) await writeStrike(strike);
  if (outcome.epoch !== null) await writeEpoch(outcome.epoch);
  await db.insert(schema.block).values({
    id: `${caip2(chainId)}/${block.number.toString().padStart(12, "0")}`,
    chain: caip2(chainId),
    chainId,
    ...block,
    closed: outcome.closed,
  });
  const stamp = { blockNumber: block.number, blockHash: block.hash };
  await db
    .insert(schema.stamp)
    .values({ chainId, ...stamp })
    .onConflictDoUpdate(stamp);

  async function upsert(table: typeof schema.market | typeof schema.account | typeof schema.position, row: Row) {
    await db.insert(table).values(row).onConflictDoUpdate(row);
  }

  async function writeEpoch(epoch: Epoch) {
    await db.insert(schema.epochRoot).values(epochRow(epoch, chainId));
    const totals = outcome.collateral.map((sums) => epochCollateralRow(sums, { epoch, chainId }));
    if (totals.length > 0) await db.insert(schema.epochCollateral).values(totals);
    const leaves = outcome.leaves.map((leaf, ordinal) => epochLeafRow(leaf, { epoch, chainId, ordinal }));
    for (let from = 0; from < leaves.length; from += ROWS_AT_ONCE) {
      await db.insert(schema.epochLeaf).values(leaves.slice(from, from + ROWS_AT_ONCE));
    }
  }

  async function writeStrike({ gridTime, block: at, exposures }: Strike) {
    const chainKey = caip2(chainId);
    const at18 = { blockNumber: at.number, blockHash: at.hash, blockTimestamp: at.timestamp };
    await db.insert(schema.strike).values({ id: `${chainKey}/${gridTime}`, chain: chainKey, gridTime, ...at18 });
    const rows = exposures.map((e: Exposure) => ({
      id: `${chainKey}/${gridTime}/${e.protocol}/${e.address}/${e.underlier}`,
      chain: chainKey,
      gridTime,
      ...e,
    }));
    if (rows.length > 0) await db.insert(schema.exposure).values(rows);
  }
}

/** Writes the rows of the chain's protocols: what is followed, and on what terms. */
export async function writeProtocols({ chain, db }: Context): Promise<void> {
  const { deploymentHash, rulebook } = runtime();
  const { chainId, protocols, feeds } = chainOf(chain.id);
  for (const config of protocols) {
    const model = adapterOf(config.protocol).createModel?.({ chainId, config, feeds, journal: new Journal() });
    await db.insert(schema.protocol).values({
      id: protocolId(chainId, config.protocol),
      chain: caip2(chainId),
      name: config.protocol,
      marginMode: model?.marginMode ?? "NONE",
      unit: model?.unit ?? "",
      decimals: 18,
      startBlock: BigInt(config.startBlock),
      deploymentHash,
      rulebookHash: rulebook.hash,
      kernel: KERNEL_VERSION,
    });
  }
}
